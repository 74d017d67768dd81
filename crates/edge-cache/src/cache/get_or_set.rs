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
use std::pin::pin;
use std::time::Instant;

use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempt::{Attempt, Found};
use super::handle::Cache;
use super::load::Load;
use super::loaded::{Loaded, Previous};
use super::lookup::{self, Lookup, Usable};
use super::near::KnownAtRead;
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LookupOutcome};
use super::store_error;
use super::wait::Wait;
use crate::error::RedisError;
use crate::keyspace::trailer::Facts;
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Reads a value, or loads and stores it.
    ///
    /// - However many callers ask for a key at once, on however many instances, one of them runs
    ///   `loader`. The others wait for its result. Once they have waited for `lock_wait`, they take
    ///   turns: in each `lock_wait` one of them runs its own loader, and shares the value with those
    ///   who waited before. After four times that, one caller of each instance runs its own.
    /// - Waiters share a result (of up to 1 MiB as stored) even if it cannot be stored. If an
    ///   invalidation came between the beginning of that load and their call, they get the result of
    ///   the next load.
    /// - A value past its TTL but within `grace` is served at once while one caller refreshes it,
    ///   and also when `loader` fails.
    /// - An invalidation during the load wins: the value goes to its caller and is not stored.
    /// - A failure is shared as well: for `failure_ttl`, callers without a value to be served get it
    ///   as [`LoadError::Shared`] and do not load.
    /// - While Redis is unavailable, callers of one instance share a load. For a key that is longer than
    ///   [`crate::keyspace::key::MAX_NAME_BYTES`] or one of edge-cache's own, each caller gets the
    ///   result of its own `loader`.
    /// - Whatever keeps a loaded value from being stored is returned in [`Fetched::store_error`],
    ///   reported to [`Observer::store_failed`] and counted.
    ///
    /// A hit costs one round trip (two where it is refreshed early, and on one hit in 32 of an entry
    /// with tags, at most once a second for a key); a miss three. Once a second or once for 1,000 lookups,
    /// and more often in a young instance, another one adds to the lookup counters.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, LookupOutcome, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cache = Cache::new(Memory::new());
    /// let ttl = Some(Duration::from_secs(900));
    /// let options = Options { ttl, tags: &["product-catalog"], ..Options::default() };
    /// let query = async || Ok::<_, std::io::Error>(vec!["brake pads".to_owned()]);
    ///
    /// let first = cache.get_or_set("products:popular", &options, query).await?;
    /// let second = cache.get_or_set("products:popular", &options, query).await?;
    /// assert_eq!((first.outcome, second.outcome), (LookupOutcome::Miss, LookupOutcome::Hit));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`LoadError`] where the loader fails, or another caller's has just failed, and no stale value
    /// can stand in.
    pub async fn get_or_set<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let loader = async |_: Option<&Previous<T>>| loader().await.map(Loaded::new);
        self.get_or_load(key, options, loader).await
    }

    /// Reads a value, or loads and stores it, like [`Cache::get_or_set`]. The loader is given the value
    /// that it is to replace, if there is one, and answers with options that only it knows.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use edge_cache::{Cache, Loaded, Options, Previous, Redis, HostRuntime};
    ///
    /// # struct Answer { is_not_modified: bool, etag: String, max_age: Duration, body: String }
    /// # async fn ask(etag: Option<&str>) -> Result<Answer, String> { unreachable!("{etag:?}") }
    /// # async fn page<C: Redis + HostRuntime>(cache: &Cache<C>) -> Result<(), String> {
    /// let options = Options { grace: Duration::from_secs(3600), ..Options::default() };
    /// let loader = async |previous: Option<&Previous<String>>| {
    ///     let etag = previous.and_then(|previous| previous.validator.as_deref());
    ///     let answer = ask(etag).await?;
    ///     match previous {
    ///         Some(previous) if answer.is_not_modified => Ok(previous.not_modified()),
    ///         _ => Ok::<_, String>(Loaded::new(answer.body).ttl(answer.max_age).validator(answer.etag)),
    ///     }
    /// };
    /// let page = cache.get_or_load("pages:home", &options, loader).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// There is a previous value within the grace of an entry, and where it is refreshed early. Round
    /// trips are those of [`Cache::get_or_set`].
    ///
    /// # Errors
    /// Those of [`Cache::get_or_set`].
    pub async fn get_or_load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let options = self.options_in_range(key, options);
        let name = store_error::check_name(key);

        let fetched = match &name {
            Ok(()) => self.read_or_load(key, &options, loader).await?,
            Err(error) => Box::pin(self.bypass_unstorable(key, error.into(), loader)).await?,
        };

        self.end_lookup(key, fetched.outcome, name.is_ok()).await;
        Ok(fetched)
    }

    /// Counts and reports a lookup, and adds the counters to Redis where that is due.
    pub(super) async fn end_lookup(&self, key: &str, outcome: LookupOutcome, is_storable: bool) {
        self.count_lookup(key, outcome);
        if !is_storable {
            Box::pin(self.flush_full_counters()).await;
        } else if outcome != LookupOutcome::Bypass && self.inner.counters.is_flush_due() {
            Box::pin(self.flush_counters()).await;
        }
    }

    /// Counts a lookup, and reports it to the observer.
    pub(super) fn count_lookup(&self, key: &str, outcome: LookupOutcome) {
        self.inner.counters.count_lookup(key, outcome);
        self.inner.observer.lookup_ended(key, outcome);
    }

    async fn read_or_load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        match self.find_near(key, options).await {
            Ok(Some(fetched)) => Ok(fetched),
            Ok(None) => self.look_up_or_load(key, options, loader).await,
            Err(_) => {
                self.record_redis_failure();
                Box::pin(self.serve_without_redis(key, options, loader)).await
            }
        }
    }

    async fn look_up_or_load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let mut wait = Wait::begin();
        let mut began = wait.started;

        loop {
            match self.attempt(key, options, &mut wait, began).await {
                Attempt::Served(fetched) => return Ok(fetched),
                Attempt::Claimed(claim) => {
                    let load = Load::begin(key, options, &claim.lock, &claim.old_tags);
                    return Box::pin(self.load(&load, claim.stand_in, loader)).await;
                }
                Attempt::Failed(error) => return Err(LoadError::Shared(error)),
                Attempt::Overdue(extra) => {
                    return Box::pin(self.load_extra(key, &extra, loader)).await;
                }
                Attempt::Refused(error) => {
                    return Box::pin(self.load_unlocked(key, &wait, error, loader)).await;
                }
                Attempt::WithoutRedis => {
                    return Box::pin(self.serve_without_redis(key, options, loader)).await;
                }
                Attempt::Rewritten => {}
                Attempt::Held => Box::pin(self.pause(&mut wait, options)).await,
            }
            began = Instant::now();
        }
    }

    /// Looks up a key: serves what may be served, else says what there is. No invalidation that was
    /// answered before `began` is missed.
    pub(super) async fn find<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
        waiter: Option<&[u8]>,
        began: Instant,
    ) -> Found<T> {
        let known = options
            .near
            .map(|_| self.inner.near.known(&self.inner.fences));
        let keeps_copies = options.near.is_some();
        match self.look_up(key, waiter, keeps_copies, began).await {
            Some(lookup) => self.settle(key, options, lookup, known).await,
            None => Found::WithoutRedis,
        }
    }

    /// Serves of an entry what may be served; `known` was taken down before it was read, for callers
    /// that keep near copies.
    pub(super) async fn settle<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
        mut lookup: Lookup<T>,
        known: Option<KnownAtRead>,
    ) -> Found<T> {
        let stand_in = match lookup.take_usable(options, || self.uniform()) {
            Usable::Fresh(fetched) => {
                self.note_hit(key, options, &mut lookup, known).await;
                return Found::Served(fetched);
            }
            Usable::WhileLoading(stand_in) => Some(stand_in),
            Usable::No => {
                self.inner.near.forget(key);
                None
            }
        };

        self.count_read(key, lookup.stored_bytes, None);
        if let Some(value) = lookup.from_load.take() {
            return Found::Served(Fetched::new(value, LookupOutcome::Hit));
        }

        match stand_in {
            Some(stand_in) if self.inner.held_locks.contains(key) => {
                self.add_lacking_tags(key, options, lookup.facts.as_ref())
                    .await;
                Found::Served(stand_in.into_fetched())
            }
            stand_in => Found::Unusable(Box::new(lookup), stand_in),
        }
    }

    /// Counts as a use of the tags' sets at times, adds tags that the entry lacks, and keeps a near
    /// copy of it.
    async fn note_hit<T>(
        &self,
        key: &str,
        options: &Options<'_>,
        lookup: &mut Lookup<T>,
        known: Option<KnownAtRead>,
    ) {
        self.count_read(key, lookup.stored_bytes, lookup.facts.as_ref());
        self.touch_tags_at_times(key, lookup.tags()).await;
        self.add_lacking_tags(key, options, lookup.facts.as_ref())
            .await;
        if let (Some(value), Some(known)) = (lookup.encoded.take(), known) {
            let facts = lookup.facts.take();
            self.inner
                .near
                .keep(&self.inner.fences, key, value, facts, known);
        }
    }

    /// Returns a near copy that may be served. At most every 50 ms one round trip, otherwise none.
    pub(super) async fn find_near<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
    ) -> Result<Option<Fetched<T>>, RedisError> {
        let Some(near) = options.near.filter(|_| !self.inner.breaker.is_open()) else {
            return Ok(None);
        };

        let began = Instant::now();
        self.inner
            .near
            .prepare(&self.inner.redis, &self.inner.fences, began)
            .await?;
        let copy = self
            .inner
            .near
            .find(&self.inner.fences, key, began, near.max_age);
        let Some(copy) = copy else {
            return Ok(None);
        };
        let served = lookup::serve_near(&copy, self.inner.clock.now());
        if served.is_some() {
            self.count_read(key, 0, copy.facts.as_ref());
        }
        Ok(served)
    }

    /// Counts what a lookup cost Redis, and the load that it saved where `facts` are those of an entry
    /// that is served.
    pub(super) fn count_read(&self, key: &str, bytes: usize, facts: Option<&Facts>) {
        let saved_ms = facts.map_or(0, |facts| facts.load_time);
        self.inner
            .counters
            .hot_keys
            .count_read(key, bytes, saved_ms);
    }

    /// Looks up an entry, and adds full counters to Redis in the same round trip; `None` while Redis
    /// is unavailable.
    pub(super) async fn look_up<T: DeserializeOwned>(
        &self,
        key: &str,
        waiter: Option<&[u8]>,
        keeps_copies: bool,
        began: Instant,
    ) -> Option<Lookup<T>> {
        if self.inner.breaker.is_open() {
            return None;
        }

        let judge = self.judge();
        let reading = pin!(Lookup::read(&judge, key, waiter, keeps_copies, began));
        let lookup = if self.inner.counters.is_batch_due() {
            join(reading, Box::pin(self.flush_counters())).await.0
        } else {
            reading.await
        };

        match lookup {
            Ok(lookup) => {
                self.inner.breaker.record_success();
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
    pub(super) async fn flush_full_counters(&self) {
        let is_due = !self.inner.breaker.is_open() && self.inner.counters.is_batch_due();
        if !is_due {
            return;
        }
        let now = self.inner.clock.now();
        if self
            .inner
            .counters
            .flush(&self.inner.redis, now)
            .await
            .is_err()
        {
            self.record_redis_failure();
        }
    }
}
