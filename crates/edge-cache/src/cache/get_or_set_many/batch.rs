//! The rounds of a call: in each one its open keys are tried side by side.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Instant;

use futures_util::future::{join, join_all};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::attempt::{Attempt, Claim, Found};
use super::super::extra_load::ExtraLoad;
use super::super::handle::Cache;
use super::super::loaded::Loaded;
use super::super::observer::Observer;
use super::super::options::Options;
use super::super::outcome::{Fetched, LoadError};
use super::super::store_error::{self, StoreError};
use super::super::wait::Wait;
use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::redis::{HostRuntime, Redis};

/// Most keys for which a call sends commands side by side.
const SIDE_BY_SIDE: usize = 250;

/// Keys with their values.
pub(super) type ServedKeys<'k, T> = Vec<(&'k str, Fetched<Option<T>>)>;

/// One call: the cache, its arguments, and its results.
pub(super) struct Batch<'a, 'k, C, O, F, T, E> {
    pub(super) cache: &'a Cache<C, O>,
    pub(super) options: &'a Options<'a>,
    /// Returns the values of the keys that its source has.
    loader: F,
    served: Guarded<ServedKeys<'k, T>>,
    /// The first failure, which is that of the call.
    failure: Guarded<Option<LoadError<E>>>,
}

/// A key that is not served yet.
struct WantedKey<'k> {
    key: &'k str,
    wait: Wait,
}

/// A key whose load lock this caller holds.
pub(super) struct ClaimedKey<'k, T> {
    pub(super) key: &'k str,
    pub(super) claim: Claim<Option<T>>,
}

/// A key whose value cannot be stored.
pub(super) struct UnstorableKey<'k> {
    pub(super) key: &'k str,
    pub(super) error: StoreError,
}

/// A key that this caller loads without the load lock.
pub(super) struct UnlockedKey<'k> {
    pub(super) key: &'k str,
    /// Another caller's load is shared only if it began then or later.
    pub(super) not_before: Option<Instant>,
    pub(super) reason: Unlocked,
}

/// Why a key is loaded without the load lock.
pub(super) enum Unlocked {
    /// Redis is unavailable.
    WithoutRedis,
    /// The lock could not be acquired.
    Refused(RedisError),
    /// Another caller's load takes too long.
    Overdue(ExtraLoad),
}

/// Keys that an attempt has not served.
struct Round<'k, T> {
    claimed: Vec<ClaimedKey<'k, T>>,
    unstorable: Vec<UnstorableKey<'k>>,
    unlocked: Vec<UnlockedKey<'k>>,
    /// Keys that other callers load.
    waiting: Vec<WantedKey<'k>>,
    /// The error of another caller's load of one of the keys.
    failure: Option<String>,
}

impl<T> Default for Round<'_, T> {
    fn default() -> Self {
        Self {
            claimed: Vec::new(),
            unstorable: Vec::new(),
            unlocked: Vec::new(),
            waiting: Vec::new(),
            failure: None,
        }
    }
}

