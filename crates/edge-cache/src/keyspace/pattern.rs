//! Glob patterns as `SCAN ... MATCH` reads them. A pattern also knows whether it matches everything,
//! and whether it may match protected keys.
//!
//! This is the only parser: requests, the key list, settings and event rules create their patterns
//! here.

mod element;
mod glob;
mod search;

use crate::error::Error;
use crate::keyspace::key::{KeyName, PROTECTED_PREFIXES};
use element::{Element, Unclosed, elements};
pub use search::Search;

/// The longest pattern accepted, in bytes.
pub const MAX_PATTERN_BYTES: usize = 256;
/// The most `*` accepted.
const MAX_STARS: usize = 16;
/// The most `?` and `[...]` accepted after the first star.
const MAX_WILDCARDS: usize = 16;
/// The longest part between two stars that may contain `?` or `[...]`, members of classes counted.
/// Such a part is tried at each byte of a name.
const MAX_SEARCHED_ELEMENTS: usize = 12;
/// A character class with at least this many members does not narrow the keys down.
const WIDE_CLASS_MEMBERS: usize = 64;

/// A checked pattern.
///
/// ```
/// use edge_cache::{Pattern, keyspace::pattern::escape};
///
/// # fn main() -> Result<(), edge_cache::Error> {
/// let prices = Pattern::parse("pattern", format!("prices:{}:*", escape("a*b")))?;
/// assert!(prices.matches(b"prices:a*b:eur") && !prices.matches(b"prices:ab:eur"));
/// assert!(prices.begins_literally() && !prices.names_protected());
/// assert_eq!(Pattern::stored(prices.as_bytes()).display(), r"prices:a\*b:*");
/// assert_eq!(prices.search().head, br"prices:a\*b:*");
/// assert!(Pattern::everything().matches_everything());
/// assert!(prices.removes(&edge_cache::KeyName::new("prices:a*b:eur")));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// The pattern that matches every key.
    pub fn everything() -> Self {
        Self(b"*".to_vec())
    }

    /// Checks a pattern given in the field of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`], which says what to write instead, when the pattern is empty, has a class
    /// that is not closed, is empty or has letters beyond ASCII, or is expensive to match: more than
    /// [`MAX_PATTERN_BYTES`] or 16 stars, or too much after a star.
    pub fn parse(field: &str, pattern: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let bytes = pattern.into();
        if bytes.is_empty() {
            return Err(Error::invalid(
                field,
                "must not be empty; `*` stands for every key",
            ));
        }
        if bytes.len() > MAX_PATTERN_BYTES {
            return Err(Error::invalid(
                field,
                format!(
                    "must have at most {MAX_PATTERN_BYTES} bytes, has {}",
                    bytes.len()
                ),
            ));
        }

        let elements = elements(&bytes).map_err(|Unclosed| {
            let problem =
                "has a `[` without its `]`: write `\\[` for the bracket itself, or close the class";
            Error::invalid(field, problem)
        })?;
        check_classes(&elements)
            .and_then(|()| check_cost(&elements))
            .map_err(|problem| Error::invalid(field, problem))?;
        Ok(Self(bytes))
    }

    /// Wraps a pattern that was checked before it was stored.
    pub fn stored(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Returns whether the pattern matches a name, as Redis' `MATCH` decides it.
    pub fn matches(&self, name: &[u8]) -> bool {
        // A server's matcher ignores the pattern of an empty name, except for `*` alone. Walks
        // accept any number of stars.
        if name.is_empty() {
            self.0.iter().all(|byte| *byte == b'*')
        } else {
            glob::glob(&self.0, name)
        }
    }

    /// Returns whether a removal by this pattern takes a key, as `scripts/lib/protected.lua` decides it.
    pub fn removes(&self, key: &KeyName) -> bool {
        !key.is_spared(self.names_protected()) && self.matches(key.as_bytes())
    }

    /// The bytes, as `MATCH` takes them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Translates the pattern for scripts.
    pub fn search(&self) -> Search {
        Search::translate(&self.0)
    }

    /// The pattern as text. Bytes that are not UTF-8, which no JSON body can contain, are escaped.
    pub fn display(&self) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(text) => text.to_owned(),
            Err(_) => KeyName::new(self.0.clone()).display(),
        }
    }

    /// Returns whether nothing in the pattern narrows the keys down: it has a star and otherwise only
    /// `?` and wide character classes. `*`, `**`, `?*` and `[^x]*` are such patterns; they count as a
    /// global clear.
    pub fn matches_everything(&self) -> bool {
        let elements = elements(&self.0).unwrap_or_default();
        let is_narrow = |element: &Element| match element {
            Element::Star | Element::Any => false,
            Element::Literal(_) => true,
            Element::Class { negated, members } => {
                let width = |range: &std::ops::RangeInclusive<u8>| {
                    usize::from(range.end() - range.start()) + 1
                };
                !negated && members.iter().map(width).sum::<usize>() < WIDE_CLASS_MEMBERS
            }
        };
        elements.contains(&Element::Star) && !elements.iter().any(is_narrow)
    }

    /// Returns whether the pattern begins with a literal character, so that all names it matches begin
    /// with the same text.
    pub fn begins_literally(&self) -> bool {
        matches!(Element::first(&self.0), Some(Ok((Element::Literal(_), _))))
    }

    /// Returns whether the pattern itself starts with `cache:` or `lock:`, and so may match protected
    /// keys.
    pub fn names_protected(&self) -> bool {
        PROTECTED_PREFIXES
            .iter()
            .any(|prefix| self.0.starts_with(prefix.as_bytes()))
    }
}

