//! The plan of a warmup: written in TOML, checked whole when a component is built from it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tag::Tag;
use crate::ttl;

/// What a warmup loads, in order of priority.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The modules, the most important first.
    pub modules: Vec<Module>,
}

/// A part of the plan that can be warmed by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Its entries, in the file's order.
    pub entries: Vec<Entry>,
}

/// What is loaded with one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, with columns in braces: `products:{id}:details`.
    pub key: String,
    /// The query.
    pub query: String,
    /// What becomes of the rows.
    pub shape: Shape,
    /// How long the keys live; by the TTL table where not given.
    pub ttl: Option<Duration>,
    /// Tags of the keys.
    pub tags: Vec<Tag>,
}

/// What becomes of the rows of a query. Where the key names columns, rows with the same key belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// All rows as one JSON list of objects.
    Document,
    /// Each row as a JSON object under its own key.
    Row,
    /// The first column of the first row, as JSON.
    Scalar,
    /// The first column of every row, as elements of a list.
    List,
    /// The first two columns as fields and values of a hash.
    Hash,
    /// The first two columns as members and scores of a sorted set.
    Zset,
}

/// A mistake in a plan, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError(String);

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlan {
    module: Vec<RawModule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModule {
    name: String,
    priority: u32,
    entry: Vec<RawEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    key: String,
    query: String,
    shape: Shape,
    ttl_seconds: Option<u64>,
    #[serde(default)]
    tags: Vec<String>,
}

impl Plan {
    /// Checks a plan written in TOML, and turns it into what [`Plan::read`] reads.
    ///
    /// # Errors
    /// The first mistake with its line, or with the module and entry it is in.
    #[cfg(feature = "compile")]
    pub fn compile(text: &str) -> Result<String, PlanError> {
        let raw: RawPlan = toml::from_str(text).map_err(|error| PlanError(error.to_string()))?;
        let compiled = serde_json::to_string(&raw).map_err(|error| PlanError(error.to_string()))?;
        Self::read(&compiled).map(|_| compiled)
    }

    /// Reads and checks a compiled plan.
    ///
    /// # Errors
    /// The first mistake, with the module and entry it is in.
    pub fn read(compiled: &str) -> Result<Self, PlanError> {
        let mut raw: RawPlan = serde_json::from_str(compiled).map_err(|error| PlanError(error.to_string()))?;
        raw.module.sort_by_key(|module| module.priority);
        let mut names: Vec<&str> = raw.module.iter().map(|module| module.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PlanError(format!("module {} stands twice", twice[0])));
        }
        raw.module.into_iter().map(Module::check).collect::<Result<_, _>>().map(|modules| Self { modules })
    }

    /// The modules' names for a message.
    pub(crate) fn names(&self) -> String {
        self.modules.iter().map(|module| module.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Module {
    fn check(raw: RawModule) -> Result<Self, PlanError> {
        let place = |entry: &RawEntry| format!("module {}, entry {}", raw.name, entry.key);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if raw.name.is_empty() || !raw.name.bytes().all(plain) {
            return Err(PlanError(format!("module {:?}: a name has letters, digits, - and _", raw.name)));
        }
        if raw.entry.is_empty() {
            return Err(PlanError(format!("module {}: at least one [[module.entry]] is needed", raw.name)));
        }
        let entries = raw
            .entry
            .iter()
            .map(|entry| Entry::check(entry).map_err(|problem| PlanError(format!("{}: {problem}", place(entry)))));
        Ok(Self { entries: entries.collect::<Result<_, _>>()?, name: raw.name })
    }
}

impl Entry {
    fn check(raw: &RawEntry) -> Result<Self, String> {
        let columns = columns(&raw.key).ok_or("`key` has braces that do not match, or nothing in them")?;
        if raw.key.is_empty() || raw.query.trim().is_empty() {
            return Err("`key` and `query` must not be empty".into());
        }
        if ["cache:", "lock:"].iter().any(|own| raw.key.starts_with(own)) {
            return Err("`key` must not start with cache: or lock:, which this system keeps for itself".into());
        }
        if raw.shape == Shape::Row && columns.is_empty() {
            return Err("a `row` needs a column in its key, such as products:{id}:details".into());
        }
        if raw.ttl_seconds == Some(0) {
            return Err("`ttl_seconds` must be at least 1".into());
        }
        let tags = raw.tags.iter().map(|tag| Tag::parse("tags", tag.as_str()).map_err(|error| error.to_string()));
        Ok(Self {
            key: raw.key.clone(),
            query: raw.query.clone(),
            shape: raw.shape,
            ttl: raw.ttl_seconds.map(Duration::from_secs),
            tags: tags.collect::<Result<_, _>>()?,
        })
    }

    /// How long a key of this entry lives.
    pub(crate) fn ttl_of(&self, key: &str) -> Duration {
        self.ttl.unwrap_or_else(|| ttl::for_key(key))
    }
}

/// The columns a key names; `None` when its braces do not match.
pub(crate) fn columns(key: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = key;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        if before.contains('}') || name.is_empty() || name.contains('{') {
            return None;
        }
        found.push(name);
        rest = tail;
    }
    (!rest.contains('}')).then_some(found)
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[module]]
        name = "products"
        priority = 3
        [[module.entry]]
        key = "products:{id}:details"
        query = "SELECT id, name FROM products"
        shape = "row"
        tags = ["product-catalog"]

        [[module]]
        name = "config"
        priority = 1
        [[module.entry]]
        key = "config:main:all"
        query = "SELECT key, value FROM settings"
        shape = "hash"
        ttl_seconds = 60
    "#;

    #[test]
    fn modules_come_in_order_of_priority() {
        let plan = Plan::read(&Plan::compile(GOOD).unwrap()).unwrap();
        assert_eq!(plan.names(), "config, products");
        assert_eq!(plan.modules[0].entries[0].ttl_of("config:main:all"), Duration::from_secs(60));
        assert_eq!(plan.modules[1].entries[0].ttl_of("products:1:details"), ttl::DEFAULT);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let cases = [
            (GOOD.replace("\"row\"", "\"rows\""), "line 8"),
            (GOOD.replace("priority = 3", ""), "missing field `priority`"),
            (GOOD.replace("tags =", "tag ="), "unknown field `tag`"),
            (GOOD.replace("{id}", "id"), "module products, entry products:id:details: a `row` needs a column"),
            (GOOD.replace("{id}", "{id"), "braces"),
            (GOOD.replace("config:main", "cache:main"), "must not start with cache:"),
            (GOOD.replace("ttl_seconds = 60", "ttl_seconds = 0"), "at least 1"),
            (GOOD.replace("\"config\"", "\"products\""), "stands twice"),
        ];
        for (text, told) in cases {
            let problem = Plan::compile(&text).unwrap_err().to_string();
            assert!(problem.contains(told), "{problem}");
        }
    }
}
