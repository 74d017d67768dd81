//! Load locks that others were found to hold while their stale values could be served.
//!
//! While a source fails or is slow, every caller is served the stale value. Without this record each
//! of them would also ask for the lock; with it, an instance asks ten times a second for each key.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::guarded::Guarded;

/// How long a lock is not asked for again.
const KEPT: Duration = Duration::from_millis(100);
/// Most keys in the record. Beyond it, callers ask again.
const MAX_KEYS: usize = 1000;

/// Keys whose load lock another caller holds, and when that was found out.
#[derive(Debug, Default)]
pub(super) struct HeldLocks(Guarded<HashMap<String, Instant>>);

impl HeldLocks {
    /// Returns whether the lock of this key was just found to be held.
    pub(super) fn contains(&self, key: &str) -> bool {
        let found = self.0.lock().get(key).copied();
        found.is_some_and(|found| found.elapsed() < KEPT)
    }

    /// Records that another caller holds the lock of this key.
    pub(super) fn insert(&self, key: &str) {
        let mut keys = self.0.lock();
        if keys.len() >= MAX_KEYS {
            keys.retain(|_, found| found.elapsed() < KEPT);
        }
        if keys.len() < MAX_KEYS {
            keys.insert(key.to_owned(), Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_remembered_for_a_moment() {
        let held = HeldLocks::default();
        held.insert("k");

        assert!(held.contains("k"));
        assert!(!held.contains("other"));

        std::thread::sleep(KEPT);
        assert!(!held.contains("k"));
    }

    #[test]
    fn the_record_is_bounded() {
        let held = HeldLocks::default();
        for number in 0..=MAX_KEYS {
            held.insert(&number.to_string());
        }

        assert_eq!(held.0.lock().len(), MAX_KEYS);
    }
}
