//! The alerts of the statistics: figures with their thresholds, and the nodes of a Cluster.

use edge_cache::units::one_decimal;

use super::judgement::Measured;
use super::window::{HitRate, LatencyWindow};
use crate::admin::alert::{self, Alert, Thresholds};
use crate::admin::nodes::{ClusterReading, NodeReading};

/// Shares of a threshold, or percentage points, by which a value must be back before its alert ends.
const CALM_SHARE: f64 = 0.8;
const CALM_POINTS: f64 = 5.0;

/// Measures memory in use.
pub(super) fn memory(usage_percent: Option<f64>, thresholds: &Thresholds) -> Option<Measured> {
    let alert = alert::memory(usage_percent, thresholds)?;
    Some(Measured {
        clear_threshold: (alert.threshold - CALM_POINTS).max(0.0),
        is_bad_above: true,
        alert,
    })
}

/// Measures the latency of the window.
pub(super) fn latency(window: &LatencyWindow, thresholds: &Thresholds) -> Measured {
    let alert = alert::latency(window.median_ms, thresholds);
    Measured {
        clear_threshold: alert.threshold * CALM_SHARE,
        is_bad_above: true,
        alert,
    }
}

/// Measures keys evicted in a minute.
pub(super) fn evictions(per_minute: Option<f64>, thresholds: &Thresholds) -> Option<Measured> {
    let rate = per_minute?;
    let message = format!(
        "{rate:.0} keys a minute are evicted because memory is full: raise maxmemory or shorten TTLs"
    );
    let threshold = thresholds.evictions_per_minute as f64;
    Some(Measured {
        clear_threshold: threshold * CALM_SHARE,
        is_bad_above: true,
        alert: Alert::new("evictions", message, rate, threshold),
    })
}

/// Measures the share of lookups that found their key.
pub(super) fn hit_rate(window: &HitRate, thresholds: &Thresholds) -> Option<Measured> {
    let percent = one_decimal(window.ratio? * 100.0);
    let threshold = thresholds.hit_rate_percent;
    let message = format!(
        "only {percent}% of the lookups of the last {} s found their key: raise TTLs, warm the cache up, or review what is cached",
        window.seconds
    );
    Some(Measured {
        clear_threshold: (threshold + CALM_POINTS).min((threshold + 100.0) / 2.0),
        is_bad_above: false,
        alert: Alert::new("hit_rate", message, percent, threshold),
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
