//! Plan entries, and the checks on their fields.

use std::time::Duration;

use super::shape::EntryShape;
use crate::input::{FileError, TomlTable};
use crate::warmup::ttls::Ttls;
use edge_cache::KeyName;
use edge_cache::keyspace::tag::Tag;
use edge_cache::keyspace::ttl::MAX_TTL_SECONDS;

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

/// The fields of a plan entry, before they are checked together.
struct EntryFields<'f> {
    key: &'f str,
    query: Option<&'f str>,
    url: Option<&'f str>,
    items: Option<&'f str>,
    columns: Vec<String>,
    shape: EntryShape,
    tags: Vec<String>,
}

impl PlanEntry {
    /// Reads and checks a table `[[module.entry]]` of a module.
    pub(super) fn read(table: &TomlTable<'_>, module: &str) -> Result<Self, FileError> {
        let fields = EntryFields::read(table)?;
        let ttl = table.number("ttl_seconds", 1..=MAX_TTL_SECONDS)?;
        table.reject_unknown(&EntryFields::NAMES)?;

        let locate = |problem: String| {
            let problem = format!("module {module}, entry {}: {problem}", fields.key);
            table.error_at("key", problem)
        };
        fields.check_key().map_err(locate)?;
        Ok(Self {
            key: fields.key.to_owned(),
            source: fields.check_source().map_err(locate)?,
            shape: fields.shape,
            ttl: ttl.map(Duration::from_secs),
            tags: fields.check_tags().map_err(locate)?,
        })
    }

    /// The TTL of a key of this entry.
    pub(crate) fn ttl_of(&self, key: &str, ttls: &Ttls) -> Duration {
        self.ttl.unwrap_or_else(|| ttls.for_key(key))
    }

    /// True if the key names columns, so that each row decides its key.
    pub(crate) fn has_columns_in_key(&self) -> bool {
        key_columns(&self.key).is_some_and(|columns| !columns.is_empty())
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
}

impl<'f> EntryFields<'f> {
    const NAMES: [&'static str; 8] = [
        "key",
        "query",
        "url",
        "items",
        "columns",
        "shape",
        "ttl_seconds",
        "tags",
    ];

    fn read(table: &TomlTable<'f>) -> Result<Self, FileError> {
        let shape = table.required_string("shape")?;
        let shape = EntryShape::parse(shape)
            .ok_or_else(|| table.error_at("shape", EntryShape::EXPECTED))?;

        Ok(Self {
            key: table.required_string("key")?,
            query: table.string("query")?,
            url: table.string("url")?,
            items: table.string("items")?,
            columns: table.strings("columns")?,
            shape,
            tags: table.strings("tags")?,
        })
    }

    fn check_key(&self) -> Result<(), String> {
        let columns = key_columns(self.key).ok_or("`key` has unmatched or empty braces")?;

        if self.key.is_empty() {
            return Err("`key` must not be empty".into());
        }
        if KeyName::new(self.key).is_protected() {
            return Err("`key` must not start with cache: or lock:, which are reserved".into());
        }
        if self.shape == EntryShape::Row && columns.is_empty() {
            return Err("a `row` needs a column in its key, such as products:{id}:details".into());
        }
        Ok(())
    }

    fn check_tags(&self) -> Result<Vec<Tag>, String> {
        let tags = self.tags.iter();
        tags.map(|tag| Tag::parse("tags", tag.as_str()).map_err(|error| error.to_string()))
            .collect()
    }

    fn check_source(&self) -> Result<EntrySource, String> {
        match (self.query, self.url) {
            (Some(query), None) => self.check_query(query),
            (None, Some(path)) => self.check_url(path),
            _ => Err("needs either `query` or `url`, not both".into()),
        }
    }

    fn check_query(&self, query: &str) -> Result<EntrySource, String> {
        if self.items.is_some() || !self.columns.is_empty() {
            return Err(format!(
                "`items` and `columns` apply to `url` only; choose the columns in the query: {}",
                query.trim()
            ));
        }
        if query.trim().is_empty() {
            return Err("`query` must not be empty".into());
        }
        Ok(EntrySource::Query(query.to_owned()))
    }

    fn check_url(&self, path: &str) -> Result<EntrySource, String> {
        let is_path = path.starts_with('/') && !path.starts_with("//");
        let has_bad_character = path.contains(|c: char| c.is_control() || c == ' ');
        if !is_path || has_bad_character {
            return Err(
                "`url` must be a path that starts with /; the variable warmup_origin sets the server"
                    .into(),
            );
        }

        let items = self.items.unwrap_or_default();
        if !items.is_empty() && !items.starts_with('/') {
            return Err("`items` must be a JSON pointer such as /data/items".into());
        }
        if !self.columns.is_empty() && self.columns.len() < self.shape.min_columns() {
            return Err("this shape needs two `columns`".into());
        }

        Ok(EntrySource::Url {
            path: path.to_owned(),
            items: items.to_owned(),
            columns: self.columns.clone(),
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
