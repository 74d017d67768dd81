//! One warmup, from its lock to its result.
//!
//! Plan entries are loaded up to four at a time, rendered in their order and written in slices of
//! up to 1,000 keys. Between two slices, and while a source takes long, there is a heartbeat.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::join;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::memory::MemoryLimit;
use super::outcome::{SliceOutcome, StopReason};
use super::plan::{Plan, PlanEntry, PlanModule};
use super::render::{RenderedKey, render_batches};
use super::request::WarmupRequest;
use super::source::{LoadedEntry, Source};
use super::status::{ModuleState, ModuleStatus, WarmupStatus};
use super::ttls::Ttls;
use super::warmup_lock::{WarmupHold, WarmupLock};
use super::write::{MAX_SLICE_KEYS, SliceWriter, cut_into_slices};
use crate::error::Error;
use edge_cache::HostRuntime;
use edge_cache::keyspace::fence::{self, Stamp};
use edge_cache::keyspace::ttl::TtlTable;
use edge_cache::redis::{Redis, ServerClock};
use edge_cache::{ErrorKind, RedisError};

/// Plan entries loaded at the same time.
const CONCURRENT_LOADS: usize = 4;
/// Slices written at the same time: while Redis writes one, the next is prepared.
const CONCURRENT_SLICES: usize = 3;

/// The limits of a warmup.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmupLimits {
    /// Keys a second; 0: no limit.
    pub keys_per_second: u64,
    /// Percent of `maxmemory`.
    pub memory_percent: f64,
}

impl Default for WarmupLimits {
    fn default() -> Self {
        Self {
            keys_per_second: 0,
            memory_percent: 90.0,
        }
    }
}

/// The tools of one warmup, and its starter.
pub struct Warmup<'a, R, S> {
    /// The cache.
    pub redis: &'a R,
    /// The source of its rows.
    pub source: &'a S,
    /// Its plan.
    pub plan: &'a Plan,
    /// The TTLs of keys whose plan entry has none, before overrides.
    pub ttl_table: &'a TtlTable,
    /// Its limits.
    pub limits: WarmupLimits,
    /// Its starter: a token's name, or `schedule`.
    pub by: &'a str,
    /// Its id, a random value: it also marks the lock as this warmup's.
    pub id: &'a str,
}

impl WarmupRequest {
    /// Runs the warmup, module by module in the plan's order.
    ///
    /// A plan entry that fails is counted, and the rest is warmed. Cost: one round trip for each
    /// 1,000 keys, and one for each tag of theirs; one for each heartbeat, at most five times a
    /// second. A dry run loads, counts the keys that exist, and writes nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another warmup runs or when it took the lock; [`Error::Full`] when
    /// the memory limit is reached; those of the connection. Each says how many keys were written.
    /// A cancelled warmup is not an error.
    pub async fn run<R: Redis + HostRuntime, S: Source>(
        &self,
        warmup: Warmup<'_, R, S>,
    ) -> Result<WarmupStatus, Error> {
        let lock = WarmupLock {
            redis: warmup.redis,
            owner: warmup.id,
            is_dry_run: self.dry_run,
        };
        let run = Run::new(self, &warmup, &lock, None).await?;
        lock.acquire().await?;

        let (status, stop) = run.run().await;
        let stored = run.store_result(&status, stop.as_ref());
        let (stored, released) = join(stored, lock.release()).await;
        if stop.is_none() {
            stored
                .and(released)
                .map_err(|error| describe_stop(error.into(), &status))?;
        }

        match stop {
            None | Some(StopReason::Cancelled) => Ok(status),
            Some(reason) => Err(describe_stop(reason, &status)),
        }
    }

    /// Runs the warmup of a job, which holds the lock, from the status of another instance on. Returns the
    /// status and, if it stopped early, the reason. If another instance has to continue, it is the status
    /// after the last plan entry that was finished.
    ///
    /// # Errors
    /// Those of the connection, before it begins and at its end.
    pub(crate) async fn run_held<R: Redis + HostRuntime, S: Source>(
        &self,
        warmup: &Warmup<'_, R, S>,
        hold: &impl WarmupHold,
        before: Option<&WarmupStatus>,
    ) -> Result<(WarmupStatus, Option<StopReason>), Error> {
        let run = Run::new(self, warmup, hold, before).await?;
        let (status, stop) = run.run().await;
        let stored = run.store_result(&status, stop.as_ref()).await;
        match stop {
            None => stored?,
            Some(StopReason::Returned) => return Ok((run.finished(), stop)),
            Some(_) => {}
        }
        Ok((status, stop))
    }
}

