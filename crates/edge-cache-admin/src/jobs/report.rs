//! A job as responses show it.

use serde::Serialize;

use super::record::{Job, shown_time};
use super::state::JobState;

/// A job with its progress.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReport {
    id: String,
    state: JobState,
    kind: String,
    dry_run: bool,
    patterns: Vec<String>,
    max_keys_per_second: Option<u64>,
    created_by: String,
    request_id: String,
    created_at: Option<String>,
    started_at: Option<String>,
    updated_at: Option<String>,
    ended_at: Option<String>,
    in_force_at: Option<String>,
    keys_matched: u64,
    keys_removed: u64,
    keys_failed: u64,
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
    keys_failed: u64,
    ended: bool,
}

impl From<Job> for JobReport {
    fn from(job: Job) -> Self {
        let counts = job.counts();
        let progress = Progress::of(&job);
        let nodes = job.plan.iter().flat_map(|plan| &plan.parts).map(|part| {
            let counts = part.counts;
            NodeReport {
                node: part.node.clone(),
                keys_matched: counts.matched,
                keys_removed: counts.removed,
                keys_failed: counts.failed,
                ended: part.has_ended,
            }
        });

        Self {
            nodes: nodes.collect(),
            state: job.state,
            dry_run: job.work.is_dry_run(),
            created_at: shown_time(job.created_ms),
            started_at: shown_time(job.started_ms),
            updated_at: shown_time(job.updated_ms),
            ended_at: shown_time(job.ended_ms),
            in_force_at: shown_time(job.in_force_ms),
            keys_matched: counts.matched,
            keys_removed: counts.removed,
            keys_failed: counts.failed,
            progress,
            id: job.id,
            kind: job.work.kind,
            max_keys_per_second: job.work.max_keys_per_second,
            patterns: job.work.patterns,
            created_by: job.by,
            request_id: job.request_id,
            takeovers: job.takeovers,
            error: job.error,
        }
    }
}

impl Progress {
    fn of(job: &Job) -> Self {
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
        let percent = total.map(|total| {
            let share = if total == 0 {
                1.0
            } else {
                walked as f64 / total as f64
            };
            (share * 1000.0).round() / 10.0
        });
        Self {
            keys_walked: walked,
            keys_total: total,
            percent,
            keys_per_second: rate,
            eta_seconds: eta,
            pass: plan.map_or(0, |plan| plan.pass),
        }
    }
}
