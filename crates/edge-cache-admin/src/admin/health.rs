//! Health: the state of the cache, with reasons if it is not healthy.
//!
//! Redis answers `PING` even when most writes fail. So health is judged by what edge-cache needs.
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
mod disk;
mod finding;
mod probe;
mod report;

use futures_util::future::join;

use crate::admin::alert::Thresholds;
use crate::admin::nodes;
use crate::admin::reading;
use crate::admin::replication::Replication;
use disk::disk_problem;
use edge_cache::keyspace::key;
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::{ErrorKind, RedisError};
use finding::Finding;
pub use finding::{FindingKind, FindingReport, HealthStatus};
pub use report::{HealthReport, RedisFigures, RedisHealth};
use report::{report_failure, report_reading};

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
    let reading = match reading::read(redis).await {
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
        Some(finding) => Err(RedisError::new(finding.error, finding.report.reason)),
        None => Ok(()),
    }
}

/// Problems that `INFO` shows.
fn judge_info(info: &Info) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = Replication::of(info).problem() {
        findings.push(Finding::unhealthy(
            FindingKind::Replica,
            ErrorKind::ReadOnly,
            problem,
        ));
    }

    if let Some(problem) = disk_problem(info) {
        findings.push(Finding::degraded(
            FindingKind::LastSaveFailed,
            ErrorKind::PersistenceFailed,
            problem,
        ));
    }

    findings
}