/// Adds how many keys were written.
fn describe_stop(reason: StopReason, status: &WarmupStatus) -> Error {
    let written = format!("; {} keys were written before that", status.keys_created);
    match reason {
        StopReason::Redis(error) => {
            let message = format!("{}{written}", error.message);
            Error::Redis(RedisError { message, ..error })
        }
        StopReason::MemoryFull(problem) => Error::Full(problem + &written),
        reason => Error::Conflict(reason.to_string() + &written),
    }
}

/// A warmup that runs.
pub(super) struct Run<'a, R, S, H> {
    pub(super) request: &'a WarmupRequest,
    pub(super) warmup: &'a Warmup<'a, R, S>,
    pub(super) hold: &'a H,
    writer: SliceWriter<'a, R>,
    /// Not set in a dry run, which writes nothing.
    pub(super) memory: MemoryLimit,
    started: Instant,
    /// The time that other instances have spent on it.
    before: Duration,
    pub(super) last_heartbeat: Cell<Option<Instant>>,
    pub(super) status: RefCell<WarmupStatus>,
    /// The status after the last plan entry that was finished.
    finished: RefCell<WarmupStatus>,
}

impl<'a, R: Redis + HostRuntime, S: Source, H: WarmupHold> Run<'a, R, S, H> {
    /// Reads the TTLs. One round trip.
    async fn new(
        request: &'a WarmupRequest,
        warmup: &'a Warmup<'a, R, S>,
        hold: &'a H,
        before: Option<&WarmupStatus>,
    ) -> Result<Self, Error> {
        let ttls = Ttls::read(warmup.redis, warmup.ttl_table).await?;
        let started = WarmupStatus::started(warmup.plan, request, warmup.by, warmup.id);
        let status = match before {
            Some(before) => started.resumed(before),
            None => started,
        };
        let writer = SliceWriter {
            redis: warmup.redis,
            owner: warmup.id,
            force: request.force,
            dry_run: request.dry_run,
            ttls,
            clock: ServerClock::default(),
        };

        Ok(Self {
            request,
            warmup,
            hold,
            writer,
            memory: MemoryLimit::new(warmup.limits.memory_percent),
            started: Instant::now(),
            before: Duration::from_millis(status.duration_ms),
            last_heartbeat: Cell::new(None),
            finished: RefCell::new(status.clone()),
            status: RefCell::new(status),
        })
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.before + self.started.elapsed()
    }

    /// The status after the last plan entry that was finished.
    pub(super) fn finished(&self) -> WarmupStatus {
        WarmupStatus {
            duration_ms: self.status.borrow().duration_ms,
            ..self.finished.borrow().clone()
        }
    }

    /// Warms the modules. Returns the status and, if it stopped early, the reason.
    async fn run(&self) -> (WarmupStatus, Option<StopReason>) {
        let stop = self.warm_modules().await.err();
        self.change_status(|status| status.finish(self.elapsed(), stop.as_ref()));
        (self.status.borrow().clone(), stop)
    }

    pub(super) fn change_status(&self, change: impl FnOnce(&mut WarmupStatus)) {
        change(&mut self.status.borrow_mut());
    }

    fn change_module(&self, index: usize, change: impl FnOnce(&mut ModuleStatus)) {
        self.change_status(|status| change(&mut status.modules[index]));
    }

    async fn warm_modules(&self) -> Result<(), StopReason> {
        let modules = self.warmup.plan.modules.iter();
        let requested = modules.filter(|module| self.request.includes(&module.name));
        for (index, module) in requested.enumerate() {
            let state = |status: &WarmupStatus| status.modules.get(index).map(|known| known.state);
            if state(&self.status.borrow()) != Some(ModuleState::Done) {
                self.warm_module(index, module).await?;
            }
        }
        Ok(())
    }

