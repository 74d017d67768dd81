//! The progress of a warmup, as it is stored and shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::{Request, Written, now};
use crate::error::Error;
use crate::format;

/// Where a warmup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Running,
    /// It came to its end; single entries may have failed.
    Done,
    /// It could not go on.
    Failed,
    /// Its instance went away without a word.
    Interrupted,
}

/// Where a module stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleState {
    /// Its turn has not come.
    Pending,
    /// It is being loaded.
    Running,
    /// All its entries were tried.
    Done,
}

/// A warmup's progress and result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Where it stands.
    pub state: State,
    /// Who asked for it.
    pub by: String,
    /// Its id.
    pub id: String,
    /// Whether existing keys are written again.
    pub force: bool,
    /// When it started, RFC 3339.
    pub started_at: String,
    /// When it last made progress.
    pub updated_at: String,
    /// When it ended, null while it runs.
    pub finished_at: Option<String>,
    /// How long it has taken.
    pub duration: String,
    /// The same, in milliseconds.
    pub duration_ms: u64,
    /// Keys written.
    pub keys_created: u64,
    /// Keys left alone because they existed.
    pub keys_skipped: u64,
    /// Bytes of the values written.
    pub bytes: u64,
    /// Entries that failed, and keys the server refused.
    pub errors: u64,
    /// Why it could not go on.
    pub error: Option<String>,
    /// The modules, in their order.
    pub modules: Vec<ModuleStatus>,
}

/// A module's progress and result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleStatus {
    /// The module's name.
    pub name: String,
    /// Where it stands.
    pub state: ModuleState,
    /// Entries tried.
    pub entries_done: u64,
    /// Entries it has.
    pub entries_total: u64,
    /// Keys written.
    pub keys_created: u64,
    /// Keys left alone because they existed.
    pub keys_skipped: u64,
    /// Entries that failed, and keys the server refused.
    pub errors: u64,
    /// The first of these.
    pub first_error: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl ModuleStatus {
    pub(crate) fn finish(&mut self, elapsed: Duration) {
        self.state = ModuleState::Done;
        self.duration_ms = format::milliseconds(elapsed);
    }
}

impl Status {
    pub(crate) fn started(plan: &Plan, request: &Request, by: &str, id: &str) -> Self {
        let wanted =
            plan.modules.iter().filter(|module| request.modules.is_empty() || request.modules.contains(&module.name));
        let modules = wanted.map(|module| ModuleStatus {
            name: module.name.clone(),
            state: ModuleState::Pending,
            entries_done: 0,
            entries_total: module.entries.len() as u64,
            keys_created: 0,
            keys_skipped: 0,
            errors: 0,
            first_error: None,
            duration_ms: 0,
        });
        let started_at = now();
        Self {
            state: State::Running,
            by: by.to_owned(),
            id: id.to_owned(),
            force: request.force,
            updated_at: started_at.clone(),
            started_at,
            finished_at: None,
            duration: format::duration(Duration::ZERO),
            duration_ms: 0,
            keys_created: 0,
            keys_skipped: 0,
            bytes: 0,
            errors: 0,
            error: None,
            modules: modules.collect(),
        }
    }

    pub(crate) fn touch(&mut self, elapsed: Duration) {
        self.updated_at = now();
        self.duration = format::duration(elapsed);
        self.duration_ms = format::milliseconds(elapsed);
    }

    pub(crate) fn wrote(&mut self, module: usize, written: &Written) {
        self.keys_created += written.created;
        self.keys_skipped += written.skipped;
        self.bytes += written.bytes;
        if let Some(module) = self.modules.get_mut(module) {
            module.keys_created += written.created;
            module.keys_skipped += written.skipped;
        }
        if written.refused > 0 {
            self.failed(module, &format!("Redis refused {} keys: {}", written.refused, written.reason));
            let more = written.refused - 1;
            self.errors += more;
            if let Some(module) = self.modules.get_mut(module) {
                module.errors += more;
            }
        }
    }

    pub(crate) fn failed(&mut self, module: usize, problem: &str) {
        self.errors += 1;
        if let Some(module) = self.modules.get_mut(module) {
            module.errors += 1;
            module.first_error.get_or_insert_with(|| problem.to_owned());
        }
    }

    pub(crate) fn finish(&mut self, elapsed: Duration, error: Option<&Error>) {
        self.touch(elapsed);
        self.finished_at = Some(self.updated_at.clone());
        self.state = if error.is_some() { State::Failed } else { State::Done };
        self.error = error.map(Error::to_string);
    }

    /// The sentence of the answer.
    pub fn message(&self) -> String {
        match self.errors {
            0 => "Cache warmup completed".into(),
            errors => format!("Cache warmup completed with {errors} errors; details say which"),
        }
    }

    /// The modules that were warmed, for the answer.
    pub fn modules_warmed(&self) -> Vec<&str> {
        self.modules
            .iter()
            .filter(|module| module.state == ModuleState::Done)
            .map(|module| module.name.as_str())
            .collect()
    }
}
