//! Observation of the cache, for logs and metrics.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::{LoadOutcome, LookupOutcome};
use super::store_error::StoreError;

/// Hears what a [`super::Cache`] does. Each method does nothing unless it is implemented.
pub trait Observer {
    /// A lookup by `get_or_set` has ended.
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        let _ = (key, outcome);
    }

    /// A load by this cache has ended: with the cache or without it. Waiters, who share its result,
    /// are not reported.
    fn load_ended(&self, key: &str, took: Duration, outcome: LoadOutcome) {
        let _ = (key, took, outcome);
    }

    /// A loaded value could not be stored.
    fn store_failed(&self, key: &str, error: &StoreError) {
        let _ = (key, error);
    }

    /// An option was out of its range and was corrected; called once for each option and cache.
    fn option_corrected(&self, key: &str, option: &'static str) {
        let _ = (key, option);
    }

    /// Returns the span in which a load runs. Spans and events of the loader are inside it.
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
