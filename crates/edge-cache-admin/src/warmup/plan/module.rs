//! Modules of a plan.

use super::entry::PlanEntry;
use super::error::PlanError;
use super::raw::{RawEntry, RawModule};

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
    pub(super) fn check(raw: RawModule) -> Result<Self, PlanError> {
        check_name(&raw.name)?;
        if raw.entry.is_empty() {
            let problem = format!("module {}: needs at least one [[module.entry]]", raw.name);
            return Err(PlanError::new(problem).at("name", &raw.name));
        }

        let locate = |entry: &RawEntry, problem: String| {
            let problem = format!("module {}, entry {}: {problem}", raw.name, entry.key);
            PlanError::new(problem).at("key", &entry.key)
        };
        let entries = raw
            .entry
            .iter()
            .map(|entry| PlanEntry::check(entry).map_err(|problem| locate(entry, problem)))
            .collect::<Result<_, _>>()?;

        Ok(Self {
            entries,
            priority: raw.priority,
            name: raw.name,
        })
    }
}

fn check_name(name: &str) -> Result<(), PlanError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_allowed) {
        return Ok(());
    }
    let problem = format!("module {name:?}: a name consists of letters, digits, - and _");
    Err(PlanError::new(problem).at("name", name))
}
