//! The status of a warmup: its progress and result, as stored and as shown.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outcome::{SliceOutcome, StopReason};
use super::plan::Plan;
use super::request::WarmupRequest;
use crate::admin::audit::AuditOutcome;
use edge_cache::keyspace::bulk_write::WriteCounts;
use edge_cache::units;

/// The state of a warmup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WarmupState {
    /// It runs.
    Running,
    /// It ended; single plan entries may have failed.
    Done,
    /// It stopped early; `error` has the reason.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its instance ended without a result.
    Interrupted,
}

/// The state of a module in a warmup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModuleState {
    /// It has not begun.
    Pending,
    /// It is being loaded.
    Running,
    /// All its entries were tried.
    Done,
    /// The warmup stopped early while it was being loaded.
    Failed,
    /// The warmup was cancelled while it was being loaded.
    Cancelled,
    /// The warmup's instance ended while it was being loaded.
    Interrupted,
}

/// The progress and result of a warmup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarmupStatus {
    /// Its state.
    pub state: WarmupState,
    /// Its starter: a token's name, or `schedule`.
    pub by: String,
    /// Its id.
    pub id: String,
    /// True if existing keys are overwritten.
    pub force: bool,
    /// True if nothing is written; the numbers are those of a warmup that would write.
    #[serde(default)]
    pub dry_run: bool,
    /// The time of its start, RFC 3339.
    pub started_at: String,
    /// The time of its last progress.
    pub updated_at: String,
    /// The time of its end; null while it runs.
    pub finished_at: Option<String>,
    /// The time it has taken.
    pub duration: String,
    /// The same, in milliseconds.
    pub duration_ms: u64,
    /// Keys written.
    pub keys_created: u64,
    /// Keys left unchanged because they existed.
    pub keys_skipped: u64,
    /// Bytes of the values written.
    pub bytes: u64,
    /// Keys a second, written or left unchanged.
    #[serde(default)]
    pub keys_per_second: u64,
    /// Estimated seconds until its end, from the entries done so far; null before the first and
    /// after the end.
    #[serde(default)]
    pub estimated_seconds_left: Option<u64>,
    /// Plan entries that failed, and keys that Redis refused.
    pub errors: u64,
    /// The reason for which it stopped early.
    pub error: Option<String>,
    /// Its modules, in their order.
    pub modules: Vec<ModuleStatus>,
}

/// The progress and result of a module in a warmup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleStatus {
    /// The module's name.
    pub name: String,
    /// Its state.
    pub state: ModuleState,
    /// Plan entries tried.
    pub entries_done: u64,
    /// Plan entries in the module.
    pub entries_total: u64,
    /// Keys written.
    pub keys_created: u64,
    /// Keys left unchanged because they existed.
    pub keys_skipped: u64,
    /// Plan entries that failed, and keys that Redis refused.
    pub errors: u64,
    /// The first of these errors.
    pub first_error: Option<String>,
    /// The time it took, in milliseconds.
    pub duration_ms: u64,
}

/// A module's result in the last warmup that included it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// The time at which the warmup ended.
    pub finished_at: String,
    /// The starter of the warmup.
    pub by: String,
    /// The final state of the warmup.
    pub state: WarmupState,
    /// Keys of this module written.
    pub keys_created: u64,
    /// Keys of this module left unchanged because they existed.
    pub keys_skipped: u64,
    /// Plan entries of this module that failed, and its keys that Redis refused.
    pub errors: u64,
    /// The time the module took, in milliseconds.
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

    pub(super) fn finish(&mut self, elapsed: Duration) {
        self.state = ModuleState::Done;
        self.duration_ms = units::milliseconds(elapsed);
    }
}

impl WarmupStatus {
    pub(super) fn started(plan: &Plan, request: &WarmupRequest, by: &str, id: &str) -> Self {
        let modules = plan
            .modules
            .iter()
            .filter(|module| request.includes(&module.name))
            .map(|module| ModuleStatus::pending(&module.name, module.entries.len()))
            .collect();
        let started_at = units::now();

        Self {
            state: WarmupState::Running,
            by: by.to_owned(),
            id: id.to_owned(),
            force: request.force,
            dry_run: request.dry_run,
            updated_at: started_at.clone(),
            started_at,
            finished_at: None,
            duration: units::duration(Duration::ZERO),
            duration_ms: 0,
            keys_created: 0,
            keys_skipped: 0,
            bytes: 0,
            keys_per_second: 0,
            estimated_seconds_left: None,
            errors: 0,
            error: None,
            modules,
        }
    }

    /// The status of a warmup that continues where another instance has stopped. A module that the plan has
    /// changed begins again.
    pub(super) fn resumed(self, before: &Self) -> Self {
        let modules = self.modules.into_iter().map(|module| {
            let known = before
                .modules
                .iter()
                .find(|known| known.name == module.name);
            match known.filter(|known| known.entries_total == module.entries_total) {
                Some(known) => known.clone(),
                None => module,
            }
        });
        Self {
            id: self.id,
            modules: modules.collect(),
            state: WarmupState::Running,
            ..before.clone()
        }
    }

