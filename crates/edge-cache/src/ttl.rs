//! How long values live: the table of prefixes, and the rule that picks from it.

use std::time::Duration;

use serde::Serialize;

use crate::body::{Fields, Query};
use crate::error::{Error, RedisError};
use crate::key::{PROTECTED_PREFIXES, TTL_OVERRIDES};
use crate::redis::{Command, Redis, Replies};

/// The longest time to live accepted: ten years, in seconds.
pub(crate) const MAX_SECONDS: u64 = 315_360_000;

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

    /// Reads what is left of a flat reply: prefix, seconds, prefix, ... What is no number is left out, and nothing is for longer
    /// than may be set.
    pub(crate) fn read(replies: Replies) -> Result<Self, RedisError> {
        let parts = replies.rest()?;
        let pair = |pair: &[Vec<u8>]| {
            let text = |part: Option<&Vec<u8>>| part.and_then(|bytes| String::from_utf8(bytes.clone()).ok());
            Some((text(pair.first())?, text(pair.get(1))?.parse::<u64>().ok()?.min(MAX_SECONDS)))
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

/// An entry of the table in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The prefix, `*` for keys that no other entry covers.
    pub prefix: String,
    /// How long such keys live, in seconds.
    pub ttl: u64,
    /// `override` or `builtin`.
    pub source: &'static str,
}

/// The table in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its entries: overrides first, each part in the order of its prefixes.
    pub table: Vec<Entry>,
}

/// Reads the table in force. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn show<R: Redis>(redis: &R) -> Result<Report, Error> {
    let overrides = stored(redis).await?;
    let ours = overrides.entries().iter().map(|(prefix, ttl)| (prefix.as_str(), *ttl, "override"));
    let hidden = |prefix: &str| overrides.entries().iter().any(|(known, _)| known == prefix);
    let builtin = TABLE.iter().copied().chain([("*", DEFAULT.as_secs())]);
    let builtin = builtin.filter(|(prefix, _)| !hidden(prefix)).map(|(prefix, ttl)| (prefix, ttl, "builtin"));
    let mut table: Vec<Entry> =
        ours.chain(builtin).map(|(prefix, ttl, source)| Entry { prefix: prefix.to_owned(), ttl, source }).collect();
    table.sort_by(|a, b| (b.source, &a.prefix).cmp(&(a.source, &b.prefix)));
    Ok(Report { table })
}

/// Reads the overrides. One round trip.
pub(crate) async fn stored<R: Redis>(redis: &R) -> Result<Overrides, RedisError> {
    Overrides::read(Replies::new(redis.execute(Command::read("HGETALL").arg(TTL_OVERRIDES)).await?))
}

/// A checked `PUT /ttl` or `DELETE /ttl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    prefix: String,
    ttl: Option<u64>,
}

impl Change {
    /// Reads `{"prefix": "products:popular", "ttl": 600}` of a `PUT`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn put(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let prefix = prefix(fields.string("prefix")?)?;
        let ttl = fields.positive("ttl", MAX_SECONDS)?.ok_or_else(|| Error::invalid("ttl", "is needed, in seconds"))?;
        fields.finish("prefix, ttl")?;
        Ok(Self { prefix, ttl: Some(ttl) })
    }

    /// Reads `{"prefix": "products:popular"}` of a `DELETE`, in its body or its query.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for either.
    pub fn delete(body: &[u8], query: &str) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let mut query = Query::parse(query);
        let given = fields.string("prefix")?.or(query.text("prefix")?);
        fields.finish("prefix")?;
        query.finish("prefix")?;
        Ok(Self { prefix: prefix(given)?, ttl: None })
    }

    /// The change in words, for the audit trail.
    pub fn describe(&self) -> String {
        match self.ttl {
            Some(ttl) => format!("{} lives {ttl} s", self.prefix),
            None => format!("{} as built in", self.prefix),
        }
    }

    /// Carries it out; it is in force at once, for values that are written from then on. Two round trips.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such override to delete; those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<Report, Error> {
        let command = match self.ttl {
            Some(ttl) => Command::read("HSET").arg(TTL_OVERRIDES).arg(self.prefix.as_str()).arg(ttl),
            None => Command::new("HDEL").arg(TTL_OVERRIDES).arg(self.prefix.as_str()),
        };
        let changed = Replies::new(redis.execute(command).await?).count()?;
        if changed == 0 && self.ttl.is_none() {
            return Err(Error::NotFound(format!("there is no override for {}", self.prefix)));
        }
        show(redis).await
    }
}

fn prefix(given: Option<String>) -> Result<String, Error> {
    let prefix =
        given.ok_or_else(|| Error::invalid("prefix", "is needed, such as products:popular, or * for the default"))?;
    let own = PROTECTED_PREFIXES.iter().any(|own| prefix.starts_with(own));
    let plain = !prefix.is_empty() && prefix.len() <= 256 && !prefix.chars().any(char::is_control);
    if own || !plain || prefix.ends_with(':') || (prefix.contains('*') && prefix != "*") {
        let problem = "must be the start of keys up to a colon, such as products:popular, or * for the default";
        return Err(Error::invalid("prefix", problem));
    }
    Ok(prefix)
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
