//! `get_or_set_many`: `get_or_set` for many keys, with one loader for those that are missing.
//!
//! Each key is served, claimed and stored by itself, as `get_or_set` does it; only the reads, the
//! load and the waits are shared:
//!
//! ```text
//! MGET a b c d e                   a and b are fresh
//! acquire c, acquire d, acquire e  c and d are ours, another caller loads e
//! loader([c, d])                   while this caller waits for e
//! store c, store d                 in their own slots, with their own fences
//! ```
//!
//! A caller never waits for a key while it holds the lock of one that it does not load: two callers
//! with the same keys in another order cannot block each other.

mod batch;
mod locked;
mod unlocked;

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::time::Instant;

use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::batch::Batch;
use super::attempt::Found;
use super::handle::Cache;
use super::loaded::Loaded;
use super::lookup::Lookup;
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LookupOutcome};
use crate::error::RedisError;
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Reads values in the order of their keys, and loads and stores those that are missing.
    ///
    /// `loader` is given the missing keys, each once, and returns pairs of a key and its value: a
    /// `Vec`, a `HashMap` or any other collection, in any order. Keys without a pair are negative
    /// results: their value is `None`, and `negative_ttl` says how long that is kept. Pairs of other
    /// keys are ignored.
    ///
    /// ```no_run
    /// use std::collections::HashMap;
    /// use edge_cache::{Cache, Options, Redis, HostRuntime};
    ///
    /// # async fn names<C: Redis + HostRuntime>(cache: &Cache<C>) -> Result<(), String> {
    /// let keys = ["users:1", "users:2", "users:3"];
    /// let users = cache
    ///     .get_or_set_many(&keys, &Options::default(), async |missing| query(&missing).await)
    ///     .await?;
    /// let names = users.into_iter().filter_map(|user| user.value);
    /// # drop(names.collect::<Vec<String>>());
    /// # Ok(())
    /// # }
    /// # async fn query(_: &[&str]) -> Result<HashMap<String, String>, String> { Ok(HashMap::new()) }
    /// ```
    ///
    /// Each key is served as [`Cache::get_or_set`] serves it, with the same options:
    ///
    /// - A key that another caller loads is waited for, while `loader` runs for the others. If that
    ///   load leaves no value, `loader` runs again for what is still missing. So it may run more than
    ///   once, and at the same time; most calls run it once or not at all.
    /// - A stale value that this caller refreshes is loaded with the missing ones. `load_timeout` then
    ///   holds only where all keys that it loads have one.
    /// - While Redis is unavailable, callers of one instance share the load of each key.
    ///
    /// All hits cost one round trip per 1,000 keys. Missing keys cost three in all: the locks of all
    /// keys are acquired side by side, and their values stored side by side. Values in chunks cost as
    /// much as in `get_or_set`, and two more.
    ///
    /// The loader returns pairs rather than values in order, because a query returns rows in its own
    /// order and leaves out what does not exist (Caffeine's `getAll` and ABP's `GetOrAddManyAsync`
    /// are alike). It may run again, so it is an `Fn`; one that returns a future, because the call could
    /// not move into a task with an `AsyncFn`. The result is in order, as that of [`Cache::get_many`] and of `MGET` in `redis`.
    ///
    /// # Errors
    /// [`LoadError`] where a key has no value to be served because its load failed, or another
    /// caller's has just failed. It is that of the whole call; what was loaded is stored.
    pub async fn get_or_set_many<'k, T, E, K, L, U>(
        &self,
        keys: &[&'k str],
        options: &Options<'_>,
        loader: impl Fn(Vec<&'k str>) -> U,
    ) -> Result<Vec<Fetched<Option<T>>>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned + Clone,
        E: Display,
        K: AsRef<str>,
        L: IntoIterator<Item = (K, T)>,
        U: Future<Output = Result<L, E>>,
    {
        let loader = |missing| {
            let loading = loader(missing);
            async move {
                let pairs = loading.await?.into_iter();
                Ok(pairs.map(|(key, value)| (key, Loaded::new(value))))
            }
        };
        self.get_or_load_many(keys, options, loader).await
    }

    /// Reads, loads and stores values as [`Cache::get_or_set_many`] does, with options from the
    /// loader: it returns pairs of a key and a [`Loaded`] value, each with its own TTL, tags and
    /// validator.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use edge_cache::{Cache, Loaded, Options, Redis, HostRuntime};
    ///
    /// struct Offer {
    ///     key: String,
    ///     price: u64,
    ///     supplier: u32,
    ///     valid_for: Duration,
    /// }
    ///
    /// # async fn prices<C: Redis + HostRuntime>(cache: &Cache<C>) -> Result<(), String> {
    /// let keys = ["prices:1", "prices:2"];
    /// let loader = async |missing: Vec<&str>| {
    ///     let offers = query(&missing).await?;
    ///     let loaded = |offer: Offer| {
    ///         let price = Loaded::new(offer.price).ttl(offer.valid_for);
    ///         (offer.key, price.tags([format!("suppliers:{}", offer.supplier)]))
    ///     };
    ///     Ok::<_, String>(offers.into_iter().map(loaded))
    /// };
    /// let prices = cache.get_or_load_many(&keys, &Options::default(), loader).await?;
    /// # drop(prices);
    /// # Ok(())
    /// # }
    /// # async fn query(_: &[&str]) -> Result<Vec<Offer>, String> { Ok(Vec::new()) }
    /// ```
    ///
    /// The cost is that of [`Cache::get_or_set_many`].
    ///
    /// # Errors
    /// Those of [`Cache::get_or_set_many`]; [`LoadError::NothingKept`] for a value that is not
    /// modified, because the loader gets no previous values.
    pub async fn get_or_load_many<'k, T, E, K, L, U>(
        &self,
        keys: &[&'k str],
        options: &Options<'_>,
        loader: impl Fn(Vec<&'k str>) -> U,
    ) -> Result<Vec<Fetched<Option<T>>>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned + Clone,
        E: Display,
        K: AsRef<str>,
        L: IntoIterator<Item = (K, Loaded<T>)>,
        U: Future<Output = Result<L, E>>,
    {
        let Some(first) = keys.first() else {
            return Ok(Vec::new());
        };
        let options = self.options_in_range(first, options);
        let distinct = distinct(keys);

        let batch = Batch::new(self, &options, loader);
        let served = batch.serve(distinct).await?;
        let served: HashMap<&str, Fetched<Option<T>>> = served.into_iter().collect();

        let outcomes = served.iter().map(|(key, fetched)| (*key, fetched.outcome));
        self.count_lookups(outcomes.collect()).await;
        let in_order = keys.iter().filter_map(|key| served.get(key).cloned());
        Ok(in_order.collect())
    }

    /// Counts the lookups of a call, and adds the counters to Redis where that is due.
    async fn count_lookups(&self, lookups: Vec<(&str, LookupOutcome)>) {
        let mut has_used_redis = false;
        for (key, outcome) in lookups {
            self.count_lookup(key, outcome);
            has_used_redis |= outcome != LookupOutcome::Bypass;
        }

        if has_used_redis && self.inner.counters.is_flush_due() {
            self.flush_counters().await;
        }
    }

    /// Looks up keys: serves what may be served, else says what there is. One round trip per 1,000.
    async fn find_many<T: DeserializeOwned>(
        &self,
        keys: &[&str],
        options: &Options<'_>,
    ) -> Vec<Found<T>> {
        let mut all = Vec::with_capacity(keys.len());
        for slice in keys.chunks(MAX_KEYS_PER_CALL) {
            let near = options.near;
            let known = near.map(|_| self.inner.near.known(&self.inner.fences));
            let Some(lookups) = self.look_up_many(slice, options.near.is_some()).await else {
                all.extend(slice.iter().map(|_| Found::WithoutRedis));
                continue;
            };

            let found = slice.iter().zip(lookups);
            let settling = found.map(|(key, lookup)| self.settle(key, options, lookup, known));
            all.extend(batch::side_by_side(settling.collect()).await);
        }
        all
    }

    /// Looks up up to 1,000 entries, and adds full counters to Redis in the same round trip; `None`
    /// while Redis is unavailable.
    async fn look_up_many<T: DeserializeOwned>(
        &self,
        keys: &[&str],
        keeps_copies: bool,
    ) -> Option<Vec<Lookup<T>>> {
        if self.inner.breaker.is_open() {
            return None;
        }

        let flushing = async {
            if self.inner.counters.is_batch_due() {
                self.flush_counters().await;
            }
        };
        let (lookups, ()) = join(self.read_many(keys, keeps_copies), flushing).await;

        match lookups {
            Ok(lookups) => {
                self.inner.breaker.record_success();
                Some(lookups)
            }
            Err(_) => {
                self.record_redis_failure();
                None
            }
        }
    }

    async fn read_many<T: DeserializeOwned>(
        &self,
        keys: &[&str],
        keeps_copies: bool,
    ) -> Result<Vec<Lookup<T>>, RedisError> {
        let judge = self.judge();
        let lookup = judge.begin(Instant::now());
        let (mut entries, now) = lookup.with(self.read_strings(keys)).await?;
        for (entry, key) in entries.iter_mut().zip(keys) {
            lookup.judge(key, entry).await?;
        }

        let lookups = entries.into_iter();
        Ok(lookups
            .map(|entry| Lookup::of_entry(entry, now, keeps_copies))
            .collect())
    }
}

/// Returns the keys in their order, each once.
fn distinct<'k>(keys: &[&'k str]) -> Vec<&'k str> {
    let mut seen = HashSet::new();
    keys.iter()
        .copied()
        .filter(|key| seen.insert(*key))
        .collect()
}
