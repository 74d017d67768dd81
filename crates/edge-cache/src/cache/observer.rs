//! Observation of the cache, for logs and metrics.

use std::rc::Rc;
use std::sync::Arc;

use super::outcome::LookupOutcome;
use super::store_error::StoreError;

/// Hears what a [`super::Cache`] does. Each method does nothing unless it is implemented.
pub trait Observer {
    /// A lookup by `get_or_set` has ended.
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        let _ = (key, outcome);
    }

    /// A loaded value could not be stored.
    fn store_failed(&self, key: &str, error: &StoreError) {
        let _ = (key, error);
    }

    /// An option was out of its range and was corrected; called once for each option and cache.
    fn option_corrected(&self, key: &str, option: &'static str) {
        let _ = (key, option);
    }
}

/// Observes nothing.
impl Observer for () {}

impl<O: Observer> Observer for &O {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        (**self).lookup_ended(key, outcome);
    }

    fn store_failed(&self, key: &str, error: &StoreError) {
        (**self).store_failed(key, error);
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        (**self).option_corrected(key, option);
    }
}

impl<O: Observer> Observer for Arc<O> {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        (**self).lookup_ended(key, outcome);
    }

    fn store_failed(&self, key: &str, error: &StoreError) {
        (**self).store_failed(key, error);
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        (**self).option_corrected(key, option);
    }
}

impl<O: Observer> Observer for Rc<O> {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        (**self).lookup_ended(key, outcome);
    }

    fn store_failed(&self, key: &str, error: &StoreError) {
        (**self).store_failed(key, error);
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        (**self).option_corrected(key, option);
    }
}
