//! How long values live: the table of prefixes, and the rule that picks from it.

use std::time::Duration;

use crate::error::RedisError;
use crate::redis::Replies;

/// How long a value lives whose key is in no table.
pub const DEFAULT: Duration = Duration::from_secs(300);

/// The built-in table, in seconds. The longest prefix that ends at a `:` boundary wins.
pub const TABLE: [(&str, u64); 14] = [
    // Real-time data.
    ("stock:available", 60),
    ("dashboard:realtime", 120),
    ("orders:recent", 180),
    ("dashboard:stats", 300),
    // Frequent updates.
    ("users:count", 600),
    ("products:popular", 900),
    ("blog:articles", 1800),
    ("suppliers:list", 1800),
    // Stable data.
    ("seo:stats", 3600),
    ("manufacturers:list", 3600),
    ("vehicles:brands", 3600),
    ("config:main", 3600),
    // Very stable data.
    ("static:content", 7200),
    ("legal:terms", 14400),
];

/// The time to live of a key by the built-in table: that of the longest prefix ending at a `:` boundary, else [`DEFAULT`].
pub fn for_key(key: &str) -> Duration {
    Overrides::default().for_key(key)
}

/// What operators have set in place of, or beside, the built-in table: prefixes with seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(Vec<(String, u64)>);

impl Overrides {
    /// Overrides as they are stored: prefix and seconds.
    pub fn new(entries: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// Reads what is left of a flat reply: prefix, seconds, prefix, ... What is no number is left out.
    pub(crate) fn read(replies: Replies) -> Result<Self, RedisError> {
        let parts = replies.rest()?;
        let pair = |pair: &[Vec<u8>]| {
            let text = |part: Option<&Vec<u8>>| part.and_then(|bytes| String::from_utf8(bytes.clone()).ok());
            Some((text(pair.first())?, text(pair.get(1))?.parse().ok()?))
        };
        Ok(Self(parts.chunks(2).filter_map(pair).collect()))
    }

    /// The prefixes and their seconds.
    pub fn entries(&self) -> &[(String, u64)] {
        &self.0
    }

    /// The time to live of a key: that of the longest prefix among the overrides, else among the built-in table, that ends
    /// at a `:` boundary; else the override of `*`, else [`DEFAULT`].
    pub fn for_key(&self, key: &str) -> Duration {
        let ours = longest(key, self.0.iter().map(|(prefix, seconds)| (prefix.as_str(), *seconds)));
        let default = || self.0.iter().find(|(prefix, _)| prefix == "*").map(|(_, seconds)| *seconds);
        ours.or_else(|| longest(key, TABLE)).or_else(default).map_or(DEFAULT, Duration::from_secs)
    }
}

/// The seconds of the longest prefix that ends at a `:` boundary of the key.
fn longest<'a>(key: &str, entries: impl IntoIterator<Item = (&'a str, u64)>) -> Option<u64> {
    let applies = |prefix: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let applying = entries.into_iter().filter(|(prefix, _)| applies(prefix));
    applying.max_by_key(|(prefix, _)| prefix.len()).map(|(_, seconds)| seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_at_a_boundary_wins() {
        let cases = [
            ("stock:available", 60),
            ("stock:available:warehouse:3", 60),
            ("stock:availables", 300),
            ("products:popular:list", 900),
            ("legal:terms:fr", 14_400),
            ("unknown:key", 300),
            ("", 300),
        ];
        for (key, seconds) in cases {
            assert_eq!(for_key(key), Duration::from_secs(seconds), "{key}");
        }
    }

    #[test]
    fn overrides_win_over_the_table() {
        let overrides = Overrides::new([("stock:available".into(), 5), ("products".into(), 7), ("*".into(), 9)]);
        let seconds = |key| overrides.for_key(key).as_secs();
        assert_eq!([seconds("stock:available:3"), seconds("products:popular:list"), seconds("unknown")], [5, 7, 9]);
        assert_eq!(seconds("legal:terms"), 14_400, "where no override applies the table stays in force");
    }
}
