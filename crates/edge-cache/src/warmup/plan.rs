//! The plan of a warmup: written in TOML, checked whole when a component is built from it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::tag::Tag;
use crate::ttl::{self, Overrides};

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
    /// The smallest comes first.
    pub priority: u32,
    /// Its entries, in the file's order.
    pub entries: Vec<Entry>,
}

/// What is loaded with one query or request.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, with columns in braces: `products:{id}:details`.
    pub key: String,
    /// Where it is loaded from.
    pub origin: Origin,
    /// What becomes of the rows.
    pub shape: Shape,
    /// How long the keys live; by the TTL table where not given.
    pub ttl: Option<Duration>,
    /// Tags of the keys.
    pub tags: Vec<Tag>,
}

/// Where an entry is loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The database, with this statement.
    Query(String),
    /// The web server `warmup_origin`, which answers JSON.
    Url {
        /// The path, from `/`, with its query string.
        path: String,
        /// A JSON pointer to the part that is wanted; empty for the whole answer.
        items: String,
        /// The members that become columns, in this order; all of them where none is named.
        columns: Vec<String>,
    },
}

impl Origin {
    /// `query` or `url`, as the plan names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Url { .. } => "url",
        }
    }
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
pub struct PlanError {
    problem: String,
    /// The field in the file that it is about, and its value.
    about: Option<(&'static str, String)>,
}

impl std::error::Error for PlanError {}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl PlanError {
    fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), about: None }
    }

    fn about(self, field: &'static str, value: &str) -> Self {
        Self { about: Some((field, value.to_owned())), ..self }
    }

    /// Adds the line on which the value stands that the mistake is about.
    #[cfg(feature = "compile")]
    fn placed_in(mut self, text: &str) -> Self {
        let Some((field, value)) = &self.about else { return self };
        let quoted = [format!("\"{value}\""), format!("'{value}'")];
        let names_it = |line: &str| {
            let before = quoted.iter().find_map(|quoted| line.split_once(quoted.as_str()));
            before.is_some_and(|(before, _)| before.trim_end_matches([' ', '=']).ends_with(field))
        };
        if let Some(line) = text.lines().position(names_it) {
            self.problem = format!("line {}: {}", line + 1, self.problem);
        }
        self
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
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
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
        let raw: RawPlan = toml::from_str(text).map_err(|error| PlanError::new(error.to_string()))?;
        let compiled = serde_json::to_string(&raw).map_err(|error| PlanError::new(error.to_string()))?;
        Self::read(&compiled).map(|_| compiled).map_err(|error| error.placed_in(text))
    }

    /// Reads and checks a compiled plan.
    ///
    /// # Errors
    /// The first mistake, with the module and entry it is in.
    pub fn read(compiled: &str) -> Result<Self, PlanError> {
        let mut raw: RawPlan = serde_json::from_str(compiled).map_err(|error| PlanError::new(error.to_string()))?;
        raw.module.sort_by_key(|module| module.priority);
        let mut names: Vec<&str> = raw.module.iter().map(|module| module.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PlanError::new(format!("module {} stands twice", twice[0])).about("name", twice[0]));
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
        let mistake = |entry: &RawEntry, problem: String| {
            PlanError::new(format!("module {}, entry {}: {problem}", raw.name, entry.key)).about("key", &entry.key)
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if raw.name.is_empty() || !raw.name.bytes().all(plain) {
            let problem = format!("module {:?}: a name has letters, digits, - and _", raw.name);
            return Err(PlanError::new(problem).about("name", &raw.name));
        }
        if raw.entry.is_empty() {
            let problem = format!("module {}: at least one [[module.entry]] is needed", raw.name);
            return Err(PlanError::new(problem).about("name", &raw.name));
        }
        let entries = raw.entry.iter().map(|entry| Entry::check(entry).map_err(|problem| mistake(entry, problem)));
        Ok(Self { entries: entries.collect::<Result<_, _>>()?, priority: raw.priority, name: raw.name })
    }
}

