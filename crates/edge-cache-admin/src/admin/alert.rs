//! Alerts: problems in plain words, raised for values past thresholds.

use serde::Serialize;

/// Values from which an alert is raised.
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
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            latency_ms: 100,
            memory_percent: 90.0,
            hit_rate_percent: 70.0,
            evictions_per_minute: 1000,
        }
    }
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
}

impl Alert {
    /// Returns an alert if the value is above the threshold.
    pub(crate) fn above(
        kind: &'static str,
        value: f64,
        threshold: f64,
        message: impl FnOnce() -> String,
    ) -> Option<Self> {
        (value > threshold).then(|| Self {
            kind,
            message: message(),
            value,
            threshold,
        })
    }
}

/// Judges memory in use.
pub(crate) fn memory(usage_percent: Option<f64>, thresholds: &Thresholds) -> Option<Alert> {
    let value = usage_percent?;
    let message =
        || format!("{value}% of maxmemory is in use: clear what is old, or raise maxmemory");
    Alert::above("memory", value, thresholds.memory_percent, message)
}

/// Judges the time `PING` took.
pub(crate) fn latency(latency_ms: f64, thresholds: &Thresholds) -> Option<Alert> {
    let message = || {
        format!(
            "Redis took {latency_ms:.0} ms to answer PING: check the network, and SLOWLOG for slow commands"
        )
    };
    Alert::above("latency", latency_ms, thresholds.latency_ms as f64, message)
}
