//! What a schedule does each time it wakes: decide whether to warm, sweep tags' sets, relieve memory.
//!
//! Whoever wakes it (a cron trigger, a hosted scheduler, a CronJob) calls one endpoint; everything it must remember between
//! two calls is in Redis, so it does not matter which instance answers, nor whether the cache was flushed.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join;
use serde::{Deserialize, Serialize};

use super::progress;
use super::status::{State, Status};
use crate::error::{Error, RedisError};
use crate::format;
use crate::info::Info;
use crate::key::WARMUP_SCHEDULE;
use crate::pattern::Pattern;
use crate::redis::{Command, Redis, Replies};
use crate::stats;
use crate::sweep;
use crate::tag::{Sweep, Swept};

/// A warmup that failed or died is tried again after this time, if it is not due before.
const RETRY: Duration = Duration::from_secs(120);
/// Memory is relieved at most this often.
const BETWEEN_RELIEFS: Duration = Duration::from_secs(60);
/// Members of tags' sets looked at in one call, at most.
const SWEEP_MEMBERS: u64 = 50_000;
/// How long a call goes on looking, however few it finds: the keyspace is walked for them.
const SWEEP_TIME: Duration = Duration::from_secs(5);
/// Members looked at between two looks at the clock.
const SWEEP_STEP: u64 = 1000;

/// How often to warm, and what may be cleared when memory is short.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time between two warmups.
    pub interval: Duration,
    /// What to clear when memory passes the alert, the most dispensable first; empty: nothing.
    pub relief: Vec<Pattern>,
    /// Percent of `maxmemory` from which memory is relieved.
    pub memory_percent: f64,
}

/// Why a warmup is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Nothing is known of an earlier one: the first start, or the cache was flushed.
    Empty,
    /// Another server process than at the last one.
    Restarted,
    /// The last one failed or died.
    Retry,
    /// Its time has come.
    Due,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Restarted => "restarted",
            Self::Retry => "retry",
            Self::Due => "due",
        })
    }
}

/// The schedule as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    interval_seconds: u64,
    /// When it last started a warmup, RFC 3339; null before the first.
    last_at: Option<String>,
    last_reason: Option<Reason>,
    /// When the next is due; null before the first.
    next_at: Option<String>,
    /// When it last woke; null where no schedule runs.
    last_check_at: Option<String>,
}

/// What is remembered between two calls.
#[derive(Debug, Default)]
struct Memory {
    run_id: Option<String>,
    last_at: Option<SystemTime>,
    last_reason: Option<Reason>,
    checked_at: Option<SystemTime>,
    relieved_at: Option<SystemTime>,
    sweep: Sweep,
}

/// What a look at the server found.
#[derive(Debug)]
pub struct Check {
    /// Why a warmup is due; `None`: it is not.
    pub reason: Option<Reason>,
    /// Percent of memory in use when that is above the alert, and patterns to clear are set, and some time has passed.
    pub short_of_memory: Option<f64>,
    run_id: String,
    now: SystemTime,
    sweep: Sweep,
}

