//! The time at which all readers know an invalidation.

use std::time::{Duration, Instant, SystemTime};

use crate::error::RedisError;
use crate::redis::{HostRuntime, Replies};

/// When all readers know an invalidation.
#[derive(Debug, Clone, Copy)]
pub struct InForce {
    acknowledged: Instant,
    after: Duration,
}

impl InForce {
    /// Reads it from a reply that has just arrived: 0 while nobody keeps near copies.
    ///
    /// # Errors
    /// Those of [`Replies::count`].
    pub fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        Ok(Self {
            acknowledged: Instant::now(),
            after: Duration::from_millis(replies.count()?),
        })
    }

    /// Lets readers know it no earlier than this after it was acknowledged.
    pub(super) fn lengthen(&mut self, after: Duration) {
        self.after = self.after.max(after);
    }

    /// The time from which no reader is served an entry from before the invalidation, or now if that
    /// has come: for an invalidation that has ended. Readers ask for new fences once in `interval`.
    pub fn at(self, interval: Duration) -> SystemTime {
        let after = self.after.max(interval);
        SystemTime::now() - self.acknowledged.elapsed().saturating_sub(after)
    }

    /// The time from which no reader is served an entry from before the invalidation, although its
    /// removal has not ended. Readers ask for new fences once in `interval`.
    pub fn expected_at(self, interval: Duration) -> SystemTime {
        let after = self.after.max(interval);
        SystemTime::now() + after.saturating_sub(self.acknowledged.elapsed())
    }

    /// Waits until near caches know it.
    pub async fn wait<R: HostRuntime>(self, runtime: &R) {
        let left = self.after.saturating_sub(self.acknowledged.elapsed());
        if !left.is_zero() {
            runtime.sleep(left).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalidation_is_in_force_one_interval_after_its_fence() {
        let acknowledged = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let fence = |after| InForce {
            acknowledged,
            after: Duration::from_millis(after),
        };
        let before = |at: SystemTime| at.elapsed().unwrap();

        let interval = Duration::from_secs(10);
        let at = before(fence(0).at(interval));
        assert!((49..=51).contains(&at.as_secs()), "{at:?}");

        let at = before(fence(20_000).at(interval));
        assert!((39..=41).contains(&at.as_secs()), "{at:?}");
    }

    #[test]
    fn an_invalidation_that_has_ended_is_in_force_now_at_the_latest() {
        let fence = InForce {
            acknowledged: Instant::now(),
            after: Duration::ZERO,
        };

        assert!(fence.at(Duration::from_secs(10)) <= SystemTime::now());
    }
}
