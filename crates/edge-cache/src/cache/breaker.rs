//! A circuit breaker: while Redis is unavailable, callers do not each wait for the time limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::guarded::Guarded;

/// Consecutive failures that open the circuit.
const FAILURES_TO_OPEN: u32 = 3;
/// How long the circuit stays open. Afterwards one more failure opens it again, one success closes
/// it.
const OPEN_FOR: Duration = Duration::from_secs(5);

/// This instance's recent experience with Redis. Only speed depends on it, never correctness.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    experience: Guarded<Experience>,
    /// There is a failure since the last success. Each lookup reads this first.
    has_failed: AtomicBool,
}

#[derive(Debug, Default, Clone, Copy)]
struct Experience {
    /// Failures since the last success.
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Returns whether Redis is skipped at present.
    pub(super) fn is_open(&self) -> bool {
        let has_failed = self.has_failed.load(Ordering::Acquire);
        let open_until = || self.experience.get().open_until;
        has_failed && open_until().is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn record_success(&self) {
        if self.has_failed.load(Ordering::Acquire) {
            let mut experience = self.experience.lock();
            *experience = Experience::default();
            self.has_failed.store(false, Ordering::Release);
        }
    }

    /// Records a failure; true if it opened the circuit for the first time since a success.
    pub(super) fn record_failure(&self) -> bool {
        let mut experience = self.experience.lock();
        self.has_failed.store(true, Ordering::Release);
        experience.failures = experience.failures.saturating_add(1);
        if experience.failures >= FAILURES_TO_OPEN {
            experience.open_until = Some(Instant::now() + OPEN_FOR);
        }
        experience.failures == FAILURES_TO_OPEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_consecutive_failures_open_the_circuit() {
        let breaker = Breaker::default();

        assert!(!breaker.record_failure());
        assert!(!breaker.record_failure());
        assert!(!breaker.is_open());
        assert!(breaker.record_failure());

        assert!(breaker.is_open());
    }

    #[test]
    fn a_success_closes_the_circuit_and_resets_the_count() {
        let breaker = Breaker::default();
        breaker.record_failure();
        breaker.record_failure();

        breaker.record_success();
        breaker.record_failure();
        breaker.record_failure();
        assert!(!breaker.is_open());

        breaker.record_failure();
        breaker.record_success();
        assert!(!breaker.is_open());
    }
}
