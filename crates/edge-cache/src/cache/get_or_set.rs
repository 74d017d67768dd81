//! `get_or_set`: one load per key across all instances, stale entries while it runs, and
//! invalidations that win over it.
//!
//! Waiters share the result. When a value cannot be stored (an invalidation came, or the source has
//! nothing), callers who asked before its load began still receive it. Without that rule they would
//! load one after the other. The stream `cache:turns` gives a number to each load when it begins
//! and to each waiter when it first waits:
//!
//! ```text
//! load 1 begins          ... an invalidation comes ...   load 1 ends and is not stored
//! A asks, waits as 2     A may have asked after the invalidation: load 1's value is not for A
//! B's load 3 begins      ... another invalidation ...    load 3 ends and is not stored
//! A gets the value of load 3, because 2 < 3
//! ```
//!
//! - A value that was stored goes to all waiters when its load ends, so an invalidation right
//!   afterwards makes nobody wait again.
//! - A value is written for waiters only when somebody waits (`cache:waiting:{key}` exists). It is
//!   kept for 3 s, and values above 1 MiB are not.
//! - A number is the id of a stream entry, so it is at least Redis' time. Numbers never repeat
//!   after a failover unless the new primary's clock lags by longer than the failover took.

use std::fmt::Display;
use std::time::{Duration, Instant};

use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::load::{Acquired, Load};
use super::lookup::{self, Lookup, StandIn, Usable};
use super::near::KnownAtRead;
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LookupOutcome};
use super::store_error::{self, StoreError};
use crate::error::RedisError;
use crate::keyspace::tag::{Tag, set};
use crate::redis::{Redis, Runtime};

/// A waiter's first pause between two lookups; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// A waiter's longest pause, unless its lookups are slow.
const MAX_PAUSE: Duration = Duration::from_millis(50);
/// A waiter pauses for at least this multiple of its last lookup, so that waiters do not starve the
/// load.
const PAUSE_PER_LOOKUP: u32 = 4;
/// One hit in so many counts as a use of the sets of the entry's tags.
const HITS_PER_TOUCH: u64 = 32;

/// One caller's wait for another caller's load.
struct Wait {
    started: Instant,
    pause: Duration,
    /// The waiter's number: empty before Redis gave it one, `None` before it waits.
    number: Option<Vec<u8>>,
    /// True once an entry written a moment ago was read again.
    has_reread: bool,
}

impl Wait {
    fn begin() -> Self {
        Self {
            started: Instant::now(),
            pause: FIRST_PAUSE,
            number: None,
            has_reread: false,
        }
    }

    /// Returns true once: an entry that was just written is read again at once. If that does not
    /// help, the caller waits as for another caller's load.
    fn may_reread(&mut self) -> bool {
        !std::mem::replace(&mut self.has_reread, true)
    }

    fn is_over(&self, options: &Options<'_>) -> bool {
        self.started.elapsed() >= options.lock_wait
    }

    /// Returns the next pause after a lookup that took so long.
    fn next_pause(&mut self, lookup_took: Duration, options: &Options<'_>) -> Duration {
        let pause = self.pause.max(lookup_took * PAUSE_PER_LOOKUP);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        pause.min(options.lock_wait)
    }
}

impl<C: Redis + Runtime, O: Observer> Cache<C, O> {
    /// Reads a value, or loads and stores it.
    ///
    /// - However many callers ask for a key at once, on however many instances, one of them runs
    ///   `loader`. The others wait for its result, at most `lock_wait`, and then run their own.
    /// - Waiters share a result (of up to 1 MiB as stored) even if it cannot be stored. If an
    ///   invalidation came between the beginning of that load and their call, they get the result of
    ///   the next load.
    /// - A value past its TTL but within `grace` is served at once while one caller refreshes it,
    ///   and also when `loader` fails.
    /// - An invalidation during the load wins: the value goes to its caller and is not stored.
    /// - While Redis is unavailable, and for a key longer than
    ///   [`crate::keyspace::key::MAX_NAME_BYTES`], the caller gets the result of `loader`.
    /// - Whatever keeps a loaded value from being stored is returned in [`Fetched::store_error`],
    ///   reported to [`Observer::store_failed`] and counted.
    ///
    /// A hit costs one round trip (two where it is refreshed early, and on one hit in 32 of an entry
    /// with tags); a miss three. Once a second another one adds to the lookup counters.
    ///
    /// # Errors
    /// Those of `loader`, where no stale value can stand in.
    pub async fn get_or_set<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let options = self.options_in_range(key, options);
        let name = store_error::check_name(key);

