//! Alerts: problems in plain words, raised for values past thresholds.

use std::time::Duration;

use serde::Serialize;

/// Values from which an alert is raised, and how long they are watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Milliseconds a command may take.
    pub latency_ms: u64,
    /// Percent of `maxmemory`.
    pub memory_percent: f64,
    /// Percent of lookups that find their key.
    pub hit_rate_percent: f64,
    /// Keys evicted in a minute.
    pub evictions_per_minute: u64,
    /// The window over which hit rate, evictions and latency are judged.
    pub window: Duration,
    /// How long a value must be past its threshold before an alert is raised, and back before it ends.
    pub after: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            latency_ms: 100,
            memory_percent: 90.0,
            hit_rate_percent: 70.0,
            evictions_per_minute: 1000,
            window: Duration::from_secs(300),
            after: Duration::from_secs(60),
        }
    }
}

/// The figures that an alert stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertBasis {
    /// Figures of the window: the problem has lasted.
    Window,
    /// The state of this moment.
    Now,
}

/// A problem that an operator should look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// `replica`, `memory`, `latency`, `evictions` or `hit_rate`; of a Cluster also `slots`, `node` or
    /// `replica_link`.
    pub kind: &'static str,
    /// The problem, and what to do.
    pub message: String,
    /// The value measured; for a replica, its lag in seconds; of a Cluster the number of slots, nodes or
    /// replicas.
    pub value: f64,
    /// The threshold it passed.
    pub threshold: f64,
    /// The threshold at which the alert ends; null for problems that end at once.
    pub clear_threshold: Option<f64>,
    /// When the value was first seen past the threshold; null for problems that are not watched.
    pub since: Option<String>,
    /// The figures that it stands on.
    pub basis: AlertBasis,
}

impl Alert {
    /// An alert about the state of this moment.
    pub(crate) fn new(kind: &'static str, message: String, value: f64, threshold: f64) -> Self {
        Self {
            kind,
            message,
            value,
            threshold,
            clear_threshold: None,
            since: None,
            basis: AlertBasis::Now,
        }
    }

    /// Returns an alert if the value is above the threshold.
    pub(crate) fn above(
        kind: &'static str,
        value: f64,
        threshold: f64,
        message: impl FnOnce() -> String,
    ) -> Option<Self> {
        (value > threshold).then(|| Self::new(kind, message(), value, threshold))
    }

    /// Returns itself if its value is above its threshold.
    pub(crate) fn if_above(self) -> Option<Self> {
        (self.value > self.threshold).then_some(self)
    }
}

/// Measures memory in use: the alert, if it is too much.
pub(crate) fn memory(usage_percent: Option<f64>, thresholds: &Thresholds) -> Option<Alert> {
    let value = usage_percent?;
    let message = format!("{value}% of maxmemory is in use: clear what is old, or raise maxmemory");
    Some(Alert::new(
        "memory",
        message,
        value,
        thresholds.memory_percent,
    ))
}

/// Measures the time `PING` took: the alert, if it is too long.
pub(crate) fn latency(latency_ms: f64, thresholds: &Thresholds) -> Alert {
    let message = format!(
        "Redis took {latency_ms:.0} ms to answer PING: check the network, and SLOWLOG for slow commands"
    );
    let threshold = thresholds.latency_ms as f64;
    Alert::new("latency", message, latency_ms, threshold)
}
