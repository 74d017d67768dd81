//! The plan with the last result of each module, and the schedule.

use std::collections::HashMap;

use futures_util::future::join;
use serde::Serialize;

use super::plan::{EntryShape, Plan, PlanEntry, PlanModule};
use super::schedule::{self, ScheduleOverview, ScheduleSettings};
use super::status::LastRun;
use crate::error::Error;
use edge_cache::RedisError;
use edge_cache::keyspace::key::WARMUP_MODULES;
use edge_cache::keyspace::tag::Tag;
use edge_cache::redis::{Command, Redis, Replies};

/// The plan with the last result of each module, and the schedule.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanOverview<'a> {
    modules: Vec<ModuleOverview<'a>>,
    schedule: ScheduleOverview,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModuleOverview<'a> {
    name: &'a str,
    priority: u32,
    entries: Vec<EntryOverview<'a>>,
    last_run: Option<LastRun>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryOverview<'a> {
    key: &'a str,
    shape: EntryShape,
    source: &'static str,
    ttl_seconds: Option<u64>,
    tags: Vec<&'a str>,
}

impl<'a> From<&'a PlanEntry> for EntryOverview<'a> {
    fn from(entry: &'a PlanEntry) -> Self {
        Self {
            key: &entry.key,
            shape: entry.shape,
            source: entry.source.name(),
            ttl_seconds: entry.ttl.map(|ttl| ttl.as_secs()),
            tags: entry.tags.iter().map(Tag::as_str).collect(),
        }
    }
}

impl<'a> ModuleOverview<'a> {
    fn new(module: &'a PlanModule, last_runs: &mut HashMap<String, LastRun>) -> Self {
        Self {
            name: &module.name,
            priority: module.priority,
            entries: module.entries.iter().map(Into::into).collect(),
            last_run: last_runs.remove(&module.name),
        }
    }
}

/// Reads the overview. Two commands, overlapping.
///
/// # Errors
/// Those of the connection.
pub async fn read_overview<'a, R: Redis>(
    redis: &R,
    plan: &'a Plan,
    settings: &ScheduleSettings,
) -> Result<PlanOverview<'a>, Error> {
    let (last_runs, schedule) = join(
        read_last_runs(redis),
        schedule::read_overview(redis, settings),
    )
    .await;
    let mut last_runs = last_runs?;

    let modules = plan
        .modules
        .iter()
        .map(|module| ModuleOverview::new(module, &mut last_runs))
        .collect();
    Ok(PlanOverview {
        modules,
        schedule: schedule?,
    })
}

async fn read_last_runs<R: Redis>(redis: &R) -> Result<HashMap<String, LastRun>, RedisError> {
    let read = Command::read("HGETALL").arg(WARMUP_MODULES);
    let fields = Replies::new(redis.execute(read).await?).rest()?;

    let parse = |field: &[Vec<u8>]| {
        let name = String::from_utf8(field.first()?.clone()).ok()?;
        let last_run = serde_json::from_slice(field.get(1)?).ok()?;
        Some((name, last_run))
    };
    Ok(fields.chunks(2).filter_map(parse).collect())
}
