//! Relief: clearing patterns when memory is nearly full.

use edge_cache::units;
use serde::Serialize;

use super::settings::ScheduleSettings;
use super::state;
use crate::admin::{nodes, reading};
use crate::error::Error;
use edge_cache::RedisError;
use edge_cache::keyspace::scan;
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, HostRuntime, Redis, Replies};

/// The result of a relief.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relief {
    /// The patterns cleared.
    pub patterns: Vec<String>,
    /// Keys removed.
    pub keys_deleted: u64,
    /// Percent of memory in use before.
    pub usage_percent_before: f64,
    /// Percent of memory in use after; null if the server's limit was removed meanwhile.
    pub usage_percent: Option<f64>,
}

/// Clears one pattern after the other until memory is below the alert, in slices of about 1,000
/// keys.
///
/// # Errors
/// Those of the connection; [`Error::Partial`] has the number of keys removed before.
pub async fn relieve_memory<R: Redis + HostRuntime>(
    redis: &R,
    settings: &ScheduleSettings,
    usage_percent_before: f64,
) -> Result<Relief, Error> {
    state::record(redis, [("relieved_at", units::now_ms().into())]).await?;

    let mut relief = Relief {
        patterns: Vec::new(),
        keys_deleted: 0,
        usage_percent_before,
        usage_percent: Some(usage_percent_before),
    };
    for pattern in &settings.relief {
        let removed = scan::delete_matching(redis, pattern)
            .await
            .map_err(|error| error.after(relief.keys_deleted))?;
        relief.keys_deleted += removed.keys;
        relief.patterns.push(pattern.display());

        relief.usage_percent = read_usage_percent(redis)
            .await
            .map_err(|error| Error::from(error).after(relief.keys_deleted))?;
        let is_relieved = relief
            .usage_percent
            .is_none_or(|usage| usage <= settings.thresholds.memory_percent);
        if is_relieved {
            break;
        }
    }
    Ok(relief)
}

async fn read_usage_percent<R: Redis>(redis: &R) -> Result<Option<f64>, RedisError> {
    if let Some(map) = nodes::slots_of(redis).await? {
        let read = nodes::read(redis, &map).await;
        return Ok(read.fullest().and_then(|fullest| fullest.usage_percent));
    }
    let reply = redis.execute(Command::read("INFO").arg("memory")).await?;
    let info = Info::new(Replies::new(reply).text()?);
    Ok(reading::usage_percent(&info))
}
