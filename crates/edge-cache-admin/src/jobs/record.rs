//! The stored document of a job, in JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edge_cache::keyspace::bulk_expiry::{ExpiryChange, ExpiryRule};
use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::fence::StreamId;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::{PurgeMode, SoftGrace};
use edge_cache::units;
use serde::{Deserialize, Serialize};

use super::counts::{Counts, SelectedCounts};
use super::names::RememberedNames;
use super::plan::Plan;
use super::state::JobState;
use crate::admin::purge::PurgeFields;
use crate::admin::{conditions, expire};
use crate::warmup::{WarmupRequest, WarmupStatus};

/// The work of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobWork {
    /// The operation that began it: `clear`, `invalidate`, `expire`, `warmup` or `analysis`.
    pub kind: String,
    /// The effect on keys that match.
    pub effect: Effect,
    /// Removal or soft purge, of a dry run the one that it is for.
    #[serde(flatten)]
    pub purge: PurgeFields,
    /// The patterns of these keys.
    pub patterns: Vec<String>,
    /// The pace in matching keys per second; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_keys_per_second: Option<u64>,
    /// The latency of a node above which the job slows down, in milliseconds; `None` for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency_ms: Option<u64>,
    /// Conditions that keys must meet besides their names.
    #[serde(default, skip_serializing_if = "Conditions::are_none")]
    pub conditions: Conditions,
    /// The change of expiries; in a dry run, the change that it predicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<ExpiryRule>,
    /// The most segments of a group, in an analysis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u8>,
    /// The dry run that it executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run_job: Option<String>,
    /// The names that the dry run has matched, if the job is limited to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executes: Option<RememberedNames>,
    /// The warmup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<WarmupRequest>,
}

/// The effect of a walk on keys that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Removes them.
    Remove,
    /// Marks them stale.
    MarkStale,
    /// Changes when they expire.
    Expire,
    /// Only counts them: a dry run.
    Count,
    /// Writes keys: a warmup.
    Warm,
    /// Tallies them: a full analysis.
    Analyse,
}

/// The soft purge of a job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marking {
    /// The newest of its fences: entries that were loaded later are spared.
    pub(super) fence: StreamId,
    pub(super) grace: SoftGrace,
}

