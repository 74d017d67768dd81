//! The change that each key gets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::keyspace::trailer::Facts;
use crate::keyspace::ttl::MAX_TTL;
use crate::units::milliseconds;

/// A change of when keys expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExpiryChange {
    /// All keys get this TTL.
    Set(Duration),
    /// No key expires.
    Persist,
    /// Keys with a longer TTL, or without one, get this TTL.
    ShortenTo(Duration),
    /// Keys with a shorter TTL get this TTL.
    LengthenTo(Duration),
    /// Keys without an expiry get this TTL.
    OnlyWithoutTtl(Duration),
}

/// A change with its jitter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExpiryRule {
    /// The change.
    pub change: ExpiryChange,
    /// The jitter, as a share of the TTL: keys expire up to that much earlier, or later for
    /// [`ExpiryChange::LengthenTo`].
    pub jitter: f64,
}

/// The new expiry of a key: milliseconds, `None` for none.
pub(super) type NewExpiry = Option<u64>;

impl ExpiryRule {
    /// Returns the new expiry of a key that has so many milliseconds left (`None`: no expiry);
    /// `None` if it stays as it is. `random` is uniform in 0..1.
    pub(super) fn apply(&self, left: Option<u64>, random: f64) -> Option<NewExpiry> {
        let is_longer = |ttl| left.is_none_or(|left| left > milliseconds(ttl));
        let is_shorter = |ttl| left.is_some_and(|left| left < milliseconds(ttl));

        match self.change {
            ExpiryChange::Set(ttl) => Some(Some(self.earlier(ttl, random))),
            ExpiryChange::Persist => left.map(|_| None),
            ExpiryChange::ShortenTo(ttl) => is_longer(ttl).then(|| Some(self.earlier(ttl, random))),
            ExpiryChange::LengthenTo(ttl) => is_shorter(ttl).then(|| Some(self.later(ttl, random))),
            ExpiryChange::OnlyWithoutTtl(ttl) => {
                left.is_none().then(|| Some(self.earlier(ttl, random)))
            }
        }
    }

    fn earlier(&self, ttl: Duration, random: f64) -> u64 {
        milliseconds(ttl.mul_f64(1.0 - self.jitter * random)).max(1)
    }

    fn later(&self, ttl: Duration, random: f64) -> u64 {
        milliseconds(ttl.mul_f64(1.0 + self.jitter * random).min(MAX_TTL))
    }

