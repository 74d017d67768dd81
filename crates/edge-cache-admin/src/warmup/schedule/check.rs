//! Checks whether a warmup or a relief is due.

use std::time::{Duration, SystemTime};

use futures_util::future::join;

use super::settings::ScheduleSettings;
use super::state::{ScheduleState, WarmupReason, elapsed_since, unix_ms};
use crate::admin::{nodes, reading, stats};
use crate::error::Error;
use crate::warmup::plan::Plan;
use crate::warmup::progress::read_progress;
use edge_cache::RedisError;
use edge_cache::keyspace::key::WARMUP_SCHEDULE;
use edge_cache::keyspace::tag::prune::PruneWalk;
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, Redis, Replies};

/// The least time between two reliefs of memory.
const MIN_RELIEF_INTERVAL: Duration = Duration::from_secs(60);
/// Keys that a check reads beside those of the window. Redis counts them as lookups.
const OWN_READS: u64 = 3;

/// The result of a check.
#[derive(Debug)]
pub struct ScheduleCheck {
    /// The reason for which a warmup is due; `None`: none is.
    pub reason: Option<WarmupReason>,
    /// Percent of memory in use, if memory is to be relieved: it is above the alert, there are
    /// patterns to clear, and the last relief was a while ago.
    pub memory_to_relieve: Option<f64>,
    pub(super) run_id: String,
    pub(super) checked_at: SystemTime,
    pub(super) pruning: PruneWalk,
}

/// Checks whether a warmup is due and memory is short. With a plan without modules no warmup is
/// ever due.
///
/// Five commands, overlapping. At most every 15 seconds a sixth adds a sample of the counters, so
/// that recent rates are known although nobody reads statistics.
///
/// # Errors
/// Those of the connection.
pub async fn check<R: Redis>(
    redis: &R,
    settings: &ScheduleSettings,
    plan: &Plan,
) -> Result<ScheduleCheck, Error> {
    let server = join(read_server(redis), stats::read_window(redis, OWN_READS));
    let schedule = join(ScheduleState::read(redis), read_progress(redis));
    let ((server, window), (state, last_warmup)) = join(server, schedule).await;
    let server = server?;
    let state = state?;
    let last_warmup = last_warmup?.map(|status| status.state);

    if let Ok(window) = window {
        // A server that refuses the sample refuses a warmup too, whose failure is reported.
        let _ = window.with_info(&server.info).add_sample(redis).await;
    }

    // While a node of a Cluster does not answer, the processes are those of before.
    let known = || state.run_id.clone().unwrap_or_default();
    let run_id = server.processes.unwrap_or_else(known);
    let checked_at = SystemTime::now();
    let reason = state.warmup_reason(&run_id, last_warmup, checked_at, settings);
    Ok(ScheduleCheck {
        reason: reason.filter(|_| !plan.is_empty()),
        memory_to_relieve: memory_to_relieve(server.usage_percent, &state, settings, checked_at),
        run_id,
        checked_at,
        pruning: state.pruning,
    })
}

/// The figures of a server, or of all nodes of a Cluster.
struct Server {
    info: Info,
    /// Percent of memory in use; of the fullest node.
    usage_percent: Option<f64>,
    /// Identifies the processes; `None` while one does not answer.
    processes: Option<String>,
}

/// Reads the figures. One round trip.
async fn read_server<R: Redis>(redis: &R) -> Result<Server, RedisError> {
    if let Some(map) = nodes::slots_of(redis).await? {
        let read = nodes::read(redis, &map).await;
        let together = read.together()?;
        return Ok(Server {
            info: together.info,
            usage_percent: read.fullest().and_then(|fullest| fullest.usage_percent),
            processes: read.processes(),
        });
    }

    let reply = redis.execute(Command::read("INFO")).await?;
    let info = Info::new(Replies::new(reply).text()?);
    Ok(Server {
        usage_percent: reading::usage_percent(&info),
        processes: Some(info.text("run_id").unwrap_or_default().to_owned()),
        info,
    })
}

fn memory_to_relieve(
    usage: Option<f64>,
    state: &ScheduleState,
    settings: &ScheduleSettings,
    now: SystemTime,
) -> Option<f64> {
    let usage = usage?;
    let is_rested = state
        .last_relief
        .is_none_or(|at| elapsed_since(at, now, MIN_RELIEF_INTERVAL) >= MIN_RELIEF_INTERVAL);

    let is_due = usage > settings.memory_percent && is_rested && !settings.relief.is_empty();
    is_due.then_some(usage)
}

/// Records that a warmup starts. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn record_start<R: Redis>(
    redis: &R,
    check: &ScheduleCheck,
    reason: WarmupReason,
) -> Result<(), Error> {
    let set = Command::read("HSET")
        .arg(WARMUP_SCHEDULE)
        .arg("run_id")
        .arg(check.run_id.as_str())
        .arg("last_at")
        .arg(unix_ms(check.checked_at))
        .arg("last_reason")
        .arg(reason.to_string());

    redis.execute(set).await?;
    Ok(())
}
