//! The configuration file of an application, `edge-cache.toml`.
//!
//! | Section | Says |
//! | --- | --- |
//! | `[ttl]` | how long keys live, by prefix |
//! | `[[rule]]` | what domain events invalidate |
//! | `[deprecated]` | routes of older systems, and the pattern that each clears |
//! | `[[module]]` | what a warmup loads |
//!
//! All sections are optional. Each is read by those who need it; a build checks all of them.

mod deprecated;

use std::fs;
use std::path::Path;
use std::time::Duration;

use edge_cache::keyspace::ttl::{MAX_TTL_SECONDS, TtlTable};

use crate::admin::events::EventRules;
use crate::admin::ttl_table::check_new_prefix;
use crate::input::{FileError, TomlFile, TomlTable};
use crate::warmup::Plan;

pub use deprecated::{DeprecatedRoute, DeprecatedRoutes};

/// A configuration file whose syntax is valid.
#[derive(Debug)]
pub struct Configuration<'a>(TomlFile<'a>);

impl<'a> Configuration<'a> {
    /// Parses a text; `file` is its name in errors. An empty text is a configuration without anything.
    ///
    /// # Errors
    /// The first mistake in its syntax, or a section that does not exist.
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, FileError> {
        let file = TomlFile::parse(file, text)?;
        file.root()
            .reject_unknown(&["ttl", "rule", "deprecated", "module"])?;
        Ok(Self(file))
    }

    /// The TTLs of keys by prefix.
    ///
    /// # Errors
    /// The first mistake in `[ttl]`.
    pub fn ttls(&self) -> Result<TtlTable, FileError> {
        match self.0.root().table("ttl")? {
            Some(table) => table
                .names()
                .map(|prefix| read_ttl(&table, prefix))
                .collect(),
            None => Ok(TtlTable::default()),
        }
    }

    /// The rules for domain events.
    ///
    /// # Errors
    /// The first mistake in a `[[rule]]`.
    pub fn rules(&self) -> Result<EventRules, FileError> {
        EventRules::read(&self.0.root())
    }

    /// The deprecated routes.
    ///
    /// # Errors
    /// The first mistake in `[deprecated]`.
    pub fn deprecated_routes(&self) -> Result<DeprecatedRoutes, FileError> {
        match self.0.root().table("deprecated")? {
            Some(table) => DeprecatedRoutes::read(&table),
            None => Ok(DeprecatedRoutes::default()),
        }
    }

    /// The plan of warmups.
    ///
    /// # Errors
    /// The first mistake in a `[[module]]`.
    pub fn plan(&self) -> Result<Plan, FileError> {
        Plan::read(&self.0.root())
    }

    /// Checks all sections.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), FileError> {
        self.ttls()?;
        self.rules()?;
        self.deprecated_routes()?;
        self.plan()?;
        Ok(())
    }
}

/// Reads and checks a file, for build scripts; its text.
///
/// # Errors
/// A file that cannot be read, or its first mistake.
pub fn check_file(path: &Path) -> Result<String, FileError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| FileError::unreadable(&name, error))?;
    Configuration::parse(&name, &text)?.check()?;
    Ok(text)
}

fn read_ttl<'f>(table: &TomlTable<'f>, prefix: &'f str) -> Result<(&'f str, Duration), FileError> {
    check_new_prefix(prefix)
        .map_err(|problem| table.error_at_name(prefix, format!("`{prefix}` {problem}")))?;
    let seconds = table
        .number(prefix, 1..=MAX_TTL_SECONDS)?
        .ok_or_else(|| table.missing(prefix))?;
    Ok((prefix, Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        Configuration::parse("edge-cache.toml", text)
            .and_then(|configuration| configuration.check())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_has_all_sections_or_none() {
        let text = r#"
            [ttl]
            "*" = 120
            "stock:available" = 60

            [[rule]]
            event = "stock.*"
            patterns = ["stock:*"]

            [deprecated]
            since = 2026-11-22
            route = [{ path = "/old", pattern = "stock:*" }]

            [[module]]
            name = "stock"
            priority = 1
            entry = [{ key = "stock:all", url = "/stock", shape = "document" }]
        "#;

        let configuration = Configuration::parse("edge-cache.toml", text).unwrap();

        assert_eq!(configuration.check(), Ok(()));
        assert_eq!(configuration.ttls().unwrap().rows().len(), 2);
        assert_eq!(configuration.plan().unwrap().modules.len(), 1);
        assert_eq!(configuration.deprecated_routes().unwrap().routes.len(), 1);
        assert_eq!(check(""), Ok(()));
    }

    #[test]
    fn a_mistake_is_reported_with_its_place() {
        let cases = [
            ("[ttls]\n", "edge-cache.toml:1:2: `ttls` is not known here"),
            (
                "[ttl]\na = \"x\"\n",
                "edge-cache.toml:2:5: `a` must be a whole number",
            ),
            (
                "[ttl]\na = 0\n",
                "edge-cache.toml:2:5: `a` must be a whole number",
            ),
            (
                "[ttl]\n\"a:*\" = 5\n",
                "edge-cache.toml:2:1: `a:*` must be the start",
            ),
            (
                "[ttl]\n\"cache:a\" = 5\n",
                "edge-cache.toml:2:1: `cache:a` must",
            ),
            (
                "[ttl]\n\"a \" = 5\n",
                "edge-cache.toml:2:1: `a ` must not begin or end",
            ),
            ("[ttl]\na = 5\na = 6\n", "edge-cache.toml:3:1: "),
            ("ttl = 3\n", "edge-cache.toml:1:7: `ttl` must be a table"),
            (
                "[rule]\n",
                "edge-cache.toml:1:1: `rule` must be a list of tables",
            ),
            ("[[module]]\n", "edge-cache.toml:1:1: `name` is needed"),
            (
                "[deprecated]\nuntil = 2027-11-22\n",
                "edge-cache.toml:2:1: `until` is not known",
            ),
        ];

        for (text, expected) in cases {
            let problem = check(text).unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }
}
