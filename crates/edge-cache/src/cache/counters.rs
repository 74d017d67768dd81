//! How look-ups ended, by module (the key's first segment), gathered here and added to Redis a few dozen at a time.
//!
//! What an instance has not handed over when it ends is lost: at most 31 look-ups.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::cache::Outcome;
use crate::error::RedisError;
use crate::key::LOOKUPS;
use crate::redis::{Arg, Redis};
use crate::script::COUNT;

/// Look-ups gathered before they are handed over.
const BATCH: u64 = 32;
/// The most modules counted by name; the rest are `overflow`.
const MODULES: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Counters(RefCell<BTreeMap<String, u64>>);

impl Counters {
    pub(super) fn add(&self, key: &str, outcome: Outcome) {
        let module = key.split(':').next().filter(|module| module.len() <= 64).unwrap_or("overflow");
        let mut counts = self.0.borrow_mut();
        *counts.entry(format!("{module}:{}", outcome.name())).or_default() += 1;
    }

    /// Hands over what was gathered, when it is enough. At most one round trip.
    pub(super) async fn hand_over<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let counts = {
            let mut counts = self.0.borrow_mut();
            if counts.values().sum::<u64>() < BATCH {
                return Ok(());
            }
            std::mem::take(&mut *counts)
        };
        let pairs = counts.into_iter().flat_map(|(field, count)| [Arg::from(field), count.into()]);
        COUNT.run(redis, [LOOKUPS.into()], [MODULES.into()].into_iter().chain(pairs)).await.map(drop)
    }
}
