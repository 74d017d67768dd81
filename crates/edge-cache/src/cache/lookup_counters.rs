//! Lookup counters by module (the first segment of a key), gathered in the instance and added to
//! Redis in batches: when 32 lookups were gathered, and with the first lookup after a second.
//!
//! An instance that ends loses what it has gathered: at most 31 lookups of its last second, never a
//! load.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::outcome::LookupOutcome;
use super::store_error::StoreErrorReason;
use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::keyspace::key::{LOOKUPS, NONE};
use crate::redis::script::Script;
use crate::redis::{Arg, Redis};
use crate::script;
use crate::units::microseconds;

/// Adds to bounded counters.
static ADD: Script = script!(once "counters/add", []);

/// Lookups that are gathered before they are added to Redis.
const BATCH_LOOKUPS: u64 = 32;
/// Longest time between two flushes while there are lookups. Hosts end an instance that was idle
/// for a second.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Most modules counted by name in Redis; the rest are counted as `overflow`.
const MAX_MODULES: usize = 100;
/// Most counters gathered while they cannot be added to Redis; further modules are counted as
/// `overflow`.
const MAX_FIELDS: usize = 1000;
/// Longest module name, in bytes.
const MAX_MODULE_BYTES: usize = 64;
/// Name for modules that are not counted by name.
const OVERFLOW: &str = "overflow";

/// Returns the module that a key is counted under: its first segment, `overflow` for a long one.
pub(super) fn module_of(key: &str) -> &str {
    key.split(':')
        .next()
        .filter(|module| module.len() <= MAX_MODULE_BYTES)
        .unwrap_or(OVERFLOW)
}

/// Counters that are not in Redis yet.
#[derive(Debug, Default)]
pub(super) struct LookupCounters {
    /// By `module:kind`.
    counts: Guarded<BTreeMap<String, u64>>,
    lookups: AtomicU64,
    last_flush_due: Guarded<Option<Instant>>,
}

impl LookupCounters {
    pub(super) fn count_lookup(&self, key: &str, outcome: LookupOutcome) {
        self.add(key, outcome.name(), 1);
        self.lookups.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_load(&self, key: &str, took: Duration, is_ok: bool) {
        self.add(key, "loads", 1);
        self.add(key, "load_us", microseconds(took));
        self.add(key, "load_errors", u64::from(!is_ok));
    }

    pub(super) fn count_store_error(&self, key: &str, reason: StoreErrorReason) {
        self.add(key, reason.counter(), 1);
    }

    pub(super) fn count_circuit_opened(&self) {
        self.add("", "circuit_opened", 1);
    }

    fn add(&self, key: &str, kind: &str, count: u64) {
        if count == 0 {
            return;
        }

        let mut counts = self.counts.lock();
        let mut field = format!("{}:{kind}", module_of(key));
        if counts.len() >= MAX_FIELDS && !counts.contains_key(&field) {
            field = format!("{OVERFLOW}:{kind}");
        }
        *counts.entry(field).or_default() += count;
    }

    /// Returns whether a batch of lookups was gathered.
    pub(super) fn is_full(&self) -> bool {
        self.lookups.load(Ordering::Relaxed) >= BATCH_LOOKUPS
    }

    /// Returns whether the flush interval has passed, and starts the next one if so.
    pub(super) fn is_flush_due(&self) -> bool {
        let mut last = self.last_flush_due.lock();
        let is_due = last.is_none_or(|last| last.elapsed() >= FLUSH_INTERVAL);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }

    /// Adds all counters to Redis and starts again from zero. At most one round trip.
    pub(super) async fn flush<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let counts = self.counts.take();
        if counts.is_empty() {
            return Ok(());
        }
        self.lookups.store(0, Ordering::Relaxed);

        let pairs = counts
            .into_iter()
            .flat_map(|(field, count)| [Arg::from(field), count.into()]);
        let args = [MAX_MODULES.into()].into_iter().chain(pairs);
        ADD.run(redis, [LOOKUPS.into(), NONE.into()], args)
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_beyond_the_bound_are_counted_together() {
        let counters = LookupCounters::default();

        for n in 0..MAX_FIELDS + 5 {
            counters.count_lookup(&format!("module-{n}:x"), LookupOutcome::Bypass);
        }

        let counts = counters.counts.lock();
        assert_eq!(counts.len(), MAX_FIELDS + 1);
        assert_eq!(counts["overflow:bypass"], 5);
    }
}
