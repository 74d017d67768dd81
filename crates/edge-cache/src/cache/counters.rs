//! How look-ups ended, by module (the key's first segment), gathered here and added to Redis a few dozen at a time, at the
//! latest with the first look-up after a second.
//!
//! What an instance has not handed over when it ends is lost: at most 31 look-ups of its last second, no load.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cache::Outcome;
use crate::error::RedisError;
use crate::format::microseconds;
use crate::key::LOOKUPS;
use crate::redis::{Arg, Redis};
use crate::script::COUNT;

/// Look-ups gathered before they are handed over.
const BATCH: u64 = 32;
/// How long what was gathered is kept where look-ups are few. Hosts end an instance that was idle for a second.
const KEPT: Duration = Duration::from_secs(1);
/// The most modules counted by name; the rest are `overflow`.
const MODULES: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Counters {
    /// By `module:what`.
    counts: RefCell<BTreeMap<String, u64>>,
    gathered: Cell<u64>,
    /// When look-ups were last due.
    due: Cell<Option<Instant>>,
}

impl Counters {
    /// A look-up ended.
    pub(super) fn add(&self, key: &str, outcome: Outcome) {
        self.note(key, outcome.name(), 1);
        self.gathered.set(self.gathered.get() + 1);
    }

    /// A load ended.
    pub(super) fn loaded(&self, key: &str, took: Duration, is_ok: bool) {
        self.note(key, "loads", 1);
        self.note(key, "load_us", microseconds(took));
        self.note(key, "load_errors", u64::from(!is_ok));
    }

    /// The circuit breaker opened.
    pub(super) fn opened(&self) {
        self.note("", "circuit_opened", 1);
    }

    fn note(&self, key: &str, what: &str, count: u64) {
        let module = key.split(':').next().filter(|module| module.len() <= 64).unwrap_or("overflow");
        if count > 0 {
            *self.counts.borrow_mut().entry(format!("{module}:{what}")).or_default() += count;
        }
    }

    /// Whether enough was gathered to be handed over.
    pub(super) fn are_many(&self) -> bool {
        self.gathered.get() >= BATCH
    }

    /// Whether look-ups have waited long enough to be handed over; asked once a look-up.
    pub(super) fn are_due(&self) -> bool {
        let is_due = self.due.get().is_none_or(|last| last.elapsed() >= KEPT);
        if is_due {
            self.due.set(Some(Instant::now()));
        }
        is_due
    }

    /// Hands over what was gathered. At most one round trip.
    pub(super) async fn hand_over<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let counts = self.counts.take();
        if counts.is_empty() {
            return Ok(());
        }
        self.gathered.set(0);
        let pairs = counts.into_iter().flat_map(|(field, count)| [Arg::from(field), count.into()]);
        COUNT.run(redis, [LOOKUPS.into()], [MODULES.into()].into_iter().chain(pairs)).await.map(drop)
    }
}
