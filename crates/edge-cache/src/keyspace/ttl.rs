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

/// The prefix of the row for keys that no other row covers.
pub const DEFAULT_PREFIX: &str = "*";

/// TTLs by key prefix, as a service or its configuration gives them. Empty unless given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TtlTable(Vec<(String, Duration)>);

impl TtlTable {
    /// The prefixes and their TTLs.
    pub fn rows(&self) -> &[(String, Duration)] {
        &self.0
    }

    /// The TTL of a key: that of the longest prefix that ends at a `:` boundary, among the overrides,
    /// else in the table; else the row of `*`, in the same order; else [`DEFAULT_TTL`].
    pub fn for_key(&self, key: &str, overrides: &Overrides) -> Duration {
        let overrides = || {
            overrides
                .0
                .iter()
                .map(|(prefix, seconds)| (prefix.as_str(), Duration::from_secs(*seconds)))
        };
        let rows = || self.0.iter().map(|(prefix, ttl)| (prefix.as_str(), *ttl));

        longest_prefix(key, overrides())
            .or_else(|| longest_prefix(key, rows()))
            .or_else(|| default_of(overrides()))
            .or_else(|| default_of(rows()))
            .unwrap_or(DEFAULT_TTL)
    }
}

impl<P: Into<String>> FromIterator<(P, Duration)> for TtlTable {
    /// A table of these rows. TTLs above [`MAX_TTL`] are lowered to it.
    fn from_iter<I: IntoIterator<Item = (P, Duration)>>(rows: I) -> Self {
        let row = |(prefix, ttl): (P, Duration)| (prefix.into(), ttl.min(MAX_TTL));
        Self(rows.into_iter().map(row).collect())
    }
}

impl IntoIterator for TtlTable {
    type Item = (String, Duration);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Rows that operators set at run time in place of those of the table, or in addition: prefixes with
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

/// The TTL of the longest prefix that ends at a `:` boundary of the key.
fn longest_prefix<'a>(
    key: &str,
    rows: impl Iterator<Item = (&'a str, Duration)>,
) -> Option<Duration> {
    let applies = |prefix: &str| {
        key.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };

    rows.filter(|(prefix, _)| applies(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .map(|(_, ttl)| ttl)
}

fn default_of<'a>(mut rows: impl Iterator<Item = (&'a str, Duration)>) -> Option<Duration> {
    rows.find(|(prefix, _)| *prefix == DEFAULT_PREFIX)
        .map(|(_, ttl)| ttl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table<const N: usize>(rows: [(&str, u64); N]) -> TtlTable {
        let row = |(prefix, seconds)| (prefix, Duration::from_secs(seconds));
        rows.into_iter().map(row).collect()
    }

    #[test]
    fn the_longest_prefix_at_a_boundary_wins() {
        let table = table([
            ("stock:available", 60),
            ("stock", 40),
            ("legal:terms", 14_400),
        ]);
        let cases = [
            ("stock:available", 60),
            ("stock:available:warehouse:3", 60),
            ("stock:availables", 40),
            ("stocks", 300),
            ("legal:terms:fr", 14_400),
            ("", 300),
        ];
        for (key, seconds) in cases {
            let ttl = table.for_key(key, &Overrides::default());
            assert_eq!(ttl, Duration::from_secs(seconds), "{key}");
        }
    }

    #[test]
    fn overrides_win_over_the_table() {
        let table = table([
            ("stock:available", 60),
            ("products:popular", 900),
            ("*", 20),
        ]);
        let overrides = Overrides::new([("stock:available".into(), 5), ("products".into(), 7)]);
        let seconds = |key| table.for_key(key, &overrides).as_secs();

        assert_eq!(seconds("stock:available:3"), 5);
        assert_eq!(seconds("products:popular:list"), 7, "a shorter override");
        assert_eq!(seconds("unknown"), 20, "the table's default");
    }

    #[test]
    fn a_default_is_for_keys_that_no_row_covers() {
        let table = table([("legal:terms", 14_400), ("*", 20)]);
        let overrides = Overrides::new([("*".into(), 9)]);

        let of_key = |key| table.for_key(key, &overrides).as_secs();

        assert_eq!(of_key("unknown"), 9);
        assert_eq!(of_key("legal:terms"), 14_400);
    }

    #[test]
    fn without_rows_every_key_has_the_default() {
        let ttl = TtlTable::default().for_key("stock:available", &Overrides::default());
        assert_eq!(ttl, DEFAULT_TTL);
    }
}
