//! Findings: problems of Redis, each with the state that it causes.

use edge_cache::ErrorKind;
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

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) status: HealthStatus,
    pub(super) kind: ErrorKind,
    pub(super) reason: String,
}

impl Finding {
    pub(super) fn unhealthy(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            status: HealthStatus::Unhealthy,
            kind,
            reason: reason.into(),
        }
    }

    pub(super) fn is_unhealthy(&self) -> bool {
        self.status == HealthStatus::Unhealthy
    }

    pub(super) fn degraded(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            status: HealthStatus::Degraded,
            kind,
            reason: reason.into(),
        }
    }
}
