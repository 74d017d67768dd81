//! Whether the cache is healthy, and if not, why.

use serde::Serialize;

use crate::error::RedisError;
use crate::format;
use crate::redis::{Command, Redis};
use crate::stats::{self, Thresholds};

/// The three states of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Redis answers promptly and has room.
    Healthy,
    /// Redis answers, but slowly or with little room.
    Degraded,
    /// Redis does not answer, or refuses to.
    Unhealthy,
}

/// The answer of `GET /health`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The state.
    pub status: Status,
    /// What is known of Redis.
    pub redis: Server,
}

/// What `GET /health` says of Redis.
#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Server {
    /// It answers.
    Up {
        /// Always true.
        connected: bool,
        /// How long `PING` took, e.g. `2ms`.
        latency: String,
        /// The same, in milliseconds.
        latency_ms: u64,
        /// Memory used, e.g. `24.3M`.
        memory_usage: String,
        /// The same, in bytes.
        memory_usage_bytes: u64,
        /// The limit on memory, null where there is none.
        max_memory: Option<String>,
        /// The limit in bytes, 0 where there is none.
        max_memory_bytes: u64,
        /// Memory used in percent of the limit, null where there is none.
        usage_percent: Option<f64>,
        /// Why the state is not healthy, in plain words.
        reasons: Vec<String>,
    },
    /// It does not answer, or refuses to.
    Down {
        /// Whether the server was reached at all: it may answer with a refusal.
        connected: bool,
        /// What happened.
        error: String,
        /// When it last answered, null where that is not known.
        last_seen: Option<String>,
    },
}

/// Asks Redis how it is: two commands, overlapping. Never fails: a failure is a report.
pub async fn run<R: Redis>(redis: &R, thresholds: &Thresholds) -> Report {
    match stats::read(redis, Some("memory")).await {
        Ok(reading) => up(&reading, thresholds),
        Err(error) => down(&error),
    }
}

/// Whether Redis answers `PING`: one round trip.
///
/// # Errors
/// Those of the connection.
pub async fn ready<R: Redis>(redis: &R) -> Result<(), RedisError> {
    redis.execute(Command::read("PING")).await.map(drop)
}

fn up(reading: &stats::Reading, thresholds: &Thresholds) -> Report {
    let (used, limit) = (reading.info.number("used_memory"), reading.info.number("maxmemory"));
    let usage_percent = stats::usage_percent(&reading.info);
    let latency_ms = format::milliseconds(reading.latency);
    let alerts = [stats::memory_alert(usage_percent, thresholds), stats::latency_alert(latency_ms, thresholds)];
    let reasons: Vec<String> = alerts.into_iter().flatten().map(|alert| alert.message).collect();
    Report {
        status: if reasons.is_empty() { Status::Healthy } else { Status::Degraded },
        redis: Server::Up {
            connected: true,
            latency: format::duration(reading.latency),
            latency_ms,
            memory_usage: format::size(used),
            memory_usage_bytes: used,
            max_memory: (limit > 0).then(|| format::size(limit)),
            max_memory_bytes: limit,
            usage_percent,
            reasons,
        },
    }
}

fn down(error: &RedisError) -> Report {
    let connected = !error.is_connection();
    Report {
        status: Status::Unhealthy,
        redis: Server::Down { connected, error: error.message.clone(), last_seen: None },
    }
}

impl Report {
    /// Whether Redis answered as it should.
    pub fn is_up(&self) -> bool {
        self.status != Status::Unhealthy
    }

    /// Adds when Redis last answered.
    pub fn with_last_seen(mut self, seen: Option<String>) -> Self {
        if let Server::Down { last_seen, .. } = &mut self.redis {
            *last_seen = seen;
        }
        self
    }
}