impl<'a, 'k, C, O, F, T, E, K, L, U> Batch<'a, 'k, C, O, F, T, E>
where
    C: Redis + HostRuntime,
    O: Observer,
    F: Fn(Vec<&'k str>) -> U,
    U: Future<Output = Result<L, E>>,
    L: IntoIterator<Item = (K, Loaded<T>)>,
    K: AsRef<str>,
    T: Serialize + DeserializeOwned,
    E: Display,
{
    pub(super) fn new(cache: &'a Cache<C, O>, options: &'a Options<'a>, loader: F) -> Self {
        Self {
            cache,
            options,
            loader,
            served: Guarded::new(Vec::new()),
            failure: Guarded::new(None),
        }
    }

    /// Serves keys, each of which is there once.
    pub(super) async fn serve(self, keys: Vec<&'k str>) -> Result<ServedKeys<'k, T>, LoadError<E>> {
        let mut storable = Vec::with_capacity(keys.len());
        let mut unstorable = Vec::new();
        for key in keys {
            match store_error::check_name(key) {
                Ok(()) => storable.push(WantedKey {
                    key,
                    wait: Wait::begin(),
                }),
                Err(error) => unstorable.push(UnstorableKey {
                    key,
                    error: StoreError::from(&error),
                }),
            }
        }

        let mut round = self.try_first(storable).await;
        round.unstorable = unstorable;
        let waiting = std::mem::take(&mut round.waiting);
        join(self.load_round(round), self.wait_for(waiting)).await;

        match self.failure.take() {
            Some(error) => Err(error),
            None => Ok(self.served.take()),
        }
    }

    /// Runs the loader. Returns the values by their keys.
    pub(super) async fn run_loader(
        &self,
        keys: Vec<&'k str>,
    ) -> Result<HashMap<String, Loaded<T>>, E> {
        let loaded = (self.loader)(keys).await?;
        let by_key = |(key, value): (K, Loaded<T>)| (key.as_ref().to_owned(), value);
        Ok(loaded.into_iter().map(by_key).collect())
    }

    /// Returns a value that cannot be stored, or `None` for no value; fails for one that the loader
    /// reports as not modified.
    pub(super) fn unstored_value(&self, loaded: Option<Loaded<T>>) -> Option<Option<T>> {
        let Some(loaded) = loaded else {
            return Some(None);
        };
        if loaded.value.is_none() {
            self.fail(LoadError::NothingKept);
            return None;
        }
        Some(loaded.value)
    }

    /// Records a value.
    pub(super) fn record(&self, key: &'k str, fetched: Fetched<Option<T>>) {
        self.served.lock().push((key, fetched));
    }

    /// Records a failure, unless there is one already.
    pub(super) fn fail(&self, error: LoadError<E>) {
        self.failure.lock().get_or_insert(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.lock().is_some()
    }

    /// Tries all keys: near copies, then all entries in one read.
    async fn try_first(&self, wanted: Vec<WantedKey<'k>>) -> Round<'k, T> {
        let (wanted, is_redis_away) = self.serve_near(wanted).await;
        let found = if is_redis_away {
            wanted.iter().map(|_| Found::WithoutRedis).collect()
        } else {
            let keys: Vec<&str> = wanted.iter().map(|wanted| wanted.key).collect();
            self.cache.find_many(&keys, self.options).await
        };

        let claiming = wanted.into_iter().zip(found);
        let claiming = claiming.map(|(wanted, found)| self.claim(wanted, found));
        self.sort(side_by_side(claiming.collect()).await)
    }

    /// Serves near copies. Returns the other keys, and true if Redis could not be asked.
    async fn serve_near(&self, wanted: Vec<WantedKey<'k>>) -> (Vec<WantedKey<'k>>, bool) {
        let mut others = Vec::with_capacity(wanted.len());
        let mut is_redis_away = false;
        for wanted in wanted {
            if is_redis_away {
                others.push(wanted);
                continue;
            }

            match self.cache.find_near(wanted.key, self.options).await {
                Ok(Some(fetched)) => self.record(wanted.key, fetched),
                Ok(None) => others.push(wanted),
                Err(_) => {
                    self.cache.record_redis_failure();
                    is_redis_away = true;
                    others.push(wanted);
                }
            }
        }
        (others, is_redis_away)
    }

    async fn claim(
        &self,
        mut wanted: WantedKey<'k>,
        found: Found<Option<T>>,
    ) -> (WantedKey<'k>, Attempt<Option<T>>) {
        let claiming = self
            .cache
            .claim(wanted.key, self.options, &mut wanted.wait, found);
        let attempt = claiming.await;
        (wanted, attempt)
    }

    async fn retry(&self, mut wanted: WantedKey<'k>) -> (WantedKey<'k>, Attempt<Option<T>>) {
        let (key, began) = (wanted.key, Instant::now());
        let attempting = self
            .cache
            .attempt(key, self.options, &mut wanted.wait, began);
        let attempt = attempting.await;
        (wanted, attempt)
    }

    /// Records what was served, and sorts the other keys by what happens to them.
    fn sort(&self, attempts: Vec<(WantedKey<'k>, Attempt<Option<T>>)>) -> Round<'k, T> {
        let mut round = Round::default();

        for (wanted, attempt) in attempts {
            let key = wanted.key;
            let started = Some(wanted.wait.started);
            let (not_before, reason) = match attempt {
                Attempt::Served(fetched) => {
                    self.record(key, fetched);
                    continue;
                }
                Attempt::Claimed(claim) => {
                    round.claimed.push(ClaimedKey { key, claim: *claim });
                    continue;
                }
                Attempt::Failed(error) => {
                    round.failure = Some(error);
                    continue;
                }
                Attempt::Rewritten | Attempt::Held => {
                    round.waiting.push(wanted);
                    continue;
                }
                Attempt::Overdue(extra) => (Some(extra.not_before), Unlocked::Overdue(extra)),
                Attempt::Refused(error) => (started, Unlocked::Refused(error)),
                Attempt::WithoutRedis => (None, Unlocked::WithoutRedis),
            };

            round.unlocked.push(UnlockedKey {
                key,
                not_before,
                reason,
            });
        }

        round
    }

    /// Loads what this caller has to load.
    async fn load_round(&self, round: Round<'k, T>) {
        if let Some(error) = round.failure {
            self.fail(LoadError::Shared(error));
            self.release(round.claimed).await;
            return;
        }

        join(
            self.load_claimed(round.claimed, round.unstorable),
            self.load_unlocked(round.unlocked),
        )
        .await;
    }

    /// Waits for the loads of other callers, and loads what they leave without a value. Ends early
    /// when the call has failed.
    async fn wait_for(&self, mut waiting: Vec<WantedKey<'k>>) {
        let mut pace = Wait::begin();
        while !waiting.is_empty() && !self.has_failed() {
            self.cache.pause(&mut pace, self.options).await;

            let asked = Instant::now();
            let retrying = waiting.into_iter().map(|wanted| self.retry(wanted));
            let mut round = self.sort(side_by_side(retrying.collect()).await);
            pace.lookup_took = asked.elapsed();

            waiting = std::mem::take(&mut round.waiting);
            self.load_round(round).await;
        }
    }
}

/// Runs futures side by side, a bounded number at a time.
pub(super) async fn side_by_side<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut outputs = Vec::with_capacity(futures.len());
    let mut futures = futures.into_iter();
    loop {
        let slice: Vec<F> = futures.by_ref().take(SIDE_BY_SIDE).collect();
        if slice.is_empty() {
            return outputs;
        }
        outputs.extend(join_all(slice).await);
    }
}
