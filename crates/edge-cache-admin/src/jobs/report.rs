//! A job as responses show it.

use serde::Serialize;

use super::record::{Job, shown_time};
use super::state::JobState;
use crate::admin::expire::{self, ExpireReport, TtlHistogram};
use crate::admin::purge::PurgeFields;
use crate::warmup::WarmupStatus;

/// A job with its progress.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReport {
    id: String,
    state: JobState,
    kind: String,
    dry_run: bool,
    #[serde(flatten)]
    purge: PurgeFields,
    patterns: Vec<String>,
    conditions: Option<String>,
    expiry: Option<String>,
    max_keys_per_second: Option<u64>,
    max_latency_ms: Option<u64>,
    latency_ms: Option<f64>,
    rest_ms: u64,
    created_by: String,
    request_id: String,
    operation_id: Option<String>,
    created_at: Option<String>,
    run_at: Option<String>,
    started_at: Option<String>,
    updated_at: Option<String>,
    ended_at: Option<String>,
    in_force_at: Option<String>,
    keys_matched: u64,
    keys_removed: u64,
    keys_marked_stale: u64,
    keys_changed: u64,
    keys_appeared: u64,
    keys_failed: u64,
    ttl_before: Option<TtlHistogram>,
    ttl_after: Option<TtlHistogram>,
    executable: Option<&'static str>,
    dry_run_job: Option<String>,
    warmup: Option<WarmupStatus>,
    progress: Progress,
    nodes: Vec<NodeReport>,
    takeovers: u32,
    error: Option<String>,
}

/// The progress of the walk. `SCAN` advances by buckets instead of keys, so these are estimates.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    keys_walked: u64,
    keys_total: Option<u64>,
    percent: Option<f64>,
    keys_per_second: Option<u64>,
    eta_seconds: Option<u64>,
    pass: u32,
}

/// The counts of one node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeReport {
    node: Option<String>,
    keys_matched: u64,
    keys_removed: u64,
    keys_marked_stale: u64,
    keys_changed: u64,
    keys_failed: u64,
    ended: bool,
}

impl From<Job> for JobReport {
    fn from(job: Job) -> Self {
        let counts = job.counts();
        let selected = job.selected_counts();
        let progress = Progress::of(&job);
        let nodes = job.plan.iter().flat_map(|plan| &plan.parts).map(|part| {
            let counts = part.counts;
            NodeReport {
                node: part.node.clone(),
                keys_matched: counts.matched,
                keys_removed: job.work.removed_of(counts),
                keys_marked_stale: job.work.stale_of(counts),
                keys_changed: part.selected.changed,
                keys_failed: counts.failed,
                ended: part.has_ended,
            }
        });

        let [before, after] = selected.lives();

        Self {
            nodes: nodes.collect(),
            state: job.state,
            dry_run: job.work.is_dry_run(),
            purge: job.work.purge,
            created_at: shown_time(job.created_ms),
            run_at: shown_time(job.run_at_ms),
            started_at: shown_time(job.started_ms),
            updated_at: shown_time(job.updated_ms),
            ended_at: shown_time(job.ended_ms),
            in_force_at: shown_time(job.in_force_ms),
            keys_matched: counts.matched,
            keys_removed: job.work.removed_of(counts),
            keys_marked_stale: job.work.stale_of(counts),
            keys_changed: selected.changed,
            keys_appeared: selected.appeared,
            keys_failed: counts.failed,
            ttl_before: job.work.expiry.map(|_| before.into()),
            ttl_after: job.work.expiry.map(|_| after.into()),
            executable: job.executable(),
            conditions: job.work.conditions_in_words(),
            expiry: job.work.expiry.map(|rule| expire::describe(&rule)),
            max_latency_ms: job.work.max_latency_ms,
            latency_ms: job.latency_us.map(|us| us as f64 / 1000.0),
            rest_ms: job.rest_ms,
            dry_run_job: job.work.dry_run_job,
            warmup: job.warmed.map(|warmed| warmed.now),
            progress,
            id: job.id,
            kind: job.work.kind,
            max_keys_per_second: job.work.max_keys_per_second,
            patterns: job.work.patterns,
            created_by: job.by,
            request_id: job.request_id,
            operation_id: job.operation_id,
            takeovers: job.takeovers,
            error: job.error,
        }
    }
}

impl Job {
    /// The report of a change of expiries that has ended.
    pub fn expire_report(&self) -> ExpireReport {
        let selected = self.selected_counts();
        ExpireReport::of_job(self.counts().matched, selected.changed, selected.lives())
    }
}

impl Progress {
    fn of(job: &Job) -> Self {
        if let Some(warmed) = &job.warmed {
            return Self::of_warmup(&warmed.now);
        }
        let plan = job.plan.as_ref();
        let in_pass: u64 = plan
            .iter()
            .flat_map(|plan| &plan.parts)
            .map(|part| part.counts.walked)
            .sum();
        let is_done = job.state.settled() == JobState::Done;
        let total = job.total;
        let walked = match total {
            Some(total) if is_done => total,
            Some(total) => in_pass.min(total),
            None => in_pass,
        };

        let rate = (in_pass * 1000).checked_div(job.worked_ms);
        let left = total.map(|total| total.saturating_sub(walked));
        let eta = match (left, rate) {
            (Some(left), Some(rate)) if !job.state.has_ended() => left.checked_div(rate),
            _ => None,
        };
        let percent = total.map(|total| percent(walked, total));
        Self {
            keys_walked: walked,
            keys_total: total,
            percent,
            keys_per_second: rate,
            eta_seconds: eta,
            pass: plan.map_or(0, |plan| plan.pass),
        }
    }

    /// The progress of a warmup, by plan entries. It walks no keys.
    fn of_warmup(status: &WarmupStatus) -> Self {
        let (done, total) = status.entries();
        Self {
            keys_walked: 0,
            keys_total: None,
            percent: Some(percent(done, total)),
            keys_per_second: Some(status.keys_per_second),
            eta_seconds: status.estimated_seconds_left,
            pass: 0,
        }
    }
}

fn percent(done: u64, total: u64) -> f64 {
    let share = if total == 0 {
        1.0
    } else {
        done as f64 / total as f64
    };
    (share * 1000.0).round() / 10.0
}