fn millis(at: SystemTime) -> u64 {
    format::milliseconds(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// How long ago something was. A clock that is far ahead, as another machine's may be, must not put off for long what is due: a
/// time that is later than the next one should be counts as `long` ago.
fn since(at: SystemTime, now: SystemTime, long: Duration) -> Duration {
    now.duration_since(at).unwrap_or_else(|ahead| if ahead.duration() > long { long } else { Duration::ZERO })
}

impl Memory {
    async fn read<R: Redis>(redis: &R) -> Result<Self, RedisError> {
        let fields = ["run_id", "last_at", "last_reason", "checked_at", "relieved_at", "sweep"];
        let command = Command::read("HMGET").arg(WARMUP_SCHEDULE).args(fields);
        let mut replies = Replies::new(redis.execute(command).await?);
        let mut next = || Ok::<_, RedisError>(replies.optional_bytes()?.and_then(|text| String::from_utf8(text).ok()));
        let at = |text: Option<String>| Some(UNIX_EPOCH + Duration::from_millis(text?.parse().ok()?));
        Ok(Self {
            run_id: next()?,
            last_at: at(next()?),
            last_reason: next()?.and_then(|name| serde_json::from_value(name.into()).ok()),
            checked_at: at(next()?),
            relieved_at: at(next()?),
            sweep: next()?.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
        })
    }

    fn reason(&self, run_id: &str, last: Option<State>, now: SystemTime, settings: &Settings) -> Option<Reason> {
        let (Some(known), Some(last), Some(last_at)) = (&self.run_id, last, self.last_at) else {
            return Some(Reason::Empty);
        };
        let since = since(last_at, now, settings.interval);
        match last {
            State::Running => None,
            _ if known != run_id => Some(Reason::Restarted),
            _ if since >= settings.interval => Some(Reason::Due),
            State::Failed | State::Interrupted if since >= RETRY => Some(Reason::Retry),
            _ => None,
        }
    }
}

/// Looks whether a warmup is due and memory is short: five commands, overlapping.
///
/// # Errors
/// Those of the connection.
pub async fn check<R: Redis>(redis: &R, settings: &Settings) -> Result<Check, Error> {
    let info = async {
        let (server, memory) = join(
            redis.execute(Command::read("INFO").arg("server")),
            redis.execute(Command::read("INFO").arg("memory")),
        )
        .await;
        let text = |reply| Replies::new(reply).text();
        Ok::<_, RedisError>((Info::new(text(server?)?), Info::new(text(memory?)?)))
    };
    let ((info, known), last) = join(join(info, Memory::read(redis)), progress(redis)).await;
    let ((server, memory), known, last) = (info?, known?, last?);
    let run_id = server.text("run_id").unwrap_or_default().to_owned();
    let now = SystemTime::now();
    let usage = stats::usage_percent(&memory).filter(|usage| *usage > settings.memory_percent);
    let rested = known.relieved_at.is_none_or(|at| since(at, now, BETWEEN_RELIEFS) >= BETWEEN_RELIEFS);
    Ok(Check {
        reason: known.reason(&run_id, last.map(|status| status.state), now, settings),
        short_of_memory: usage.filter(|_| rested && !settings.relief.is_empty()),
        run_id,
        now,
        sweep: known.sweep,
    })
}

/// Notes that a warmup is being started. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn starting<R: Redis>(redis: &R, check: &Check, reason: Reason) -> Result<(), Error> {
    let note = Command::read("HSET").arg(WARMUP_SCHEDULE);
    let note = note.arg("run_id").arg(check.run_id.as_str()).arg("last_at").arg(millis(check.now));
    let note = note.arg("checked_at").arg(millis(check.now));
    redis.execute(note.arg("last_reason").arg(reason.to_string())).await?;
    Ok(())
}

/// What relieving memory did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Relief {
    /// The patterns cleared.
    pub patterns: Vec<String>,
    /// Keys removed.
    pub keys_deleted: u64,
    /// Percent of memory in use before.
    pub usage_percent_before: f64,
    /// Percent of memory in use after; null where the limit was lifted meanwhile.
    pub usage_percent: Option<f64>,
}

