//! Checks whether a warmup or a relief is due.

use edge_cache::units;
use std::time::{Duration, SystemTime};

use futures_util::future::join;

use super::settings::ScheduleSettings;
use super::state::{self, ScheduleState, WarmupReason, elapsed_since};
use crate::admin::history::{self, CurrentFigures};
use crate::admin::reading::{self, Reading};
use crate::admin::{hot_keys, nodes, stats};
use crate::error::Error;
use crate::warmup::plan::Plan;
use crate::warmup::progress::read_progress;
use edge_cache::RedisError;
use edge_cache::keyspace::tag::prune::PruneWalk;
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
    figures: CurrentFigures,
}

/// Checks whether a warmup is due and memory is short. With a plan without modules no warmup is
/// ever due.
///
/// Six commands, overlapping. At most every 15 seconds a further one adds a sample of the counters, so
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
        // A server that refuses the sample refuses what follows too, whose failure is reported.
        let thresholds = &settings.thresholds;
        let window = window.with_reading(&server.reading, thresholds.window);
        let _ = window.record(redis, &server.reading, thresholds).await;
    }

    // While a node of a Cluster does not answer, the processes are those of before.
    let known = || state.run_id.clone().unwrap_or_default();
    let run_id = server.processes.unwrap_or_else(known);
    let checked_at = SystemTime::now();
    let reason = state.warmup_reason(&run_id, last_warmup, checked_at, settings);
    Ok(ScheduleCheck {
        reason: reason.filter(|_| !plan.is_empty()),
        memory_to_relieve: memory_to_relieve(
            server.reading.usage_percent,
            &state,
            settings,
            checked_at,
        ),
        run_id,
        checked_at,
        pruning: state.pruning,
        figures: server.figures,
    })
}

/// Writes the row of this minute to the history, from the figures of the check, if nobody has. Two
/// round trips in the first check of a minute, else one.
///
/// # Errors
/// Those of the connections.
pub async fn record_history<R: Redis, A: Redis>(
    redis: &R,
    trail: &A,
    check: &ScheduleCheck,
) -> Result<bool, Error> {
    history::record_row(redis, trail, &check.figures).await
}

/// Writes the rows of hot keys of the minutes and the hour that have ended. One round trip, three if a
/// minute has ended.
///
/// # Errors
/// Those of the connections.
pub async fn record_hot_keys<R: Redis, A: Redis>(
    redis: &R,
    trail: &A,
    check: &ScheduleCheck,
) -> Result<u64, Error> {
    hot_keys::record_rows(redis, trail, check.figures.read_at()).await
}

/// The figures of a server, or of all nodes of a Cluster.
struct Server {
    reading: Reading,
    /// Identifies the processes; `None` while one does not answer.
    processes: Option<String>,
    /// For the history.
    figures: CurrentFigures,
}

/// Reads the figures. One round trip.
async fn read_server<R: Redis>(redis: &R) -> Result<Server, RedisError> {
    if let Some(map) = nodes::slots_of(redis).await? {
        let read = nodes::read(redis, &map).await;
        let together = read.together()?;
        return Ok(Server {
            figures: CurrentFigures::of_cluster(&read, &together, redis.database()),
            processes: read.processes(),
            reading: together,
        });
    }

    let size = redis.execute(Command::read("DBSIZE"));
    let (reading, size) = join(reading::read(redis), size).await;
    let reading = reading?;
    // Without it the history lacks the number of keys.
    let keys = size.and_then(|size| Replies::new(size).count()).ok();
    Ok(Server {
        figures: CurrentFigures::of_server(&reading, keys, redis.database()),
        processes: Some(reading.info.text("run_id").unwrap_or_default().to_owned()),
        reading,
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

    let is_due =
        usage > settings.thresholds.memory_percent && is_rested && !settings.relief.is_empty();
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
    let checked_at = units::since_1970_ms(check.checked_at);
    let fields = [
        ("run_id", check.run_id.as_str().into()),
        ("last_at", checked_at.into()),
        ("last_reason", reason.to_string().into()),
    ];
    Ok(state::record(redis, fields).await?)
}
