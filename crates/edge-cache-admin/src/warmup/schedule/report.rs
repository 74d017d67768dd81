//! The schedule as shown, and the report of a wake-up.

use serde::Serialize;

use super::relief::Relief;
use super::settings::ScheduleSettings;
use super::state::{ScheduleState, WarmupReason};
use crate::warmup::status::WarmupStatus;
use edge_cache::RedisError;
use edge_cache::keyspace::tag::prune::PruneReport;
use edge_cache::redis::Redis;
use edge_cache::units;

/// The schedule as shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleOverview {
    interval_seconds: u64,
    /// The last start of a warmup, RFC 3339; null before the first.
    last_at: Option<String>,
    last_reason: Option<WarmupReason>,
    /// The time at which the next one is due; null before the first.
    next_at: Option<String>,
    /// The last wake-up; null before the first.
    last_check_at: Option<String>,
}

/// Reads the schedule. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read_overview<R: Redis>(
    redis: &R,
    settings: &ScheduleSettings,
) -> Result<ScheduleOverview, RedisError> {
    let state = ScheduleState::read(redis).await?;
    let next_at = state.last_start.map(|at| at + settings.interval);
    Ok(ScheduleOverview {
        interval_seconds: settings.interval.as_secs(),
        last_at: state.last_start.map(units::timestamp),
        last_reason: state.last_reason,
        next_at: next_at.map(units::timestamp),
        last_check_at: state.last_check.map(units::timestamp),
    })
}

/// The report of a wake-up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleReport {
    /// The reason for which a warmup was due; null if none was.
    pub reason: Option<WarmupReason>,
    /// The number of modules in the plan: without modules no warmup is ever due.
    pub plan_modules: usize,
    /// The warmup's result; null if none was due, or another was running.
    pub warmup: Option<WarmupStatus>,
    /// The relief of memory; null if none was needed.
    pub relief: Option<Relief>,
    /// The result of pruning.
    pub sweep: PruneReport,
}
