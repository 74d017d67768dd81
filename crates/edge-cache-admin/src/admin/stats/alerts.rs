//! The alerts that only the statistics raise: evictions, the hit rate, and the nodes of a Cluster.

use edge_cache::units::one_decimal;

use super::window::HitRate;
use crate::admin::alert::{Alert, Thresholds};
use crate::admin::nodes::{ClusterReading, NodeReading};

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
