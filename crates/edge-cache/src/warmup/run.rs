//! One warmup from its lock to its result.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, ready, select};
use futures_util::{Stream, StreamExt, stream};

use super::entry::{OneKeyEach, Warmed};
use super::progress;
use super::source::{Answer, Source};
use super::status::{ModuleState, State, Status};
use super::write::slices;
use super::{Plan, Request};
use crate::cache::Runtime;
use crate::error::{Error, ErrorKind, RedisError};
use crate::fence;
use crate::format;
use crate::info::Info;
use crate::key::{WARMUP_CANCEL, WARMUP_LOCK, WARMUP_MODULES, WARMUP_STATUS};
use crate::redis::{Command, Redis, Replies};
use crate::script::{LOCK, TAKE};
use crate::ttl::{self, Overrides};
use crate::warmup::plan::Entry;

/// How long a warmup may be silent before another may start.
const LEASE: Duration = Duration::from_secs(15);
/// How long a source may keep it waiting before it shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// The least time between two looks at lock, memory and cancellation.
const BETWEEN_BEATS: Duration = Duration::from_millis(200);
/// Entries loaded at the same time.
const CONCURRENT_LOADS: usize = 4;
/// Entries written in one script call.
const SLICE: usize = 1000;
/// Slices under way at the same time.
const SLICES_AHEAD: usize = 3;
/// About what Redis needs for a key beside its name and value, its companion included, in bytes.
const OVERHEAD: u64 = 300;

/// What a warmup must not exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Keys a second; 0: as many as it can.
    pub keys_per_second: u64,
    /// Percent of `maxmemory`.
    pub memory_percent: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { keys_per_second: 0, memory_percent: 90.0 }
    }
}

/// One warmup: what it works with, and in whose name.
pub struct Warmup<'a, R, S> {
    /// The cache.
    pub redis: &'a R,
    /// Where to read from.
    pub source: &'a S,
    /// What to load.
    pub plan: &'a Plan,
    /// What it must not exceed.
    pub limits: Limits,
    /// Who asked for it: a token's name, or `schedule`.
    pub by: &'a str,
    /// A random value that nobody else has.
    pub owner: &'a str,
}

/// Why a warmup did not come to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Cancelled,
    /// Another warmup has the lock.
    Lost,
    /// There is no room, in words.
    Full(String),
    Redis(RedisError),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Lost => f.write_str("the warmup was silent for too long and lost its lock to another"),
            Self::Full(problem) => f.write_str(problem),
            Self::Redis(error) => error.fmt(f),
        }
    }
}

impl From<RedisError> for Stop {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl Request {
    /// Carries it out, module by module in the plan's order of priority.
    ///
    /// An entry that fails is counted and the rest goes on. Entries are loaded up to four at a time and written in their
    /// order, up to 1,000 keys in one round trip, with two more for each tag and one, at most five times a second, for lock,
    /// progress, cancellation and memory. A dry run loads, counts what exists, and writes nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another warmup runs or when the lock was lost to one; [`Error::Full`] when Redis has no room
    /// left; those of the connection. Each says how many keys had been written. A cancelled warmup is no error.
    pub async fn run<R: Redis + Runtime, S: Source>(&self, warmup: Warmup<'_, R, S>) -> Result<Status, Error> {
        let table = ttl::stored(warmup.redis).await?;
        if !self.dry_run {
            warmup.lock().await?;
        }
        let status = Status::started(warmup.plan, self, warmup.by, warmup.owner);
        let run = Run {
            warmup: &warmup,
            request: self,
            table,
            started: Instant::now(),
            beaten: Cell::new(None),
            memory: Cell::new((0, 0)),
            status: RefCell::new(status),
        };
        let result = run.modules().await;
        let mut status = run.status.borrow().clone();
        status.finish(run.started.elapsed(), result.as_ref().err());
        if !self.dry_run {
            run.close(&status, result.as_ref().err()).await.map_err(|error| told(error.into(), &status))?;
        }
        match result {
            Ok(()) | Err(Stop::Cancelled) => Ok(status),
            Err(stop) => Err(told(stop, &status)),
        }
    }
}

/// A failure half-way says what was done.
fn told(stop: Stop, status: &Status) -> Error {
    let done = format!("; {} keys had been written before", status.keys_created);
    match stop {
        Stop::Redis(error) => Error::Redis(RedisError::new(error.kind, format!("{}{done}", error.message))),
        Stop::Full(problem) => Error::Full(problem + &done),
        stop => Error::Conflict(stop.to_string() + &done),
    }
}

impl<R: Redis, S> Warmup<'_, R, S> {
    async fn lock(&self) -> Result<(), Error> {
        let lease = format::milliseconds(LEASE).into();
        let answer = TAKE.run(self.redis, [WARMUP_LOCK.into()], [self.owner.into(), lease]).await;
        if answer.as_ref().is_err_and(|error| error.kind == ErrorKind::Unreachable) {
            // It may be ours all the same, and nobody else should wait for its lease to end.
            let _ = LOCK.run(self.redis, [WARMUP_LOCK.into()], [self.owner.into(), "0".into()]).await;
        }
        if answer?.count()? == 1 {
            return Ok(());
        }
        let running = progress::stored(self.redis).await?.filter(|status| status.state == State::Running);
        let who = running.map(|status| format!(", started by {} at {}", status.by, status.started_at));
        let who = who.unwrap_or_default();
        Err(Error::Conflict(format!("a warmup is running{who}; GET /api/cache/warmup shows its progress")))
    }
}

