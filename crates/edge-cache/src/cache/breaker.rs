//! A circuit breaker: while Redis is away, calls do not each pay the time limit to find that out.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Failures in a row that open the circuit.
const FAILURES: u32 = 3;
/// How long it stays open; then one failure more opens it again, one success closes it.
const OPEN: Duration = Duration::from_secs(5);

/// What this instance has lately seen of Redis. Only speed depends on it, never correctness.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: Cell<u32>,
    open_until: Cell<Option<Instant>>,
}

impl Breaker {
    /// Whether Redis is not to be asked now.
    pub(super) fn is_open(&self) -> bool {
        self.open_until.get().is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn succeeded(&self) {
        self.failures.set(0);
        self.open_until.set(None);
    }

    /// Notes a failure; whether the circuit, closed until now, opened.
    pub(super) fn failed(&self) -> bool {
        self.failures.set(self.failures.get().saturating_add(1));
        if self.failures.get() >= FAILURES {
            self.open_until.set(Some(Instant::now() + OPEN));
        }
        self.failures.get() == FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_a_success_closes_it() {
        let breaker = Breaker::default();
        breaker.failed();
        breaker.failed();
        breaker.succeeded();
        breaker.failed();
        breaker.failed();
        assert!(!breaker.is_open());
        breaker.failed();
        assert!(breaker.is_open());
        breaker.succeeded();
        assert!(!breaker.is_open());
    }
}
