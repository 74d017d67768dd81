//! The TTL table: that of the configuration file, and overrides that change it at run time.

use std::time::Duration;

use edge_cache::keyspace::key::{PROTECTED_PREFIXES, TTL_OVERRIDES};
use edge_cache::keyspace::ttl::{self, DEFAULT_PREFIX, DEFAULT_TTL, MAX_TTL_SECONDS, TtlTable};
use edge_cache::redis::{Command, Redis, Replies};
use serde::Serialize;

use crate::error::Error;
use crate::input::{Fields, read_removed_name};

/// The longest prefix.
const MAX_PREFIX_BYTES: usize = 256;

/// A row of the table in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TtlRow {
    /// The prefix; `*` for keys that no other row covers.
    pub prefix: String,
    /// The TTL of such keys, in seconds.
    pub ttl: u64,
    /// The origin of the row.
    pub source: TtlSource,
}

/// The origin of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TtlSource {
    /// Set by an admin.
    Override,
    /// From the configuration file, or the default.
    Builtin,
}

/// The table in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TtlTableReport {
    /// Its rows: overrides first, each group in the order of its prefixes.
    pub table: Vec<TtlRow>,
}

/// Reads the table in force: `configured` is that of the file. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read<R: Redis>(redis: &R, configured: &TtlTable) -> Result<TtlTableReport, Error> {
    let stored = ttl::read_overrides(redis).await?;
    let overrides = stored.entries();
    let is_overridden = |prefix: &str| overrides.iter().any(|(known, _)| known == prefix);

    let mut table: Vec<TtlRow> = overrides
        .iter()
        .map(|(prefix, ttl)| row(prefix, *ttl, TtlSource::Override))
        .collect();
    for (prefix, ttl) in with_default(configured) {
        if !is_overridden(prefix) {
            table.push(row(prefix, ttl.as_secs(), TtlSource::Builtin));
        }
    }
    table.sort_by(|a, b| (a.source, &a.prefix).cmp(&(b.source, &b.prefix)));
    Ok(TtlTableReport { table })
}

/// The rows of the file, and the default if they have none.
fn with_default(configured: &TtlTable) -> impl Iterator<Item = (&str, Duration)> {
    let rows = configured.rows().iter();
    let rows = rows.map(|(prefix, ttl)| (prefix.as_str(), *ttl));
    let has_default = rows.clone().any(|(prefix, _)| prefix == DEFAULT_PREFIX);
    rows.chain((!has_default).then_some((DEFAULT_PREFIX, DEFAULT_TTL)))
}

fn row(prefix: &str, ttl: u64, source: TtlSource) -> TtlRow {
    TtlRow {
        prefix: prefix.to_owned(),
        ttl,
        source,
    }
}

/// A checked `PUT /ttl` or `DELETE /ttl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeTtlRequest {
    prefix: String,
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Sets an override, in seconds.
    Set(u64),
    /// Removes the override.
    Remove,
}

impl ChangeTtlRequest {
    /// Reads `{"prefix": "products:popular", "ttl": 600}` of a `PUT`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse_put(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let prefix = parse_prefix(fields.string("prefix")?)?;
        reject_invisible(&prefix)?;
        let ttl = fields
            .positive("ttl", MAX_TTL_SECONDS)?
            .ok_or_else(|| Error::invalid("ttl", "is needed, in seconds"))?;
        fields.reject_unknown("prefix, ttl")?;

        Ok(Self {
            prefix,
            change: Change::Set(ttl),
        })
    }

    /// Reads `{"prefix": "products:popular"}` of a `DELETE`, in its body or its query string.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for either.
    pub fn parse_delete(body: &[u8], query: &str) -> Result<Self, Error> {
        Ok(Self {
            prefix: parse_prefix(read_removed_name("prefix", body, query)?)?,
            change: Change::Remove,
        })
    }

    /// The change in words, for the audit trail.
    pub fn describe(&self) -> String {
        match self.change {
            Change::Set(ttl) => format!("{} lives {ttl} s", self.prefix),
            Change::Remove => format!("{} as configured", self.prefix),
        }
    }

    /// Carries it out, and returns the new table; `configured` is that of the file. It applies at once,
    /// to values written from then on. Two round trips.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such override to remove; those of the connection.
    pub async fn run<R: Redis>(
        &self,
        redis: &R,
        configured: &TtlTable,
    ) -> Result<TtlTableReport, Error> {
        let prefix = self.prefix.as_str();
        match self.change {
            Change::Set(ttl) => {
                let set = Command::read("HSET").arg(TTL_OVERRIDES);
                redis.execute(set.arg(prefix).arg(ttl)).await?;
            }
            Change::Remove => {
                let remove = Command::new("HDEL").arg(TTL_OVERRIDES).arg(prefix);
                if Replies::new(redis.execute(remove).await?).count()? == 0 {
                    let problem = format!("there is no override for {prefix}");
                    return Err(Error::NotFound(problem));
                }
            }
        }

        read(redis, configured).await
    }
}