/// The progress of a warmup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Warmed {
    pub(super) now: WarmupStatus,
    /// The status after the last plan entry that was finished: another worker continues there.
    pub(super) finished: WarmupStatus,
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
    /// The operation that began it; `None` for a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) operation_id: Option<String>,
    /// Times in milliseconds since 1970; 0 if not reached.
    pub(super) created_ms: u64,
    #[serde(default)]
    pub(super) run_at_ms: u64,
    pub(super) started_ms: u64,
    pub(super) updated_ms: u64,
    pub(super) ended_ms: u64,
    pub(super) in_force_ms: u64,
    /// The time that workers have spent on it, in milliseconds.
    pub(super) worked_ms: u64,
    /// How often instances ask for new fences, in milliseconds.
    #[serde(default)]
    pub(super) fence_interval_ms: u64,
    /// The latest latency of the slowest node, in microseconds, and the rest of workers between two
    /// batches.
    #[serde(default)]
    pub(super) latency_us: Option<u64>,
    #[serde(default)]
    pub(super) rest_ms: u64,
    /// The bits of a hash that select the field of a remembered name; `None` if the job remembers no
    /// names.
    #[serde(default)]
    pub(super) name_bits: Option<u32>,
    /// Keys that the database had when the walk began.
    pub(super) total: Option<u64>,
    /// Counts outside the plan: keys removed by name or tag, and earlier passes.
    pub(super) earlier: Counts,
    #[serde(default)]
    pub(super) earlier_selected: SelectedCounts,
    /// The walk; `None` before it begins.
    pub(super) plan: Option<Plan>,
    /// The progress of a warmup; `None` before it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) warmed: Option<Warmed>,
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

    /// Keys removed, of these counts.
    pub(super) fn removed_of(&self, counts: Counts) -> u64 {
        counts.removed - self.stale_of(counts)
    }

    /// Keys marked stale, of these counts.
    pub(super) fn stale_of(&self, counts: Counts) -> u64 {
        if self.effect == Effect::MarkStale {
            counts.removed
        } else {
            0
        }
    }

    /// The soft purge that its fences record; `None` for a removal and a dry run.
    pub(super) fn marking(&self, fences: &[String]) -> Option<Marking> {
        match (self.effect, self.purge.mode()) {
            (Effect::MarkStale, PurgeMode::Soft(grace)) => Some(Marking {
                fence: fences.iter().filter_map(|id| id.parse().ok()).max()?,
                grace,
            }),
            _ => None,
        }
    }

    /// Returns whether it removes all keys of its patterns, or marks them stale: they are then invalid
    /// as soon as its fences are in force.
    pub(super) fn invalidates_patterns(&self) -> bool {
        let is_whole = self.conditions.are_none() && self.executes.is_none();
        is_whole && matches!(self.effect, Effect::Remove | Effect::MarkStale)
    }

    pub(super) fn patterns(&self) -> Vec<Pattern> {
        let patterns = self.patterns.iter();
        patterns
            .map(|text| Pattern::stored(text.as_bytes()))
            .collect()
    }

    /// The conditions in words; `None` without any.
    pub(super) fn conditions_in_words(&self) -> Option<String> {
        let described = conditions::describe(&self.conditions);
        (!described.is_empty()).then_some(described)
    }

    /// The work in words.
    pub(super) fn describe(&self) -> String {
        let dry_run = if self.is_dry_run() { "dry run of " } else { "" };
        let soft = if self.purge.mode().is_soft() {
            "soft "
        } else {
            ""
        };
        let kind = format!("{dry_run}{soft}{}", self.kind);
        let work = match self.patterns.as_slice() {
            [] => kind,
            [one] => format!("{kind} {one}"),
            more => format!("{kind} of {} patterns", more.len()),
        };
        let warmup = self.warmup.as_ref().map(WarmupRequest::describe);
        let expiry = self.expiry.map(|rule| expire::describe(&rule));
        let limits = self.executes.as_ref();
        let limits = limits.map(|names| format!("keys that dry run {} has matched", names.job));
        let details = [warmup, expiry, self.conditions_in_words(), limits];
        let details = details.into_iter().flatten();
        [work]
            .into_iter()
            .chain(details)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Job {
    /// The state.
    pub fn state(&self) -> JobState {
        self.state
    }

    /// Returns whether it has ended well, and its end is in the audit trail.
    pub fn is_done(&self) -> bool {
        self.state == JobState::Done
    }

    /// Returns whether it has ended, and its end is in the audit trail.
    pub fn is_settled(&self) -> bool {
        self.state.has_ended() && !self.state.is_settling()
    }

    /// Returns whether it waits for its time.
    pub fn is_scheduled(&self) -> bool {
        self.state == JobState::Scheduled
    }

    /// When its invalidation is in force; `None` if it has none.
    pub fn in_force_at(&self) -> Option<String> {
        shown_time(self.in_force_ms)
    }

    /// The time of [`Job::in_force_at`].
    pub fn in_force_time(&self) -> Option<SystemTime> {
        let at = UNIX_EPOCH + Duration::from_millis(self.in_force_ms);
        (self.in_force_ms > 0).then_some(at)
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

    /// The counts of walks whose names workers see.
    pub(super) fn selected_counts(&self) -> SelectedCounts {
        let mut sum = self.earlier_selected;
        let lives = [sum.before, sum.after];
        for part in self.plan.iter().flat_map(|plan| &plan.parts) {
            sum += part.selected;
        }
        if !self.work.is_dry_run() && self.plan.as_ref().is_some_and(|plan| plan.pass > 1) {
            [sum.before, sum.after] = lives;
        }
        sum
    }

    /// Keeps the counts of a pass that another one follows. It finds again the keys that stay: their
    /// numbers are those of the last pass, and their TTLs those of the first.
    pub(super) fn keep_counts(&mut self) {
        let before = self.earlier;
        self.earlier = self.counts();
        if self.work.effect == Effect::MarkStale {
            (self.earlier.matched, self.earlier.removed) = (before.matched, before.removed);
        }
        self.earlier_selected = self.selected_counts();
        self.earlier_selected.appeared = 0;
        let Some(rule) = self.work.expiry else {
            return;
        };
        self.earlier.matched = 0;
        if matches!(rule.change, ExpiryChange::Set(_)) {
            self.earlier_selected.changed = 0;
        }
    }

    /// Returns how a dry run can be executed: `names` for the keys that it has matched, `pattern` for
    /// those that match by then; `None` for anything else.
    pub fn executable(&self) -> Option<&'static str> {
        let is_dry_run = self.work.is_dry_run() && !self.work.patterns.is_empty();
        if !is_dry_run || self.state.settled() != JobState::Done {
            return None;
        }
        Some(if self.name_bits.is_some() {
            "names"
        } else {
            "pattern"
        })
    }

    /// Returns whether a dry run remembers the names that it has matched, so that it can be executed.
    pub(super) fn remembers_names(&self) -> bool {
        self.executable() == Some("names")
    }

    /// Keys removed so far.
    pub fn keys_removed(&self) -> u64 {
        self.work.removed_of(self.counts())
    }

    /// Keys marked stale so far.
    pub fn keys_marked_stale(&self) -> u64 {
        self.work.stale_of(self.counts())
    }
}

/// A time as clients get it; `None` if not reached.
pub(super) fn shown_time(ms: u64) -> Option<String> {
    (ms > 0).then(|| units::timestamp_of_ms(ms))
}
