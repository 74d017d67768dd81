//! One load of a missing value: under a load lock that is renewed while it runs.

use std::convert::Infallible;
use std::fmt::Display;
use std::future::Future;
use std::pin::pin;
use std::slice;
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, join_all, select};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::loaded::{Loaded, Previous};
use super::lookup::StandIn;
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LoadOutcome, LookupOutcome};
use super::stored_entry::Identity;
use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::keyspace::fence::{self, Fences, Stamp};
use crate::keyspace::key::{FENCES, KeyName, TTL_OVERRIDES};
use crate::keyspace::lock;
use crate::keyspace::tag::Tag;
use crate::keyspace::ttl::{self, Overrides};
use crate::redis::script::{Script, shared};
use crate::redis::{HostRuntime, Redis, Replies};
use crate::script;
use crate::units::milliseconds;

/// Acquires the right to load a key.
static ACQUIRE: Script = script!(once "load/acquire", [
    shared::EXISTENCE,
    shared::LOCKS,
    shared::FENCES,
    shared::WAITERS,
]);

/// Keeps others from loading a key whose load has failed.
static THROTTLE: Script = script!(repeatable "load/throttle", [shared::EXISTENCE, shared::LOCKS]);

/// Keeps the error of a failed load for others.
static FAIL: Script = script!(repeatable "load/fail", [shared::EXISTENCE, shared::LOCKS]);

/// The longest error that is kept for others.
const MAX_FAILURE_BYTES: usize = 1024;

/// How long a load lock lasts unless it is renewed. It is renewed three times in that time.
const LEASE: Duration = Duration::from_secs(10);

/// Stamp and TTL overrides of a load, which on a Cluster are in another slot than its key.
struct ReadApart {
    stamp: Stamp,
    overrides: Overrides,
}

/// Result of acquiring a load lock.
pub(super) enum Acquired {
    Ours(LoadLock),
    HeldByAnother,
    /// Another caller's load has just written the entry.
    JustWritten,
    /// Another caller's load has just failed with this error.
    Failed(String),
}

/// The right to load a key.
pub(super) struct LoadLock {
    pub(super) owner: String,
    pub(super) stamp: Stamp,
    /// The load's number in the order of loads and waiters.
    pub(super) number: u64,
    pub(super) overrides: Overrides,
}

/// A load of one key.
pub(super) struct Load<'a> {
    pub(super) key: &'a str,
    pub(super) name: KeyName,
    pub(super) options: &'a Options<'a>,
    pub(super) lock: &'a LoadLock,
    /// Tags of the value that is replaced.
    pub(super) old_tags: Vec<Tag>,
    /// The newest fence that was read.
    pub(super) read_to: Guarded<Vec<u8>>,
    /// The fences that came while the value was loaded. Which tags the value has is known afterwards.
    pub(super) fences: Guarded<Vec<Fences>>,
    started: Instant,
}

impl<'a> Load<'a> {
    /// Begins a load; `old_tags` are those of the value that was found, joined by newlines.
    pub(super) fn begin(
        key: &'a str,
        options: &'a Options<'a>,
        lock: &'a LoadLock,
        old_tags: &str,
    ) -> Self {
        Self {
            key,
            name: KeyName::new(key),
            options,
            lock,
            old_tags: Tag::of_trailer(old_tags),
            read_to: Guarded::new(lock.stamp.id.to_string().into_bytes()),
            fences: Guarded::default(),
            started: Instant::now(),
        }
    }
}

