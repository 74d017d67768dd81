//! Keys for which an instance has just asked Redis something that need not be asked for every hit.
//!
//! While a source fails or is slow, every caller is served the stale value. Without this record each
//! of them would also ask for the lock; with it, an instance asks ten times a second for each key.
//! Tags that an entry lacks are added as often. The sets of an entry's tags are touched once a second.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::guarded::Guarded;

/// Most keys in the record. Beyond it, callers ask again.
const MAX_KEYS: usize = 1000;

/// Keys, and when Redis was asked.
#[derive(Debug)]
pub(super) struct RecentKeys {
    /// How long a key is in the record.
    kept: Duration,
    asked: Guarded<HashMap<String, Instant>>,
}

impl RecentKeys {
    pub(super) fn new(kept: Duration) -> Self {
        Self {
            kept,
            asked: Guarded::default(),
        }
    }

    /// Returns whether the key is in the record.
    pub(super) fn contains(&self, key: &str) -> bool {
        let found = self.asked.lock().get(key).copied();
        found.is_some_and(|found| found.elapsed() < self.kept)
    }

    /// Records a key.
    pub(super) fn insert(&self, key: &str) {
        let now = Instant::now();
        let mut keys = self.asked.lock();
        if keys.len() >= MAX_KEYS {
            keys.retain(|_, found| now.saturating_duration_since(*found) < self.kept);
        }
        if keys.len() < MAX_KEYS {
            keys.insert(key.to_owned(), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(100);

    #[test]
    fn a_key_is_remembered_for_a_moment() {
        let recent = RecentKeys::new(MOMENT);
        recent.insert("k");

        assert!(recent.contains("k"));
        assert!(!recent.contains("other"));

        std::thread::sleep(MOMENT);
        assert!(!recent.contains("k"));
    }

    #[test]
    fn the_record_is_bounded() {
        let recent = RecentKeys::new(MOMENT);
        for number in 0..=MAX_KEYS {
            recent.insert(&number.to_string());
        }

        assert_eq!(recent.asked.lock().len(), MAX_KEYS);
    }
}