/// Clears one pattern after the other until memory is below the alert, in slices of about 1,000 keys.
///
/// # Errors
/// Those of the connection; [`Error::Partial`] says what was removed before.
pub async fn relieve<R: Redis>(redis: &R, settings: &Settings, before: f64) -> Result<Relief, Error> {
    let note = Command::read("HSET").arg(WARMUP_SCHEDULE).arg("relieved_at").arg(millis(SystemTime::now()));
    redis.execute(note).await?;
    let mut relief =
        Relief { patterns: Vec::new(), keys_deleted: 0, usage_percent_before: before, usage_percent: Some(before) };
    for pattern in &settings.relief {
        let removed = sweep::delete(redis, pattern).await.map_err(|error| error.after(relief.keys_deleted))?;
        relief.keys_deleted += removed;
        relief.patterns.push(pattern.display());
        let memory = redis.execute(Command::read("INFO").arg("memory")).await;
        let memory = memory.and_then(|reply| Replies::new(reply).text());
        let memory = memory.map_err(|error| Error::from(error).after(relief.keys_deleted))?;
        relief.usage_percent = stats::usage_percent(&Info::new(memory));
        if relief.usage_percent.is_none_or(|usage| usage <= settings.memory_percent) {
            break;
        }
    }
    Ok(relief)
}

/// Removes dead members of tags' sets from where the last call stopped, for a few seconds at most, and notes when that was.
///
/// # Errors
/// Those of the connection.
pub async fn sweep<R: Redis>(redis: &R, check: &Check) -> Result<Swept, Error> {
    let (mut sweep, mut swept, started) = (check.sweep.clone(), Swept::default(), Instant::now());
    while !swept.finished && swept.members < SWEEP_MEMBERS && started.elapsed() < SWEEP_TIME {
        swept.add(&sweep.step(redis, SWEEP_STEP).await?);
    }
    let place = serde_json::to_string(&sweep).unwrap_or_default();
    let note = Command::read("HSET").arg(WARMUP_SCHEDULE).arg("sweep").arg(place);
    redis.execute(note.arg("checked_at").arg(millis(check.now))).await?;
    Ok(swept)
}

/// Reads the schedule. One round trip.
pub(crate) async fn show<R: Redis>(redis: &R, settings: &Settings) -> Result<Schedule, Error> {
    let known = Memory::read(redis).await?;
    Ok(Schedule {
        interval_seconds: settings.interval.as_secs(),
        last_at: known.last_at.map(format::timestamp),
        last_reason: known.last_reason,
        next_at: known.last_at.map(|at| format::timestamp(at + settings.interval)),
        last_check_at: known.checked_at.map(format::timestamp),
    })
}

/// What a wake-up did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Why a warmup was due; null: it was not.
    pub reason: Option<Reason>,
    /// The warmup's result; null where none was due, or another was running.
    pub warmup: Option<Status>,
    /// What relieving memory did; null where that was not needed.
    pub relief: Option<Relief>,
    /// What the sweep of tags' sets did.
    pub sweep: Swept,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warmup_is_due_for_each_reason() {
        let settings = Settings { interval: Duration::from_secs(900), relief: Vec::new(), memory_percent: 90.0 };
        let now = SystemTime::now();
        let memory = |ago: u64| Memory {
            run_id: Some("a".into()),
            last_at: Some(now - Duration::from_secs(ago)),
            ..Memory::default()
        };
        let ahead = |by: u64| Memory { last_at: Some(now + Duration::from_secs(by)), ..memory(0) };
        let cases = [
            (Memory::default(), "a", None, Some(Reason::Empty)),
            (memory(10), "a", None, Some(Reason::Empty)),
            (memory(10), "a", Some(State::Done), None),
            (memory(10), "b", Some(State::Done), Some(Reason::Restarted)),
            (memory(10), "b", Some(State::Running), None),
            (memory(900), "a", Some(State::Done), Some(Reason::Due)),
            (memory(10), "a", Some(State::Failed), None),
            (memory(120), "a", Some(State::Failed), Some(Reason::Retry)),
            (memory(120), "a", Some(State::Interrupted), Some(Reason::Retry)),
            (memory(120), "a", Some(State::Cancelled), None),
            (ahead(10), "a", Some(State::Done), None),
            (ahead(901), "a", Some(State::Done), Some(Reason::Due)),
        ];
        for (known, run_id, last, due) in cases {
            assert_eq!(known.reason(run_id, last, now, &settings), due, "{known:?} {run_id} {last:?}");
        }
    }
}