/// A warmup that holds the lock, or a dry run.
pub(super) struct Run<'a, R, S> {
    pub(super) warmup: &'a Warmup<'a, R, S>,
    pub(super) request: &'a Request,
    pub(super) table: Overrides,
    started: Instant,
    beaten: Cell<Option<Instant>>,
    /// Memory used and its limit, in bytes, when last looked at; 0 where there is no limit.
    memory: Cell<(u64, u64)>,
    status: RefCell<Status>,
}

impl<R: Redis + Runtime, S: Source> Run<'_, R, S> {
    async fn modules(&self) -> Result<(), Stop> {
        let names: Vec<String> = self.status.borrow().modules.iter().map(|module| module.name.clone()).collect();
        for (index, name) in names.iter().enumerate() {
            let Some(module) = self.warmup.plan.modules.iter().find(|module| module.name == *name) else { continue };
            let started = Instant::now();
            self.change(|status| status.modules[index].state = ModuleState::Running);
            let loads = module.entries.iter().map(async |entry| (entry, self.load(entry).await));
            let mut loads = pin!(stream::iter(loads).buffered(CONCURRENT_LOADS));
            while let Some((entry, loaded)) = self.next(loads.as_mut()).await? {
                let (answer, stamp) = loaded?;
                self.entry(entry, answer, &stamp, index).await?;
                self.change(|status| status.modules[index].entries_done += 1);
            }
            self.change(|status| status.modules[index].finish(started.elapsed()));
        }
        Ok(())
    }

    /// What an entry needs, and the stamp taken before it was asked for; none where nothing will be written.
    async fn load<'e>(&'e self, entry: &'e Entry) -> Result<(Answer<'e>, Vec<u8>), RedisError> {
        let stamp = if self.request.dry_run { Vec::new() } else { fence::stamp(self.warmup.redis).await? };
        let source = self.warmup.source;
        // A rate may take minutes, for which no source should keep its rows open.
        let answer = match self.warmup.limits.keys_per_second {
            0 => entry.ask(source).await,
            _ => Answer::Whole(entry.load(source).await),
        };
        Ok((answer, stamp))
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status.borrow_mut());
    }

    /// Waits for the next entry, keeping the lock meanwhile.
    async fn next<T>(&self, mut loads: Pin<&mut impl Stream<Item = T>>) -> Result<Option<T>, Stop> {
        self.beat().await?;
        let mut next = pin!(loads.next());
        loop {
            match select(next.as_mut(), pin!(self.warmup.redis.sleep(HEARTBEAT))).await {
                Either::Left((entry, _)) => return Ok(entry),
                Either::Right(_) => self.beat().await?,
            }
        }
    }

    /// Writes an entry's keys. What goes wrong with it, half-way too, is counted and says nothing about the next entry.
    async fn entry(&self, entry: &Entry, answer: Answer<'_>, stamp: &[u8], module: usize) -> Result<(), Stop> {
        let problem = |problem: &dyn fmt::Display| format!("{}: {problem}", entry.key);
        let warmed = match answer {
            Answer::Whole(loaded) => stream::iter([loaded.and_then(|loaded| entry.render(loaded))]).boxed_local(),
            Answer::Rows(batches) => {
                let mut each = OneKeyEach::new(entry);
                batches.map(move |rows| each.render(&rows?)).boxed_local()
            }
        };
        let until_error = warmed.scan(false, |over, warmed| {
            let next = (!*over).then_some(warmed);
            *over = matches!(next, Some(Err(_)));
            ready(next)
        });
        let cut = until_error.flat_map(|warmed| {
            let slices = warmed.map(|warmed| slices(warmed, self.slice_length()));
            stream::iter(match slices {
                Ok(slices) => slices.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        // While Redis writes one slice the next is prepared; not where one must be known before the next.
        let (_, memory_limit) = self.memory.get();
        let ahead = if self.warmup.limits.keys_per_second > 0 || memory_limit > 0 { 1 } else { SLICES_AHEAD };
        let writes = cut.map(async |slice| {
            let slice = match slice {
                Ok(slice) => slice,
                Err(error) => return Ok(Err(problem(&error))),
            };
            self.make_room(&slice)?;
            match self.write(entry, &slice, stamp).await {
                Err(Stop::Redis(error)) if error.kind == ErrorKind::WrongType => Ok(Err(problem(&error))),
                written => Ok::<_, Stop>(Ok(written?)),
            }
        });
        let mut writes = pin!(writes.buffered(ahead));
        while let Some(written) = self.next(writes.as_mut()).await? {
            match written? {
                Ok(written) => self.change(|status| status.wrote(module, &written)),
                Err(problem) => self.change(|status| status.failed(module, &problem)),
            }
            self.pace().await;
        }
        Ok(())
    }

    /// Shows progress, keeps the lock, and hears whether to go on. Not more than five times a second.
    async fn beat(&self) -> Result<(), Stop> {
        if self.request.dry_run || self.beaten.get().is_some_and(|beaten| beaten.elapsed() < BETWEEN_BEATS) {
            return Ok(());
        }
        self.change(|status| status.touch(self.started.elapsed()));
        let (redis, owner) = (self.warmup.redis, self.warmup.owner);
        let status = self.status.borrow().clone();
        let kept = LOCK.run(redis, [WARMUP_LOCK.into()], [owner.into(), format::milliseconds(LEASE).into()]);
        let cancelled = redis.execute(Command::read("GET").arg(WARMUP_CANCEL));
        let ((saved, kept), (cancelled, looked)) =
            join(join(save(redis, &status), kept), join(cancelled, self.look_at_memory())).await;
        saved?;
        looked?;
        self.beaten.set(Some(Instant::now()));
        if kept?.count()? == 0 {
            return Err(Stop::Lost);
        }
        let cancelled = Replies::new(cancelled?).optional_bytes()?;
        if cancelled.is_some_and(|id| id == owner.as_bytes()) { Err(Stop::Cancelled) } else { Ok(()) }
    }

    async fn look_at_memory(&self) -> Result<(), RedisError> {
        let reply = self.warmup.redis.execute(Command::read("INFO").arg("memory")).await?;
        let info = Info::new(Replies::new(reply).text()?);
        self.memory.set((info.number("used_memory"), info.number("maxmemory")));
        Ok(())
    }

    /// Where memory has a limit, what a slice really took is known before the next one.
    pub(super) async fn look_again_at_memory(&self) -> Result<(), RedisError> {
        let (_, limit) = self.memory.get();
        if limit == 0 { Ok(()) } else { self.look_at_memory().await }
    }

    /// Stops before a slice that would take memory past the alert.
    fn make_room(&self, slice: &[Warmed]) -> Result<(), Stop> {
        let (used, limit) = self.memory.get();
        if limit == 0 || self.request.dry_run {
            return Ok(());
        }
        let after = used + slice.iter().map(|entry| entry.bytes() as u64 + OVERHEAD).sum::<u64>();
        let percent = after as f64 * 100.0 / limit as f64;
        if percent > self.warmup.limits.memory_percent {
            return Err(Stop::Full(format!(
                "the warmup stopped because {} of memory are in use, and the next keys would take that past {} % of {}; clear \
                 keys, raise maxmemory or warm fewer modules",
                format::size(used),
                self.warmup.limits.memory_percent,
                format::size(limit)
            )));
        }
        self.memory.set((after, limit));
        Ok(())
    }

    fn slice_length(&self) -> usize {
        match usize::try_from(self.warmup.limits.keys_per_second).unwrap_or(SLICE) {
            0 => SLICE,
            rate => rate.min(SLICE),
        }
    }

    /// Waits until as many keys are due as were handled.
    async fn pace(&self) {
        let rate = self.warmup.limits.keys_per_second;
        if rate == 0 || self.request.dry_run {
            return;
        }
        let handled = {
            let status = self.status.borrow();
            status.keys_created + status.keys_skipped
        };
        let due = Duration::from_secs_f64(handled as f64 / rate as f64);
        self.warmup.redis.sleep(due.saturating_sub(self.started.elapsed())).await;
    }

    /// Leaves the result behind and frees the lock: others should neither wait for the lease to end nor read "running".
    async fn close(&self, status: &Status, stop: Option<&Stop>) -> Result<(), RedisError> {
        let redis = self.warmup.redis;
        if matches!(stop, Some(Stop::Lost)) {
            // What stands there now belongs to the warmup that took over.
            return Ok(());
        }
        let last = status
            .last_runs()
            .flat_map(|(name, last)| [name.to_owned(), serde_json::to_string(&last).unwrap_or_default()]);
        let last: Vec<String> = last.collect();
        let remember = async {
            if last.is_empty() {
                return Ok(());
            }
            redis.execute(Command::read("HSET").arg(WARMUP_MODULES).args(last)).await.map(drop)
        };
        let release = LOCK.run(redis, [WARMUP_LOCK.into()], [self.warmup.owner.into(), "0".into()]);
        let ((saved, remembered), released) = join(join(save(redis, status), remember), release).await;
        if stop.is_none() {
            saved?;
            remembered?;
            released?;
        }
        Ok(())
    }
}

async fn save<R: Redis>(redis: &R, status: &Status) -> Result<(), RedisError> {
    let json = serde_json::to_string(status).unwrap_or_default();
    redis.execute(Command::read("SET").arg(WARMUP_STATUS).arg(json)).await.map(drop)
}
