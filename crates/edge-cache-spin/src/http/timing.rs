//! Measures how much a call used Redis, for its `server-timing` header: commands, round trips, and
//! milliseconds of waiting.

use std::cell::Cell;
use std::time::{Duration, Instant};

use edge_cache::{Command, HostRuntime, Redis, RedisError, Reply, forward_redis, forward_runtime};

/// One call's use of Redis so far. Commands that overlap share a round trip and its duration.
#[derive(Debug, Default)]
pub(crate) struct RedisTiming {
    commands: Cell<u32>,
    round_trips: Cell<u32>,
    commands_in_flight: Cell<u32>,
    round_trip_began: Cell<Option<Instant>>,
    waited: Cell<Duration>,
}

impl RedisTiming {
    /// Wraps a Redis, so that its commands are counted here.
    pub(crate) fn measure<R>(&self, redis: R) -> MeasuredRedis<'_, R> {
        MeasuredRedis {
            redis,
            timing: self,
        }
    }

    /// The header's value; `None` if no command was sent.
    pub(crate) fn header(&self) -> Option<String> {
        let commands = self.commands.get();
        if commands == 0 {
            return None;
        }

        let round_trips = self.round_trips.get();
        let plural = |count: u32| if count == 1 { "" } else { "s" };
        Some(format!(
            "redis;desc=\"{commands} command{}, {round_trips} round trip{}\";dur={:.3}",
            plural(commands),
            plural(round_trips),
            self.waited.get().as_secs_f64() * 1e3
        ))
    }

    fn begin_command(&self) -> CommandInFlight<'_> {
        let others_in_flight = self.commands_in_flight.get();
        if others_in_flight == 0 {
            self.round_trips.set(self.round_trips.get() + 1);
            self.round_trip_began.set(Some(Instant::now()));
        }
        self.commands.set(self.commands.get() + 1);
        self.commands_in_flight.set(others_in_flight + 1);

        CommandInFlight(self)
    }

    fn end_command(&self) {
        let others_in_flight = self.commands_in_flight.get() - 1;
        self.commands_in_flight.set(others_in_flight);

        if others_in_flight == 0
            && let Some(began) = self.round_trip_began.take()
        {
            self.waited.set(self.waited.get() + began.elapsed());
        }
    }
}

/// A command that was sent. Ends when dropped, whether its reply arrived or was given up.
struct CommandInFlight<'a>(&'a RedisTiming);

impl Drop for CommandInFlight<'_> {
    fn drop(&mut self) {
        self.0.end_command();
    }
}

/// A Redis whose commands are counted.
pub(crate) struct MeasuredRedis<'a, R> {
    redis: R,
    timing: &'a RedisTiming,
}

impl<R: Redis> Redis for MeasuredRedis<'_, R> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let _in_flight = self.timing.begin_command();
        self.redis.execute(command).await
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        let _in_flight = self.timing.begin_command();
        self.redis.execute_timed(command).await
    }

    forward_redis!(self => self.redis);
}

impl<R: HostRuntime> HostRuntime for MeasuredRedis<'_, R> {
    forward_runtime!(self => self.redis);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(timing: &RedisTiming) -> String {
        let header = timing.header().unwrap();
        header.split(';').nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_call_without_commands_has_no_header() {
        assert_eq!(RedisTiming::default().header(), None);
    }

    #[test]
    fn commands_that_overlap_share_a_round_trip() {
        let timing = RedisTiming::default();

        let first = timing.begin_command();
        let second = timing.begin_command();
        drop(first);
        drop(second);

        assert_eq!(description(&timing), "desc=\"2 commands, 1 round trip\"");
    }

    #[test]
    fn commands_one_after_the_other_are_a_round_trip_each() {
        let timing = RedisTiming::default();

        drop(timing.begin_command());
        assert_eq!(description(&timing), "desc=\"1 command, 1 round trip\"");

        drop(timing.begin_command());
        assert_eq!(description(&timing), "desc=\"2 commands, 2 round trips\"");
    }
}