    async fn warm_module(&self, index: usize, module: &PlanModule) -> Result<(), StopReason> {
        let started = Instant::now();
        let mut done = 0;
        self.change_module(index, |status| {
            status.state = ModuleState::Running;
            done = status.entries_done;
        });

        let left = module.entries.iter().skip(done as usize);
        let loads = left.map(async |entry| (entry, self.load_entry(entry).await));
        let mut loads = pin!(stream::iter(loads).buffered(CONCURRENT_LOADS));
        while let Some((entry, loaded)) = self.next_with_heartbeat(loads.as_mut()).await? {
            let (stamp, loaded) = loaded?;
            self.write_entry(index, entry, loaded, &stamp).await?;
            self.change_module(index, |status| status.entries_done += 1);
            self.finished.replace(self.status.borrow().clone());
            if self.hold.is_time_over() {
                return Err(StopReason::Returned);
            }
        }

        self.change_module(index, |status| status.finish(started.elapsed()));
        self.finished.replace(self.status.borrow().clone());
        Ok(())
    }

    /// Takes a stamp, then loads the entry. A dry run needs no stamp.
    async fn load_entry<'e>(
        &'e self,
        entry: &'e PlanEntry,
    ) -> Result<(Stamp, LoadedEntry<'e>), RedisError> {
        let stamp = if self.request.dry_run {
            Stamp::default()
        } else {
            fence::take_stamp(self.warmup.redis).await?
        };

        let loaded = if self.warmup.limits.keys_per_second == 0 {
            entry.load(self.warmup.source).await
        } else {
            // With a rate, writing may take minutes: do not keep the source's rows open.
            LoadedEntry::Complete(entry.load_all(self.warmup.source).await)
        };
        Ok((stamp, loaded))
    }

    /// Renders and writes an entry. A failure of the entry is counted; the slices before it stay
    /// written.
    async fn write_entry(
        &self,
        module: usize,
        entry: &PlanEntry,
        loaded: LoadedEntry<'_>,
        stamp: &Stamp,
    ) -> Result<(), StopReason> {
        let max_keys = self.max_slice_keys();
        let slices = render_batches(entry, loaded)
            .map_ok(|keys| stream::iter(cut_into_slices(keys, max_keys)).map(Ok))
            .try_flatten();

        let outcomes = slices
            .map(|slice| self.write_slice(entry, slice, stamp))
            .buffered(self.concurrent_slices());
        let mut outcomes = pin!(outcomes);
        while let Some(outcome) = self.next_with_heartbeat(outcomes.as_mut()).await? {
            let outcome = outcome?;
            self.change_status(|status| status.add_slice(module, &outcome));
            self.pace().await;
        }
        Ok(())
    }

    async fn write_slice(
        &self,
        entry: &PlanEntry,
        slice: Result<Vec<RenderedKey>, String>,
        stamp: &Stamp,
    ) -> Result<SliceOutcome, StopReason> {
        let slice = match slice {
            Ok(slice) => slice,
            Err(problem) => {
                return Ok(SliceOutcome::Failed(format!("{}: {problem}", entry.key)));
            }
        };

        self.memory.reserve(&slice)?;
        let written = match self.writer.write(entry, &slice, stamp).await {
            Ok(written) => written,
            Err(StopReason::Redis(error)) if error.kind == ErrorKind::WrongType => {
                return Ok(SliceOutcome::Failed(format!("{}: {error}", entry.key)));
            }
            Err(stop) => return Err(stop),
        };
        if self.memory.is_set() {
            self.memory.refresh(self.warmup.redis).await?;
        }
        Ok(SliceOutcome::Written(written))
    }

    /// At most one second's worth of keys.
    fn max_slice_keys(&self) -> usize {
        match usize::try_from(self.warmup.limits.keys_per_second) {
            Ok(rate) if rate > 0 => rate.min(MAX_SLICE_KEYS),
            _ => MAX_SLICE_KEYS,
        }
    }

    /// One at a time where the result of a slice decides on the next: with a rate or a memory
    /// limit.
    fn concurrent_slices(&self) -> usize {
        if self.warmup.limits.keys_per_second > 0 || self.memory.is_set() {
            1
        } else {
            CONCURRENT_SLICES
        }
    }

    /// Sleeps as long as the keys so far are ahead of the rate.
    async fn pace(&self) {
        let rate = self.warmup.limits.keys_per_second;
        if rate == 0 || self.request.dry_run {
            return;
        }
        let handled = self.status.borrow().keys_handled();
        let due = Duration::from_secs_f64(handled as f64 / rate as f64);
        let ahead = due.saturating_sub(self.elapsed());
        self.warmup.redis.sleep(ahead).await;
    }
}
