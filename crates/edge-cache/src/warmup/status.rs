//! The progress of a warmup, as it is stored and shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Request;
use super::plan::Plan;
use super::run::Stop;
use super::write::Written;
use crate::format;

/// Where a warmup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Running,
    /// It came to its end; single entries may have failed.
    Done,
    /// It could not go on: `error` says why.
    Failed,
    /// Somebody asked it to stop.
    Cancelled,
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
    /// Whether nothing is written: the numbers are what a warmup would do.
    #[serde(default)]
    pub dry_run: bool,
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
    /// Keys handled a second, written or left alone.
    #[serde(default)]
    pub keys_per_second: u64,
    /// Seconds until its end, judged by the entries done so far; null before the first and after the end.
    #[serde(default)]
    pub estimated_seconds_left: Option<u64>,
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

/// How a module fared when it was last warmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// When the warmup ended.
    pub finished_at: String,
    /// Who asked for it.
    pub by: String,
    /// How the warmup ended.
    pub state: State,
    /// Keys of this module written.
    pub keys_created: u64,
    /// Keys of it left alone because they existed.
    pub keys_skipped: u64,
    /// Entries of it that failed, and keys the server refused.
    pub errors: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl ModuleStatus {
    fn pending(name: &str, entries: usize) -> Self {
        Self {
            name: name.to_owned(),
            state: ModuleState::Pending,
            entries_done: 0,
            entries_total: entries as u64,
            keys_created: 0,
            keys_skipped: 0,
            errors: 0,
            first_error: None,
            duration_ms: 0,
        }
    }

    pub(crate) fn finish(&mut self, elapsed: Duration) {
        self.state = ModuleState::Done;
        self.duration_ms = format::milliseconds(elapsed);
    }
}

impl Status {
    pub(crate) fn started(plan: &Plan, request: &Request, by: &str, id: &str) -> Self {
        let wanted =
            plan.modules.iter().filter(|module| request.modules.is_empty() || request.modules.contains(&module.name));
        let modules = wanted.map(|module| ModuleStatus::pending(&module.name, module.entries.len()));
        let started_at = format::now();
        Self {
            state: State::Running,
            by: by.to_owned(),
            id: id.to_owned(),
            force: request.force,
            dry_run: request.dry_run,
            updated_at: started_at.clone(),
            started_at,
            finished_at: None,
            duration: format::duration(Duration::ZERO),
            duration_ms: 0,
            keys_created: 0,
            keys_skipped: 0,
            bytes: 0,
            keys_per_second: 0,
            estimated_seconds_left: None,
            errors: 0,
            error: None,
            modules: modules.collect(),
        }
    }

    pub(crate) fn touch(&mut self, elapsed: Duration) {
        self.updated_at = format::now();
        self.duration = format::duration(elapsed);
        self.duration_ms = format::milliseconds(elapsed);
        let (done, total) = self
            .modules
            .iter()
            .fold((0, 0), |(done, total), module| (done + module.entries_done, total + module.entries_total));
        let handled = self.keys_created + self.keys_skipped;
        self.keys_per_second = (handled * 1000).checked_div(self.duration_ms.max(1)).unwrap_or(0);
        let left = self.duration_ms * (total - done.min(total));
        self.estimated_seconds_left = left.checked_div(done).map(|ms| ms.div_ceil(1000));
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

    pub(crate) fn finish(&mut self, elapsed: Duration, stop: Option<&Stop>) {
        self.touch(elapsed);
        self.estimated_seconds_left = None;
        self.finished_at = Some(self.updated_at.clone());
        self.state = match stop {
            None => State::Done,
            Some(Stop::Cancelled) => State::Cancelled,
            Some(_) => State::Failed,
        };
        self.error = stop.filter(|_| self.state == State::Failed).map(Stop::to_string);
    }

    /// What is remembered of each module that was begun.
    pub(crate) fn last_runs(&self) -> impl Iterator<Item = (&str, LastRun)> {
        let begun = self.modules.iter().filter(|module| module.state != ModuleState::Pending);
        begun.map(|module| {
            let last = LastRun {
                finished_at: self.updated_at.clone(),
                by: self.by.clone(),
                state: self.state,
                keys_created: module.keys_created,
                keys_skipped: module.keys_skipped,
                errors: module.errors,
                duration_ms: module.duration_ms,
            };
            (module.name.as_str(), last)
        })
    }

    /// The sentence of the answer.
    pub fn message(&self) -> String {
        let what = if self.dry_run { "Dry run of a cache warmup" } else { "Cache warmup" };
        let nothing = if self.dry_run { "; nothing was written" } else { "" };
        match (self.state, self.errors) {
            (State::Cancelled, _) => format!("{what} cancelled after {} keys", self.keys_created),
            (_, 0) => format!("{what} completed{nothing}"),
            (_, errors) => format!("{what} completed with {errors} errors{nothing}; details say which"),
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
