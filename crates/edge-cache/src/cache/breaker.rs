//! A circuit breaker: while Redis is unavailable, callers do not each wait for the time limit.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Consecutive failures that open the circuit.
const FAILURES_TO_OPEN: u32 = 3;
/// How long the circuit stays open. Afterwards one more failure opens it again, one success closes
/// it.
const OPEN_FOR: Duration = Duration::from_secs(5);

/// This instance's recent experience with Redis. Only speed depends on it, never correctness.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: Cell<u32>,
    open_until: Cell<Option<Instant>>,
}

impl Breaker {
    /// Returns whether Redis is skipped at present.
    pub(super) fn is_open(&self) -> bool {
        self.open_until
            .get()
            .is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn record_success(&self) {
        self.failures.set(0);
        self.open_until.set(None);
    }

    /// Records a failure; true if it opened the circuit for the first time since a success.
    pub(super) fn record_failure(&self) -> bool {
        let failures = self.failures.get().saturating_add(1);
        self.failures.set(failures);
        if failures >= FAILURES_TO_OPEN {
            self.open_until.set(Some(Instant::now() + OPEN_FOR));
        }
        failures == FAILURES_TO_OPEN
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
