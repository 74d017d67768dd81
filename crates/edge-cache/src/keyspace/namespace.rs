//! Namespaces: several caches in one database, each with its own internal keys.
//!
//! ```text
//! default              namespace `shop`              on a Cluster
//! cache:fences         cache:@shop:fences            cache:@shop:{cache}:fences
//! cache:tags:summer    cache:@shop:tags:summer       the same
//! lock:{users:1}       lock:@shop:{users:1}          the same
//! ```
//!
//! - The code uses the short names. [`RedisClient`](crate::RedisClient) adds the namespace before a
//!   command is sent, and sends scripts in a text that names keys of this namespace.
//! - Names of all namespaces begin with `cache:` or `lock:`, so each cache protects those of the
//!   others. It never removes one, even if a request names it.
//! - Keys of services have no namespace. An entry of another namespace counts as dead, because its
//!   stamp refers to other fences. So the services of each cache need their own prefix.

use std::fmt;

use super::tag::Tag;
use crate::error::Error;

/// Names of the namespaces in a database (a set). While it exists, a global clear walks: `FLUSHDB`
/// would also take the internal keys of other caches.
pub const NAMESPACES: &str = "cache:namespaces";
/// The longest name of a namespace, in bytes.
const MAX_NAME_BYTES: usize = 32;
/// Prefixes of all internal keys.
const PREFIXES: [&str; 2] = ["cache:", "lock:"];
/// The first line of script parts that name keys of edge-cache.
const LUA_DEFAULT: &str = "local NAMESPACE = ''";

/// The namespace that a trait's default method returns.
pub(crate) static DEFAULT: Namespace = Namespace(String::new());

/// The namespace of a cache's internal keys.
///
/// ```
/// use edge_cache::Namespace;
///
/// let shop = Namespace::parse("shop")?;
/// assert_eq!(shop.name(), "shop");
/// assert_eq!(Namespace::default().name(), "");
/// assert!(Namespace::parse("Shop 1").is_err());
/// # Ok::<(), edge_cache::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace(String);

impl Namespace {
    /// Checks a name: 1 to 32 lower-case letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other name.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_allowed) {
            let problem =
                format!("must be 1 to {MAX_NAME_BYTES} lower-case letters, digits, `-` and `_`");
            return Err(Error::invalid("namespace", problem));
        }
        Ok(Self(format!("@{name}:")))
    }

    /// Returns whether it is the default, which a cache has unless it is given another one.
    pub fn is_default(&self) -> bool {
        self.0.is_empty()
    }

    /// The name; empty for the default.
    pub fn name(&self) -> &str {
        self.0.trim_start_matches('@').trim_end_matches(':')
    }

    /// Returns whether this key belongs to a cache of another namespace in the same database.
    ///
    /// ```
    /// # use edge_cache::Namespace;
    /// let shop = Namespace::parse("shop")?;
    /// assert!(shop.is_of_other(b"cache:fences"));
    /// assert!(!shop.is_of_other(b"cache:@shop:fences"));
    /// assert!(!shop.is_of_other(b"products:17"));
    /// assert!(Namespace::default().is_of_other(b"cache:@shop:fences"));
    /// # Ok::<(), edge_cache::Error>(())
    /// ```
    pub fn is_of_other(&self, key: &[u8]) -> bool {
        // The registration concerns all of them.
        key == NAMESPACES.as_bytes()
            || split(key).is_some_and(|name| name.namespace != self.0.as_bytes())
    }

    /// Returns whether this name in a request means a key of another namespace. A short name does
    /// not: `cache:ttl` is the TTL table of this cache.
    pub fn is_other_named(&self, given: &[u8]) -> bool {
        let is_registration = given == NAMESPACES.as_bytes();
        is_registration || (self.full_name(given).is_none() && self.is_of_other(given))
    }

    /// The full name of a key in this namespace, from its short name; `None` for a name that stays
    /// as it is.
    pub fn full_name(&self, short: &[u8]) -> Option<Vec<u8>> {
        if self.is_default() {
            return None;
        }
        let name = split(short).filter(|name| name.namespace.is_empty())?;
        let renamed = || {
            let text = str::from_utf8(short).ok()?;
            let (tag, number) = Tag::of_aside_under("cache:", text)?;
            Some(format!("{}{number}", tag.aside_under(&self.cache_prefix())).into_bytes())
        };
        renamed().or_else(|| Some([name.prefix, self.0.as_bytes(), name.rest].concat()))
    }

    /// The short name of a key of this namespace; `None` for a key of another one, or of a service.
    pub(crate) fn short_name(&self, full: &[u8]) -> Option<Vec<u8>> {
        let name = split(full).filter(|name| name.namespace == self.0.as_bytes())?;
        let renamed = || {
            let text = str::from_utf8(full).ok()?;
            let (tag, number) = Tag::of_aside_under(&self.cache_prefix(), text)?;
            Some(format!("{}{number}", tag.aside()).into_bytes())
        };
        renamed().or_else(|| Some([name.prefix, name.rest].concat()))
    }

    /// The beginning of the names of all keys of this namespace that are not locks.
    pub(crate) fn cache_prefix(&self) -> String {
        format!("cache:{}", self.0)
    }

    /// Returns a script's text for this namespace.
    pub(crate) fn script(&self, source: &str) -> String {
        let own = format!("local NAMESPACE = '{}'", self.0);
        source.replace(LUA_DEFAULT, &own)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The parts of an internal key's name.
pub(crate) struct Parts<'a> {
    pub(crate) prefix: &'a [u8],
    /// `@`, the name and `:`; empty for the default.
    pub(crate) namespace: &'a [u8],
    pub(crate) rest: &'a [u8],
}

