//! Loads without the cache that the callers of an instance share.
//!
//! The first caller holds the mutex of the key while it loads; the others find the result in it.
//! Where the first one is cancelled, the next one loads.
//!
//! While Redis can be asked, a caller only shares a load that began after it asked: an invalidation
//! may have been answered in between.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::lock::{Mutex, MutexGuard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::outcome::LoadError;
use crate::guarded::Guarded;
use crate::keyspace::codec;
use crate::redis::HostRuntime;

/// The interval at which a caller checks whether another caller's load has ended.
const RESULT_POLL: Duration = Duration::from_millis(2);

/// The loads of this instance that run without the cache, by key.
#[derive(Debug, Default)]
pub(super) struct LocalLoads(Guarded<HashMap<String, Weak<LocalLoad>>>);

/// A load that runs, or has just ended.
#[derive(Debug)]
pub(super) struct LocalLoad {
    began: Instant,
    /// There when the load has ended.
    result: Mutex<Option<LocalResult>>,
}

/// The result of a load, for others.
#[derive(Debug)]
pub(super) enum LocalResult {
    Value(Vec<u8>),
    Failure(String),
    /// The value cannot be JSON, so each caller loads.
    Unshareable,
}

impl LocalLoads {
    /// Returns the load of this key that runs, if it began at that time or later, or a new one.
    pub(super) fn join(&self, key: &str, not_before: Option<Instant>) -> Arc<LocalLoad> {
        let mut loads = self.0.lock();
        let running = loads.get(key).and_then(Weak::upgrade);
        let is_late_enough = |load: &Arc<LocalLoad>| not_before.is_none_or(|at| load.began >= at);
        if let Some(load) = running.filter(is_late_enough) {
            return load;
        }

        // Those of cancelled callers.
        loads.retain(|_, load| load.strong_count() > 0);
        let load = Arc::new(LocalLoad {
            began: Instant::now(),
            result: Mutex::default(),
        });
        loads.insert(key.to_owned(), Arc::downgrade(&load));
        load
    }

    /// Returns whether a load of this key runs that began at that time or later.
    pub(super) fn is_running(&self, key: &str, not_before: Instant) -> bool {
        let running = self.0.lock().get(key).and_then(Weak::upgrade);
        running.is_some_and(|load| load.began >= not_before)
    }

    /// Ends a load: later callers begin another one.
    pub(super) fn end(&self, key: &str, ended: &Arc<LocalLoad>) {
        let mut loads = self.0.lock();
        let is_running = |load: &Weak<LocalLoad>| load.as_ptr() == Arc::as_ptr(ended);
        if loads.get(key).is_some_and(is_running) {
            loads.remove(key);
        }
    }
}

impl LocalLoad {
    /// Waits for the result; `None` if this caller has to load. Requests of one instance are
    /// separate tasks of the host, which a Rust waker does not reach, so each polls for itself.
    pub(super) async fn result(
        &self,
        runtime: &impl HostRuntime,
    ) -> MutexGuard<'_, Option<LocalResult>> {
        loop {
            if let Some(result) = self.result.try_lock() {
                return result;
            }
            runtime.sleep(RESULT_POLL).await;
        }
    }
}

impl LocalResult {
    pub(super) fn of<T: Serialize, E: Display>(loaded: &Result<T, LoadError<E>>) -> Self {
        match loaded {
            Ok(value) => codec::encode(value).map_or(Self::Unshareable, Self::Value),
            Err(error) => Self::Failure(error.to_string()),
        }
    }

    /// The result for another caller; `None` where that has to load.
    pub(super) fn share<T: DeserializeOwned, E>(&self) -> Option<Result<T, LoadError<E>>> {
        match self {
            Self::Value(encoded) => codec::decode(encoded).map(Ok),
            Self::Failure(error) => Some(Err(LoadError::Shared(error.clone()))),
            Self::Unshareable => None,
        }
    }
}
