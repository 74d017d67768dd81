//! Health: the state of the cache, with reasons if it is not healthy.
//!
//! Redis answers `PING` even when every write fails. So health is judged by what edge-cache needs.
//! `INFO` shows a replica, the disk and memory. Only a write shows paused writes, missing replicas
//! and missing rights; `scripts/health/probe.lua` makes one that has no effect.
//!
//! ```text
//! CLIENT PAUSE 60000 WRITE     PING -> PONG, INFO -> no problem, the probe -> no answer in time: unhealthy
//! min-replicas-to-write 1      PING -> PONG, the probe -> NOREPLICAS: unhealthy
//! maxmemory reached            the probe -> OOM: degraded and ready, because clearing helps
//! ```
//!
//! A figure that the server does not report is null with a reason, never 0.

mod cluster;
mod finding;
mod probe;

use std::cmp::Reverse;

use futures_util::future::join;
use serde::Serialize;

use crate::admin::nodes::{self, ClusterReading, NodeReport};
use crate::admin::replication::Replication;
use crate::admin::stats::{self, Thresholds, UnreportedField};
use edge_cache::keyspace::key;
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::units;
use edge_cache::{ErrorKind, RedisError};
use finding::Finding;
pub use finding::HealthStatus;

/// The response of `GET /health`.
#[derive(Debug, Serialize)]
pub struct HealthReport {
    /// The state.
    pub status: HealthStatus,
    /// Facts about Redis.
    pub redis: RedisHealth,
    /// Why edge-cache cannot use the server at all.
    #[serde(skip)]
    pub refusal: Option<RedisError>,
}

/// Redis in the response of `GET /health`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisHealth {
    /// True if the server was reached, even if it refused the commands.
    pub connected: bool,
    /// Its figures; none if it did not answer.
    #[serde(flatten)]
    pub figures: Option<RedisFigures>,
    /// Why the state is not healthy, in plain words.
    pub reasons: Vec<String>,
    /// Figures that the server does not report.
    pub unknown: Vec<UnreportedField>,
    /// On a Cluster: its primaries, in the order of their addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeReport>>,
    /// On a Cluster: slots that no node serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncovered_slots: Option<u32>,
    /// When unhealthy: the worst problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When unhealthy: when it last answered; null if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Option<String>>,
}

/// Figures of a server that answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisFigures {
    /// How long `PING` took, e.g. `0.18ms`.
    latency: String,
    /// The same, in milliseconds.
    latency_ms: f64,
    /// Memory used, e.g. `24.3M`.
    memory_usage: Option<String>,
    /// The same, in bytes.
    memory_usage_bytes: Option<u64>,
    /// The memory limit; null if there is none.
    max_memory: Option<String>,
    /// The limit in bytes; 0 if there is none.
    max_memory_bytes: Option<u64>,
    /// Memory used in percent of the limit; null if there is none.
    usage_percent: Option<f64>,
    /// The server's replication.
    #[serde(flatten)]
    replication: Replication,
}

/// Checks Redis. Three commands, two round trips; the second tries to write, unless the first shows
/// that a write would fail. On a Cluster five commands to each primary. Never fails: a failure is part
/// of the report.
pub async fn run<R: Redis>(redis: &R, thresholds: &Thresholds) -> HealthReport {
    match nodes::slots_of(redis).await {
        Ok(Some(map)) => cluster::run(redis, &map, thresholds).await,
        Ok(None) => check_server(redis, thresholds).await,
        Err(error) => report_failure(&error),
    }
}

async fn check_server<R: Redis>(redis: &R, thresholds: &Thresholds) -> HealthReport {
    let reading = match stats::read(redis).await {
        Ok(reading) => reading,
        Err(error) => return report_failure(&error),
    };

    let mut findings = judge_info(&reading.info);
    if !findings.iter().any(Finding::is_unhealthy) {
        findings.extend(probe::run(redis, key::PROBE).await);
    }
    report_reading(&reading, findings, None, thresholds)
}

/// Checks that Redis is not unhealthy. Two commands that overlap, one round trip. A degraded Redis
/// is ready. On a Cluster both go to the node with edge-cache's own keys, the only one whose problems
/// make it unhealthy; so no other node delays the response.
///
/// # Errors
/// Those of the connection, and the first problem found.
pub async fn ready<R: Redis>(redis: &R) -> Result<(), RedisError> {
    let info = redis.execute(Command::read("INFO").arg("replication"));
    let (info, probed) = join(info, probe::run(redis, key::PROBE)).await;
    let info = Info::new(Replies::new(info?).text()?);

    let mut findings = judge_info(&info).into_iter().chain(probed);
    match findings.find(Finding::is_unhealthy) {
        Some(finding) => Err(RedisError::new(finding.kind, finding.reason)),
        None => Ok(()),
    }
}