impl Acquired {
    /// Reads the reply of `load/acquire.lua`.
    fn read(
        mut replies: Replies,
        owner: String,
        apart: Option<ReadApart>,
    ) -> Result<Self, RedisError> {
        match (replies.count()?, apart) {
            (0, _) => Ok(Self::HeldByAnother),
            (1, Some(apart)) => Ok(Self::Ours(LoadLock {
                owner,
                stamp: apart.stamp,
                number: replies.count()?,
                overrides: apart.overrides,
            })),
            (1, None) => Ok(Self::Ours(LoadLock {
                owner,
                stamp: Stamp::read(&mut replies)?,
                number: replies.count()?,
                overrides: Overrides::read(replies)?,
            })),
            (3, _) => Ok(Self::Failed(replies.text()?)),
            _ => Ok(Self::JustWritten),
        }
    }
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Acquires the right to load a key, unless the value was written since the caller read the one
    /// with this identity; `is_dead` says that an invalidation covers that one. One round trip.
    pub(super) async fn acquire_load_lock(
        &self,
        key: &str,
        identity: Identity,
        is_dead: bool,
    ) -> Result<Acquired, RedisError> {
        let owner = format!(
            "{:016x}{:016x}",
            self.inner.redis.random(),
            self.inner.redis.random()
        );
        let name = KeyName::new(key);
        let is_on_cluster = self.inner.redis.topology().await?.is_cluster();
        let (fences, overrides) = if is_on_cluster {
            (name.none().into(), name.none().into())
        } else {
            (FENCES.into(), TTL_OVERRIDES.into())
        };
        let keys = [
            name.as_bytes().into(),
            name.lock().into(),
            fences,
            overrides,
            name.turns(is_on_cluster).into(),
        ];
        let args = [
            owner.as_str().into(),
            milliseconds(LEASE).into(),
            identity.to_bytes().into(),
            if is_dead { "dead" } else { "" }.into(),
            if is_on_cluster { "1" } else { "" }.into(),
        ];

        let acquiring = ACQUIRE.run(&self.inner.redis, keys, args);
        let (replies, apart) = join(acquiring, self.read_apart(is_on_cluster)).await;
        lock::release_after_break(&self.inner.redis, name.lock(), &owner, &replies).await;

        let acquired = match apart {
            Ok(apart) => Acquired::read(replies?, owner.clone(), apart),
            Err(error) => Err(error),
        };
        if acquired.is_err() && is_on_cluster {
            // Where this fails too, the lease ends by itself.
            let _ = lock::release(&self.inner.redis, name.lock(), &owner).await;
        }
        acquired
    }

    /// Reads on a Cluster what is in another slot than the key. One round trip, at the same time as the
    /// lock is acquired: the source is read afterwards.
    async fn read_apart(&self, is_on_cluster: bool) -> Result<Option<ReadApart>, RedisError> {
        if !is_on_cluster {
            return Ok(None);
        }
        let stamp = fence::take_stamp(&self.inner.redis);
        let overrides = ttl::read_overrides(&self.inner.redis);
        let (stamp, overrides) = join(stamp, overrides).await;
        Ok(Some(ReadApart {
            stamp: stamp?,
            overrides: overrides?,
        }))
    }

    /// Loads a value and stores it, or serves its stand-in when that fails or takes too long.
    pub(super) async fn load<T, E>(
        &self,
        load: &Load<'_>,
        stand_in: Option<StandIn<T>>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let Some(stand_in) = stand_in else {
            return self.load_new(load, None, loader).await;
        };

        let loading = self.begin_loading(load.key, || loader(Some(&stand_in.previous)));
        let loading = self.renewing_locks(slice::from_ref(load), loading);
        let failure = match self.in_time(load, loading).await {
            Some(Ok(loaded)) => return self.finish(load, loaded, Some(stand_in.previous)).await,
            Some(Err(_)) => LoadOutcome::Failed,
            None => LoadOutcome::TimedOut,
        };

        self.throttle(load, stand_in.servable, failure).await;
        Ok(stand_in.into_fetched())
    }

    /// Loads a value and stores it; nothing can stand in for it.
    pub(super) async fn load_new<T, E>(
        &self,
        load: &Load<'_>,
        previous: Option<Previous<T>>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let loading = self.begin_loading(load.key, || loader(previous.as_ref()));
        match self.renewing_locks(slice::from_ref(load), loading).await {
            Ok(loaded) => self.finish(load, loaded, previous).await,
            Err(error) => {
                self.report_load(load, LoadOutcome::Failed);
                join(self.share_failure(load, &error), self.flush_counters()).await;
                Err(LoadError::Own(error))
            }
        }
    }

    /// Counts a load that has ended, and reports it to the observer.
    pub(super) fn report_load(&self, load: &Load<'_>, outcome: LoadOutcome) {
        let took = load.started.elapsed();
        let is_ok = outcome == LoadOutcome::Loaded;
        self.inner.counters.count_load(load.key, took, is_ok);
        self.inner.observer.load_ended(load.key, took, outcome);
    }