fn parse_prefix(given: Option<String>) -> Result<String, Error> {
    let prefix = given.ok_or_else(|| {
        Error::invalid(
            "prefix",
            "is needed, such as products:popular, or * for the default",
        )
    })?;
    match check_prefix(&prefix) {
        Ok(()) => Ok(prefix),
        Err(problem) => Err(Error::invalid("prefix", problem)),
    }
}

/// Rejects a new prefix that looks like another in a table. An existing one may be removed whatever
/// it looks like.
fn reject_invisible(prefix: &str) -> Result<(), Error> {
    check_visible(prefix).map_err(|problem| Error::invalid("prefix", problem))
}

/// Checks the prefix of a row.
pub(crate) fn check_new_prefix(prefix: &str) -> Result<(), &'static str> {
    check_prefix(prefix)?;
    check_visible(prefix)
}

fn check_prefix(prefix: &str) -> Result<(), &'static str> {
    let is_protected = PROTECTED_PREFIXES
        .iter()
        .any(|protected| prefix.starts_with(protected));
    let is_plain = !prefix.is_empty()
        && prefix.len() <= MAX_PREFIX_BYTES
        && !prefix.chars().any(char::is_control);
    let is_glob = prefix.contains('*') && prefix != DEFAULT_PREFIX;

    if is_protected || !is_plain || is_glob || prefix.ends_with(':') {
        return Err(
            "must be the start of keys up to a colon, such as products:popular, or * for the default",
        );
    }
    Ok(())
}

fn check_visible(prefix: &str) -> Result<(), &'static str> {
    if prefix.trim() == prefix && !prefix.chars().any(is_invisible) {
        return Ok(());
    }
    Err("must not begin or end with a space, or contain invisible characters")
}

fn is_invisible(c: char) -> bool {
    match c {
        ' ' => false,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        other => other.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const INVISIBLE: [&str; 9] = [
        " ",
        " a",
        "a ",
        "a\u{a0}b",
        "a\u{200b}",
        "\u{202e}a",
        "\u{feff}",
        "a\u{2060}b",
        "a\u{3000}b",
    ];

    fn put(prefix: &str) -> Result<ChangeTtlRequest, Error> {
        let body = json!({ "prefix": prefix, "ttl": 1 }).to_string();
        ChangeTtlRequest::parse_put(body.as_bytes())
    }

    fn delete(body: &str, query: &str) -> Result<ChangeTtlRequest, Error> {
        ChangeTtlRequest::parse_delete(body.as_bytes(), query)
    }

    #[test]
    fn a_new_prefix_must_not_look_like_another() {
        for prefix in INVISIBLE {
            assert!(put(prefix).is_err(), "{prefix:?}");
        }
        for prefix in ["a b", "é:ü", "products:popular", "*"] {
            assert!(put(prefix).is_ok(), "{prefix:?}");
        }
    }

    #[test]
    fn a_prefix_that_looks_like_another_can_be_removed() {
        for prefix in INVISIBLE {
            let body = json!({ "prefix": prefix }).to_string();
            assert!(delete(&body, "").is_ok(), "{prefix:?}");
        }
    }

    #[test]
    fn the_override_to_remove_is_named_once() {
        for (body, query) in [
            (r#"{"prefix":"b"}"#, "prefix=a"),
            (r#"{"prefix":"a"}"#, "prefix=a"),
            (r#"{"prefix":"a"}"#, "prefix="),
            ("", "prefix=a&prefix=b"),
        ] {
            let error = delete(body, query).unwrap_err().to_string();
            let expected = "`prefix` is given twice";
            assert!(error.starts_with(expected), "{body} {query}: {error}");
        }
    }

    #[test]
    fn the_override_to_remove_is_named_in_the_body_or_the_query() {
        let in_body = delete(r#"{"prefix":"a"}"#, "").unwrap();
        let in_query = delete("{}", "prefix=a").unwrap();
        assert_eq!(in_body, in_query);

        for nothing in ["", "prefix=", "prefix=%FF"] {
            assert!(delete("", nothing).is_err(), "{nothing}");
        }
    }
}
