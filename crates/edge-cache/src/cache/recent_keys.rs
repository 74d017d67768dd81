//! Keys for which an instance has just asked Redis something that need not be asked for every hit.
//!
//! While a source fails or is slow, every caller is served the stale value. Without this record each
//! of them would also ask for the lock; with it, an instance asks ten times a second for each key.
//! Tags that an entry lacks are added as often, and the sets of an entry's tags touched.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::guarded::Guarded;

/// How long a key is in the record.
const KEPT: Duration = Duration::from_millis(100);
/// Most keys in the record. Beyond it, callers ask again.
const MAX_KEYS: usize = 1000;

/// Keys, and when Redis was asked.
#[derive(Debug, Default)]
pub(super) struct RecentKeys(Guarded<HashMap<String, Instant>>);

impl RecentKeys {
    /// Returns whether the key is in the record.
    pub(super) fn contains(&self, key: &str) -> bool {
        let found = self.0.lock().get(key).copied();
        found.is_some_and(|found| found.elapsed() < KEPT)
    }

    /// Records a key.
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
    fn a_key_is_remembered_for_a_moment() {
        let recent = RecentKeys::default();
        recent.insert("k");

        assert!(recent.contains("k"));
        assert!(!recent.contains("other"));

        std::thread::sleep(KEPT);
        assert!(!recent.contains("k"));
    }

    #[test]
    fn the_record_is_bounded() {
        let recent = RecentKeys::default();
        for number in 0..=MAX_KEYS {
            recent.insert(&number.to_string());
        }

        assert_eq!(recent.0.lock().len(), MAX_KEYS);
    }
}
