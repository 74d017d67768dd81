//! Loading the keys whose load locks the caller holds, with one loader, and storing each of them.

use std::collections::HashMap;
use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::load::Load;
use super::super::loaded::Loaded;
use super::super::lookup::StandIn;
use super::super::observer::Observer;
use super::super::outcome::{Fetched, LoadError, LoadOutcome, LookupOutcome};
use super::batch::{Batch, ClaimedKey, UnstorableKey, side_by_side};
use crate::redis::{HostRuntime, Redis};

/// A claimed key whose load runs.
struct RunningLoad<'k, 'l, T> {
    key: &'k str,
    load: &'l Load<'l>,
    stand_in: Option<StandIn<Option<T>>>,
}

impl<'k, C, O, F, T, E, K, L, U> Batch<'_, 'k, C, O, F, T, E>
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
    /// Loads keys and stores their values, and loads those that cannot be stored.
    pub(super) async fn load_claimed(
        &self,
        mut claimed: Vec<ClaimedKey<'k, T>>,
        unstorable: Vec<UnstorableKey<'k>>,
    ) {
        if claimed.is_empty() && unstorable.is_empty() {
            return;
        }
        let stand_ins: Vec<_> = claimed
            .iter_mut()
            .map(|claimed| claimed.claim.stand_in.take())
            .collect();
        let must_load = !unstorable.is_empty() || stand_ins.iter().any(Option::is_none);
        let loads: Vec<Load<'_>> = claimed.iter().map(|claimed| self.begin(claimed)).collect();
        let keys = claimed.iter().map(|claimed| claimed.key);
        let keys = keys.chain(unstorable.iter().map(|unstorable| unstorable.key));
        let keys: Vec<&str> = keys.collect();

        let first = keys.first().copied().unwrap_or_default();
        let loader = self.cache.begin_loading(first, || self.run_loader(keys));
        let loading = self.cache.renewing_locks(&loads, loader);
        let loaded = match loads.first() {
            Some(first) if !must_load => self.cache.in_time(first, loading).await,
            _ => Some(loading.await),
        };

        let running = claimed.iter().zip(&loads).zip(stand_ins);
        let running = running.map(|((claimed, load), stand_in)| RunningLoad {
            key: claimed.key,
            load,
            stand_in,
        });
        match loaded {
            Some(Ok(values)) => self.store(running.collect(), unstorable, values).await,
            Some(Err(error)) => {
                self.end_failed(running.collect(), Some(&error)).await;
                if must_load {
                    self.fail(LoadError::Own(error));
                }
            }
            None => self.end_failed(running.collect(), None).await,
        }
    }

    fn begin<'l>(&'l self, claimed: &'l ClaimedKey<'k, T>) -> Load<'l> {
        let claim = &claimed.claim;
        Load::begin(claimed.key, self.options, &claim.lock, &claim.old_tags)
    }

    /// Stores the values, and records them.
    async fn store(
        &self,
        loads: Vec<RunningLoad<'k, '_, T>>,
        unstorable: Vec<UnstorableKey<'k>>,
        mut values: HashMap<String, Loaded<T>>,
    ) {
        let storing = loads.into_iter().map(|running| {
            let value = values.remove(running.key);
            self.store_one(running, value)
        });
        side_by_side(storing.collect()).await;

        for unstorable in unstorable {
            let Some(value) = self.unstored_value(values.remove(unstorable.key)) else {
                continue;
            };
            let fetched = Fetched::new(value, LookupOutcome::Bypass);
            let (key, error) = (unstorable.key, unstorable.error);
            let fetched = self.cache.unstored(key, error, fetched).await;
            self.record(key, fetched);
        }
    }

    /// Stores a value; without one a negative result. A value is stored as it is and not as an
    /// `Option`, of which JSON could not tell a number that is not finite from `None`.
    async fn store_one(&self, running: RunningLoad<'k, '_, T>, loaded: Option<Loaded<T>>) {
        let finished = match loaded {
            Some(loaded) => {
                let finished = self.cache.finish::<T, E>(running.load, loaded, None).await;
                finished.map(|fetched| fetched.map(Some))
            }
            None => {
                let loaded = Loaded::new(None);
                self.cache
                    .finish::<Option<T>, E>(running.load, loaded, None)
                    .await
            }
        };

        match finished {
            Ok(fetched) => self.record(running.key, fetched),
            Err(error) => self.fail(error),
        }
    }

    /// Ends loads that failed, or, without an error, took too long: serves the stand-ins, and keeps
    /// the error for callers who have none.
    async fn end_failed(&self, loads: Vec<RunningLoad<'k, '_, T>>, error: Option<&E>) {
        let outcome = match error {
            Some(_) => LoadOutcome::Failed,
            None => LoadOutcome::TimedOut,
        };
        let ending = loads.into_iter().map(|running| async move {
            match (running.stand_in, error) {
                (Some(stand_in), _) => {
                    let servable = stand_in.servable;
                    self.cache.throttle(running.load, servable, outcome).await;
                    self.record(running.key, stand_in.into_fetched());
                }
                (None, Some(error)) => {
                    self.cache.report_load(running.load, outcome);
                    self.cache.share_failure(running.load, error).await;
                }
                (None, None) => self.cache.release_load_lock(running.load).await,
            }
        });
        side_by_side(ending.collect()).await;
        self.cache.flush_counters().await;
    }

    /// Releases the locks of keys that are not loaded.
    pub(super) async fn release(&self, claimed: Vec<ClaimedKey<'k, T>>) {
        let loads: Vec<Load<'_>> = claimed.iter().map(|claimed| self.begin(claimed)).collect();
        let releasing = loads.iter().map(|load| self.cache.release_load_lock(load));
        side_by_side(releasing.collect()).await;
    }
}
