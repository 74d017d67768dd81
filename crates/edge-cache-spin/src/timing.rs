//! What a call asked of Redis, told in its `server-timing` header: commands, round trips, and milliseconds of waiting.

use std::cell::Cell;
use std::time::{Duration, Instant};

use edge_cache::{Command, Outcome, Redis, RedisError, Reply, Runtime};

/// What one call asked of Redis so far. Commands that overlap share a round trip, and the time they take.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    commands: Cell<u32>,
    trips: Cell<u32>,
    under_way: Cell<u32>,
    since: Cell<Option<Instant>>,
    waited: Cell<Duration>,
}

impl Timing {
    /// The same Redis, with its commands noted here.
    pub(crate) fn of<R>(&self, redis: R) -> Timed<'_, R> {
        Timed { redis, timing: self }
    }

    /// The header's value; none where Redis was not asked.
    pub(crate) fn header(&self) -> Option<String> {
        let (commands, trips, waited) = (self.commands.get(), self.trips.get(), self.waited.get());
        let plural = |count: u32| if count == 1 { "" } else { "s" };
        (commands > 0).then(|| {
            format!(
                "redis;desc=\"{commands} command{}, {trips} round trip{}\";dur={:.3}",
                plural(commands),
                plural(trips),
                waited.as_secs_f64() * 1e3
            )
        })
    }

    fn begin(&self) -> UnderWay<'_> {
        self.commands.set(self.commands.get() + 1);
        if self.under_way.replace(self.under_way.get() + 1) == 0 {
            self.trips.set(self.trips.get() + 1);
            self.since.set(Some(Instant::now()));
        }
        UnderWay(self)
    }
}

/// A command that was sent; over when dropped, its answer come or given up on.
struct UnderWay<'a>(&'a Timing);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.0.under_way.replace(self.0.under_way.get() - 1) == 1 {
            let took = self.0.since.take().map_or(Duration::ZERO, |since| since.elapsed());
            self.0.waited.set(self.0.waited.get() + took);
        }
    }
}

/// A Redis whose commands are noted.
pub(crate) struct Timed<'a, R> {
    redis: R,
    timing: &'a Timing,
}

impl<R: Redis> Redis for Timed<'_, R> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let _under_way = self.timing.begin();
        self.redis.execute(command).await
    }

    async fn measured(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        let _under_way = self.timing.begin();
        self.redis.measured(command).await
    }
}

impl<R: Runtime> Runtime for Timed<'_, R> {
    async fn sleep(&self, duration: Duration) {
        self.redis.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.redis.random()
    }

    fn looked_up(&self, key: &str, outcome: Outcome) {
        self.redis.looked_up(key, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(timing: &Timing) -> String {
        let header = timing.header().unwrap();
        header.split(';').nth(1).unwrap().to_owned()
    }

    #[test]
    fn commands_that_overlap_share_a_round_trip() {
        let timing = Timing::default();
        assert_eq!(timing.header(), None);
        let first = timing.begin();
        let second = timing.begin();
        drop(first);
        drop(second);
        assert_eq!(told(&timing), "desc=\"2 commands, 1 round trip\"");
    }

    #[test]
    fn one_after_the_other_each_is_a_round_trip() {
        let timing = Timing::default();
        drop(timing.begin());
        assert_eq!(told(&timing), "desc=\"1 command, 1 round trip\"");
        drop(timing.begin());
        assert_eq!(told(&timing), "desc=\"2 commands, 2 round trips\"");
    }
}
