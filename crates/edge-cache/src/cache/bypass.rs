//! Loads without the cache: while Redis is unavailable, while another instance's load takes too long,
//! and of what cannot be stored. Callers of an instance share the first two ([`super::local_loads`]).

use std::fmt::Display;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::extra_load::ExtraLoad;
use super::handle::Cache;
use super::loaded::{Loaded, Previous};
use super::local_loads::LocalResult;
use super::lookup;
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LookupOutcome};
use super::store_error::StoreError;
use super::wait::Wait;
use crate::error::RedisError;
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
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
        match self.find_near_without_redis(key, options) {
            Some(fetched) => Ok(fetched),
            None => self.load_locally(key, None, loader).await,
        }
    }

    /// Returns a near copy within its grace, judged by the last views.
    pub(super) fn find_near_without_redis<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
    ) -> Option<Fetched<T>> {
        options.near?;
        let copy = self.inner.near.find_without_redis(&self.inner.fences, key);
        lookup::serve_near_without_redis(&*copy?, options, self.inner.clock.now())
    }

    /// Loads without storing, after another caller's load has taken too long.
    pub(super) async fn load_extra<T, E>(
        &self,
        key: &str,
        extra: &ExtraLoad,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let fetched = self
            .load_locally(key, Some(extra.not_before), loader)
            .await?;
        self.hand_over(key, extra, &fetched.value).await;
        Ok(fetched)
    }

    /// Loads without storing, after the load lock could not be acquired. Redis may answer others, so
    /// invalidations since the caller asked have to be respected.
    pub(super) async fn load_unlocked<T, E>(
        &self,
        key: &str,
        wait: &Wait,
        error: RedisError,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
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
    pub(super) async fn unstored<T>(
        &self,
        key: &str,
        error: StoreError,
        fetched: Fetched<T>,
    ) -> Fetched<T> {
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
        let mut result = load.result(&self.inner.redis).await;
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
