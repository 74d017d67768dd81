//! An observer that reports to the crate `tracing`.

use std::time::Duration;

use tracing::{Span, debug, info, info_span, warn};

use super::observer::Observer;
use super::outcome::{LoadOutcome, LookupOutcome};
use super::store_error::StoreError;
use crate::units::milliseconds;

/// The target of all spans and events.
const TARGET: &str = "edge_cache";

/// Reports to the subscriber of the crate `tracing`, with the target `edge_cache`. It needs the
/// feature `tracing`.
///
/// | span or event | level | fields |
/// | --- | --- | --- |
/// | span `edge_cache.load`, in which the loader runs | info | |
/// | event `lookup` | debug | `outcome` |
/// | event `load` | debug; info for a load that failed or took too long | `outcome`, `took_ms` |
/// | event `value not stored` | warn | `reason`, `problem` |
/// | event `option corrected` | warn | `option` |
///
/// Keys may contain names of people, so spans and events have none. After
/// [`TracingObserver::with_keys`] each has the field `key`.
///
/// ```no_run
/// use edge_cache::{Cache, Redis, HostRuntime, TracingObserver};
///
/// fn traced<C: Redis + HostRuntime>(connection: C) -> Cache<C, TracingObserver> {
///     Cache::with_observer(connection, TracingObserver::new())
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TracingObserver {
    has_keys: bool,
}

impl TracingObserver {
    /// An observer that reports no keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports the key with each span and event.
    ///
    /// ```
    /// # use edge_cache::{Cache, TracingObserver, testing::Memory};
    /// # let connection = Memory::new();
    /// let cache = Cache::with_observer(connection, TracingObserver::new().with_keys());
    /// ```
    #[must_use]
    pub fn with_keys(self) -> Self {
        Self { has_keys: true }
    }

    fn reported<'a>(&self, key: &'a str) -> Option<&'a str> {
        self.has_keys.then_some(key)
    }
}

impl Observer for TracingObserver {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        let (key, outcome) = (self.reported(key), outcome.name());
        debug!(target: TARGET, key, outcome, "lookup");
    }

    fn load_ended(&self, key: &str, took: Duration, outcome: LoadOutcome) {
        let (key, took_ms) = (self.reported(key), milliseconds(took));
        let name = outcome.name();
        match outcome {
            LoadOutcome::Loaded => debug!(target: TARGET, key, outcome = name, took_ms, "load"),
            _ => info!(target: TARGET, key, outcome = name, took_ms, "load"),
        }
    }

    fn store_failed(&self, key: &str, error: &StoreError) {
        let reason = error.reason.name();
        let problem = if self.has_keys {
            error.message.clone()
        } else {
            error.message_without(key)
        };
        let key = self.reported(key);
        warn!(target: TARGET, key, reason, problem, "value not stored");
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        let key = self.reported(key);
        warn!(target: TARGET, key, option, "option corrected");
    }

    fn load_span(&self, key: &str) -> Span {
        info_span!(target: TARGET, "edge_cache.load", key = self.reported(key))
    }
}
