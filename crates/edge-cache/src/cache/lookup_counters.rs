//! Lookup counters by module (the first segment of a key), gathered in the instance and added to
//! Redis in batches: with the first lookup after a second, and with 1,000 lookups. Batches of a young
//! instance are smaller, because some instances are short-lived: 32 lookups, at most ten times a second,
//! and later a quarter of those that were sent.
//!
//! An instance that ends loses what it has gathered, at most that of its last second; never a load.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::hot_keys::HotKeys;
use super::outcome::LookupOutcome;
use super::store_error::StoreErrorReason;
use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::keyspace::key::{HOT_KEYS_PREFIX, LOOKUPS, NONE};
use crate::redis::script::Script;
use crate::redis::{Arg, HostRuntime, Redis};
use crate::script;
use crate::units::{microseconds, uniform};

/// Adds to bounded counters, and to the hot keys of a minute.
static ADD: Script = script!(once "counters/add", []);

/// The fewest lookups of a batch that is sent within a second of the last one.
const BATCH_LOOKUPS: u64 = 32;
/// Such a batch has at least one lookup for every four that were sent before it.
const SENT_PER_LOOKUP: u64 = 4;
/// The least time between two batches, unless there are [`MAX_BATCH_LOOKUPS`].
const BATCH_INTERVAL: Duration = Duration::from_millis(100);
/// Lookups that are added to Redis at once. Fewer than the keys that [`HotKeys`] counts.
const MAX_BATCH_LOOKUPS: u64 = 1000;
/// Longest time between two flushes while there are lookups. Hosts end an instance that was idle
/// for a second.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// Most modules counted by name in Redis; the rest are counted as `overflow`.
const MAX_MODULES: usize = 100;
/// Most modules whose counters of a kind are gathered while they cannot be added to Redis; further
/// ones are counted as `overflow`.
const MAX_GATHERED_MODULES: usize = 200;
const MINUTE_MS: u64 = 60_000;
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

/// Counts by kind and module.
type Counts = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// Counters that are not in Redis yet.
#[derive(Debug, Default)]
pub(super) struct LookupCounters {
    counts: Guarded<Counts>,
    lookups: AtomicU64,
    /// Lookups that were sent.
    sent: AtomicU64,
    last_due: Guarded<Option<Instant>>,
    /// Lookups by key.
    pub(super) hot_keys: HotKeys,
}

impl LookupCounters {
    pub(super) fn count_lookup(&self, key: &str, outcome: LookupOutcome) {
        self.add(key, outcome.name(), 1);
        self.lookups.fetch_add(1, Ordering::Relaxed);
        self.hot_keys.count_lookup(key, outcome);
    }

    pub(super) fn count_load(&self, key: &str, took: Duration, is_ok: bool) {
        self.add(key, "loads", 1);
        self.add(key, "load_us", microseconds(took));
        self.hot_keys.count_load(key, microseconds(took));
        self.add(key, "load_errors", u64::from(!is_ok));
    }

    pub(super) fn count_store_error(&self, key: &str, reason: StoreErrorReason) {
        self.add(key, reason.counter(), 1);
    }

    pub(super) fn count_circuit_opened(&self) {
        self.add("", "circuit_opened", 1);
    }

    fn add(&self, key: &str, kind: &'static str, count: u64) {
        if count == 0 {
            return;
        }

        let mut counts = self.counts.lock();
        let of_kind = counts.entry(kind).or_default();
        let module = module_of(key);
        if let Some(counted) = of_kind.get_mut(module) {
            *counted += count;
            return;
        }

        let has_room = of_kind.len() < MAX_GATHERED_MODULES;
        let module = if has_room { module } else { OVERFLOW };
        *of_kind.entry(module.to_owned()).or_default() += count;
    }

    /// Returns whether a batch of lookups was gathered, which the caller then adds to Redis.
    pub(super) fn is_batch_due(&self) -> bool {
        let lookups = self.lookups.load(Ordering::Relaxed);
        let least = BATCH_LOOKUPS.max(self.sent.load(Ordering::Relaxed) / SENT_PER_LOOKUP);
        if lookups >= MAX_BATCH_LOOKUPS {
            self.is_due_after(Duration::ZERO)
        } else {
            lookups >= least && self.is_due_after(BATCH_INTERVAL)
        }
    }

    /// Returns whether the flush interval has passed, and the caller is to add the counters to Redis.
    pub(super) fn is_flush_due(&self) -> bool {
        self.is_due_after(FLUSH_INTERVAL)
    }

    /// Returns whether so much time has passed since this was last true, or it never was.
    fn is_due_after(&self, time: Duration) -> bool {
        let mut last = self.last_due.lock();
        let is_due = last.is_none_or(|last| last.elapsed() >= time);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }

    /// Adds all counters to Redis and starts again from zero. At most one round trip. `now` is the
    /// time on Redis' clock in milliseconds.
    pub(super) async fn flush<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        now: u64,
    ) -> Result<(), RedisError> {
        let counts = self.counts.take();
        if counts.is_empty() {
            return Ok(());
        }
        let lookups = self.lookups.swap(0, Ordering::Relaxed);
        self.sent.fetch_add(lookups, Ordering::Relaxed);

        let mut keys = vec![LOOKUPS.into(), NONE.into()];
        let fields: usize = counts.values().map(BTreeMap::len).sum();
        let mut args = vec![MAX_MODULES.into(), fields.into()];
        for (kind, modules) in counts {
            for (module, count) in modules {
                args.extend([Arg::from(format!("{module}:{kind}")), count.into()]);
            }
        }
        let minute = now / MINUTE_MS;
        if let Some(batch) = self.hot_keys.take_batch(minute, || uniform(redis.random())) {
            keys.push(format!("{HOT_KEYS_PREFIX}{minute}").into());
            args.extend(batch);
        }
        ADD.run(redis, keys, args).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters after so many lookups, with a batch just sent.
    fn after(lookups: u64) -> LookupCounters {
        let counters = LookupCounters::default();
        assert!(counters.is_flush_due());
        for _ in 0..lookups {
            counters.count_lookup("users:1", LookupOutcome::Hit);
        }
        counters
    }

    #[test]
    fn a_batch_waits_for_its_interval_unless_it_is_large() {
        let (small, large) = (after(MAX_BATCH_LOOKUPS - 1), after(MAX_BATCH_LOOKUPS));
        assert!(!small.is_batch_due());
        assert!(large.is_batch_due());

        std::thread::sleep(BATCH_INTERVAL);
        assert!(small.is_batch_due());
        assert!(!after(BATCH_LOOKUPS - 1).is_batch_due());
    }

    #[test]
    fn a_batch_is_a_quarter_of_those_before() {
        let counters = after(249);
        counters.sent.store(1000, Ordering::Relaxed);
        std::thread::sleep(BATCH_INTERVAL);
        assert!(!counters.is_batch_due());

        counters.count_lookup("users:1", LookupOutcome::Hit);
        assert!(counters.is_batch_due());
    }

    #[test]
    fn modules_beyond_the_bound_are_counted_together() {
        let counters = LookupCounters::default();

        for n in 0..MAX_GATHERED_MODULES + 5 {
            counters.count_lookup(&format!("module-{n}:x"), LookupOutcome::Bypass);
        }

        let counts = &counters.counts.lock()["bypass"];
        assert_eq!(counts.len(), MAX_GATHERED_MODULES + 1);
        assert_eq!(counts["overflow"], 5);
    }
}
