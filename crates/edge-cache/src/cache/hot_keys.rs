//! The lookups of each key, for the list of hot keys: counted in the instance, and added to Redis
//! together with the lookup counters, so they cost no further round trip.
//!
//! An instance may end at any time, so it cannot count for a minute. Each batch of lookup counters
//! therefore takes along a few keys. A key with `count` lookups in the batch is sent with the
//! probability `count / threshold`, and then as `threshold` lookups; one with more is always sent as
//! it is. Sums of these are right on average, and their variance is known
//! (threshold sampling, Duffield, Lund and Thorup 2005), which leads to the `maxError` of a key:
//!
//! ```text
//! threshold 16     a: 20 lookups   sent as 20
//!                  b: 2 lookups    sent as 16 with the probability 1/8, else not at all
//! ```
//!
//! The threshold lets a batch take along about two keys. A batch of one or two lookups, of an instance that lives
//! for one request or has little traffic, thus takes all of its keys along, and their counts are exact.
//!
//! In Redis, `cache:hot:<minute>` keeps about the 200 keys with the most lookups of a minute, and what
//! may be missing from a count (`scripts/counters/add.lua`). A batch of 32 lookups takes along two keys, which
//! costs Redis about 10 us; one of 1,000 lookups takes along about 16. A batch of one lookup costs 4 us more
//! than without its key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::outcome::LookupOutcome;
use crate::guarded::Guarded;
use crate::redis::Arg;

/// Keys that a minute's hash is reduced to when it has four times as many.
const MAX_HOT_KEYS: usize = 200;
/// The longest name that is counted, in bytes. Lookups of others are only in the sum.
const MAX_NAME_BYTES: usize = 256;
/// About the keys that a batch takes along, and those that a large one does at most.
const KEYS_SENT: f64 = 2.0;
const MAX_KEYS_SENT: f64 = 16.0;
/// Keys with as many lookups in a batch are always sent, unless it is a large one.
const SENT_LOOKUPS: f64 = 16.0;
/// Keys counted between two batches; further ones are only in the sum.
const MAX_KEYS: usize = 2000;
/// For how long a minute's hash is kept.
const KEPT_SECONDS: u64 = 660;

/// Lookups of keys that are not in Redis yet.
#[derive(Debug, Default)]
pub(super) struct HotKeys {
    is_off: AtomicBool,
    keys: Guarded<HashMap<String, KeyCounts>>,
    lookups: AtomicU64,
    /// The minute in which this instance last reported.
    last_minute: AtomicU64,
}

/// The counts of a key since the last batch.
#[derive(Debug, Default, Clone, Copy)]
struct KeyCounts {
    lookups: u64,
    hits: u64,
    loads: u64,
    load_us: u64,
    saved_ms: u64,
    bytes: u64,
}

impl HotKeys {
    pub(super) fn set_enabled(&self, is_enabled: bool) {
        self.is_off.store(!is_enabled, Ordering::Relaxed);
    }

    pub(super) fn count_lookup(&self, key: &str, outcome: LookupOutcome) {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        self.change(key, |counts| {
            counts.lookups += 1;
            counts.hits += u64::from(outcome.is_from_cache());
        });
    }

    pub(super) fn count_load(&self, key: &str, microseconds: u64) {
        self.change(key, |counts| {
            counts.loads += 1;
            counts.load_us += microseconds;
        });
    }

    /// Counts bytes that Redis sent, and the time that a load would have taken.
    pub(super) fn count_read(&self, key: &str, bytes: usize, saved_ms: u64) {
        self.change(key, |counts| {
            counts.bytes += u64::try_from(bytes).unwrap_or(0);
            counts.saved_ms += saved_ms;
        });
    }

    fn change(&self, key: &str, change: impl FnOnce(&mut KeyCounts)) {
        if self.is_off.load(Ordering::Relaxed) || key.len() > MAX_NAME_BYTES {
            return;
        }
        let mut keys = self.keys.lock();
        if let Some(counts) = keys.get_mut(key) {
            return change(counts);
        }
        if keys.len() < MAX_KEYS {
            change(keys.entry(key.to_owned()).or_default());
        }
    }

