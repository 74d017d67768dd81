//! Lookups of services, as a row has them for each module and for all together.

use serde::{Deserialize, Serialize};

/// Lookups that the library counted, or their increase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lookups {
    pub(super) hits: u64,
    pub(super) near: u64,
    pub(super) stale: u64,
    pub(super) misses: u64,
    pub(super) bypasses: u64,
    pub(super) loads: u64,
    pub(super) load_us: u64,
    pub(super) load_errors: u64,
}

impl Lookups {
    /// All lookups.
    pub(super) fn all(&self) -> u64 {
        [self.hits, self.near, self.stale, self.misses, self.bypasses]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (own, other) in self.fields().into_iter().zip(other.values()) {
            *own = own.saturating_add(other);
        }
    }

    /// The increase since `before`. Counters of which one is lower than before have begun at zero since.
    pub(super) fn since(&self, before: &Self) -> Self {
        let before = before.values();
        let is_reset = self
            .values()
            .iter()
            .zip(before)
            .any(|(now, before)| *now < before);
        if is_reset {
            return *self;
        }
        let mut increase = *self;
        for (own, before) in increase.fields().into_iter().zip(before) {
            *own -= before;
        }
        increase
    }

    /// The counter of a kind, by the name that the library gives it.
    pub(super) fn counter(&mut self, kind: &str) -> Option<&mut u64> {
        Some(match kind {
            "hit" => &mut self.hits,
            "near" => &mut self.near,
            "stale" => &mut self.stale,
            "miss" => &mut self.misses,
            "bypass" => &mut self.bypasses,
            "loads" => &mut self.loads,
            "load_us" => &mut self.load_us,
            "load_errors" => &mut self.load_errors,
            _ => return None,
        })
    }

    /// Lookups of which each counter is this number.
    #[cfg(test)]
    pub(super) fn of(number: u64) -> Self {
        let mut lookups = Self::default();
        lookups
            .fields()
            .into_iter()
            .for_each(|field| *field = number);
        lookups
    }

    fn fields(&mut self) -> [&mut u64; 8] {
        [
            &mut self.hits,
            &mut self.near,
            &mut self.stale,
            &mut self.misses,
            &mut self.bypasses,
            &mut self.loads,
            &mut self.load_us,
            &mut self.load_errors,
        ]
    }

    fn values(mut self) -> [u64; 8] {
        self.fields().map(|field| *field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_that_were_reset_count_from_zero() {
        let lookups = Lookups::of;
        assert_eq!(lookups(7).since(&lookups(5)), lookups(2));
        assert_eq!(lookups(3).since(&lookups(5)), lookups(3));
    }
}
