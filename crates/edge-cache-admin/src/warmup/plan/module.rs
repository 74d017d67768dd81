//! Modules of a plan.

use super::entry::PlanEntry;
use crate::input::{FileError, TomlTable};

/// A named group of plan entries that can be warmed by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanModule {
    /// Its name.
    pub name: String,
    /// Modules are warmed by ascending priority.
    pub priority: u32,
    /// Its entries, in the file's order.
    pub entries: Vec<PlanEntry>,
}

impl PlanModule {
    /// Reads and checks a table `[[module]]`.
    pub(super) fn read(table: &TomlTable<'_>) -> Result<Self, FileError> {
        let name = table.required_string("name")?;
        check_name(name).map_err(|problem| table.error_at("name", problem))?;
        let priority = table
            .number("priority", 0..=u64::from(u32::MAX))?
            .and_then(|priority| u32::try_from(priority).ok())
            .ok_or_else(|| table.missing("priority"))?;

        let entries = table.tables("entry")?;
        if entries.is_empty() {
            let problem = format!("module {name}: needs at least one [[module.entry]]");
            return Err(table.error_at("entry", problem));
        }
        let entries = entries
            .iter()
            .map(|entry| PlanEntry::read(entry, name))
            .collect::<Result<_, _>>()?;
        table.reject_unknown(&["name", "priority", "entry"])?;

        Ok(Self {
            name: name.to_owned(),
            priority,
            entries,
        })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(format!(
        "module {name:?}: a name consists of letters, digits, - and _"
    ))
}
