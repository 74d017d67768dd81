//! Findings: problems of Redis, each with the state that it causes.

use edge_cache::{ErrorKind, RedisError};
use serde::Serialize;

/// The three states of the contract, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// Redis answers promptly, accepts writes and has room.
    Healthy,
    /// Redis can be used, but slowly, with little room, or not for everything.
    Degraded,
    /// Redis does not answer, or refuses writes.
    Unhealthy,
}

/// The kind of a problem. Programs tell problems apart by it; its words in the response are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// Redis does not answer, or no connection can be opened.
    Unreachable,
    /// Redis refuses the login.
    LoginRefused,
    /// Redis is busy, or still loads its data.
    Busy,
    /// Redis refuses the commands that read its state, or answers them in another form.
    Unreadable,
    /// Redis is a replica.
    Replica,
    /// Redis refuses writes because it cannot save to disk.
    CannotSave,
    /// Redis refuses writes because too few replicas follow it.
    TooFewReplicas,
    /// Redis accepts no writes within the time limit.
    WritesPaused,
    /// Redis refuses writes for another reason.
    WritesRefused,
    /// The Redis user may not write.
    NoRightToWrite,
    /// Scripts cannot run, or the Redis user may not run them.
    ScriptsRefused,
    /// A Cluster does not serve some slots.
    SlotsNotServed,
    /// Redis stores no new values: memory is full.
    MemoryFull,
    /// Memory in use is above the alert's threshold.
    MemoryHigh,
    /// Redis takes longer than the alert's threshold.
    Slow,
    /// The last save to disk failed; Redis still accepts writes.
    LastSaveFailed,
    /// The Redis user may not run `SCAN`.
    NoRightToScan,
    /// A replica does not follow its primary.
    ReplicaNotLinked,
}

impl FindingKind {
    /// The problem of a server that could not be read.
    pub(super) fn of_failure(error: &RedisError) -> Self {
        match error.kind {
            ErrorKind::Authentication => Self::LoginRefused,
            ErrorKind::Loading | ErrorKind::Busy => Self::Busy,
            ErrorKind::Unreachable
            | ErrorKind::Timeout
            | ErrorKind::Tls(_)
            | ErrorKind::TooManyConnections
            | ErrorKind::AddressForbidden => Self::Unreachable,
            ErrorKind::Cluster => Self::SlotsNotServed,
            _ => Self::Unreadable,
        }
    }
}

/// A problem in the response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingReport {
    /// Its kind.
    pub kind: FindingKind,
    /// The state that it causes.
    pub status: HealthStatus,
    /// The problem, and what to do.
    pub reason: String,
    /// On a Cluster: the address of the node that has it; null if no single node has it.
    pub node: Option<String>,
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) report: FindingReport,
    /// Why a command fails because of it.
    pub(super) error: ErrorKind,
}

impl Finding {
    pub(super) fn unhealthy(
        kind: FindingKind,
        error: ErrorKind,
        reason: impl Into<String>,
    ) -> Self {
        Self::new(HealthStatus::Unhealthy, kind, error, reason.into())
    }

    pub(super) fn degraded(kind: FindingKind, error: ErrorKind, reason: impl Into<String>) -> Self {
        Self::new(HealthStatus::Degraded, kind, error, reason.into())
    }

    fn new(status: HealthStatus, kind: FindingKind, error: ErrorKind, reason: String) -> Self {
        let report = FindingReport {
            kind,
            status,
            reason,
            node: None,
        };
        Self { report, error }
    }

    /// The problem of a server that could not be read.
    pub(super) fn of_failure(error: &RedisError) -> Self {
        let kind = FindingKind::of_failure(error);
        Self::unhealthy(kind, error.kind, error.message.clone())
    }

    pub(super) fn is_unhealthy(&self) -> bool {
        self.report.status == HealthStatus::Unhealthy
    }

    /// The problem of a node of a Cluster, which its reason names. It is degraded unless the node has
    /// edge-cache's own keys.
    pub(super) fn of_node(mut self, address: &str, has_own_keys: bool) -> Self {
        let report = &mut self.report;
        report.reason = format!("node {address}: {}", report.reason);
        report.node = Some(address.to_owned());
        if !has_own_keys {
            report.status = HealthStatus::Degraded;
        }
        self
    }
}
