//! One caller's wait for another caller's load.

use std::time::{Duration, Instant};

use super::handle::Cache;
use super::observer::Observer;
use super::options::Options;
use crate::redis::{HostRuntime, Redis};

/// A waiter's first pause between two lookups; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// A waiter's longest pause, unless its lookups are slow.
const MAX_PAUSE: Duration = Duration::from_millis(50);
/// A waiter pauses for at least this multiple of its last lookup, so that waiters do not starve the
/// load.
const PAUSE_PER_LOOKUP: u32 = 4;
/// After so many times its `lock_wait` a caller loads, whoever else does.
const MAX_LOCK_WAITS: u32 = 4;

/// One caller's wait for another caller's load.
pub(super) struct Wait {
    pub(super) started: Instant,
    pause: Duration,
    /// The waiter's number: empty before Redis gave it one, `None` before it waits.
    pub(super) number: Option<Vec<u8>>,
    /// How long the last lookup took.
    pub(super) lookup_took: Duration,
    /// True once an entry written a moment ago was read again.
    has_reread: bool,
    /// When another waiter's extra load no longer excludes one of this caller.
    next_turn: Option<Instant>,
}

impl Wait {
    pub(super) fn begin() -> Self {
        Self {
            started: Instant::now(),
            pause: FIRST_PAUSE,
            number: None,
            lookup_took: Duration::ZERO,
            has_reread: false,
            next_turn: None,
        }
    }

    /// Returns true once: an entry that was just written is read again at once. If that does not
    /// help, the caller waits as for another caller's load.
    pub(super) fn may_reread(&mut self) -> bool {
        !std::mem::replace(&mut self.has_reread, true)
    }

    pub(super) fn is_over(&self, options: &Options<'_>) -> bool {
        self.started.elapsed() >= options.lock_wait
    }

    /// Returns whether the caller has waited for so long that it loads in any case.
    pub(super) fn is_exhausted(&self, options: &Options<'_>) -> bool {
        self.started.elapsed() >= options.lock_wait * MAX_LOCK_WAITS
    }

    /// Returns whether it may be this caller's turn to begin an extra load.
    pub(super) fn may_ask_for_turn(&self) -> bool {
        self.next_turn.is_none_or(|next| Instant::now() >= next)
    }

    /// Records for how long another waiter has that turn.
    pub(super) fn ask_for_turn_after(&mut self, left: Duration) {
        self.next_turn = Instant::now().checked_add(left);
    }

    /// Returns the next pause.
    fn next_pause(&mut self, options: &Options<'_>) -> Duration {
        let pause = self.pause.max(self.lookup_took * PAUSE_PER_LOOKUP);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        pause.min(options.lock_wait)
    }
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Pauses between two lookups of a waiter.
    pub(super) async fn pause(&self, wait: &mut Wait, options: &Options<'_>) {
        let pause = wait.next_pause(options);
        self.inner
            .redis
            .sleep(pause.mul_f64(0.5 + self.uniform()))
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_pauses_longer_each_time_and_at_least_four_lookups_long() {
        let options = Options::default();
        let mut wait = Wait::begin();
        let mut next = |took| {
            wait.lookup_took = Duration::from_millis(took);
            wait.next_pause(&options)
        };

        assert_eq!(next(0), Duration::from_millis(2));
        assert_eq!(next(0), Duration::from_millis(4));
        assert_eq!(next(10), Duration::from_millis(40));
        for _ in 0..10 {
            next(0);
        }
        assert_eq!(next(0), MAX_PAUSE);
        assert_eq!(next(10_000), options.lock_wait);
    }
}
