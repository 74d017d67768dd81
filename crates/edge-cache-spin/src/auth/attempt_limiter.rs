//! Limits attempts without a valid token, in the instance and before Redis is asked.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use edge_cache_admin::admin::audit::MAX_DENIED_PER_MINUTE;

/// Duration over which attempts are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Networks counted at once, about 1 MB.
const MAX_NETWORKS: usize = 10_000;

/// Attempts without a valid token, by the client's network.
///
/// A client past the limit is blocked here. Redis is asked about the others only, and counts them
/// for all instances. So a flood of attempts costs Redis 20 commands a minute for each client and
/// instance, and is blocked while Redis is unavailable.
#[derive(Debug, Default)]
pub struct AttemptLimiter {
    networks: HashMap<String, Attempts>,
    /// Attempts blocked here since Redis was last asked.
    uncounted: u64,
}

/// Attempts of one network in its current window.
#[derive(Debug)]
struct Attempts {
    count: u64,
    window_ends: Instant,
    is_blocked: bool,
}

impl AttemptLimiter {
    /// Counts an attempt. Returns how long the client has to wait if it has had too many.
    pub fn count(&mut self, network: &str, now: Instant) -> Option<Duration> {
        self.make_room(now);
        let attempts = self
            .networks
            .entry(network.to_owned())
            .or_insert_with(|| Attempts::new(now));
        if attempts.window_ends <= now {
            *attempts = Attempts::new(now);
        }

        attempts.count += 1;
        if !attempts.is_blocked && attempts.count <= MAX_DENIED_PER_MINUTE {
            return None;
        }
        self.uncounted += 1;
        Some(attempts.window_ends - now)
    }

    /// Blocks a client for `wait`, because it has had too many attempts at all instances together.
    pub fn block(&mut self, network: &str, wait: Duration, now: Instant) {
        if let Some(attempts) = self.networks.get_mut(network) {
            attempts.is_blocked = true;
            attempts.window_ends = now + wait.min(WINDOW);
        }
    }

    /// Takes the number of attempts blocked here that Redis has not counted yet.
    pub fn take_uncounted(&mut self) -> u64 {
        std::mem::take(&mut self.uncounted)
    }

    /// Bounds memory when clients come from ever new networks. A network that is dropped is checked
    /// in Redis again.
    fn make_room(&mut self, now: Instant) {
        if self.networks.len() < MAX_NETWORKS {
            return;
        }

        self.networks
            .retain(|_, attempts| attempts.window_ends > now);
        if self.networks.len() >= MAX_NETWORKS {
            self.networks.clear();
        }
    }
}

impl Attempts {
    fn new(now: Instant) -> Self {
        Self {
            count: 0,
            window_ends: now + WINDOW,
            is_blocked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A limiter that has counted as many attempts of network `a` as are allowed.
    fn limiter_at_the_limit(now: Instant) -> AttemptLimiter {
        let mut limiter = AttemptLimiter::default();
        for _ in 0..MAX_DENIED_PER_MINUTE {
            assert_eq!(limiter.count("a", now), None);
        }
        limiter
    }

    #[test]
    fn a_client_past_the_limit_is_blocked_until_its_window_ends() {
        let start = Instant::now();
        let mut limiter = limiter_at_the_limit(start);

        assert_eq!(limiter.count("a", start + 20 * SECOND), Some(40 * SECOND));
        assert_eq!(limiter.count("a", start + WINDOW), None);
    }

    #[test]
    fn each_network_has_its_own_count() {
        let start = Instant::now();
        let mut limiter = limiter_at_the_limit(start);

        assert_eq!(limiter.count("b", start), None);
    }

    #[test]
    fn attempts_that_were_blocked_are_handed_over_once() {
        let start = Instant::now();
        let mut limiter = limiter_at_the_limit(start);
        limiter.count("a", start);

        assert_eq!(limiter.take_uncounted(), 1);
        assert_eq!(limiter.take_uncounted(), 0);
    }

    #[test]
    fn a_client_with_too_many_attempts_elsewhere_is_blocked_here() {
        let now = Instant::now();
        let mut limiter = AttemptLimiter::default();
        limiter.count("a", now);

        limiter.block("a", 7 * SECOND, now);

        assert_eq!(limiter.count("a", now + 2 * SECOND), Some(5 * SECOND));
        assert_eq!(limiter.count("a", now + 7 * SECOND), None);
    }

    #[test]
    fn ever_new_networks_do_not_increase_memory() {
        let now = Instant::now();
        let mut limiter = AttemptLimiter::default();

        for number in 0..3 * MAX_NETWORKS {
            assert_eq!(limiter.count(&number.to_string(), now), None);
        }

        assert!(limiter.networks.len() <= MAX_NETWORKS);
    }
}
