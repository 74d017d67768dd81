//! The health in the response: the state, the figures, and the reasons.

use std::cmp::Reverse;

use edge_cache::units;
use edge_cache::{ErrorKind, RedisError};
use serde::Serialize;

use super::finding::{Finding, FindingKind, FindingReport, HealthStatus};
use crate::admin::alert::{self, Alert, Thresholds};
use crate::admin::nodes::{ClusterReading, NodeReport};
use crate::admin::reading::Reading;
use crate::admin::replication::Replication;
use crate::admin::unreported::{UnreportedField, unreported_of};

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
    /// Why the state is not healthy, in plain words, the worst first.
    pub reasons: Vec<String>,
    /// The same, each with its kind.
    pub findings: Vec<FindingReport>,
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

impl HealthReport {
    /// Reports findings, the worst first.
    pub(super) fn new(
        connected: bool,
        figures: Option<RedisFigures>,
        findings: Vec<Finding>,
        unknown: Vec<UnreportedField>,
    ) -> Self {
        let findings = findings.into_iter().map(|finding| finding.report);
        let mut findings: Vec<FindingReport> = findings.collect();
        findings.sort_by_key(|finding| Reverse(finding.status));
        let status = findings
            .first()
            .map_or(HealthStatus::Healthy, |worst| worst.status);
        let reasons = findings.iter().map(|finding| finding.reason.clone());
        let reasons: Vec<String> = reasons.collect();

        let is_unhealthy = status == HealthStatus::Unhealthy;
        let error = reasons.first().filter(|_| is_unhealthy).cloned();
        let last_seen = is_unhealthy.then_some(None);
        Self {
            status,
            redis: RedisHealth {
                connected,
                figures,
                reasons,
                findings,
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

/// Reports a server, or a Cluster's nodes together; its alerts are findings, too.
pub(super) fn report_reading(
    reading: &Reading,
    mut findings: Vec<Finding>,
    cluster: Option<&ClusterReading>,
    thresholds: &Thresholds,
) -> HealthReport {
    let info = &reading.info;
    let used = info.number("used_memory");
    let limit = info.number("maxmemory");
    let usage_percent = reading.usage_percent;
    let latency_ms = units::latency_ms(reading.latency);

    let memory = alert::memory(usage_percent, thresholds);
    let latency = alert::latency(latency_ms, thresholds);
    let alerts = [
        memory.map(|alert| (FindingKind::MemoryHigh, alert)),
        Some((FindingKind::Slow, latency)),
    ];
    // A probe asks about this moment, so the window does not matter.
    for (kind, alert) in alerts.into_iter().flatten() {
        findings.extend(judge_alert(kind, alert, cluster));
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
    let unknown = unreported_of(info, &["memoryBytes", "maxMemoryBytes", "role"]);
    HealthReport::new(true, Some(figures), findings, unknown)
}

/// The problem of an alert, if its figure is above the threshold.
fn judge_alert(
    kind: FindingKind,
    alert: Alert,
    cluster: Option<&ClusterReading>,
) -> Option<Finding> {
    let alert = alert.if_above()?;
    let node = cluster.and_then(|cluster| cluster.node_of(&alert));
    let finding = Finding::degraded(kind, ErrorKind::Server, alert.message);
    Some(match node {
        Some(node) => finding.of_node(&node.address.to_string(), node.has_own_keys),
        None => finding,
    })
}

/// Reports a server that could not be read.
pub(super) fn report_failure(error: &RedisError) -> HealthReport {
    let finding = Finding::of_failure(error);
    let is_reached = !error.is_connection();
    HealthReport {
        refusal: Some(error.clone()).filter(RedisError::is_unsupported),
        ..HealthReport::new(is_reached, None, vec![finding], Vec::new())
    }
}