impl Entry {
    fn check(raw: &RawEntry) -> Result<Self, String> {
        let columns = columns(&raw.key).ok_or("`key` has braces that do not match, or nothing in them")?;
        if raw.key.is_empty() {
            return Err("`key` must not be empty".into());
        }
        if ["cache:", "lock:"].iter().any(|own| raw.key.starts_with(own)) {
            return Err("`key` must not start with cache: or lock:, which this system keeps for itself".into());
        }
        if raw.shape == Shape::Row && columns.is_empty() {
            return Err("a `row` needs a column in its key, such as products:{id}:details".into());
        }
        if raw.ttl_seconds.is_some_and(|ttl| !(1..=ttl::MAX_SECONDS).contains(&ttl)) {
            return Err(format!("`ttl_seconds` must be at least 1 and at most {}", ttl::MAX_SECONDS));
        }
        let tags = raw.tags.iter().map(|tag| Tag::parse("tags", tag.as_str()).map_err(|error| error.to_string()));
        Ok(Self {
            key: raw.key.clone(),
            origin: Origin::check(raw)?,
            shape: raw.shape,
            ttl: raw.ttl_seconds.map(Duration::from_secs),
            tags: tags.collect::<Result<_, _>>()?,
        })
    }

    /// How long a key of this entry lives.
    pub(crate) fn ttl_of(&self, key: &str, table: &Overrides) -> Duration {
        self.ttl.unwrap_or_else(|| table.for_key(key))
    }
}

impl Origin {
    fn check(raw: &RawEntry) -> Result<Self, String> {
        match (&raw.query, &raw.url) {
            (Some(query), None) if raw.items.is_some() || !raw.columns.is_empty() => {
                Err(format!("`items` and `columns` are for `url`; let the query choose: {}", query.trim()))
            }
            (Some(query), None) if query.trim().is_empty() => Err("`query` must not be empty".into()),
            (Some(query), None) => Ok(Self::Query(query.clone())),
            (None, Some(path)) => Self::check_url(raw, path),
            _ => Err("either `query` or `url` is needed, and not both".into()),
        }
    }

    fn check_url(raw: &RawEntry, path: &str) -> Result<Self, String> {
        if !path.starts_with('/') || path.starts_with("//") || path.contains(|c: char| c.is_control() || c == ' ') {
            return Err("`url` must be a path from /; the server is the variable warmup_origin".into());
        }
        let items = raw.items.clone().unwrap_or_default();
        if !items.is_empty() && !items.starts_with('/') {
            return Err("`items` must be a JSON pointer such as /data/items".into());
        }
        if matches!(raw.shape, Shape::Hash | Shape::Zset) && raw.columns.len() == 1 {
            return Err("this shape needs two `columns`".into());
        }
        Ok(Self::Url { path: path.to_owned(), items, columns: raw.columns.clone() })
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
        let table = Overrides::new([("products".into(), 7), ("config".into(), 8)]);
        assert_eq!(plan.modules[0].entries[0].ttl_of("config:main:all", &table), Duration::from_secs(60));
        assert_eq!(plan.modules[1].entries[0].ttl_of("products:1:details", &table), Duration::from_secs(7));
        assert_eq!(plan.modules[1].entries[0].ttl_of("products:1:details", &Overrides::default()), ttl::DEFAULT);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let cases = [
            (GOOD.replace("\"row\"", "\"rows\""), "line 8"),
            (GOOD.replace("priority = 3", ""), "missing field `priority`"),
            (GOOD.replace("tags =", "tag ="), "unknown field `tag`"),
            (GOOD.replace("{id}", "id"), "line 6: module products, entry products:id:details: a `row` needs a column"),
            (
                GOOD.replace("query = \"SELECT key", "url = \"/x\"\nquery = \"SELECT key"),
                "line 15: module config, entry",
            ),
            (GOOD.replace("query = \"SELECT key, value FROM settings\"", "url = \"http://x\""), "must be a path"),
            (GOOD.replace("tags = [", "items = \"/a\"\ntags = ["), "`items` and `columns` are for `url`"),
            (GOOD.replace("{id}", "{id"), "braces"),
            (GOOD.replace("config:main", "cache:main"), "must not start with cache:"),
            (GOOD.replace("ttl_seconds = 60", "ttl_seconds = 0"), "at least 1"),
            (GOOD.replace("\"config\"", "\"products\""), "line 3: module products stands twice"),
        ];
        for (text, told) in cases {
            let problem = Plan::compile(&text).unwrap_err().to_string();
            assert!(problem.contains(told), "{problem}");
        }
    }
}
