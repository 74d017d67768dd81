//! Thresholds, and the alerts for values past them.

use edge_cache::units::one_decimal;
use serde::Serialize;

use super::window::HitRate;
use crate::admin::nodes::{ClusterReading, NodeReading};

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
    fn above(
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

/// Judges keys evicted in a minute.
pub(super) fn evictions(per_minute: Option<f64>, thresholds: &Thresholds) -> Option<Alert> {
    let rate = per_minute?;
    let message = || {
        format!(
            "{rate:.0} keys a minute are evicted because memory is full: raise maxmemory or shorten TTLs"
        )
    };
    Alert::above(
        "evictions",
        rate,
        thresholds.evictions_per_minute as f64,
        message,
    )
}

/// Judges the share of lookups that found their key.
pub(super) fn hit_rate(window: &HitRate, thresholds: &Thresholds) -> Option<Alert> {
    let percent = one_decimal(window.ratio? * 100.0);
    let threshold = thresholds.hit_rate_percent;
    if percent >= threshold {
        return None;
    }

    Some(Alert {
        kind: "hit_rate",
        message: format!(
            "only {percent}% of the lookups of the last {} s found their key: raise TTLs, warm the cache up, or review what is \
             cached",
            window.seconds
        ),
        value: percent,
        threshold,
    })
}

/// Judges what only a Cluster has: slots that no node serves, nodes that do not answer, replicas that do
/// not follow their primary.
pub(super) fn cluster(cluster: &ClusterReading) -> Vec<Alert> {
    let nodes = &cluster.nodes;
    let silent = cluster.silent().count();
    let unlinked: u64 = nodes.iter().map(NodeReading::unlinked_replicas).sum();
    let first_error = || cluster.silent().find_map(NodeReading::named_error);
    let first_problem = || {
        nodes.iter().find_map(|node| {
            let problem = node.replica_problem()?;
            Some(format!("node {}: {problem}", node.address))
        })
    };

    let alerts = [
        Alert::above("slots", f64::from(cluster.uncovered_slots), 0.0, || {
            cluster.uncovered_problem()
        }),
        Alert::above("node", silent as f64, 0.0, || {
            first_error().map(|error| error.message).unwrap_or_default()
        }),
        Alert::above("replica_link", unlinked as f64, 0.0, || {
            first_problem().unwrap_or_default()
        }),
    ];
    alerts.into_iter().flatten().collect()
}
