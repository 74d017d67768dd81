//! Seeded pseudo-random numbers.
//!
//! The generator is written here because the catalogue must have the same bytes for ever, and crates
//! change their generators between releases.

use crate::error::Error;

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, fast and good enough for sample data.
pub struct Random {
    state: u64,
}

impl Random {
    /// The generator of a table. Each table has its own, so that a change to one does not change the
    /// others.
    pub fn for_table(seed: u64, table: &str) -> Self {
        let hash = table
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a
            });
        let mut random = Self { state: seed ^ hash };
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(bound) * (self.next() >> 32)) >> 32) as u32
    }

    /// A number from `low` to `high`, both included; `low` when `high` is smaller.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True with a probability of `percent`.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of the items, all equally likely; the error for an empty list names `what`.
    pub fn pick<'a, T>(&mut self, items: &'a [T], what: &'static str) -> Result<&'a T, Error> {
        let index = self.below(u32::try_from(items.len()).unwrap_or(u32::MAX));
        items.get(index as usize).ok_or(Error::Nothing { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_that_of_the_published_generator() {
        assert_eq!(Random { state: 0 }.next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn numbers_reach_both_bounds_and_do_not_exceed_them() {
        let mut random = Random::for_table(1, "test");

        let drawn: Vec<_> = (0..1000).map(|_| random.between(3, 7)).collect();

        assert_eq!(drawn.iter().min(), Some(&3));
        assert_eq!(drawn.iter().max(), Some(&7));
    }

    #[test]
    fn empty_ranges_give_their_lower_bound() {
        let mut random = Random::for_table(1, "test");

        assert_eq!(random.below(0), 0);
        assert_eq!(random.between(9, 2), 9);
    }

    #[test]
    fn each_table_has_its_own_stream() {
        assert_ne!(
            Random::for_table(1, "users").next(),
            Random::for_table(1, "products").next()
        );
    }

    #[test]
    fn picking_from_an_empty_list_is_an_error_that_names_the_items() {
        let error = Random::for_table(1, "test")
            .pick::<u8>(&[], "engine")
            .unwrap_err();
        assert_eq!(error.to_string(), "there is no engine to choose from");
    }
}
