//! Result of a lookup.

use std::time::Duration;

use super::store_error::StoreError;

/// How a lookup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupOutcome {
    /// The entry was fresh, or another caller's load returned the value.
    Hit,
    /// A fresh entry was found in the instance's near cache.
    Near,
    /// The entry was past its TTL and was served within its grace.
    Stale,
    /// The value was loaded, and stored unless an invalidation came first.
    Miss,
    /// The value was loaded without the cache: Redis is unavailable, or another caller's load took
    /// too long.
    Bypass,
}

impl LookupOutcome {
    /// The name in lower case, for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Near => "near",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// A value, and how it was obtained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched<T> {
    /// The value.
    pub value: T,
    /// How the lookup ended.
    pub outcome: LookupOutcome,
    /// How long ago the value was stored, where that is known.
    pub age: Option<Duration>,
    /// Why a loaded value is not in the cache, so that the next caller loads it again. `None` where
    /// it is stored, or where an invalidation came first.
    pub store_error: Option<StoreError>,
}

impl<T> Fetched<T> {
    /// A value of unknown age that needed no store.
    pub(super) fn new(value: T, outcome: LookupOutcome) -> Self {
        Self {
            value,
            outcome,
            age: None,
            store_error: None,
        }
    }
}
