//! Loading keys without their load locks: callers of the instance share the load of each key.

use std::fmt::Display;
use std::sync::Arc;

use futures_util::lock::MutexGuard;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::loaded::Loaded;
use super::super::local_loads::{LocalLoad, LocalResult};
use super::super::observer::Observer;
use super::super::outcome::{Fetched, LoadError, LookupOutcome};
use super::super::store_error::StoreError;
use super::batch::{Batch, Unlocked, UnlockedKey};
use crate::keyspace::codec;
use crate::redis::{HostRuntime, Redis};

/// A key that this caller loads, and where it leaves the result for others of its instance; `None`
/// where they cannot share it.
struct OwnKey<'k, 'l> {
    unlocked: UnlockedKey<'k>,
    load: &'l Arc<LocalLoad>,
    result: Option<MutexGuard<'l, Option<LocalResult>>>,
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
    /// Serves near copies while Redis is unavailable, and loads the other keys.
    pub(super) async fn load_unlocked(&self, unlocked: Vec<UnlockedKey<'k>>) {
        let mut unserved = Vec::with_capacity(unlocked.len());
        for unlocked in unlocked {
            let near = matches!(unlocked.reason, Unlocked::WithoutRedis).then(|| {
                self.cache
                    .find_near_without_redis(unlocked.key, self.options)
            });
            match near.flatten() {
                Some(fetched) => self.record(unlocked.key, fetched),
                None => unserved.push(unlocked),
            }
        }

        // Calls wait for each other's loads in one order, so that no two block each other.
        unserved.sort_by_key(|unlocked| unlocked.key);
        let local_loads = &self.cache.inner.local_loads;
        let loads: Vec<Arc<LocalLoad>> = unserved
            .iter()
            .map(|unlocked| local_loads.join(unlocked.key, unlocked.not_before))
            .collect();
        let own = self.share_loads(unserved, &loads).await;
        if !own.is_empty() && !self.has_failed() {
            self.load_own(own).await;
        }
    }

    /// Takes the results of others, and returns the keys that are left to this caller.
    async fn share_loads<'l>(
        &self,
        unlocked: Vec<UnlockedKey<'k>>,
        loads: &'l [Arc<LocalLoad>],
    ) -> Vec<OwnKey<'k, 'l>> {
        let mut own = Vec::with_capacity(unlocked.len());

        for (unlocked, load) in unlocked.into_iter().zip(loads) {
            let result = load.result(&self.cache.inner.redis).await;
            let shared = result.as_ref().map(LocalResult::share::<Option<T>, E>);

            match shared {
                Some(Some(Ok(value))) => {
                    let fetched = Fetched::new(value, LookupOutcome::Bypass);
                    self.record(unlocked.key, fetched);
                }
                Some(Some(Err(error))) => self.fail(error),
                Some(None) => own.push(OwnKey {
                    unlocked,
                    load,
                    result: None,
                }),
                None => own.push(OwnKey {
                    unlocked,
                    load,
                    result: Some(result),
                }),
            }
        }
        own
    }

    /// Loads keys, and leaves the results to others of this instance.
    async fn load_own(&self, own: Vec<OwnKey<'k, '_>>) {
        let keys = own.iter().map(|own| own.unlocked.key).collect();
        let mut loaded = self.run_loader(keys).await;

        let mut ended = Vec::with_capacity(own.len());
        for own in own {
            let key = own.unlocked.key;
            let value = match &mut loaded {
                Ok(values) => Ok(self.unstored_value(values.remove(key))),
                Err(error) => Err(error),
            };
            if let Some(mut result) = own.result {
                *result = Some(result_of(&value));
                self.cache.inner.local_loads.end(key, own.load);
            }
            if let Ok(Some(value)) = value {
                ended.push((own.unlocked, value));
            }
        }

        if let Err(error) = loaded {
            self.fail(LoadError::Own(error));
        }
        for (unlocked, value) in ended {
            self.end_unlocked(unlocked, value).await;
        }
    }

    /// Records a value, and gives it to waiters of other instances or reports why it is not stored.
    async fn end_unlocked(&self, unlocked: UnlockedKey<'k>, value: Option<T>) {
        let key = unlocked.key;
        if let Unlocked::Overdue(extra) = &unlocked.reason {
            match &value {
                Some(value) => self.cache.hand_over(key, extra, value).await,
                None => self.cache.hand_over(key, extra, &None::<T>).await,
            }
        }

        let mut fetched = Fetched::new(value, LookupOutcome::Bypass);
        if let Unlocked::Refused(error) = unlocked.reason {
            let error = StoreError::from(&error.into());
            fetched = self.cache.unstored(key, error, fetched).await;
        }
        self.record(key, fetched);
    }
}

/// The result of a load, for others.
fn result_of<T, E>(loaded: &Result<Option<Option<T>>, E>) -> LocalResult
where
    T: Serialize + DeserializeOwned,
    E: Display,
{
    match loaded {
        Ok(Some(Some(value))) => {
            codec::encode_readable(value).map_or(LocalResult::Unshareable, LocalResult::Value)
        }
        Ok(Some(None)) => LocalResult::of::<_, E>(&Ok(None::<T>)),
        Ok(None) => LocalResult::Unshareable,
        Err(error) => LocalResult::Failure(error.to_string()),
    }
}
