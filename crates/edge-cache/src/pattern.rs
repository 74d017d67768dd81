//! Glob patterns as `SCAN ... MATCH` reads them, with the two things an operator must not get wrong: whether a pattern
//! matches everything, and whether it may reach this system's own keys.

use crate::error::Error;
use crate::key::PROTECTED_PREFIXES;

/// The longest pattern accepted, in bytes.
pub const MAX_BYTES: usize = 1024;
/// The most `*` accepted: matching time grows steeply with them, and Redis matches while nobody else is served.
const MAX_STARS: usize = 16;
/// A character class that spans at least this many values says nothing about the key.
const WIDE_CLASS: usize = 64;

/// A checked pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// The pattern that matches every key.
    pub fn everything() -> Self {
        Self(b"*".to_vec())
    }

    /// Checks a pattern given in the field of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, longer than [`MAX_BYTES`] or has more than 16 stars.
    pub fn parse(field: &str, pattern: impl Into<Vec<u8>>) -> Result<Self, Error> {
        let bytes = pattern.into();
        if bytes.is_empty() {
            return Err(Error::invalid(field, "must not be empty; `*` stands for every key"));
        }
        if bytes.len() > MAX_BYTES {
            return Err(Error::invalid(field, format!("must have at most {MAX_BYTES} bytes, has {}", bytes.len())));
        }
        let mut collapsed = bytes.clone();
        collapsed.dedup_by(|next, previous| *next == b'*' && *previous == b'*');
        if collapsed.iter().filter(|byte| **byte == b'*').count() > MAX_STARS {
            return Err(Error::invalid(field, format!("must have at most {MAX_STARS} stars")));
        }
        Ok(Self(bytes))
    }

    /// A pattern that was checked before, as it was stored.
    pub(crate) fn stored(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Whether the pattern matches a name, as Redis' `MATCH` decides it.
    pub fn matches(&self, name: &[u8]) -> bool {
        // The server's matcher never looks at a pattern when the name is empty; it only knows `*` by itself.
        if name.is_empty() { self.0 == b"*" } else { glob(&self.0, name) }
    }

    /// The pattern as `MATCH` takes it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The pattern as text, bytes that are not UTF-8 escaped.
    pub fn display(&self) -> String {
        crate::KeyName::new(self.0.clone()).display()
    }

    /// Whether nothing in the pattern narrows the keys down: it has a star, and else only `?` and wide character
    /// classes. `*`, `**`, `?*` and `[^x]*` are such patterns; they count as a global clear.
    pub fn matches_everything(&self) -> bool {
        let mut star = false;
        let mut rest = self.0.as_slice();
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            match first {
                b'*' => star = true,
                b'?' => {}
                b'[' => match wide_class(tail) {
                    Some(after) => rest = after,
                    None => return false,
                },
                _ => return false,
            }
        }
        star
    }

    /// Whether the pattern itself starts with `cache:` or `lock:`, and so may touch the management keys.
    pub fn names_protected(&self) -> bool {
        PROTECTED_PREFIXES.iter().any(|prefix| self.0.starts_with(prefix.as_bytes()))
    }
}

/// Redis' own glob: `*`, `?`, `[...]` with ranges and `^`, and `\` before a literal.
///
/// Where what follows a star does not match, that star takes one byte more; those before it need not, so that time grows with
/// the product of both lengths at most.
fn glob(mut pattern: &[u8], mut name: &[u8]) -> bool {
    // What follows the last star, and where in the name it was tried.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let matched = match (pattern, name) {
            ([], []) => return true,
            ([b'*', after @ ..], _) => {
                star = Some((after, name));
                pattern = after;
                continue;
            }
            ([_, ..], [byte, rest @ ..]) => {
                let (matched, after) = element(pattern, *byte);
                (pattern, name) = (after, rest);
                matched
            }
            _ => false,
        };
        if !matched {
            let Some((after, [_, rest @ ..])) = star else { return false };
            star = Some((after, rest));
            (pattern, name) = (after, rest);
        }
    }
}

/// Whether the first element of a pattern, which is no star, stands for a byte; and what follows the element.
fn element(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    match pattern {
        [b'?', after @ ..] => (true, after),
        [b'[', members @ ..] => class(members, byte),
        [b'\\', literal, after @ ..] | [literal, after @ ..] => (*literal == byte, after),
        [] => (false, &[]),
    }
}

/// Whether a range has a byte, where bytes are unsigned and where they are signed, as the server's processor has it: they differ
/// beyond ASCII.
fn range_has(from: u8, to: u8, byte: u8) -> [bool; 2] {
    let unsigned = (from.min(to)..=from.max(to)).contains(&byte);
    let [from, to, byte] = [from, to, byte].map(u8::cast_signed);
    [unsigned, (from.min(to)..=from.max(to)).contains(&byte)]
}

