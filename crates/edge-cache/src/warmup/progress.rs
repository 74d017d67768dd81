//! What is told of warmups: the running or last one, the plan with how each module fared, and the request to stop.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::Value;

use super::plan::{Entry, Module, Plan, Shape};
use super::schedule::{self, Schedule};
use super::status::{LastRun, State, Status};
use crate::cache::Runtime;
use crate::error::{Error, RedisError};
use crate::key::{WARMUP_CANCEL, WARMUP_LOCK, WARMUP_MODULES, WARMUP_STATUS};
use crate::redis::{Command, Redis, Replies};

/// How long a request to stop waits to be heard, in seconds: much longer than a warmup is ever silent.
const CANCEL_SECONDS: u64 = 60;

pub(crate) async fn stored<R: Redis>(redis: &R) -> Result<Option<Status>, RedisError> {
    let stored = Replies::new(redis.execute(Command::read("GET").arg(WARMUP_STATUS)).await?).optional_bytes()?;
    Ok(stored.and_then(|json| serde_json::from_slice(&json).ok()))
}

/// The progress of the running warmup, or the result of the last: two commands, overlapping. `None` before the first.
///
/// A warmup whose instance died is told as `interrupted`.
///
/// # Errors
/// Those of the connection.
pub async fn progress<R: Redis>(redis: &R) -> Result<Option<Status>, Error> {
    let lock = redis.execute(Command::read("EXISTS").arg(WARMUP_LOCK));
    let (status, locked) = join(stored(redis), lock).await;
    let (status, locked) = (status?, Replies::new(locked?).count()? > 0);
    Ok(status.map(|mut status| {
        if status.state == State::Running && !locked {
            status.state = State::Interrupted;
        }
        status
    }))
}

/// Between two looks of somebody who follows.
const LOOK: Duration = Duration::from_millis(250);

/// The progress as it happens: `progress` with the [`Status`] (null before the first warmup) now and at each change, until
/// the warmup ends; `problem` with words where Redis cannot be asked, and then nothing more. Two commands four times a
/// second.
pub fn follow<R: Redis + Runtime>(redis: R) -> impl Stream<Item = (&'static str, Value)> {
    stream::unfold(Some((redis, String::new())), async |following| {
        let (redis, seen) = following?;
        loop {
            let status = match progress(&redis).await {
                Ok(Some(status)) => status,
                Ok(None) => return Some((("progress", Value::Null), None)),
                Err(error) => return Some((("problem", error.to_string().into()), None)),
            };
            let running = status.state == State::Running;
            if running && status.updated_at == seen {
                redis.sleep(LOOK).await;
                continue;
            }
            let seen = status.updated_at.clone();
            let shown = serde_json::to_value(status).unwrap_or_default();
            return Some((("progress", shown), running.then_some((redis, seen))));
        }
    })
}

/// Asks the running warmup to stop, which it does before its next slice. Three round trips at most.
///
/// # Errors
/// [`Error::NotFound`] when none runs; those of the connection.
pub async fn cancel<R: Redis>(redis: &R) -> Result<Status, Error> {
    let running = progress(redis).await?.filter(|status| status.state == State::Running);
    let running = running.ok_or_else(|| Error::NotFound("no warmup is running".into()))?;
    let ask = Command::read("SET").arg(WARMUP_CANCEL).arg(running.id.as_str()).arg("EX").arg(CANCEL_SECONDS);
    redis.execute(ask).await?;
    Ok(running)
}

/// The plan, how each of its modules fared last, and the schedule.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview<'a> {
    modules: Vec<ModuleOverview<'a>>,
    schedule: Schedule,
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
    shape: Shape,
    source: &'static str,
    ttl_seconds: Option<u64>,
    tags: Vec<&'a str>,
}

impl<'a> From<&'a Entry> for EntryOverview<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            key: &entry.key,
            shape: entry.shape,
            source: entry.origin.name(),
            ttl_seconds: entry.ttl.map(|ttl| ttl.as_secs()),
            tags: entry.tags.iter().map(crate::tag::Tag::as_str).collect(),
        }
    }
}

impl<'a> ModuleOverview<'a> {
    fn new(module: &'a Module, last: &mut HashMap<String, LastRun>) -> Self {
        Self {
            name: &module.name,
            priority: module.priority,
            entries: module.entries.iter().map(Into::into).collect(),
            last_run: last.remove(&module.name),
        }
    }
}

/// Reads the overview: two commands, overlapping.
///
/// # Errors
/// Those of the connection.
pub async fn overview<'a, R: Redis>(
    redis: &R,
    plan: &'a Plan,
    settings: &schedule::Settings,
) -> Result<Overview<'a>, Error> {
    let last = redis.execute(Command::read("HGETALL").arg(WARMUP_MODULES));
    let (last, schedule) = join(last, schedule::show(redis, settings)).await;
    let last = Replies::new(last?).rest()?;
    let pair = |pair: &[Vec<u8>]| {
        let name = String::from_utf8(pair.first()?.clone()).ok()?;
        Some((name, serde_json::from_slice(pair.get(1)?).ok()?))
    };
    let mut last: HashMap<String, LastRun> = last.chunks(2).filter_map(pair).collect();
    let modules = plan.modules.iter().map(|module| ModuleOverview::new(module, &mut last)).collect();
    Ok(Overview { modules, schedule: schedule? })
}
