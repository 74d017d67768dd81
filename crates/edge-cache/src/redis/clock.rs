//! Redis' clock, as an instance estimates it.
//!
//! An entry says when it was stored by Redis' clock, so whether it is fresh does not depend on the
//! clocks of instances. `TIME` is asked beside the first command of a connection and again every
//! minute; between that, the instance's own steady clock counts on. The estimate is wrong by at most
//! half the time that `TIME` took, and by what the two clocks drift apart in a minute.
//!
//! Where the Redis user may not run `TIME`, the time is taken from the id of a stream entry. Where
//! Redis refuses that, too, the machine's clock stands in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::command::Command;
use super::connection::Redis;
use super::raised::Raised;
use super::reply::Replies;
use crate::error::{ErrorKind, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::key::TURNS;

/// How long an estimate is used.
const REFRESH_AFTER: Duration = Duration::from_secs(60);
/// How long Redis is not asked again after it refused.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// An estimate of the clock of one Redis server.
#[derive(Debug, Default)]
pub struct ServerClock {
    estimate: Guarded<Option<Estimate>>,
    is_refreshing: AtomicBool,
    /// The Redis user may not run `TIME`.
    is_time_refused: AtomicBool,
}

#[derive(Debug, Clone, Copy)]
struct Estimate {
    /// The connection on which it was asked for.
    connection: u64,
    at: Instant,
    /// Redis' clock at that instant, in milliseconds since 1970.
    milliseconds: u64,
    /// How long it is used.
    used_for: Duration,
}

impl ServerClock {
    /// Returns Redis' clock in milliseconds since 1970; the machine's clock until Redis was asked.
    pub fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// Returns Redis' clock at an instant since Redis was asked; for an earlier one, as it was when asked.
    pub(crate) fn at(&self, instant: Instant) -> u64 {
        let Some(estimate) = self.estimate.get() else {
            return machine_clock();
        };
        let passed = instant.saturating_duration_since(estimate.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        estimate.milliseconds.saturating_add(passed)
    }

    /// Returns whether Redis should be asked: there is no estimate, it is old, or it is of an
    /// earlier connection, which perhaps led to another server.
    pub(crate) fn is_due<R: Redis>(&self, redis: &R, now: Instant) -> bool {
        match self.estimate.get() {
            None => true,
            Some(estimate) if estimate.connection != redis.connection_number() => true,
            Some(estimate) => {
                now.saturating_duration_since(estimate.at) >= estimate.used_for
                    && !self.is_refreshing.load(Ordering::Acquire)
            }
        }
    }

    /// Asks Redis if that is due. One round trip at most; sent beside another command it costs none.
    ///
    /// # Errors
    /// Those of the connection. Where Redis refuses, the estimate counts on.
    pub async fn refresh_if_due<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        if !self.is_due(redis, Instant::now()) {
            return Ok(());
        }
        // Others need not ask as well meanwhile.
        let _refreshing = Raised::raise(&self.is_refreshing);
        let (milliseconds, took, used_for) = match Box::pin(self.ask(redis)).await {
            Ok((milliseconds, took)) => (milliseconds, took, REFRESH_AFTER),
            Err(error) if error.is_connection() => return Err(error),
            // The estimate counts on, so that not every lookup asks again.
            Err(_) => (self.now(), Duration::ZERO, ASK_AGAIN_AFTER),
        };

        let since_then = u64::try_from((took / 2).as_millis()).unwrap_or(0);
        let estimate = Estimate {
            connection: redis.connection_number(),
            at: Instant::now(),
            milliseconds: milliseconds.saturating_add(since_then),
            used_for,
        };
        self.estimate.set(Some(estimate));
        Ok(())
    }

    async fn ask<R: Redis>(&self, redis: &R) -> Result<(u64, Duration), RedisError> {
        if !self.is_time_refused.load(Ordering::Acquire) {
            match ask_time(redis).await {
                Err(error) if error.kind == ErrorKind::Permission => {
                    self.is_time_refused.store(true, Ordering::Release);
                }
                reply => return reply,
            }
        }
        ask_stream(redis).await
    }
}

async fn ask_time<R: Redis>(redis: &R) -> Result<(u64, Duration), RedisError> {
    let (replies, took) = redis.execute_timed(Command::read("TIME")).await?;
    let mut replies = Replies::new(replies);
    let (seconds, microseconds) = (replies.count()?, replies.count()?);
    Ok((
        seconds
            .saturating_mul(1000)
            .saturating_add(microseconds / 1000),
        took,
    ))
}

/// Reads the time from the id of a new stream entry, which begins with it.
async fn ask_stream<R: Redis>(redis: &R) -> Result<(u64, Duration), RedisError> {
    let append = Command::read("XADD")
        .arg(TURNS)
        .args(["MAXLEN", "1", "*", "turn", ""]);
    let (replies, took) = redis.execute_timed(append).await?;
    let id = Replies::new(replies).text()?;
    let milliseconds = id.split('-').next().and_then(|time| time.parse().ok());
    let unreadable = || RedisError::new(ErrorKind::Protocol, format!("`{id}` is no stream id"));
    Ok((milliseconds.ok_or_else(unreadable)?, took))
}

fn machine_clock() -> u64 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