/// Whether a class, read after its `[`, has a byte for a server of either kind; and what follows it.
fn class(class: &[u8], byte: u8) -> (bool, &[u8]) {
    let negated = class.first() == Some(&b'^');
    let mut members = if negated { class.get(1..).unwrap_or(&[]) } else { class };
    let mut matched = [false; 2];
    loop {
        let (has, after) = match members {
            [] => break,
            [b']', after @ ..] => {
                members = after;
                break;
            }
            [b'\\', literal, after @ ..] => ([*literal == byte; 2], after),
            [from, b'-', to, after @ ..] => (range_has(*from, *to, byte), after),
            [literal, after @ ..] => ([*literal == byte; 2], after),
        };
        matched = [matched[0] | has[0], matched[1] | has[1]];
        members = after;
    }
    (matched.contains(&!negated), members)
}

/// Reads a class after its `[`: what follows it, if the class is wide (negated, or spanning many values).
fn wide_class(class: &[u8]) -> Option<&[u8]> {
    let negated = class.first() == Some(&b'^');
    let mut members = if negated { class.get(1..)? } else { class };
    let mut width = 0;
    loop {
        match members {
            // An unclosed class is read to the end, as Redis does.
            [] => break,
            [b']', after @ ..] => {
                members = after;
                break;
            }
            [b'\\', _, after @ ..] => (width, members) = (width + 1, after),
            [from, b'-', to, after @ ..] => {
                width += usize::from(from.abs_diff(*to)) + 1;
                members = after;
            }
            [_, after @ ..] => (width, members) = (width + 1, after),
        }
    }
    (negated || width >= WIDE_CLASS).then_some(members)
}

/// Makes a glob match its argument literally: `* ? [ ] \` and `^`-free, for patterns built from ids.
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
    fn patterns_that_narrow_nothing_down_count_as_global() {
        for text in ["*", "**", "?*", "*?*", "??*??", "[^x]*", "[^]*", "*[!-~]*", "[\u{1}-\u{7f}]*"] {
            assert!(pattern(text).matches_everything(), "{text}");
        }
    }

    #[test]
    fn patterns_with_something_literal_do_not() {
        for text in ["users:*", "*:*", "???", "\\*", "[ab]*", "[a-f]*", "a", "*x", "[ab"] {
            assert!(!pattern(text).matches_everything(), "{text}");
        }
    }

    #[test]
    fn only_a_pattern_that_names_management_keys_may_reach_them() {
        assert!(pattern("cache:tags:*").names_protected() && pattern("lock:*").names_protected());
        assert!(!pattern("c*").names_protected() && !pattern("[c]ache:*").names_protected());
    }

    #[test]
    fn bad_patterns_are_refused_with_the_fields_name() {
        for text in [String::new(), "x".repeat(MAX_BYTES + 1), "*a".repeat(17)] {
            assert!(Pattern::parse("patterns[2]", text).unwrap_err().to_string().starts_with("`patterns[2]`"));
        }
        assert!(Pattern::parse("pattern", "*".repeat(100)).is_ok());
    }

    #[test]
    fn names_are_matched_as_redis_does() {
        let cases: [(&str, &str, bool); 17] = [
            ("users:*", "users:1", true),
            ("users:*", "user:1", false),
            ("*", "", true),
            ("**", "", false),
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
            ("[ab", "b", true),
            ("a\\", "a\\", true),
        ];
        for (text, name, matches) in cases {
            assert_eq!(pattern(text).matches(name.as_bytes()), matches, "{text} {name}");
        }
    }

    /// Redis' own matcher took time exponential in the stars before 6.2.11 and 7.0.9 (CVE-2022-36021).
    #[test]
    fn many_stars_over_a_long_name_take_no_time() {
        let name = "a".repeat(100_000);
        assert!(!pattern(&format!("{}b", "*a".repeat(16))).matches(name.as_bytes()));
        assert!(!pattern(&format!("{}z", "*?".repeat(16))).matches(name.as_bytes()));
        assert!(pattern(&format!("{}a", "*a".repeat(16))).matches(name.as_bytes()));
    }

    #[test]
    fn an_escaped_id_has_no_wildcard_left() {
        assert_eq!(escape("a*b?[c]\\"), "a\\*b\\?\\[c\\]\\\\");
        assert!(!pattern(&escape("*")).matches_everything());
    }

    #[test]
    fn a_range_beyond_ascii_has_what_a_server_of_either_kind_takes() {
        let matches = |class: &[u8], byte: u8| Pattern::stored(class).matches(&[byte]);
        // From 0x2a to 0xff where bytes are unsigned, from -1 to 0x2a where they are signed.
        assert!(matches(b"[\xff-*]", b'a') && matches(b"[\xff-*]", 0x10) && !matches(b"[a-c]", 0xff));
        assert!(matches(b"[^\xff-*]", b'a') && matches(b"[^\xff-*]", 0x10) && !matches(b"[^\xff-*]", b'*'));
    }
}
