//! The change that a soft purge makes to each key.

use super::rule::NewExpiry;
use crate::keyspace::fence::{SoftPurge, StreamId};
use crate::keyspace::purge::SoftGrace;
use crate::keyspace::trailer::Facts;

/// A soft purge that marks keys.
#[derive(Debug, Clone, Copy)]
pub(in crate::keyspace) struct StaleMarking {
    /// How long entries without grace, and foreign values, may still be served.
    pub(in crate::keyspace) grace: SoftGrace,
    /// Its fence: entries are stale from its time on, and those that were loaded after it are
    /// spared. `None` for keys that are named: they are stale from now on.
    pub(in crate::keyspace) fence: Option<StreamId>,
}

/// The decision about a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Marked {
    /// It gets this expiry and these facts (`None`: it is a foreign value).
    Now(NewExpiry, Option<Facts>),
    /// It needs no change.
    Before,
    /// It was loaded after the purge.
    Spared,
}

impl StaleMarking {
    /// Decides about a key that has so many milliseconds left (`None`: no expiry). `now` is the time
    /// on Redis' clock.
    pub(super) fn decide(&self, left: Option<u64>, facts: Option<Facts>, now: u64) -> Marked {
        let Some(mut facts) = facts else {
            let grace = self.grace.milliseconds();
            return if left.is_none_or(|left| left > grace) {
                Marked::Now(Some(grace), None)
            } else {
                Marked::Before
            };
        };

        if self.fence.is_some_and(|fence| facts.stamp.id >= fence) {
            return Marked::Spared;
        }
        if facts.marked_stale.is_some() {
            return Marked::Before;
        }
        facts.mark_stale(SoftPurge {
            at: self.fence.map_or(now, |fence| fence.milliseconds),
            grace: self.grace,
        });
        let ends_at = facts.ends_at().unwrap_or(u64::MAX);
        Marked::Now(Some(ends_at.saturating_sub(now).max(1)), Some(facts))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keyspace::fence::Stamp;

    /// An entry that was stored at 100,000 with the stamp 99,000.
    fn facts(fresh_for: Option<u64>, grace: u64) -> Facts {
        Facts {
            stored_at: 100_000,
            fresh_for,
            grace,
            stamp: stamp(99_000),
            ..Facts::default()
        }
    }

    fn stamp(milliseconds: u64) -> Stamp {
        let id = StreamId {
            milliseconds,
            sequence: 0,
        };
        Stamp { epoch: 1, id }
    }

    fn marking(fence: Option<u64>) -> StaleMarking {
        StaleMarking {
            grace: SoftGrace::new("grace", Duration::from_secs(60)).unwrap(),
            fence: fence.map(|at| stamp(at).id),
        }
    }

    /// The time to the end of freshness, the time for which every caller may be served, and the new
    /// expiry, after a purge at 110,000 that meets the entry at 115,000.
    fn marked(facts: Facts) -> (Option<i64>, Option<u64>, NewExpiry) {
        match marking(Some(110_000)).decide(Some(1_000_000), Some(facts), 115_000) {
            Marked::Now(expiry, Some(facts)) => {
                (facts.fresh_left(115_000), facts.marked_stale, expiry)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_entry_with_grace_is_served_for_its_grace_after_the_purge() {
        let marked = marked(facts(Some(300_000), 20_000));
        assert_eq!(marked, (Some(-5_000), Some(0), Some(15_000)));
    }

    #[test]
    fn an_entry_without_grace_gets_the_soft_grace_and_no_longer_life() {
        let long = marked(facts(Some(300_000), 0));
        assert_eq!(long, (Some(-5_000), Some(60_000), Some(55_000)));

        let short = marked(facts(Some(30_000), 0));
        assert_eq!(short, (Some(-5_000), Some(20_000), Some(15_000)));

        let endless = marked(facts(None, 0));
        assert_eq!(endless, (Some(-5_000), Some(60_000), Some(55_000)));
    }

    #[test]
    fn a_stale_entry_keeps_its_end() {
        let marked = marked(facts(Some(4_000), 20_000));
        assert_eq!(marked, (Some(-11_000), Some(0), Some(9_000)));
    }

    #[test]
    fn a_second_purge_changes_nothing() {
        let mut entry = facts(Some(300_000), 0);
        entry.mark_stale(SoftPurge {
            at: 101_000,
            grace: SoftGrace::default(),
        });

        let decided = marking(Some(110_000)).decide(Some(51_000), Some(entry), 115_000);

        assert_eq!(decided, Marked::Before);
    }

    #[test]
    fn an_entry_that_was_loaded_after_the_purge_is_spared() {
        let decide = |fence| marking(fence).decide(Some(9), Some(facts(Some(9), 0)), 100_001);

        assert_eq!(decide(Some(99_000)), Marked::Spared);
        assert!(matches!(decide(None), Marked::Now(..)));
    }

    #[test]
    fn a_foreign_value_lives_no_longer_than_the_soft_grace() {
        let decide = |left| marking(None).decide(left, None, 0);

        assert_eq!(decide(None), Marked::Now(Some(60_000), None));
        assert_eq!(decide(Some(60_001)), Marked::Now(Some(60_000), None));
        assert_eq!(decide(Some(60_000)), Marked::Before);
    }
}
