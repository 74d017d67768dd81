//! The figures now, of one server or of each node of a Cluster.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edge_cache::units;

use super::row::{Counted, Figures};
use crate::admin::nodes::{ClusterReading, NodeReading};
use crate::admin::reading::{self, Reading};

/// The figures of all nodes at one moment.
#[derive(Debug, Default)]
pub(crate) struct CurrentFigures {
    /// Redis' time, if it reports it.
    pub(super) at_ms: Option<u64>,
    pub(super) nodes: Vec<CurrentNode>,
    /// Number of nodes that did not answer.
    pub(super) missing: u16,
}

/// The figures of a node. Its counters are those since its process started.
#[derive(Debug, Clone)]
pub(super) struct CurrentNode {
    /// Empty for a single server.
    pub(super) address: String,
    pub(super) run_id: String,
    pub(super) figures: Figures,
}

impl CurrentFigures {
    /// Redis' time; that of this machine if it is not reported.
    pub(crate) fn read_at(&self) -> SystemTime {
        let at_ms = self.at_ms.map(Duration::from_millis);
        at_ms.map_or_else(SystemTime::now, |at| UNIX_EPOCH + at)
    }

    /// The figures of a server. `keys` and `database` are those of the cache, if they are known.
    pub(crate) fn of_server(reading: &Reading, keys: Option<u64>, database: Option<u16>) -> Self {
        Self {
            at_ms: server_time(reading),
            nodes: vec![CurrentNode::new(String::new(), reading, keys, database)],
            missing: 0,
        }
    }

    /// `together` are the figures of all nodes, with the clock of the node that has edge-cache's keys.
    pub(crate) fn of_cluster(
        cluster: &ClusterReading,
        together: &Reading,
        database: Option<u16>,
    ) -> Self {
        let node = |node: &NodeReading| {
            let figures = node.figures.as_ref().ok()?;
            let keys = figures.keys.as_ref().ok().copied();
            Some(CurrentNode::new(
                node.address.to_string(),
                &figures.reading,
                keys,
                database,
            ))
        };
        Self {
            at_ms: server_time(together),
            nodes: cluster.nodes.iter().filter_map(node).collect(),
            missing: u16::try_from(cluster.silent().count()).unwrap_or(u16::MAX),
        }
    }
}

fn server_time(reading: &Reading) -> Option<u64> {
    let microseconds = reading.info.number("server_time_usec")?;
    Some(microseconds / 1000)
}

impl CurrentNode {
    fn new(address: String, reading: &Reading, keys: Option<u64>, database: Option<u16>) -> Self {
        let info = &reading.info;
        let counted = Counted {
            hits: info.number("keyspace_hits"),
            misses: info.number("keyspace_misses"),
            evicted: info.number("evicted_keys"),
            expired: info.number("expired_keys"),
            commands: info.number("total_commands_processed"),
        };
        let figures = Figures {
            memory: info.number("used_memory"),
            keys,
            with_ttl: reading::keys_with_ttl(info, database, keys),
            clients: info.number("connected_clients"),
            latency_us: Some(units::microseconds(reading.latency)),
            counted,
            restarted: false,
        };
        Self {
            address,
            run_id: info.text("run_id").unwrap_or_default().to_owned(),
            figures,
        }
    }
}