    /// Runs a loader, renewing the locks of what it loads. Fences are checked as often, because they
    /// leave the stream some time after their removals have finished.
    pub(super) async fn renewing_locks<F: Future>(
        &self,
        loads: &[Load<'_>],
        loading: F,
    ) -> F::Output {
        let renewing = async || -> Infallible {
            loop {
                self.inner.redis.sleep(LEASE / 3).await;
                join_all(loads.iter().map(|load| self.renew_lock(load))).await;
            }
        };

        match select(pin!(loading), pin!(renewing())).await {
            Either::Left((output, _)) => output,
            Either::Right((never, _)) => match never {},
        }
    }

    /// Renews the lock of a load. A failure is ignored: a lock that was lost is noticed when the value
    /// is stored.
    async fn renew_lock(&self, load: &Load<'_>) {
        let lock = load.name.lock();
        let renewing = lock::renew(&self.inner.redis, lock, &load.lock.owner, LEASE);
        let _ = join(renewing, self.check_fences(load)).await;
    }

    /// Notes the fences that came since the last check. A failure is ignored: the script that stores
    /// checks again.
    async fn check_fences(&self, load: &Load<'_>) {
        let stamp = load.read_to.lock().clone();
        let Ok(Some((newest, fences))) = fence::since(&self.inner.redis, &stamp).await else {
            return;
        };
        load.fences.lock().push(fences);
        load.read_to.set(newest);
    }

    /// Runs a load that has a stand-in; `None` when it exceeds `load_timeout`.
    pub(super) async fn in_time<F: Future>(
        &self,
        load: &Load<'_>,
        loading: F,
    ) -> Option<F::Output> {
        let timeout = self.inner.redis.sleep(load.options.load_timeout);
        match select(pin!(loading), pin!(timeout)).await {
            Either::Left((loaded, _)) => Some(loaded),
            Either::Right(_) => None,
        }
    }

    /// After a failed load, lets nobody try again for the `throttle`: all are served the stand-in, as
    /// long as it may be served.
    pub(super) async fn throttle(&self, load: &Load<'_>, servable: Duration, failure: LoadOutcome) {
        self.report_load(load, failure);
        let left = servable.saturating_sub(load.started.elapsed());
        let pause = load.options.throttle.min(left);
        join(self.pause_loads(load, pause), self.flush_counters()).await;
    }

    /// Keeps the error of a failed load for callers without a value, and releases its lock. Where that
    /// fails, the lease ends by itself.
    pub(super) async fn share_failure(&self, load: &Load<'_>, error: &impl Display) {
        let kept = milliseconds(load.options.failure_ttl);
        if kept == 0 {
            self.release_load_lock(load).await;
            return;
        }

        let mut error = error.to_string();
        error.truncate(error.floor_char_boundary(MAX_FAILURE_BYTES));
        let args = [load.lock.owner.as_str().into(), kept.into(), error.into()];
        let _ = FAIL
            .run(&self.inner.redis, [load.name.lock().into()], args)
            .await;
    }

    /// Stores a loaded value and returns it, stored or not.
    pub(super) async fn finish<T, E>(
        &self,
        load: &Load<'_>,
        loaded: Loaded<T>,
        previous: Option<Previous<T>>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
    {
        let took = load.started.elapsed();
        self.report_load(load, LoadOutcome::Loaded);
        let kept = || previous.map(|previous| previous.value);
        let Some(value) = loaded.value.or_else(kept) else {
            self.release_load_lock(load).await;
            return Err(LoadError::NothingKept);
        };

        let storing = self.store_loaded(load, &value, loaded.options, took);
        let (error, ()) = join(storing, self.flush_counters()).await;
        if let Some(error) = &error {
            self.report_store_error(load.key, error).await;
        }

        Ok(Fetched {
            age: Some(Duration::ZERO),
            store_error: error,
            ..Fetched::new(value, LookupOutcome::Miss)
        })
    }

    /// Keeps others from loading the key for a while. A failure is ignored: the lease ends by itself.
    async fn pause_loads(&self, load: &Load<'_>, pause: Duration) {
        if milliseconds(pause) == 0 {
            self.release_load_lock(load).await;
            return;
        }
        let args = [load.lock.owner.as_str().into(), milliseconds(pause).into()];
        let _ = THROTTLE
            .run(&self.inner.redis, [load.name.lock().into()], args)
            .await;
    }

    /// Releases the load lock. Where that fails, its lease ends by itself.
    pub(super) async fn release_load_lock(&self, load: &Load<'_>) {
        let _ = lock::release(&self.inner.redis, load.name.lock(), &load.lock.owner).await;
    }
}
