//! The plan of a warmup: the tables `[[module]]` of the configuration file.

mod entry;
mod module;
mod shape;

pub use entry::{EntrySource, PlanEntry};
pub use module::PlanModule;
pub use shape::EntryShape;

pub(crate) use entry::key_columns;

use crate::input::{FileError, TomlTable};

/// Modules by ascending priority. With none, a warmup loads nothing and the schedule never starts
/// one.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The modules, in the order in which they are warmed.
    pub modules: Vec<PlanModule>,
}

impl Plan {
    /// Reads and checks the plan of a configuration file.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn read(root: &TomlTable<'_>) -> Result<Self, FileError> {
        let mut modules: Vec<PlanModule> = Vec::new();
        for table in root.tables("module")? {
            let module = PlanModule::read(&table)?;
            if modules.iter().any(|known| known.name == module.name) {
                let problem = format!("module {} appears twice", module.name);
                return Err(table.error_at("name", problem));
            }
            modules.push(module);
        }

        modules.sort_by_key(|module| module.priority);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::input::TomlFile;
    use crate::warmup::ttls::Ttls;
    use edge_cache::keyspace::ttl::{self, Overrides, TtlTable};

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

    fn try_read(text: &str) -> Result<Plan, FileError> {
        Plan::read(&TomlFile::parse("plan.toml", text)?.root())
    }

    fn read(text: &str) -> Plan {
        try_read(text).unwrap()
    }

    #[test]
    fn modules_are_sorted_by_priority() {
        assert_eq!(read(GOOD).module_names(), "config, products");
    }

    #[test]
    fn the_ttl_of_an_entry_wins_over_the_ttl_table() {
        let plan = read(GOOD);
        let overridden = Ttls {
            table: TtlTable::default(),
            overrides: Overrides::new([("products".into(), 7), ("config".into(), 8)]),
        };
        let config = &plan.modules[0].entries[0];
        let details = &plan.modules[1].entries[0];

        let own = config.ttl_of("config:main:all", &overridden);
        let from_table = details.ttl_of("products:1:details", &overridden);
        let default = details.ttl_of("products:1:details", &Ttls::default());

        assert_eq!(own, Duration::from_secs(60));
        assert_eq!(from_table, Duration::from_secs(7));
        assert_eq!(default, ttl::DEFAULT_TTL);
    }

    #[test]
    fn an_error_names_the_place_of_the_mistake() {
        let cases = [
            ("\"row\"", "\"rows\"", "plan.toml:8:17: "),
            ("priority = 3", "", "plan.toml:2:9: `priority` is needed"),
            ("tags =", "tag =", "plan.toml:9:9: `tag` is not known here"),
            (
                "{id}",
                "id",
                "plan.toml:6:15: module products, entry products:id:details: a `row` needs a column",
            ),
            (
                "query = \"SELECT key",
                "url = \"/x\"\nquery = \"SELECT key",
                "plan.toml:15:15: module config, entry",
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
            ("ttl_seconds = 60", "ttl_seconds = 0", "plan.toml:18:23: "),
            (
                "\"config\"",
                "\"products\"",
                "plan.toml:12:16: module products appears twice",
            ),
        ];

        for (good, bad, expected) in cases {
            let problem = try_read(&GOOD.replace(good, bad)).unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
