//! Observation of the cache, for logs and metrics.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::{LoadOutcome, LookupOutcome};
use super::store_error::StoreError;

/// Hears what a [`super::Cache`] does. Each method does nothing unless it is implemented.
///
/// ```
/// # use edge_cache::{Cache, LookupOutcome, Observer, Options, testing::Memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// #[derive(Default)]
/// struct Misses(AtomicU64);
///
/// impl Observer for Misses {
///     fn lookup_ended(&self, _key: &str, outcome: LookupOutcome) {
///         if outcome == LookupOutcome::Miss {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
///
/// let misses = Arc::new(Misses::default());
/// let cache = Cache::with_observer(Memory::new(), Arc::clone(&misses));
/// let query = async || Ok::<_, std::io::Error>(1999);
/// cache.get_or_set("prices:17", &Options::default(), query).await?;
/// assert_eq!(misses.0.load(Ordering::Relaxed), 1);
/// # Ok(())
/// # }
/// ```
pub trait Observer {
    /// A lookup by `get_or_set` has ended.
    ///
    /// ```
    /// # use edge_cache::{LookupOutcome, Observer};
    /// # struct Log;
    /// # impl Observer for Log {
    /// fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
    ///     println!("{key}: {}", outcome.name());
    /// }
    /// # }
    /// ```
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        let _ = (key, outcome);
    }

    /// A load by this cache has ended: with the cache or without it. Waiters, who share its result,
    /// are not reported.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{LoadOutcome, Observer};
    /// # struct Log;
    /// # impl Observer for Log {
    /// fn load_ended(&self, key: &str, took: Duration, outcome: LoadOutcome) {
    ///     if took > Duration::from_secs(1) {
    ///         eprintln!("{key}: {} after {} ms", outcome.name(), took.as_millis());
    ///     }
    /// }
    /// # }
    /// ```
    fn load_ended(&self, key: &str, took: Duration, outcome: LoadOutcome) {
        let _ = (key, took, outcome);
    }

    /// A loaded value could not be stored.
    ///
    /// ```
    /// # use edge_cache::{Observer, StoreError};
    /// # struct Log;
    /// # impl Observer for Log {
    /// fn store_failed(&self, key: &str, error: &StoreError) {
    ///     eprintln!("{key} is not stored, so every caller loads it: {error}");
    /// }
    /// # }
    /// ```
    fn store_failed(&self, key: &str, error: &StoreError) {
        let _ = (key, error);
    }

    /// An option was out of its range and was corrected; called once for each option and cache.
    ///
    /// ```
    /// # use edge_cache::Observer;
    /// # struct Log;
    /// # impl Observer for Log {
    /// fn option_corrected(&self, key: &str, option: &'static str) {
    ///     eprintln!("{key}: the option `{option}` is outside its range");
    /// }
    /// # }
    /// ```
    fn option_corrected(&self, key: &str, option: &'static str) {
        let _ = (key, option);
    }

    /// Returns the span in which a load runs. Spans and events of the loader are inside it.
    ///
    /// ```
    /// # use edge_cache::Observer;
    /// # struct Log;
    /// # impl Observer for Log {
    /// fn load_span(&self, key: &str) -> tracing::Span {
    ///     tracing::info_span!("load", key)
    /// }
    /// # }
    /// ```
    #[cfg(feature = "tracing")]
    fn load_span(&self, key: &str) -> tracing::Span {
        let _ = key;
        tracing::Span::none()
    }
}

/// Observes nothing.
impl Observer for () {}

/// Implements [`Observer`] for pointers to an observer `O`.
macro_rules! observe_through {
    ($($pointer:ty),+) => {$(
        impl<O: Observer + ?Sized> Observer for $pointer {
            fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
                (**self).lookup_ended(key, outcome);
            }

            fn load_ended(&self, key: &str, took: Duration, outcome: LoadOutcome) {
                (**self).load_ended(key, took, outcome);
            }

            fn store_failed(&self, key: &str, error: &StoreError) {
                (**self).store_failed(key, error);
            }

            fn option_corrected(&self, key: &str, option: &'static str) {
                (**self).option_corrected(key, option);
            }

            #[cfg(feature = "tracing")]
            fn load_span(&self, key: &str) -> tracing::Span {
                (**self).load_span(key)
            }
        }
    )+};
}

observe_through!(&O, Arc<O>, Rc<O>);