    /// The first argument of `scripts/keys/change_lives.lua`.
    pub(super) fn needed_by(&self) -> &'static str {
        match self.change {
            ExpiryChange::Set(_) | ExpiryChange::Persist => "any",
            ExpiryChange::ShortenTo(_) => "longer",
            ExpiryChange::LengthenTo(_) => "shorter",
            ExpiryChange::OnlyWithoutTtl(_) => "endless",
        }
    }

    /// Changes the facts of an entry that gets this expiry. A stale entry stays stale. A shortened
    /// one is fresh for no longer than before; any other is fresh until it expires.
    pub(super) fn change_facts(&self, facts: &mut Facts, expiry: NewExpiry, now: u64) {
        let age = now.saturating_sub(facts.stored_at);
        let left = facts.fresh_left(now);
        let life = expiry.unwrap_or(milliseconds(MAX_TTL));

        if left.is_some_and(|left| left <= 0) {
            let stale_for = age.saturating_sub(facts.fresh_for.unwrap_or(age));
            facts.grace = life.saturating_add(stale_for);
            return;
        }
        let fresh_for = match (self.change, left) {
            (ExpiryChange::ShortenTo(_), Some(left)) => Some(life.min(left.cast_unsigned())),
            _ => expiry,
        };
        facts.grace = fresh_for.map_or(0, |fresh_for| life - fresh_for);
        facts.fresh_for = fresh_for.map(|fresh_for| fresh_for.saturating_add(age));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn rule(change: ExpiryChange) -> ExpiryRule {
        ExpiryRule {
            change,
            jitter: 0.0,
        }
    }

    fn facts(fresh_for: Option<u64>, grace: u64) -> Facts {
        Facts {
            stored_at: 1_000_000,
            fresh_for,
            grace,
            ..Facts::default()
        }
    }

    /// For how many milliseconds an entry is fresh that is 1,000 ms old, and its grace, after a
    /// change.
    fn changed(change: ExpiryChange, mut facts: Facts, expiry: NewExpiry) -> (Option<i64>, u64) {
        rule(change).change_facts(&mut facts, expiry, 1_001_000);
        (facts.fresh_left(1_001_000), facts.grace)
    }

    #[test]
    fn each_change_takes_the_keys_that_need_it() {
        let cases = [
            (
                ExpiryChange::Set(HOUR),
                [
                    Some(Some(3_600_000)),
                    Some(Some(3_600_000)),
                    Some(Some(3_600_000)),
                ],
            ),
            (ExpiryChange::Persist, [None, Some(None), Some(None)]),
            (
                ExpiryChange::ShortenTo(HOUR),
                [Some(Some(3_600_000)), None, Some(Some(3_600_000))],
            ),
            (
                ExpiryChange::LengthenTo(HOUR),
                [None, Some(Some(3_600_000)), None],
            ),
            (
                ExpiryChange::OnlyWithoutTtl(HOUR),
                [Some(Some(3_600_000)), None, None],
            ),
        ];

        for (change, expected) in cases {
            let lives = [None, Some(5), Some(9_000_000)];
            assert_eq!(
                lives.map(|left| rule(change).apply(left, 0.5)),
                expected,
                "{change:?}"
            );
        }
    }

    #[test]
    fn jitter_never_exceeds_a_limit_and_never_misses_a_goal() {
        let spread = |change, left| {
            let rule = ExpiryRule {
                change,
                jitter: 0.2,
            };
            [0.0, 0.5, 1.0].map(|random| rule.apply(left, random).unwrap().unwrap())
        };

        let shortened = spread(ExpiryChange::ShortenTo(HOUR), None);
        let lengthened = spread(ExpiryChange::LengthenTo(HOUR), Some(1));

        assert_eq!(shortened, [3_600_000, 3_240_000, 2_880_000]);
        assert_eq!(lengthened, [3_600_000, 3_960_000, 4_320_000]);
    }

    #[test]
    fn an_entry_is_fresh_until_it_expires() {
        for change in [
            ExpiryChange::Set(HOUR),
            ExpiryChange::LengthenTo(HOUR),
            ExpiryChange::OnlyWithoutTtl(HOUR),
        ] {
            let changed = changed(change, facts(Some(60_000), 5_000), Some(3_600_000));
            assert_eq!(changed, (Some(3_600_000), 0), "{change:?}");
        }
        let persisted = changed(ExpiryChange::Persist, facts(Some(60_000), 5_000), None);
        assert_eq!(persisted, (None, 0));
    }

    #[test]
    fn a_shortened_entry_is_fresh_no_longer_than_before() {
        let shorten = |facts, expiry| changed(ExpiryChange::ShortenTo(HOUR), facts, Some(expiry));

        assert_eq!(
            shorten(facts(Some(11_000), 90_000), 30_000),
            (Some(10_000), 20_000)
        );
        assert_eq!(
            shorten(facts(Some(61_000), 90_000), 30_000),
            (Some(30_000), 0)
        );
        assert_eq!(shorten(facts(None, 0), 30_000), (Some(30_000), 0));
    }

    #[test]
    fn a_stale_entry_stays_stale() {
        for (change, expiry) in [
            (ExpiryChange::Set(HOUR), Some(3_600_000)),
            (ExpiryChange::LengthenTo(HOUR), Some(3_600_000)),
            (ExpiryChange::Persist, None),
        ] {
            let (fresh_left, grace) = changed(change, facts(Some(400), 9_000), expiry);

            assert_eq!(fresh_left, Some(-600), "{change:?}");
            let expected = expiry.unwrap_or(milliseconds(MAX_TTL)) + 600;
            assert_eq!(grace, expected, "{change:?}");
        }
    }
}