/// Returns the prefix of a pattern that is a literal prefix and a star.
pub(crate) fn literal_prefix(pattern: &[u8]) -> Option<&[u8]> {
    let prefix = pattern.strip_suffix(b"*")?;
    let is_literal = !prefix.iter().any(|byte| b"*?[]\\".contains(byte));
    is_literal.then_some(prefix)
}

/// Refuses classes that do not mean what they seem to.
fn check_classes(elements: &[Element]) -> Result<(), String> {
    for element in elements {
        let Element::Class { negated, members } = element else {
            continue;
        };

        if members.is_empty() && !negated {
            let problem = "has an empty class `[]`, which matches nothing: write `\\[\\]` for the \
                           brackets themselves";
            return Err(problem.into());
        }

        if members.iter().any(|range| !range.end().is_ascii()) {
            let problem = "has a letter beyond ASCII in a class, which matches single bytes of it and \
                           so other letters, too: send a pattern for each letter instead";
            return Err(problem.into());
        }
    }

    Ok(())
}

/// Refuses patterns that would be expensive to match with a long name.
fn check_cost(elements: &[Element]) -> Result<(), String> {
    let parts: Vec<&[Element]> = elements
        .split(|element| *element == Element::Star)
        .collect();
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    let after_first_star = parts.get(1..).unwrap_or_default();

    // Consecutive stars count as one: they have an empty part between them.
    let stars = match parts.len() {
        1 => 0,
        _ => 1 + inner.iter().filter(|part| !part.is_empty()).count(),
    };
    if stars > MAX_STARS {
        return Err(format!("must have at most {MAX_STARS} stars"));
    }

    let wildcards = |part: &[Element]| part.iter().filter(|element| element.is_wildcard()).count();
    let all_wildcards: usize = after_first_star.iter().map(|part| wildcards(part)).sum();
    if all_wildcards > MAX_WILDCARDS {
        return Err(format!(
            "must have at most {MAX_WILDCARDS} of `?` and `[...]` after a star"
        ));
    }

    let length = |part: &[Element]| part.iter().map(Element::width).sum::<usize>();
    let is_expensive =
        |part: &&[Element]| wildcards(part) > 0 && length(part) > MAX_SEARCHED_ELEMENTS;
    if inner.iter().any(is_expensive) {
        return Err(format!(
            "must have at most {MAX_SEARCHED_ELEMENTS} characters between two stars if one of them is \
             a `?` or `[...]`; a class counts as one more than the characters and ranges in it"
        ));
    }
    Ok(())
}

