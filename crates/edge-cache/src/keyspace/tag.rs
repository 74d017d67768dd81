//! Tags: names under which keys are invalidated together, each a Redis set `cache:tags:{tag}` of
//! key names.
//!
//! The set decides: every key in it goes with the tag, whoever added it.
//!
//! ```text
//! SADD cache:tags:summer products:7      another client tags a key of the library
//! POST /invalidate {"tags": ["summer"]}  removes products:7
//! ```
//!
//! - An entry that is written anew leaves the sets of the tags it no longer has; the trailer of the
//!   old value names them.
//! - A key that had expired before stays in its old sets until they are pruned or expire. So an
//!   invalidation may remove a key needlessly. It never misses one.
//! - One hit in 32, at most one a second of a key, counts as a use of the sets of the entry's tags, so
//!   a server that evicts does not take the sets before their keys, and a set that it did take gets
//!   the key back. `get_many` and
//!   clients that read with a plain `GET` do not do that.

pub mod prune;
pub mod set;

use super::slot;
use crate::error::Error;

/// The beginning of the names of edge-cache's keys, without a namespace.
const PREFIX: &str = "cache:";
/// The beginning of the names of sets aside, behind that.
const ASIDE: &str = "tags-aside";
/// The longest tag, in bytes.
const MAX_TAG_BYTES: usize = 256;

/// A checked tag: 1 to 256 bytes of UTF-8 without control characters; case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Checks a tag given in the field of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, too long or has control characters.
    pub fn parse(field: &str, text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_TAG_BYTES || text.chars().any(char::is_control) {
            let problem = format!("must have 1 to {MAX_TAG_BYTES} bytes and no control characters");
            return Err(Error::invalid(field, problem));
        }
        Ok(Self(text))
    }

    /// Checks the tags of a call.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first bad one, with the field `tags`.
    pub(crate) fn parse_all(tags: &[&str]) -> Result<Vec<Self>, Error> {
        tags.iter().map(|tag| Self::parse("tags", *tag)).collect()
    }

    /// Reads tags that a trailer holds. Any that is not valid is left out: another client wrote it.
    pub(crate) fn of_trailer(tags: &str) -> Vec<Self> {
        let names = tags.split('\n').filter(|name| !name.is_empty());
        names
            .filter_map(|name| Self::parse("tags", name).ok())
            .collect()
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The set that holds the names of the tag's keys.
    pub fn key(&self) -> String {
        format!("{PREFIX}tags:{}", self.0)
    }

    /// The first of the sets to which invalidations set the tag's members aside, in the slot of the tag's
    /// set. Its name ends with a brace.
    pub fn aside(&self) -> String {
        self.aside_under(PREFIX)
    }

    /// As [`Tag::aside`], where the names of edge-cache's keys begin with this prefix.
    pub(crate) fn aside_under(&self, prefix: &str) -> String {
        let set = format!("{prefix}tags:{}", self.0);
        let name = slot::belonging(&format!("{prefix}{ASIDE}"), set.as_bytes());
        let mut name = String::from_utf8_lossy(&name).into_owned();
        // The number of a further set follows a brace, so that it is not taken for a part of the tag.
        if slot::belonging_has_own_braces(set.as_bytes()) {
            name.push('}');
        }
        name
    }

    /// The tag whose members this set holds, if it is a set aside.
    fn of_aside(set: &str) -> Option<Self> {
        Self::of_aside_under(PREFIX, set).map(|(tag, _)| tag)
    }

    /// The tag of a set aside whose name begins with this prefix, and the number at the name's end.
    pub(crate) fn of_aside_under<'a>(prefix: &str, set: &'a str) -> Option<(Self, &'a str)> {
        let aside = set.strip_prefix(prefix)?.strip_prefix(ASIDE)?;
        let (head, number) = aside.rsplit_once('}')?;
        let (_, name) = head.split_once(&format!("{prefix}tags:"))?;
        let tag = Self::parse("tag", name).ok()?;
        let is_its = set.strip_suffix(number)? == tag.aside_under(prefix);
        (is_its && is_number(number)).then_some((tag, number))
    }
}

/// Returns whether this is behind the name of a set aside: nothing, or `:` and a number.
fn is_number(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Joins tags with newlines, as trailers and scripts hold them.
pub fn join(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_its_set() {
        let tag = Tag::parse("tags[0]", "user-data").unwrap();

        assert_eq!(tag.key(), "cache:tags:user-data");
        assert_eq!(tag.aside(), "cache:tags-aside:{cache:tags:user-data}");
        assert_eq!(Tag::of_aside(&tag.aside()), Some(tag));
    }

    #[test]
    fn a_set_aside_is_in_the_slot_of_its_tag_and_names_it() {
        for name in [
            "a", "a:7", "{a}", "{a}:7", "a}b", "a}b:7", "{}", "}", "a}", "{", "{{a}",
        ] {
            let tag = Tag::parse("tag", name).unwrap();
            let aside = tag.aside();
            let second = format!("{aside}:2");

            assert_eq!(
                slot::of(aside.as_bytes()),
                slot::of(tag.key().as_bytes()),
                "{aside}"
            );
            assert_eq!(
                slot::of(second.as_bytes()),
                slot::of(tag.key().as_bytes()),
                "{second}"
            );
            assert_eq!(Tag::of_aside(&aside), Some(tag.clone()), "{aside}");
            assert_eq!(Tag::of_aside(&second), Some(tag), "{second}");
        }
    }

    #[test]
    fn an_empty_long_or_unprintable_tag_is_refused() {
        for bad in [String::new(), "x".repeat(257), "a\nb".into()] {
            let error = Tag::parse("tags[0]", bad).unwrap_err().to_string();

            assert!(error.starts_with("`tags[0]`"), "{error}");
        }
    }
}
