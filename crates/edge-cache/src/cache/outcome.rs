//! Result of a lookup.

use std::fmt;
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
    /// Returns whether a cached value was served.
    pub(super) fn is_from_cache(self) -> bool {
        matches!(self, Self::Hit | Self::Near | Self::Stale)
    }

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

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadOutcome {
    /// The loader returned a value, or kept the previous one.
    Loaded,
    /// The loader failed.
    Failed,
    /// The loader took longer than [`crate::Options::load_timeout`], and a stale value was served.
    TimedOut,
}

impl LoadOutcome {
    /// The name in lower case, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

/// A value, and how it was obtained.
///
/// ```
/// # use edge_cache::{Cache, Options, testing::Memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let cache = Cache::new(Memory::new());
/// let query = async || Ok::<_, std::io::Error>(1999);
/// let price = cache.get_or_set("prices:17", &Options::default(), query).await?;
/// if let Some(error) = &price.store_error {
///     eprintln!("prices:17 is not stored, so every caller loads it: {error}");
/// }
/// println!("{} cents, {}", price.value, price.outcome.name());
/// # Ok(())
/// # }
/// ```
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

    /// The same with another value.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Fetched<U> {
        Fetched {
            value: change(self.value),
            outcome: self.outcome,
            age: self.age,
            store_error: self.store_error,
        }
    }
}

/// The text of [`LoadError::NothingKept`].
const NOTHING_KEPT: &str = "the loader kept a value that there is not";

/// Why there is no value: the loader failed.
///
/// ```
/// # use edge_cache::{Cache, LoadError, Options, testing::Memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), edge_cache::Error> {
/// # let cache = Cache::new(Memory::new());
/// let failing = async || Err::<u64, _>("the database is down");
/// let options = Options::default();
///
/// let own = cache.get_or_set("prices:17", &options, failing).await;
/// assert_eq!(own, Err(LoadError::Own("the database is down")));
/// // Callers within `failure_ttl` share the failure.
/// let shared = cache.get_or_set("prices:17", &options, failing).await;
/// assert_eq!(shared, Err(LoadError::Shared("the database is down".to_owned())));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The error of the caller's own loader.
    Own(E),
    /// The error of another caller's loader, as text. That caller loaded the same key, on this
    /// instance or another one, while this caller waited or not longer than
    /// [`crate::Options::failure_ttl`] before it asked.
    Shared(String),
    /// The loader answered [`super::Previous::not_modified`] of another key: there is no value.
    NothingKept,
}

impl<E: fmt::Display> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(error) => error.fmt(f),
            Self::Shared(error) => f.write_str(error),
            Self::NothingKept => f.write_str(NOTHING_KEPT),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Own(error) => Some(error),
            Self::Shared(_) | Self::NothingKept => None,
        }
    }
}

impl From<LoadError<String>> for String {
    /// The error as text.
    fn from(error: LoadError<String>) -> Self {
        match error {
            LoadError::Own(error) | LoadError::Shared(error) => error,
            LoadError::NothingKept => NOTHING_KEPT.to_owned(),
        }
    }
}
