//! Metrics of each primary of a Cluster, with the label `node`.

use super::text::{Kind, Text};
use crate::admin::nodes::{ClusterReading, NodeReport};

/// A figure of a node; `None` if the node does not report it.
type Figure = fn(&NodeReport) -> Option<f64>;

/// A metric that each node has.
struct NodeMetric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    figure: Figure,
}

const fn gauge(name: &'static str, help: &'static str, figure: Figure) -> NodeMetric {
    NodeMetric {
        name,
        kind: Kind::Gauge,
        help,
        figure,
    }
}

const fn counter(name: &'static str, help: &'static str, figure: Figure) -> NodeMetric {
    NodeMetric {
        name,
        kind: Kind::Counter,
        help,
        figure,
    }
}

const NODE_METRICS: [NodeMetric; 15] = [
    gauge(
        "edge_cache_node_up",
        "1 if the primary answers, else 0.",
        |node| Some(if node.connected { 1.0 } else { 0.0 }),
    ),
    gauge("edge_cache_node_slots", "Slots of the primary.", |node| {
        Some(f64::from(node.slots))
    }),
    gauge(
        "edge_cache_node_memory_used_bytes",
        "Memory used.",
        |node| number(node.figures.memory_bytes),
    ),
    gauge(
        "edge_cache_node_memory_max_bytes",
        "The memory limit; 0 if there is none.",
        |node| number(node.figures.max_memory_bytes),
    ),
    gauge("edge_cache_node_keys", "Keys.", |node| {
        number(node.figures.keys)
    }),
    counter(
        "edge_cache_node_keyspace_hits_total",
        "Lookups that found their key.",
        |node| number(node.figures.hits),
    ),
    counter(
        "edge_cache_node_keyspace_misses_total",
        "Lookups that did not find their key.",
        |node| number(node.figures.misses),
    ),
    counter(
        "edge_cache_node_evicted_keys_total",
        "Keys evicted because memory was full.",
        |node| number(node.figures.evicted_keys),
    ),
    gauge(
        "edge_cache_node_connected_clients",
        "Client connections.",
        |node| number(node.figures.connected_clients),
    ),
    gauge(
        "edge_cache_node_commands_per_second",
        "Commands per second, now.",
        |node| number(node.figures.ops_per_sec),
    ),
    gauge(
        "edge_cache_node_latency_seconds",
        "How long the primary took to answer PING.",
        |node| node.figures.latency_ms.map(|latency| latency / 1e3),
    ),
    gauge(
        "edge_cache_node_replicas",
        "Replicas that the Cluster knows.",
        |node| number(node.figures.replicas),
    ),
    gauge(
        "edge_cache_node_linked_replicas",
        "Replicas that follow the primary and are in sync.",
        |node| number(node.figures.linked_replicas),
    ),
    gauge(
        "edge_cache_node_replica_link_up",
        "1 if all replicas follow the primary, else 0; absent if it has none.",
        |node| {
            let is_up = node.figures.replica_link_up?;
            Some(if is_up { 1.0 } else { 0.0 })
        },
    ),
    gauge(
        "edge_cache_node_replication_lag_seconds",
        "Seconds since the replica furthest behind answered.",
        |node| number(node.figures.lag_seconds),
    ),
];

pub(super) fn write(cluster: &ClusterReading, text: &mut Text) {
    let nodes = cluster.reports();
    for metric in &NODE_METRICS {
        text.family(metric.name, metric.kind, metric.help);
        for node in &nodes {
            if let Some(value) = (metric.figure)(node) {
                text.sample(&[("node", &node.address)], value);
            }
        }
    }

    text.metric(
        "edge_cache_cluster_slots_uncovered",
        Kind::Gauge,
        "Slots of the Cluster that no node serves.",
        f64::from(cluster.uncovered_slots),
    );
}

fn number(figure: Option<u64>) -> Option<f64> {
    figure.map(|figure| figure as f64)
}