/// Escapes an id for use in a pattern, so that it matches itself literally.
pub fn escape(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for letter in id.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse("pattern", text).unwrap()
    }

    #[test]
    fn a_pattern_that_narrows_nothing_down_matches_everything() {
        for text in [
            "*",
            "**",
            "?*",
            "*?*",
            "??*??",
            "[^x]*",
            "[^]*",
            "*[!-~]*",
            "[\u{1}-\u{7f}]*",
        ] {
            assert!(pattern(text).matches_everything(), "{text}");
        }
    }

    #[test]
    fn a_pattern_with_a_literal_character_does_not_match_everything() {
        for text in ["users:*", "*:*", "???", "\\*", "[ab]*", "[a-f]*", "a", "*x"] {
            assert!(!pattern(text).matches_everything(), "{text}");
        }
    }

    #[test]
    fn only_a_pattern_that_starts_with_a_protected_prefix_may_match_protected_keys() {
        assert!(pattern("cache:tags:*").names_protected());
        assert!(pattern("lock:*").names_protected());
        assert!(!pattern("c*").names_protected());
        assert!(!pattern("[c]ache:*").names_protected());
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_field_and_a_remedy() {
        let bad = [
            (String::new(), "`*` stands for every key"),
            (
                "x".repeat(MAX_PATTERN_BYTES + 1),
                "at most 256 bytes, has 257",
            ),
            ("*a".repeat(17), "16 stars"),
            ("sess[1".to_owned(), "write `\\[`"),
            ("[a-]".to_owned(), "write `\\["),
            ("[^".to_owned(), "write `\\["),
            ("a[]".to_owned(), "write `\\[\\]`"),
            ("k[é]*".to_owned(), "a pattern for each letter"),
            ("[^é]*".to_owned(), "a pattern for each letter"),
            ("[a-ÿ]*".to_owned(), "a pattern for each letter"),
            (
                format!("*{}", "?".repeat(17)),
                "16 of `?` and `[...]` after a star",
            ),
            (format!("*{}a*", "[ab]".repeat(17)), "after a star"),
            (format!("*{}?*", "a".repeat(12)), "between two stars"),
            ("*[acegikmoqsuwy]*".to_owned(), "between two stars"),
        ];
        for (text, remedy) in bad {
            let parsed = Pattern::parse("patterns[2]", text.clone());
            let problem = parsed.unwrap_err().to_string();

            assert!(problem.starts_with("`patterns[2]`"), "{text}: {problem}");
            assert!(problem.contains(remedy), "{text}: {problem}");
        }
    }

    #[test]
    fn a_long_pattern_that_is_cheap_to_match_is_accepted() {
        let wide = "?".repeat(200);
        let tail = format!("*{}", "a".repeat(200));
        let uuid = "session:????????-????-????-????-????????????*";

        for text in [
            "*".repeat(100).as_str(),
            &wide,
            &tail,
            uuid,
            "*:????-??-??:*",
            "k\\[é]*",
            "é[ab]?",
        ] {
            assert!(Pattern::parse("pattern", text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_pattern_that_begins_with_a_wildcard_does_not_begin_literally() {
        for text in ["*:10", "?ache:*", "[ab]c", "[ -Z]*"] {
            assert!(!pattern(text).begins_literally(), "{text}");
        }
        for text in ["a*", "\\*", "é*", " *", "]x*"] {
            assert!(pattern(text).begins_literally(), "{text}");
        }
    }

    #[test]
    fn a_pattern_matches_as_in_redis() {
        let cases: [(&str, &str, bool); 16] = [
            ("users:*", "users:1", true),
            ("users:*", "user:1", false),
            ("*", "", true),
            ("**", "", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("a**c", "ac", true),
            ("*b*d", "abcd", true),
            ("*b*d", "abcde", false),
            ("[ab]x", "bx", true),
            ("[^ab]x", "bx", false),
            ("[c-a]", "b", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[\\]]", "]", true),
            ("a\\", "a\\", true),
        ];

        for (text, name, matches) in cases {
            assert_eq!(
                pattern(text).matches(name.as_bytes()),
                matches,
                "{text} {name}"
            );
        }
    }

    /// Before 6.2.11 and 7.0.9, Redis' own matcher took time exponential in the number of stars
    /// (CVE-2022-36021).
    #[test]
    fn many_stars_and_a_long_name_are_matched_quickly() {
        let name = "a".repeat(100_000);
        assert!(!pattern(&format!("{}b", "*a".repeat(16))).matches(name.as_bytes()));
        assert!(!pattern(&format!("{}z", "*?".repeat(16))).matches(name.as_bytes()));
        assert!(pattern(&format!("{}a", "*a".repeat(16))).matches(name.as_bytes()));
    }

    #[test]
    fn an_escaped_id_has_no_wildcards() {
        assert_eq!(escape("a*b?[c]\\"), "a\\*b\\?\\[c\\]\\\\");
        assert!(!pattern(&escape("*")).matches_everything());
    }

    #[test]
    fn a_range_beyond_ascii_matches_what_any_server_matches() {
        let matches = |class: &[u8], byte: u8| Pattern::stored(class).matches(&[byte]);
        // From 0x2a to 0xff where bytes are unsigned, from -1 to 0x2a where they are signed.
        assert!(matches(b"[\xff-*]", b'a'));
        assert!(matches(b"[\xff-*]", 0x10));
        assert!(!matches(b"[a-c]", 0xff));

        assert!(matches(b"[^\xff-*]", b'a'));
        assert!(matches(b"[^\xff-*]", 0x10));
        assert!(!matches(b"[^\xff-*]", b'*'));
    }
}