        let fetched = match &name {
            Ok(()) => self.read_or_load(key, &options, loader).await?,
            Err(error) => self.bypass_unstorable(key, error.into(), loader).await?,
        };

        self.counters.count_lookup(key, fetched.outcome);
        self.observer.lookup_ended(key, fetched.outcome);
        if name.is_err() {
            self.flush_full_counters().await;
        } else if fetched.outcome != LookupOutcome::Bypass && self.counters.is_flush_due() {
            self.flush_counters().await;
        }
        Ok(fetched)
    }

    async fn read_or_load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E>
    where
        T: Serialize + DeserializeOwned,
    {
        match self.find_near(key, options).await {
            Ok(Some(fetched)) => Ok(fetched),
            Ok(None) => self.look_up_or_load(key, options, loader).await,
            Err(_) => {
                self.record_redis_failure();
                self.serve_without_redis(key, options, loader).await
            }
        }
    }

    async fn look_up_or_load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E>
    where
        T: Serialize + DeserializeOwned,
    {
        let mut wait = Wait::begin();
        loop {
            let known = self.near.known(&self.fences);
            let asked = Instant::now();
            let number = wait.number.as_deref();
            let Some(mut lookup) = self.look_up(key, number, options.near.is_some()).await else {
                return self.serve_without_redis(key, options, loader).await;
            };
            let lookup_took = asked.elapsed();

            let mut stand_in = match lookup.take_usable(options, || self.uniform()) {
                Usable::Fresh(fetched) => {
                    self.note_hit(key, lookup, known).await;
                    return Ok(fetched);
                }
                Usable::WhileLoading(stand_in) => Some(stand_in),
                Usable::No => {
                    self.near.forget(key);
                    None
                }
            };
            if let Some(value) = lookup.from_load.take() {
                return Ok(Fetched::new(value, LookupOutcome::Hit));
            }

            if let Some(stand_in) = stand_in.take_if(|_| self.held_locks.contains(key)) {
                return Ok(stand_in.fetched);
            }
            match self.acquire_unless_locked(key, &lookup).await {
                Ok(Acquired::Ours(lock)) => {
                    let load = Load::begin(key, options, &lock, lookup.tags());
                    return self.load(&load, stand_in, loader).await;
                }
                Ok(Acquired::JustWritten) if wait.may_reread() => continue,
                Ok(Acquired::JustWritten | Acquired::HeldByAnother) => {}
                Err(error) => return self.serve_without_lock(key, stand_in, error, loader).await,
            }

            if let Some(stand_in) = stand_in {
                self.held_locks.insert(key);
                return Ok(stand_in.fetched);
            }
            if wait.is_over(options) {
                return bypass(loader).await;
            }
            self.pause(&mut wait, lookup_took, options).await;
            wait.number = Some(lookup.waiter);
        }
    }

    /// Counts as a use of the tags' sets at times, and keeps a near copy of the entry.
    async fn note_hit<T>(&self, key: &str, lookup: Lookup<T>, known: KnownAtRead) {
        self.touch_tags_at_times(key, lookup.tags()).await;
        if let Some(value) = lookup.encoded {
            self.near
                .keep(&self.fences, key, value, lookup.facts, known);
        }
    }

    /// Returns a near copy that may be served. At most every 50 ms one round trip, otherwise none.
    async fn find_near<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
    ) -> Result<Option<Fetched<T>>, RedisError> {
        let Some(near) = options.near.filter(|_| !self.breaker.is_open()) else {
            return Ok(None);
        };

        let began = Instant::now();
        self.near.prepare(&self.redis, &self.fences, began).await?;
        let copy = self.near.find(&self.fences, key, began, near.max_age);
        Ok(copy.and_then(|copy| lookup::serve_near(&copy, self.clock.now())))
    }

    /// Serves a near copy within its grace, else loads without the cache.
    async fn serve_without_redis<T: DeserializeOwned, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E> {
        let find = |_| self.near.find_without_redis(&self.fences, key);
        let copy = options.near.and_then(find);
        let served = copy
            .and_then(|copy| lookup::serve_near_without_redis(&copy, options, self.clock.now()));
        match served {
            Some(fetched) => Ok(fetched),
            None => bypass(loader).await,
        }
    }

    async fn acquire_unless_locked<T>(
        &self,
        key: &str,
        lookup: &Lookup<T>,
    ) -> Result<Acquired, RedisError> {
        if lookup.is_locked {
            return Ok(Acquired::HeldByAnother);
        }
        self.acquire_load_lock(key, &lookup.identity, lookup.is_dead)
            .await
    }

    /// Serves the stand-in, else loads without storing, after the load lock could not be acquired.
    async fn serve_without_lock<T, E>(
        &self,
        key: &str,
        stand_in: Option<StandIn<T>>,
        error: RedisError,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E> {
        if let Some(stand_in) = stand_in {
            return Ok(stand_in.fetched);
        }
        let error = StoreError::from(&error.into());
        self.bypass_unstorable(key, error, loader).await
    }

    /// Loads a value that cannot be stored.
    async fn bypass_unstorable<T, E>(
        &self,
        key: &str,
        error: StoreError,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E> {
        let fetched = bypass(loader).await?;
        self.report_store_error(key, &error).await;
        Ok(Fetched {
            store_error: Some(error),
            ..fetched
        })
    }

    /// Looks up an entry, and adds full counters to Redis in the same round trip; `None` while Redis
    /// is unavailable.
    async fn look_up<T: DeserializeOwned>(
        &self,
        key: &str,
        waiter: Option<&[u8]>,
        keeps_copies: bool,
    ) -> Option<Lookup<T>> {
        if self.breaker.is_open() {
            return None;
        }

        let flushing = async {
            if self.counters.is_full() {
                self.flush_counters().await;
            }
        };
        let judge = self.judge();
        let (lookup, ()) = join(Lookup::read(&judge, key, waiter, keeps_copies), flushing).await;

        match lookup {
            Ok(lookup) => {
                self.breaker.record_success();
                Some(lookup)
            }
            Err(_) => {
                self.record_redis_failure();
                None
            }
        }
    }

    /// Adds full counters to Redis after a lookup that did not need Redis. Such lookups do not wait
    /// for Redis while it fails.
    async fn flush_full_counters(&self) {
        let is_due = self.counters.is_full() && !self.breaker.is_open();
        if is_due && self.counters.flush(&self.redis).await.is_err() {
            self.record_redis_failure();
        }
    }

    /// On one hit in 32, counts as a use of the sets of the entry's tags. A failure is ignored: the
    /// entry was found.
    pub(super) async fn touch_tags_at_times(&self, key: &str, tags: &str) {
        if tags.is_empty() || !self.redis.random().is_multiple_of(HITS_PER_TOUCH) {
            return;
        }
        let tags = Tag::of_trailer(tags);
        let _ = set::touch(&self.redis, key.as_bytes(), &tags).await;
    }

    async fn pause(&self, wait: &mut Wait, lookup_took: Duration, options: &Options<'_>) {
        let pause = wait.next_pause(lookup_took, options);
        self.redis.sleep(pause.mul_f64(0.5 + self.uniform())).await;
    }
}

async fn bypass<T, E>(loader: impl AsyncFnOnce() -> Result<T, E>) -> Result<Fetched<T>, E> {
    let value = loader().await?;
    Ok(Fetched::new(value, LookupOutcome::Bypass))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_pauses_longer_each_time_and_at_least_four_lookups_long() {
        let options = Options::default();
        let mut wait = Wait::begin();
        let mut next = |took| wait.next_pause(Duration::from_millis(took), &options);

        assert_eq!(next(0), Duration::from_millis(2));
        assert_eq!(next(0), Duration::from_millis(4));
        assert_eq!(next(10), Duration::from_millis(40));
        for _ in 0..10 {
            next(0);
        }
        assert_eq!(next(0), MAX_PAUSE);
        assert_eq!(next(10_000), options.lock_wait);
    }
}