/// Problems that `INFO` shows.
fn judge_info(info: &Info) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = Replication::of(info).problem() {
        findings.push(Finding::unhealthy(ErrorKind::ReadOnly, problem));
    }

    if let Some(problem) = disk_problem(info) {
        findings.push(Finding::degraded(ErrorKind::PersistenceFailed, problem));
    }

    findings
}

/// Why a restart would lose data. `INFO` does not show if snapshots are scheduled. An append-only
/// file makes them unnecessary; if their failure stops writes, the probe finds that.
fn disk_problem(info: &Info) -> Option<&'static str> {
    let is = |field: &str, value: &str| info.text(field) == Some(value);
    if is("aof_last_write_status", "err") {
        return Some(
            "the last save to disk failed: a restart would lose data, and Redis may soon refuse writes; check its disk",
        );
    }

    if is("rdb_last_bgsave_status", "err") && !is("aof_enabled", "1") {
        return Some(
            "the last save to disk failed (BGSAVE): check the disk of Redis. If it saves on a schedule, a restart would lose \
             data, and it may soon refuse writes. If it does not, nothing is lost, and a BGSAVE that succeeds ends this state",
        );
    }

    None
}

fn report_reading(
    reading: &stats::Reading,
    mut findings: Vec<Finding>,
    cluster: Option<&ClusterReading>,
    thresholds: &Thresholds,
) -> HealthReport {
    let info = &reading.info;
    let used = info.number("used_memory");
    let limit = info.number("maxmemory");
    let usage_percent = reading.usage_percent;
    let latency_ms = units::latency_ms(reading.latency);

    let alerts = [
        stats::memory_alert(usage_percent, thresholds),
        stats::latency_alert(latency_ms, thresholds),
    ];
    for alert in alerts.into_iter().flatten() {
        let alert = match cluster {
            Some(cluster) => cluster.name_node(alert),
            None => alert,
        };
        findings.push(Finding::degraded(ErrorKind::Server, alert.message));
    }

    let figures = RedisFigures {
        latency: units::latency(reading.latency),
        latency_ms,
        memory_usage: used.map(units::size),
        memory_usage_bytes: used,
        max_memory: limit.filter(|limit| *limit > 0).map(units::size),
        max_memory_bytes: limit,
        usage_percent,
        replication: Replication::of(info),
    };
    let unknown = stats::unreported_of(info, &["memoryBytes", "maxMemoryBytes", "role"]);
    HealthReport::new(true, Some(figures), findings, unknown)
}

/// Reports a server that could not be read.
fn report_failure(error: &RedisError) -> HealthReport {
    let finding = Finding::unhealthy(error.kind, error.message.clone());
    let is_reached = !error.is_connection();
    HealthReport {
        refusal: Some(error.clone()).filter(RedisError::is_unsupported),
        ..HealthReport::new(is_reached, None, vec![finding], Vec::new())
    }
}

impl HealthReport {
    fn new(
        connected: bool,
        figures: Option<RedisFigures>,
        mut findings: Vec<Finding>,
        unknown: Vec<UnreportedField>,
    ) -> Self {
        // The worst first.
        findings.sort_by_key(|finding| Reverse(finding.status));
        let status = findings
            .first()
            .map_or(HealthStatus::Healthy, |worst| worst.status);
        let reasons: Vec<String> = findings.into_iter().map(|finding| finding.reason).collect();

        let is_unhealthy = status == HealthStatus::Unhealthy;
        let error = reasons.first().filter(|_| is_unhealthy).cloned();
        let last_seen = is_unhealthy.then_some(None);
        Self {
            status,
            redis: RedisHealth {
                connected,
                figures,
                reasons,
                unknown,
                nodes: None,
                uncovered_slots: None,
                error,
                last_seen,
            },
            refusal: None,
        }
    }

    /// True unless Redis is unhealthy.
    pub fn is_up(&self) -> bool {
        self.status != HealthStatus::Unhealthy
    }

    /// True if Redis answered `PING` and `INFO`.
    pub fn answered(&self) -> bool {
        self.redis.figures.is_some()
    }

    /// Adds when Redis last answered, if it is unhealthy.
    #[must_use]
    pub fn with_last_seen(mut self, last_seen: Option<String>) -> Self {
        self.redis.last_seen = self.redis.last_seen.map(|_| last_seen);
        self
    }
}
