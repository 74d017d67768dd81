//! The heaviest groups, in bounded memory.
//!
//! A space-saving sketch: when there are too many groups, the lightest are discarded. A group that comes
//! back has lost what it had, so each group may lack at most what the heaviest discarded one had. Up to
//! [`MAX_GROUPS`] groups everything is exact.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::segments::GroupName;
use super::tally::Tally;

/// Groups that are kept when some are discarded, which happens at twice as many.
const MAX_GROUPS: usize = 2048;

/// The heaviest groups of one node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sketch {
    /// All keys.
    pub(crate) all: Tally,
    groups: HashMap<GroupName, Tally>,
    /// Modules that were discarded.
    pub(super) other: Tally,
    /// The most that a group may lack.
    pub(super) error_keys: u64,
    pub(super) error_bytes: u64,
}

impl Sketch {
    /// Adds keys of a group.
    pub(super) fn add(&mut self, name: GroupName, tally: &Tally) {
        if name.depth == 0 {
            self.all.add(tally);
            return;
        }
        self.groups.entry(name).or_default().add(tally);
        if self.groups.len() > 2 * MAX_GROUPS {
            self.shrink();
        }
    }

    /// Discards the lightest groups.
    pub(crate) fn shrink(&mut self) {
        if self.groups.len() <= MAX_GROUPS {
            return;
        }
        let mut groups: Vec<(GroupName, Tally)> = self.groups.drain().collect();
        groups.sort_by(|(name, a), (other, b)| {
            let by_weight = b.bytes.cmp(&a.bytes);
            by_weight.then_with(|| name.cmp(other))
        });

        let (before_keys, before_bytes) = (self.error_keys, self.error_bytes);
        for (name, tally) in groups.split_off(MAX_GROUPS) {
            let (keys, bytes) = (
                before_keys.saturating_add(tally.keys),
                before_bytes.saturating_add(tally.bytes),
            );
            self.error_keys = self.error_keys.max(keys);
            self.error_bytes = self.error_bytes.max(bytes);
            if name.depth == 1 {
                self.other.add(&tally);
            }
        }
        self.groups.extend(groups);
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = (&GroupName, &Tally)> {
        self.groups.iter()
    }

    pub(super) fn group(&self, name: &GroupName) -> Option<&Tally> {
        self.groups.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(number: usize) -> GroupName {
        GroupName {
            prefix: format!("m{number}:").into_bytes(),
            depth: 1,
        }
    }

    fn tally(keys: u64, bytes: u64) -> Tally {
        Tally {
            keys,
            bytes,
            ..Tally::default()
        }
    }

    #[test]
    fn few_groups_are_exact() {
        let mut sketch = Sketch::default();
        for number in 0..2 * MAX_GROUPS {
            sketch.add(group(number), &tally(1, 10));
            sketch.add(group(number), &tally(1, 10));
        }
        assert_eq!(sketch.groups().count(), 2 * MAX_GROUPS);
        assert_eq!(sketch.group(&group(0)).unwrap().keys, 2);
        assert_eq!((sketch.error_keys, sketch.error_bytes), (0, 0));
    }

    #[test]
    fn of_many_groups_the_heaviest_stay_and_the_others_are_summed_up() {
        let mut sketch = Sketch::default();
        let all = 20 * MAX_GROUPS;
        for number in 0..all {
            sketch.add(group(number), &tally(1, 10));
            sketch.add(group(7), &tally(2, 1000));
        }
        sketch.shrink();

        assert_eq!(sketch.groups().count(), MAX_GROUPS);
        let heavy = sketch.group(&group(7)).unwrap();
        assert_eq!(heavy.keys, 2 * all as u64 + 1);
        let listed: u64 = sketch.groups().map(|(_, tally)| tally.keys).sum();
        assert_eq!(listed + sketch.other.keys, 3 * all as u64);
    }

    #[test]
    fn no_group_lacks_more_than_the_error() {
        let mut sketch = Sketch::default();
        let rounds = 5;
        for _ in 0..rounds {
            for number in 0..3 * MAX_GROUPS {
                sketch.add(group(number), &tally(1, 10));
            }
        }
        assert!(sketch.error_keys > 0);
        for (name, tally) in sketch.groups() {
            assert!(tally.keys + sketch.error_keys >= rounds, "{name:?}");
            assert!(tally.bytes + sketch.error_bytes >= 10 * rounds, "{name:?}");
        }
    }
}
