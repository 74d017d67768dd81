//! The plan of a warmup: a TOML file that is checked whole when a component is built from it.

mod entry;
mod error;
mod module;
mod raw;
mod shape;

pub use entry::{EntrySource, PlanEntry};
pub use error::PlanError;
pub use module::PlanModule;
pub use shape::EntryShape;

pub(crate) use entry::key_columns;

use raw::RawPlan;

/// Modules by ascending priority. With none, a warmup loads nothing and the schedule never starts
/// one.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The modules, in the order in which they are warmed.
    pub modules: Vec<PlanModule>,
}

impl Plan {
    /// Checks a plan written in TOML and returns it in the form that [`Plan::read`] takes.
    ///
    /// # Errors
    /// The first mistake, with its line, or with its module and entry.
    #[cfg(feature = "compile")]
    pub fn compile(text: &str) -> Result<String, PlanError> {
        let raw: RawPlan =
            toml::from_str(text).map_err(|error| PlanError::new(error.to_string()))?;
        let compiled =
            serde_json::to_string(&raw).map_err(|error| PlanError::new(error.to_string()))?;

        Self::read(&compiled).map_err(|error| error.with_line_in(text))?;
        Ok(compiled)
    }

    /// Reads and checks a compiled plan.
    ///
    /// # Errors
    /// The first mistake, with its module and entry.
    pub fn read(compiled: &str) -> Result<Self, PlanError> {
        let mut raw: RawPlan =
            serde_json::from_str(compiled).map_err(|error| PlanError::new(error.to_string()))?;
        check_names_are_unique(&raw)?;

        raw.module.sort_by_key(|module| module.priority);
        let modules = raw
            .module
            .into_iter()
            .map(PlanModule::check)
            .collect::<Result<_, _>>()?;
        Ok(Self { modules })
    }

    /// True if there is nothing to load.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    /// The module of this name.
    pub(crate) fn module(&self, name: &str) -> Option<&PlanModule> {
        self.modules.iter().find(|module| module.name == name)
    }

    /// The modules' names, separated by commas.
    pub(crate) fn module_names(&self) -> String {
        let names: Vec<&str> = self
            .modules
            .iter()
            .map(|module| module.name.as_str())
            .collect();
        names.join(", ")
    }
}

fn check_names_are_unique(raw: &RawPlan) -> Result<(), PlanError> {
    let mut names: Vec<&str> = raw
        .module
        .iter()
        .map(|module| module.name.as_str())
        .collect();
    names.sort_unstable();

    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let problem = format!("module {} appears twice", pair[0]);
            Err(PlanError::new(problem).at("name", pair[0]))
        }
        None => Ok(()),
    }
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use edge_cache::keyspace::ttl::{self, Overrides};

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

    fn read(text: &str) -> Plan {
        Plan::read(&Plan::compile(text).unwrap()).unwrap()
    }

    #[test]
    fn modules_are_sorted_by_priority() {
        assert_eq!(read(GOOD).module_names(), "config, products");
    }

    #[test]
    fn the_ttl_of_an_entry_wins_over_the_ttl_table() {
        let plan = read(GOOD);
        let table = Overrides::new([("products".into(), 7), ("config".into(), 8)]);
        let config = &plan.modules[0].entries[0];
        let details = &plan.modules[1].entries[0];

        let own = config.ttl_of("config:main:all", &table);
        let from_table = details.ttl_of("products:1:details", &table);
        let default = details.ttl_of("products:1:details", &Overrides::default());

        assert_eq!(own, Duration::from_secs(60));
        assert_eq!(from_table, Duration::from_secs(7));
        assert_eq!(default, ttl::DEFAULT_TTL);
    }

    #[test]
    fn an_error_names_the_place_of_the_mistake() {
        let cases = [
            ("\"row\"", "\"rows\"", "line 8"),
            ("priority = 3", "", "missing field `priority`"),
            ("tags =", "tag =", "unknown field `tag`"),
            (
                "{id}",
                "id",
                "line 6: module products, entry products:id:details: a `row` needs a column",
            ),
            (
                "query = \"SELECT key",
                "url = \"/x\"\nquery = \"SELECT key",
                "line 15: module config, entry",
            ),
            (
                "query = \"SELECT key, value FROM settings\"",
                "url = \"http://x\"",
                "must be a path",
            ),
            (
                "tags = [",
                "items = \"/a\"\ntags = [",
                "`items` and `columns` apply to `url` only",
            ),
            ("{id}", "{id", "braces"),
            ("config:main", "cache:main", "must not start with cache:"),
            ("ttl_seconds = 60", "ttl_seconds = 0", "at least 1"),
            (
                "\"config\"",
                "\"products\"",
                "line 3: module products appears twice",
            ),
        ];
        for (good, bad, expected) in cases {
            let problem = Plan::compile(&GOOD.replace(good, bad))
                .unwrap_err()
                .to_string();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