/// Splits the name of an internal key; `None` for a key of a service.
pub(crate) fn split(name: &[u8]) -> Option<Parts<'_>> {
    let prefix = PREFIXES.iter().map(|prefix| prefix.as_bytes());
    let prefix = prefix.into_iter().find(|prefix| name.starts_with(prefix))?;
    let behind = name.get(prefix.len()..)?;
    let length = match behind {
        [b'@', ..] => behind
            .iter()
            .position(|byte| *byte == b':')
            .map_or(behind.len(), |at| at + 1),
        _ => 0,
    };
    let (namespace, rest) = behind.split_at_checked(length)?;
    Some(Parts {
        prefix,
        namespace,
        rest,
    })
}

/// The name without its namespace, whichever it is.
pub(crate) fn without(name: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    match split(name) {
        Some(parts) if !parts.namespace.is_empty() => [parts.prefix, parts.rest].concat().into(),
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::slot;

    fn shop() -> Namespace {
        Namespace::parse("shop").unwrap()
    }

    fn full(short: &str) -> Option<String> {
        let full = shop().full_name(short.as_bytes())?;
        Some(String::from_utf8(full).unwrap())
    }

    #[test]
    fn internal_keys_get_the_namespace_and_others_keep_their_names() {
        let known = [
            ("cache:fences", "cache:@shop:fences"),
            (
                "cache:{removals}:patterns",
                "cache:@shop:{removals}:patterns",
            ),
            ("lock:cache:warmup", "lock:@shop:cache:warmup"),
            ("lock:{users:1}", "lock:@shop:{users:1}"),
            ("lock::{u1}:cart", "lock:@shop::{u1}:cart"),
            (
                "cache:tags-aside:{cache:tags:a}:2",
                "cache:@shop:tags-aside:{cache:@shop:tags:a}:2",
            ),
        ];
        for (short, expected) in known {
            assert_eq!(full(short).as_deref(), Some(expected));

            let back = shop().short_name(expected.as_bytes());
            assert_eq!(back.as_deref(), Some(short.as_bytes()));
            assert_eq!(Namespace::default().full_name(short.as_bytes()), None);
        }
        for other in [
            "users:1",
            "cache:@shop:fences",
            "cache:@other:ttl",
            "@shop:x",
        ] {
            assert_eq!(full(other), None, "{other}");
        }
    }

    #[test]
    fn sets_aside_stay_in_the_slot_of_their_tag() {
        for name in ["a", "{a}:7", "a}b", "{}", "}"] {
            let tag = Tag::parse("tag", name).unwrap();
            let set = full(&tag.key()).unwrap();
            let aside = full(&format!("{}:2", tag.aside())).unwrap();

            assert_eq!(
                slot::of(aside.as_bytes()),
                slot::of(set.as_bytes()),
                "{aside}"
            );
        }
    }

    #[test]
    fn a_key_of_another_namespace_is_known_as_such() {
        let default = Namespace::default();

        for key in [
            "cache:@other:fences",
            "lock:@other:{a}",
            "cache:@",
            "cache:ttl",
        ] {
            assert!(shop().is_of_other(key.as_bytes()), "{key}");
        }
        assert!(default.is_of_other(b"cache:@other:fences"));
        assert!(!default.is_of_other(b"cache:fences"));
        assert!(default.is_of_other(b"cache:@"));
        assert!(shop().is_other_named(b"cache:@other:ttl") && !shop().is_other_named(b"cache:ttl"));
        assert_eq!(&*without(b"lock:@shop:{a}"), b"lock:{a}");
    }

    #[test]
    fn a_name_that_could_be_taken_for_something_else_is_refused() {
        for name in ["", "A", "a:b", "a b", "é", "{a}", "@a", &"a".repeat(33)] {
            assert!(Namespace::parse(name).is_err(), "{name}");
        }
        assert_eq!(shop().to_string(), "shop");
    }

    #[test]
    fn scripts_get_the_namespace() {
        let source = format!("{LUA_DEFAULT}\nreturn NAMESPACE");

        assert_eq!(
            shop().script(&source),
            "local NAMESPACE = '@shop:'\nreturn NAMESPACE"
        );
        assert_eq!(Namespace::default().script(&source), source);
    }
}
