//! Random numbers for samples, such as one hit in 32. They need not be secret, so the host, which is a
//! call away from a component, is asked for one of them only.

use std::sync::atomic::{AtomicU64, Ordering};

/// The odd number that the state grows by, near the golden ratio of 2^64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea and Flood 2014).
#[derive(Debug, Default)]
pub(super) struct Sampler {
    /// 0 before the first number.
    state: AtomicU64,
}

impl Sampler {
    /// Returns the next number; `seed` is a random one.
    pub(super) fn next(&self, seed: impl FnOnce() -> u64) -> u64 {
        if self.state.load(Ordering::Relaxed) == 0 {
            self.state.store(seed() | 1, Ordering::Relaxed);
        }
        mix(self.state.fetch_add(STEP, Ordering::Relaxed))
    }
}

fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_asked_for_once() {
        let sampler = Sampler::default();

        let first = sampler.next(|| 7);

        assert_ne!(sampler.next(|| unreachable!()), first);
    }

    #[test]
    fn one_number_in_32_is_a_multiple_of_32() {
        let sampler = Sampler::default();
        let numbers = (0..32_000).map(|_| sampler.next(|| 1));

        let chosen = numbers.filter(|number| number.is_multiple_of(32)).count();

        assert!((900..1100).contains(&chosen), "{chosen}");
    }
}
