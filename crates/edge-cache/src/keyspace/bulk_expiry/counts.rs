//! The counts of a change of many keys.

use crate::error::RedisError;
use crate::keyspace::key::KeyName;

/// Lower bounds of the classes of [`Lives`], in milliseconds.
const MINUTE: u64 = 60_000;
const FIVE_MINUTES: u64 = 5 * MINUTE;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Keys by how long they live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lives {
    /// Without an expiry.
    pub none: u64,
    /// Below a minute.
    pub under_1_minute: u64,
    /// From 1 minute to below 5.
    pub from_1_to_5_minutes: u64,
    /// From 5 minutes to below an hour.
    pub from_5_to_60_minutes: u64,
    /// From an hour to a day.
    pub from_1_to_24_hours: u64,
    /// Above a day.
    pub over_1_day: u64,
}

/// The counts of a change of many keys; of a dry run, the counts that the change would have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpiryCounts {
    /// Keys found.
    pub matched: u64,
    /// Keys whose expiry was changed.
    pub changed: u64,
    /// How long the keys lived before.
    pub before: Lives,
    /// How long they live after it.
    pub after: Lives,
    /// Names of some of the keys that were changed.
    pub names: Vec<KeyName>,
}

/// The outcome of a change of many keys.
#[derive(Debug)]
pub struct BulkExpiryOutcome {
    /// The counts, also after a failure.
    pub counts: ExpiryCounts,
    /// The failure that ended it.
    pub failure: Option<RedisError>,
}

impl Lives {
    /// The numbers of all classes, in the order of the fields.
    pub fn classes(&self) -> [u64; 6] {
        [
            self.none,
            self.under_1_minute,
            self.from_1_to_5_minutes,
            self.from_5_to_60_minutes,
            self.from_1_to_24_hours,
            self.over_1_day,
        ]
    }

    /// The keys of these classes, in the order of the fields.
    pub fn of_classes(classes: [u64; 6]) -> Self {
        let [none, minute, five_minutes, hour, day, longer] = classes;
        Self {
            none,
            under_1_minute: minute,
            from_1_to_5_minutes: five_minutes,
            from_5_to_60_minutes: hour,
            from_1_to_24_hours: day,
            over_1_day: longer,
        }
    }

    /// The class of a key by its milliseconds left, `None` without an expiry: the place of its field.
    pub fn class_of(left: Option<u64>) -> usize {
        match left {
            None => 0,
            Some(left) if left < MINUTE => 1,
            Some(left) if left < FIVE_MINUTES => 2,
            Some(left) if left < HOUR => 3,
            Some(left) if left <= DAY => 4,
            Some(_) => 5,
        }
    }

    /// Counts a key: its milliseconds, `None` without an expiry.
    pub(super) fn count(&mut self, left: Option<u64>) {
        let mut classes = self.classes();
        if let Some(keys) = classes.get_mut(Self::class_of(left)) {
            *keys += 1;
        }
        *self = Self::of_classes(classes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_counts_in_one_class() {
        let mut lives = Lives::default();

        for left in [
            None,
            Some(0),
            Some(59_999),
            Some(60_000),
            Some(299_999),
            Some(300_000),
            Some(3_599_999),
            Some(3_600_000),
            Some(86_400_000),
            Some(86_400_001),
        ] {
            lives.count(left);
        }

        let expected = Lives {
            none: 1,
            under_1_minute: 2,
            from_1_to_5_minutes: 2,
            from_5_to_60_minutes: 2,
            from_1_to_24_hours: 2,
            over_1_day: 1,
        };
        assert_eq!(lives, expected);
    }
}
