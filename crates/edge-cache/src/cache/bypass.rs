//! Loads without the cache: while Redis is unavailable, while another instance's load takes too long,
//! and of what cannot be stored.
//!
//! Callers of one instance who ask for the same key share such a load. The first one holds the mutex
//! of the key while it loads; the others find the result in it. Where the first one is cancelled, the
//! next one loads.
//!
//! While Redis can be asked, a caller only shares a load that began after it asked: an invalidation
//! may have been answered in between.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::rc::{Rc, Weak};
use std::time::Instant;

use futures_util::lock::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::lookup::{self, StandIn};
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LookupOutcome};
use super::store_error::StoreError;
use crate::error::RedisError;
use crate::keyspace::codec;
use crate::redis::{Redis, Runtime};

/// The loads of this instance that run without the cache, by key.
#[derive(Debug, Default)]
pub(super) struct LocalLoads(RefCell<HashMap<String, Weak<LocalLoad>>>);

#[derive(Debug)]
struct LocalLoad {
    began: Instant,
    /// There when the load has ended.
    result: Mutex<Option<LocalResult>>,
}

#[derive(Debug)]
enum LocalResult {
    Value(Vec<u8>),
    Failure(String),
    /// The value cannot be JSON, so each caller loads.
    Unshareable,
}

impl LocalLoads {
    /// Returns the load of this key that runs, if it began at that time or later, or a new one.
    fn join(&self, key: &str, not_before: Option<Instant>) -> Rc<LocalLoad> {
        let mut loads = self.0.borrow_mut();
        let running = loads.get(key).and_then(Weak::upgrade);
        let is_late_enough = |load: &Rc<LocalLoad>| not_before.is_none_or(|at| load.began >= at);
        if let Some(load) = running.filter(is_late_enough) {
            return load;
        }

        // Those of cancelled callers.
        loads.retain(|_, load| load.strong_count() > 0);
        let load = Rc::new(LocalLoad {
            began: Instant::now(),
            result: Mutex::default(),
        });
        loads.insert(key.to_owned(), Rc::downgrade(&load));
        load
    }

    /// Ends a load: later callers begin another one.
    fn end(&self, key: &str, ended: &Rc<LocalLoad>) {
        let mut loads = self.0.borrow_mut();
        let is_running = |load: &Weak<LocalLoad>| load.as_ptr() == Rc::as_ptr(ended);
        if loads.get(key).is_some_and(is_running) {
            loads.remove(key);
        }
    }
}

impl LocalResult {
    fn of<T: Serialize, E: Display>(loaded: &Result<T, E>) -> Self {
        match loaded {
            Ok(value) => codec::encode(value).map_or(Self::Unshareable, Self::Value),
            Err(error) => Self::Failure(error.to_string()),
        }
    }

    /// The result for another caller; `None` where that has to load.
    fn share<T: DeserializeOwned, E>(&self) -> Option<Result<T, LoadError<E>>> {
        match self {
            Self::Value(encoded) => codec::decode(encoded).map(Ok),
            Self::Failure(error) => Some(Err(LoadError::Shared(error.clone()))),
            Self::Unshareable => None,
        }
    }
}

impl<C: Redis + Runtime, O: Observer> Cache<C, O> {
    /// Serves a near copy within its grace, else loads without the cache.
    pub(super) async fn serve_without_redis<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let find = |_| self.near.find_without_redis(&self.fences, key);
        let copy = options.near.and_then(find);
        let served = copy
            .and_then(|copy| lookup::serve_near_without_redis(&copy, options, self.clock.now()));
        match served {
            Some(fetched) => Ok(fetched),
            None => self.load_locally(key, None, loader).await,
        }
    }

    /// Serves the stand-in, else loads without storing, after the load lock could not be acquired.
    pub(super) async fn serve_without_lock<T, E>(
        &self,
        key: &str,
        stand_in: Option<StandIn<T>>,
        error: RedisError,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        if let Some(stand_in) = stand_in {
            return Ok(stand_in.fetched);
        }
        let error = StoreError::from(&error.into());
        let fetched = self.load_locally(key, None, loader).await?;
        Ok(self.unstored(key, error, fetched).await)
    }

    /// Loads a value that cannot be stored.
    pub(super) async fn bypass_unstorable<T, E>(
        &self,
        key: &str,
        error: StoreError,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, LoadError<E>> {
        let fetched = bypass(loader).await?;
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
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let load = self.local_loads.join(key, not_before);
        let mut result = load.result.lock().await;
        if let Some(ended) = &*result {
            let shared = ended.share();
            drop(result);
            return match shared {
                Some(shared) => shared.map(|value| Fetched::new(value, LookupOutcome::Bypass)),
                None => bypass(loader).await,
            };
        }

        let loaded = loader().await;
        *result = Some(LocalResult::of(&loaded));
        self.local_loads.end(key, &load);
        let value = loaded.map_err(LoadError::Own)?;
        Ok(Fetched::new(value, LookupOutcome::Bypass))
    }
}

/// Loads without the cache.
async fn bypass<T, E>(
    loader: impl AsyncFnOnce() -> Result<T, E>,
) -> Result<Fetched<T>, LoadError<E>> {
    let value = loader().await.map_err(LoadError::Own)?;
    Ok(Fetched::new(value, LookupOutcome::Bypass))
}
