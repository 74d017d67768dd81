//! TTLs: the table of key prefixes, its overrides, and the rule that picks a row.

use std::time::Duration;

use crate::error::RedisError;
use crate::keyspace::key::TTL_OVERRIDES;
use crate::redis::{Command, Redis, Replies};

/// The longest TTL, in seconds: ten years.
pub const MAX_TTL_SECONDS: u64 = 315_360_000;

/// The longest TTL. Entries without an end are kept as long.
pub const MAX_TTL: Duration = Duration::from_secs(MAX_TTL_SECONDS);

/// The TTL of keys that no row of the table covers.
pub const DEFAULT_TTL: Duration = Duration::from_secs(300);

/// The built-in table: prefixes with their TTLs in seconds. The longest prefix that ends at a `:`
/// boundary wins.
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

/// The TTL of a key by the built-in table: that of the longest prefix that ends at a `:` boundary,
/// else [`DEFAULT_TTL`].
pub fn for_key(key: &str) -> Duration {
    Overrides::default().for_key(key)
}

/// Rows that operators set at run time in place of built-in ones, or in addition: prefixes with
/// their TTLs in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(Vec<(String, u64)>);

impl Overrides {
    /// Overrides of these rows: prefix and seconds.
    pub fn new(entries: impl IntoIterator<Item = (String, u64)>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// Reads the rest of a flat reply: prefix, seconds, prefix, ... A row whose TTL is not a number
    /// is left out; TTLs above [`MAX_TTL_SECONDS`] are lowered to it.
    ///
    /// # Errors
    /// Those of [`Replies::rest`].
    pub fn read(replies: Replies) -> Result<Self, RedisError> {
        let parts = replies.rest()?;
        let rows = parts.chunks(2).filter_map(|row| match row {
            [prefix, seconds] => {
                let seconds: u64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
                let prefix = String::from_utf8(prefix.clone()).ok()?;
                Some((prefix, seconds.min(MAX_TTL_SECONDS)))
            }
            _ => None,
        });
        Ok(Self(rows.collect()))
    }

    /// The prefixes and their TTLs in seconds.
    pub fn entries(&self) -> &[(String, u64)] {
        &self.0
    }

    /// The TTL of a key: that of the longest prefix that ends at a `:` boundary, among the overrides,
    /// else in the built-in table; else the override of `*`, else [`DEFAULT_TTL`].
    pub fn for_key(&self, key: &str) -> Duration {
        let rows = || {
            self.0
                .iter()
                .map(|(prefix, seconds)| (prefix.as_str(), *seconds))
        };
        let default = || rows().find(|(prefix, _)| *prefix == "*");

        longest_prefix(key, rows())
            .or_else(|| longest_prefix(key, TABLE))
            .or_else(|| default().map(|(_, seconds)| seconds))
            .map_or(DEFAULT_TTL, Duration::from_secs)
    }
}

/// Reads the overrides. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read_overrides<R: Redis>(redis: &R) -> Result<Overrides, RedisError> {
    let command = Command::read("HGETALL").arg(TTL_OVERRIDES);
    let reply = redis.execute(command).await?;
    Overrides::read(Replies::new(reply))
}

/// The TTL in seconds of the longest prefix that ends at a `:` boundary of the key.
fn longest_prefix<'a>(key: &str, rows: impl IntoIterator<Item = (&'a str, u64)>) -> Option<u64> {
    let applies = |prefix: &str| {
        key.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };

    rows.into_iter()
        .filter(|(prefix, _)| applies(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map(|(_, seconds)| seconds)
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
        let overrides = Overrides::new([
            ("stock:available".into(), 5),
            ("products".into(), 7),
            ("*".into(), 9),
        ]);
        let seconds = |key| overrides.for_key(key).as_secs();

        assert_eq!(seconds("stock:available:3"), 5);
        assert_eq!(seconds("products:popular:list"), 7);
        assert_eq!(seconds("unknown"), 9, "the override of `*`");
        assert_eq!(seconds("legal:terms"), 14_400, "the built-in table");
    }
}
