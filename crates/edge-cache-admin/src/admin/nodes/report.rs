//! A node of a Cluster in the reports.

use edge_cache::units;
use serde::Serialize;

use super::node::{NodeFigures, NodeReading};
use super::replicas::Replicas;
use crate::admin::reading;
use crate::admin::replication::{Replication, ReplicationRole};

/// A primary of a Cluster. Figures of a node that does not answer are null, and `error` says why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    /// Its address, as the Cluster announces it.
    pub address: String,
    /// Number of its slots.
    pub slots: u32,
    /// True if it answers.
    pub connected: bool,
    /// Why it does not answer; null if it does.
    pub error: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: ReportedFigures,
}

/// The figures of a node; those that it does not report are null.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedFigures {
    /// Its role: primary, except just after a failover.
    pub role: Option<ReplicationRole>,
    /// Its version, with its name if it is not Redis.
    pub version: Option<String>,
    /// Time since it started, in seconds.
    pub uptime_seconds: Option<u64>,
    /// Memory used, in bytes.
    pub memory_bytes: Option<u64>,
    /// The memory limit, in bytes; 0 if there is none.
    pub max_memory_bytes: Option<u64>,
    /// Memory used in percent of the limit; null if there is none.
    pub usage_percent: Option<f64>,
    /// Keys.
    pub keys: Option<u64>,
    /// Lookups that found their key, since it started.
    pub hits: Option<u64>,
    /// Lookups that did not find their key.
    pub misses: Option<u64>,
    /// Share of the lookups that found their key, from 0 to 1; null before the first lookup.
    pub hit_ratio: Option<f64>,
    /// Keys evicted because memory was full.
    pub evicted_keys: Option<u64>,
    /// Client connections.
    pub connected_clients: Option<u64>,
    /// Commands per second, now.
    pub ops_per_sec: Option<u64>,
    /// How long it took to answer `PING`, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Replicas that the Cluster knows.
    pub replicas: Option<u64>,
    /// Replicas that follow it and are in sync.
    pub linked_replicas: Option<u64>,
    /// False if a replica does not follow it; null if it has none.
    pub replica_link_up: Option<bool>,
    /// Seconds since the replica that is furthest behind last answered.
    pub lag_seconds: Option<u64>,
}

impl NodeReport {
    pub(super) fn new(node: &NodeReading) -> Self {
        let error = node.figures.as_ref().err();
        let figures = node.figures.as_ref().ok().map(ReportedFigures::new);
        Self {
            address: node.address.to_string(),
            slots: node.slots,
            connected: node.figures.is_ok(),
            error: error.map(|error| error.message.clone()),
            figures: figures.unwrap_or_default(),
        }
    }
}

impl ReportedFigures {
    fn new(node: &NodeFigures) -> Self {
        let info = &node.reading.info;
        let hits = info.number("keyspace_hits");
        let misses = info.number("keyspace_misses");
        let (_, hit_ratio) = reading::hit_rate(hits, misses);
        let replication = Replication::of(info);
        let with_replicas = node.replicas.filter(|replicas| replicas.known > 0);

        Self {
            role: replication.role,
            version: reading::version(info),
            uptime_seconds: info.number("uptime_in_seconds"),
            memory_bytes: info.number("used_memory"),
            max_memory_bytes: info.number("maxmemory"),
            usage_percent: node.reading.usage_percent,
            keys: node.keys.as_ref().ok().copied(),
            hits,
            misses,
            hit_ratio,
            evicted_keys: info.number("evicted_keys"),
            connected_clients: info.number("connected_clients"),
            ops_per_sec: info.number("instantaneous_ops_per_sec"),
            latency_ms: Some(units::latency_ms(node.reading.latency)),
            replicas: node.replicas.map(|replicas| replicas.known),
            linked_replicas: node.replicas.map(|replicas| replicas.linked),
            replica_link_up: with_replicas.map(Replicas::are_linked),
            lag_seconds: replication.lag_seconds,
        }
    }
}
