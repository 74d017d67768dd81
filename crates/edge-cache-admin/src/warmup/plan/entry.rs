//! Plan entries, and the checks on their fields.

use std::time::Duration;

use super::raw::RawEntry;
use super::shape::EntryShape;
use edge_cache::KeyName;
use edge_cache::keyspace::tag::Tag;
use edge_cache::keyspace::ttl::{self, Overrides};

/// Keys that are loaded with one query or one URL.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanEntry {
    /// The key, with columns in braces: `products:{id}:details`.
    pub key: String,
    /// The origin of the rows.
    pub source: EntrySource,
    /// The form of the values.
    pub shape: EntryShape,
    /// The TTL of the keys; `None`: by the TTL table.
    pub ttl: Option<Duration>,
    /// Tags of the keys.
    pub tags: Vec<Tag>,
}

/// The origin of the rows of a plan entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntrySource {
    /// The database, with this statement.
    Query(String),
    /// The web server `warmup_origin`, which returns JSON.
    Url {
        /// The path, from `/`, with its query string.
        path: String,
        /// A JSON pointer to the part that is used; empty for the whole response.
        items: String,
        /// The members that become columns, in this order; empty: all of them.
        columns: Vec<String>,
    },
}

impl PlanEntry {
    pub(super) fn check(raw: &RawEntry) -> Result<Self, String> {
        check_key(raw)?;
        let ttl = check_ttl(raw.ttl_seconds)?;
        let tags = raw
            .tags
            .iter()
            .map(|tag| Tag::parse("tags", tag.as_str()).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;

        Ok(Self {
            key: raw.key.clone(),
            source: EntrySource::check(raw)?,
            shape: raw.shape,
            ttl,
            tags,
        })
    }

    /// The TTL of a key of this entry.
    pub(crate) fn ttl_of(&self, key: &str, table: &Overrides) -> Duration {
        self.ttl.unwrap_or_else(|| table.for_key(key))
    }

    /// True if the key names columns, so that each row decides its key.
    pub(crate) fn has_columns_in_key(&self) -> bool {
        key_columns(&self.key).is_some_and(|columns| !columns.is_empty())
    }
}

fn check_key(raw: &RawEntry) -> Result<(), String> {
    let columns = key_columns(&raw.key).ok_or("`key` has unmatched or empty braces")?;

    if raw.key.is_empty() {
        return Err("`key` must not be empty".into());
    }
    if KeyName::new(raw.key.as_str()).is_protected() {
        return Err("`key` must not start with cache: or lock:, which are reserved".into());
    }
    if raw.shape == EntryShape::Row && columns.is_empty() {
        return Err("a `row` needs a column in its key, such as products:{id}:details".into());
    }
    Ok(())
}

fn check_ttl(seconds: Option<u64>) -> Result<Option<Duration>, String> {
    match seconds {
        Some(seconds) if !(1..=ttl::MAX_TTL_SECONDS).contains(&seconds) => Err(format!(
            "`ttl_seconds` must be at least 1 and at most {}",
            ttl::MAX_TTL_SECONDS
        )),
        seconds => Ok(seconds.map(Duration::from_secs)),
    }
}

impl EntrySource {
    /// The field of the plan that sets it: `query` or `url`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Url { .. } => "url",
        }
    }

    fn check(raw: &RawEntry) -> Result<Self, String> {
        match (&raw.query, &raw.url) {
            (Some(query), None) => Self::check_query(raw, query),
            (None, Some(path)) => Self::check_url(raw, path),
            _ => Err("needs either `query` or `url`, not both".into()),
        }
    }

    fn check_query(raw: &RawEntry, query: &str) -> Result<Self, String> {
        if raw.items.is_some() || !raw.columns.is_empty() {
            return Err(format!(
                "`items` and `columns` apply to `url` only; choose the columns in the query: {}",
                query.trim()
            ));
        }
        if query.trim().is_empty() {
            return Err("`query` must not be empty".into());
        }
        Ok(Self::Query(query.to_owned()))
    }

    fn check_url(raw: &RawEntry, path: &str) -> Result<Self, String> {
        let is_path = path.starts_with('/') && !path.starts_with("//");
        let has_bad_character = path.contains(|c: char| c.is_control() || c == ' ');
        if !is_path || has_bad_character {
            return Err(
                "`url` must be a path that starts with /; the variable warmup_origin sets the server"
                    .into(),
            );
        }

        let items = raw.items.clone().unwrap_or_default();
        if !items.is_empty() && !items.starts_with('/') {
            return Err("`items` must be a JSON pointer such as /data/items".into());
        }
        if !raw.columns.is_empty() && raw.columns.len() < raw.shape.min_columns() {
            return Err("this shape needs two `columns`".into());
        }

        Ok(Self::Url {
            path: path.to_owned(),
            items,
            columns: raw.columns.clone(),
        })
    }
}

/// The columns that a key names in braces; `None` when braces are unmatched or empty.
pub(crate) fn key_columns(key: &str) -> Option<Vec<&str>> {
    let mut columns = Vec::new();
    let mut rest = key;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        if before.contains('}') || name.is_empty() || name.contains('{') {
            return None;
        }
        columns.push(name);
        rest = tail;
    }
    (!rest.contains('}')).then_some(columns)
}