    /// Plan entries that were tried, and all.
    pub(crate) fn entries(&self) -> (u64, u64) {
        let done = self.modules.iter().map(|module| module.entries_done).sum();
        let total = self.modules.iter().map(|module| module.entries_total).sum();
        (done, total)
    }

    /// Keys written or left unchanged.
    pub(super) fn keys_handled(&self) -> u64 {
        self.keys_created + self.keys_skipped
    }

    /// Updates times, speed and estimate.
    pub(super) fn update_times(&mut self, elapsed: Duration) {
        self.updated_at = units::now();
        self.duration = units::duration(elapsed);
        self.duration_ms = units::milliseconds(elapsed);
        self.keys_per_second = self.keys_handled() * 1000 / self.duration_ms.max(1);

        let (done, total) = self.entries();
        let entries_left = total.saturating_sub(done);
        let ms_left = (self.duration_ms * entries_left).checked_div(done);
        self.estimated_seconds_left = ms_left.map(|ms| ms.div_ceil(1000));
    }

    /// Adds a slice of the module at this position.
    pub(super) fn add_slice(&mut self, module: usize, outcome: &SliceOutcome) {
        match outcome {
            SliceOutcome::Written(written) => self.add_written(module, written),
            SliceOutcome::Failed(problem) => self.add_errors(module, 1, problem),
        }
    }

    fn add_written(&mut self, module: usize, written: &WriteCounts) {
        self.keys_created += written.created;
        self.keys_skipped += written.skipped;
        self.bytes += written.bytes;
        if let Some(module) = self.modules.get_mut(module) {
            module.keys_created += written.created;
            module.keys_skipped += written.skipped;
        }

        if written.refused > 0 {
            let problem = format!(
                "Redis refused {} keys: {}",
                written.refused, written.refusal
            );
            self.add_errors(module, written.refused, &problem);
        }
    }

    fn add_errors(&mut self, module: usize, count: u64, problem: &str) {
        self.errors += count;
        if let Some(module) = self.modules.get_mut(module) {
            module.errors += count;
            module.first_error.get_or_insert_with(|| problem.to_owned());
        }
    }

    /// Notes the end of the warmup.
    pub(super) fn finish(&mut self, elapsed: Duration, stop: Option<&StopReason>) {
        self.update_times(elapsed);
        self.estimated_seconds_left = None;
        self.finished_at = Some(self.updated_at.clone());

        match stop {
            None => self.state = WarmupState::Done,
            Some(StopReason::Cancelled) => {
                self.state = WarmupState::Cancelled;
                self.end_running_module(ModuleState::Cancelled);
            }
            Some(reason) => {
                self.state = WarmupState::Failed;
                self.error = Some(reason.to_string());
                self.end_running_module(ModuleState::Failed);
            }
        }
    }

    /// Notes that the warmup's instance ended without a result.
    pub(super) fn interrupt(&mut self) {
        self.state = WarmupState::Interrupted;
        self.end_running_module(ModuleState::Interrupted);
    }

    fn end_running_module(&mut self, state: ModuleState) {
        for module in &mut self.modules {
            if module.state == ModuleState::Running {
                module.state = state;
            }
        }
    }

    /// The outcome for the audit trail and the counters.
    pub fn outcome(&self) -> AuditOutcome {
        if self.state == WarmupState::Cancelled {
            AuditOutcome::Cancelled
        } else {
            AuditOutcome::Ok
        }
    }

    /// The results of the modules that began, by name.
    pub(super) fn last_runs(&self) -> impl Iterator<Item = (&str, LastRun)> {
        let begun = self
            .modules
            .iter()
            .filter(|module| module.state != ModuleState::Pending);

        begun.map(|module| {
            let last_run = LastRun {
                finished_at: self.updated_at.clone(),
                by: self.by.clone(),
                state: self.state,
                keys_created: module.keys_created,
                keys_skipped: module.keys_skipped,
                errors: module.errors,
                duration_ms: module.duration_ms,
            };
            (module.name.as_str(), last_run)
        })
    }

    /// The counts in words, for the audit trail.
    pub(crate) fn describe_counts(&self) -> String {
        format!(
            "{} keys written, {} skipped, {} errors",
            self.keys_created, self.keys_skipped, self.errors
        )
    }

    /// The result in one sentence.
    pub fn message(&self) -> String {
        if self.state == WarmupState::Done && self.modules.is_empty() {
            return "Nothing was warmed: the plan has no modules. Write one into edge-cache.toml \
                    (docs/warmup.md)"
                .to_owned();
        }

        let (subject, nothing_written) = match self.dry_run {
            true => ("Dry run of the cache warmup", "; nothing was written"),
            false => ("Cache warmup", ""),
        };
        match (self.state, self.errors) {
            (WarmupState::Cancelled, _) => {
                format!("{subject} cancelled after {} keys", self.keys_created)
            }
            (_, 0) => format!("{subject} completed{nothing_written}"),
            (_, errors) => {
                format!("{subject} completed with {errors} errors{nothing_written}; see `details`")
            }
        }
    }

    /// The names of the modules whose entries were all tried.
    pub fn modules_warmed(&self) -> Vec<&str> {
        self.modules
            .iter()
            .filter(|module| module.state == ModuleState::Done)
            .map(|module| module.name.as_str())
            .collect()
    }
}
