//! Loads without the cache: while Redis is unavailable, while another instance's load takes too long,
//! and of what cannot be stored. Callers of an instance share the first two ([`super::local_loads`]).

use std::fmt::Display;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::loaded::{Loaded, Previous};
use super::local_loads::LocalResult;
use super::lookup::{self, StandIn};
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LookupOutcome};
use super::store_error::StoreError;
use super::wait::Wait;
use crate::error::RedisError;
use crate::redis::{Redis, Runtime};

impl<C: Redis + Runtime, O: Observer> Cache<C, O> {
    /// Serves a near copy within its grace, else loads without the cache.
    pub(super) async fn serve_without_redis<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let find = |_| self.inner.near.find_without_redis(&self.inner.fences, key);
        let copy = options.near.and_then(find);
        let served = copy.and_then(|copy| {
            lookup::serve_near_without_redis(&copy, options, self.inner.clock.now())
        });
        match served {
            Some(fetched) => Ok(fetched),
            None => self.load_locally(key, None, loader).await,
        }
    }

    /// Serves the stand-in, else loads without storing, after the load lock could not be acquired.
    /// Redis may answer others, so invalidations since the caller asked have to be respected.
    pub(super) async fn serve_unlocked<T, E>(
        &self,
        key: &str,
        wait: &Wait,
        stand_in: Option<StandIn<T>>,
        error: RedisError,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        if let Some(stand_in) = stand_in {
            return Ok(stand_in.into_fetched());
        }
        let error = StoreError::from(&error.into());
        let fetched = self.load_locally(key, Some(wait.started), loader).await?;
        Ok(self.unstored(key, error, fetched).await)
    }

    /// Loads a value that cannot be stored.
    pub(super) async fn bypass_unstorable<T, E>(
        &self,
        key: &str,
        error: StoreError,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>> {
        let value = self.load_uncached(key, loader).await?;
        let fetched = Fetched::new(value, LookupOutcome::Bypass);
        Ok(self.unstored(key, error, fetched).await)
    }

    /// Reports why a value is not stored.
    async fn unstored<T>(&self, key: &str, error: StoreError, fetched: Fetched<T>) -> Fetched<T> {
        self.report_store_error(key, &error).await;
        Fetched {
            store_error: Some(error),
            ..fetched
        }
    }

    /// Loads without the cache, once for all callers of this instance who ask at the same time. The
    /// load begins at `not_before` or later.
    pub(super) async fn load_locally<T, E>(
        &self,
        key: &str,
        not_before: Option<Instant>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let load = self.inner.local_loads.join(key, not_before);
        let mut result = load.result.lock().await;
        if let Some(ended) = &*result {
            let shared = ended.share();
            drop(result);
            let value = match shared {
                Some(shared) => shared?,
                None => self.load_uncached(key, loader).await?,
            };
            return Ok(Fetched::new(value, LookupOutcome::Bypass));
        }

        let loaded = self.load_uncached(key, loader).await;
        *result = Some(LocalResult::of(&loaded));
        self.inner.local_loads.end(key, &load);
        Ok(Fetched::new(loaded?, LookupOutcome::Bypass))
    }
}
