//! Clocks that measure the progress of clients.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A clock that advances with the bytes transferred and never passes the present. Its lag is the
/// time for which the rate was too low.
#[derive(Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// Sets the clock to the present.
    pub fn restart(&self) {
        self.0.store(now(), Relaxed);
    }

    /// Returns the time of the clock, an instant of [`now`].
    pub fn time(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Advances the clock for `bytes` at the rate of `per_duration` bytes in `duration`.
    pub fn advance(&self, bytes: u64, per_duration: u64, duration: Duration) {
        let now = now();
        let duration = duration.as_micros() as u64;
        let micros = bytes.saturating_mul(duration) / per_duration.max(1);
        // The closure always returns a value, so the update cannot fail.
        let _ = self.0.fetch_update(Relaxed, Relaxed, |time| {
            Some(time.saturating_add(micros).min(now))
        });
    }
}

/// Returns the microseconds since the first call, starting at 1; 0 stands for never.
pub fn now() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_micros() as u64 + 1
}

/// Returns the time since an instant of [`now`].
pub fn since(instant: u64) -> Duration {
    Duration::from_micros(now().saturating_sub(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A clock at the first instant, at least 20 ms later.
    fn lagging_pace() -> Pace {
        let pace = Pace::default();
        pace.0.store(1, Relaxed);
        while now() < 20_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        pace
    }

    #[test]
    fn a_pace_advances_by_the_time_its_bytes_take() {
        let pace = lagging_pace();
        pace.advance(10, 1024, SECOND);
        assert_eq!(pace.time(), 1 + 9_765, "10 bytes at 1,024 a second");
    }

    #[test]
    fn a_pace_never_passes_the_present() {
        let pace = lagging_pace();
        pace.advance(u64::MAX, 1024, SECOND);
        assert!(pace.time() <= now());
    }

    #[test]
    fn a_rate_of_zero_does_not_panic() {
        let pace = lagging_pace();
        pace.advance(0, 0, SECOND);
        assert_eq!(pace.time(), 1);
    }
}