    /// Takes a batch: the arguments of `counters/add.lua` behind the counters. `None` while off.
    /// `random` is uniform in 0..1.
    pub(super) fn take_batch(
        &self,
        minute: u64,
        mut random: impl FnMut() -> f64,
    ) -> Option<Vec<Arg>> {
        let lookups = self.lookups.swap(0, Ordering::Relaxed);
        if self.is_off.load(Ordering::Relaxed) {
            return None;
        }

        let is_first_of_minute = self.last_minute.swap(minute, Ordering::Relaxed) != minute;
        let mut args: Vec<Arg> = vec![
            MAX_HOT_KEYS.into(),
            KEPT_SECONDS.into(),
            lookups.into(),
            u64::from(is_first_of_minute).into(),
        ];
        let threshold = threshold_of(lookups);
        let mut packed = Vec::new();
        for (key, counts) in self.keys.take() {
            if let Some(sample) = counts.sample(threshold, random()) {
                pack(&mut packed, &key, sample);
            }
        }
        args.push(packed.into());
        Some(args)
    }
}

/// The lookups of a key from which on a batch of so many lookups always takes it along.
fn threshold_of(lookups: u64) -> f64 {
    let lookups = lookups as f64;
    (lookups / KEYS_SENT)
        .min(SENT_LOOKUPS)
        .max(lookups / MAX_KEYS_SENT)
}

impl KeyCounts {
    /// Samples the counts: lookups, variance, hits, loads, microseconds of loads, milliseconds saved,
    /// bytes.
    fn sample(self, threshold: f64, random: f64) -> Option<[u64; 7]> {
        let size = self.lookups.max(1) as f64;
        let probability = (size / threshold).min(1.0);
        if random >= probability {
            return None;
        }

        let lookups = self.lookups as f64 / probability;
        let variance = lookups * lookups * (1.0 - probability);
        let scaled = |count: u64| (count as f64 / probability).round() as u64;
        Some([
            lookups.round() as u64,
            variance.round() as u64,
            scaled(self.hits),
            scaled(self.loads),
            scaled(self.load_us),
            scaled(self.saved_ms),
            scaled(self.bytes),
        ])
    }
}

/// Packs a key and its figures as `cmsgpack.unpack` reads them.
fn pack(packed: &mut Vec<u8>, key: &str, figures: [u64; 7]) {
    // Writing to a vector does not fail.
    let _ = rmp::encode::write_str(packed, key);
    for figure in figures {
        let _ = rmp::encode::write_uint(packed, figure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_up(lookups: u64) -> KeyCounts {
        KeyCounts {
            lookups,
            hits: lookups,
            bytes: 10 * lookups,
            ..KeyCounts::default()
        }
    }

    #[test]
    fn a_key_above_the_threshold_is_sent_as_it_is() {
        let sample = looked_up(20).sample(8.0, 0.999).unwrap();

        assert_eq!(sample, [20, 0, 20, 0, 0, 0, 200]);
    }

    #[test]
    fn others_are_sent_as_often_as_their_lookups_and_scaled() {
        let counts = looked_up(2);

        assert_eq!(counts.sample(8.0, 0.25), None);
        let sample = counts.sample(8.0, 0.24).unwrap();
        assert_eq!(sample, [8, 48, 8, 0, 0, 0, 80]);
    }

    #[test]
    fn a_small_batch_takes_along_as_many_keys_as_a_full_one() {
        for (lookups, threshold) in [
            (0, 0.0),
            (1, 0.5),
            (2, 1.0),
            (10, 5.0),
            (32, 16.0),
            (200, 16.0),
            (3200, 200.0),
        ] {
            assert_eq!(threshold_of(lookups), threshold, "{lookups}");
        }
        assert_eq!(
            looked_up(1).sample(threshold_of(2), 0.999).unwrap()[..2],
            [1, 0]
        );
    }

    #[test]
    fn nothing_is_counted_while_off() {
        let hot = HotKeys::default();
        hot.set_enabled(false);
        hot.count_lookup("users:1", LookupOutcome::Hit);

        assert!(hot.keys.lock().is_empty());
        assert!(hot.take_batch(1, || 0.0).is_none());
    }

    #[test]
    fn keys_between_two_batches_are_bounded() {
        let hot = HotKeys::default();
        for n in 0..MAX_KEYS + 10 {
            hot.count_lookup(&format!("users:{n}"), LookupOutcome::Miss);
        }
        hot.count_lookup(&"x".repeat(MAX_NAME_BYTES + 1), LookupOutcome::Miss);

        assert_eq!(hot.keys.lock().len(), MAX_KEYS);
        assert_eq!(hot.lookups.load(Ordering::Relaxed), 2011);
    }
}
