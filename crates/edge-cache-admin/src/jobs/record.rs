//! The stored document of a job, in JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edge_cache::keyspace::pattern::Pattern;
use edge_cache::units;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::plan::Plan;
use super::state::JobState;

/// The work of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobWork {
    /// The operation that began it: `clear` or `invalidate`.
    pub kind: String,
    /// The effect on keys that match.
    pub effect: Effect,
    /// The patterns of these keys.
    pub patterns: Vec<String>,
    /// The pace in matching keys per second; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_keys_per_second: Option<u64>,
}

/// The effect of a walk on keys that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Removes them.
    Remove,
    /// Only counts them: a dry run.
    Count,
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The job's id; ids are ordered by the time of creation.
    #[serde(skip)]
    pub id: String,
    #[serde(skip, default = "queued")]
    pub(super) state: JobState,
    /// The work.
    pub work: JobWork,
    /// The caller that began it: its name, role and address, and the id of its request.
    pub(super) by: String,
    pub(super) role: String,
    pub(super) ip: String,
    pub(super) request_id: String,
    /// Times in milliseconds since 1970; 0 if not reached.
    pub(super) created_ms: u64,
    pub(super) started_ms: u64,
    pub(super) updated_ms: u64,
    pub(super) ended_ms: u64,
    pub(super) in_force_ms: u64,
    /// The time that workers have spent on it, in milliseconds.
    pub(super) worked_ms: u64,
    /// Keys that the database had when the walk began.
    pub(super) total: Option<u64>,
    /// Counts outside the plan: keys removed by name or tag, and earlier passes.
    pub(super) earlier: Counts,
    /// The walk; `None` before it begins.
    pub(super) plan: Option<Plan>,
    /// The ids of its fences.
    pub(super) fences: Vec<String>,
    /// The worker that advances it.
    pub(super) owner: String,
    /// How often a worker took it over from another that was gone.
    pub(super) takeovers: u32,
    /// Why it failed.
    pub(super) error: Option<String>,
}

fn queued() -> JobState {
    JobState::Queued
}

impl JobWork {
    /// Returns whether it only counts.
    pub fn is_dry_run(&self) -> bool {
        self.effect == Effect::Count
    }

    pub(super) fn patterns(&self) -> Vec<Pattern> {
        let patterns = self.patterns.iter();
        patterns
            .map(|text| Pattern::stored(text.as_bytes()))
            .collect()
    }

    /// The work in words.
    pub(super) fn describe(&self) -> String {
        let dry_run = if self.is_dry_run() { "dry run of " } else { "" };
        match self.patterns.as_slice() {
            [] => format!("{dry_run}{}", self.kind),
            [one] => format!("{dry_run}{} {one}", self.kind),
            more => format!("{dry_run}{} of {} patterns", self.kind, more.len()),
        }
    }
}

impl Job {
    /// The state.
    pub fn state(&self) -> JobState {
        self.state
    }

    pub(super) fn read(id: String, state: JobState, json: &[u8]) -> Option<Self> {
        let job: Self = serde_json::from_slice(json).ok()?;
        Some(Self { id, state, ..job })
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The counts of all workers, as stored.
    pub(super) fn counts(&self) -> Counts {
        let mut sum = self.earlier;
        for part in self.plan.iter().flat_map(|plan| &plan.parts) {
            sum += part.counts;
        }
        sum
    }

    /// Keys removed so far.
    pub fn keys_removed(&self) -> u64 {
        self.counts().removed
    }
}

/// The time in milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    to_ms(SystemTime::now())
}

pub(super) fn to_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    units::milliseconds(since)
}

/// A time as clients get it; `None` if not reached.
pub(super) fn shown_time(ms: u64) -> Option<String> {
    (ms > 0).then(|| units::timestamp(UNIX_EPOCH + Duration::from_millis(ms)))
}
