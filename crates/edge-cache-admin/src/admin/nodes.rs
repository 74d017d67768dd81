//! The primaries of a Cluster: the figures of each, and of all together.
//!
//! A node that does not answer has an error instead of figures. Sums are then those of the others,
//! and the report names the missing node.

mod merge;
mod node;
mod replicas;
mod report;

use std::cmp::Ordering;
use std::sync::Arc;

use edge_cache::keyspace::own_slot::FENCES_ON_CLUSTER;
use edge_cache::keyspace::slot;
use edge_cache::redis::{Command, OnNode, Replies};
use edge_cache::{ErrorKind, NodeAddress, Redis, RedisError, SlotMap, Topology};
use futures_util::future::{join, join_all};

use crate::admin::alert::Alert;
use crate::admin::reading::{self, Reading};
use crate::admin::unreported::UnreportedField;
use node::NodeFigures;
pub(crate) use node::NodeReading;
use replicas::Replicas;
pub use report::NodeReport;

/// All primaries of a Cluster.
#[derive(Debug)]
pub(crate) struct ClusterReading {
    /// In the order of their addresses.
    pub(crate) nodes: Vec<NodeReading>,
    /// Number of slots that no node serves.
    pub(crate) uncovered_slots: u32,
    /// True if a node has the slot of edge-cache's own keys.
    pub(crate) own_slot_is_served: bool,
}

/// Returns the slots of a Cluster; `None` for a single server. No round trip, except before the first
/// connection. A server whose kind cannot be found out counts as a single one, so that the commands
/// that follow are retried and explain the failure.
///
/// # Errors
/// [`ErrorKind::Timeout`]: the commands would wait as long again.
pub(crate) async fn slots_of<R: Redis>(redis: &R) -> Result<Option<Arc<SlotMap>>, RedisError> {
    match redis.topology().await {
        Ok(Topology::Cluster(map)) => Ok(Some(map)),
        Err(error) if error.kind == ErrorKind::Timeout => Err(error),
        Ok(Topology::Single) | Err(_) => Ok(None),
    }
}

/// Reads all primaries side by side: four commands to each that overlap, one round trip.
pub(crate) async fn read<R: Redis>(redis: &R, map: &Arc<SlotMap>) -> ClusterReading {
    let nodes = Topology::Cluster(Arc::clone(map)).nodes(redis);
    let reading = nodes.iter().map(|node| read_node(node, map));
    ClusterReading::new(join_all(reading).await.into_iter().flatten().collect(), map)
}

/// Reads one primary; `None` for a single server.
pub(crate) async fn read_node<R: Redis>(
    node: &OnNode<'_, R>,
    map: &SlotMap,
) -> Option<NodeReading> {
    let address = node.address()?;
    Some(NodeReading {
        address: address.clone(),
        slots: map.slots_of(address),
        has_own_keys: map.owner_of_key(FENCES_ON_CLUSTER.as_bytes()) == Some(address),
        figures: read_figures(node).await,
    })
}

async fn read_figures<R: Redis>(node: &OnNode<'_, R>) -> Result<NodeFigures, RedisError> {
    let size = node.execute(Command::read("DBSIZE"));
    let known = node.execute(Command::read("CLUSTER").arg("NODES"));
    let (reading, (size, known)) = join(reading::read(node), join(size, known)).await;

    let reading = reading?;
    let known = known.and_then(|known| Replies::new(known).text()).ok();
    Ok(NodeFigures {
        replicas: known.and_then(|known| Replicas::read(&known, &reading.info)),
        keys: size.and_then(|size| Replies::new(size).count()),
        reading,
    })
}

/// Returns the name of a key in a slot of this node; `None` if the node has no slots. With three nodes
/// it takes about three tries, for a node with a single slot about 16,000.
pub(crate) fn key_on(address: &NodeAddress, map: &SlotMap, prefix: &str) -> Option<String> {
    let has_slots = (0..slot::SLOTS).any(|slot| map.owner(slot) == Some(address));
    let names = (0_u32..).map(|number| format!("{prefix}:{{{number:x}}}"));
    let mut own = names.filter(|name| map.owner_of_key(name.as_bytes()) == Some(address));
    has_slots.then(|| own.next()).flatten()
}

impl ClusterReading {
    pub(crate) fn new(nodes: Vec<NodeReading>, map: &SlotMap) -> Self {
        Self {
            nodes,
            uncovered_slots: map.uncovered(),
            own_slot_is_served: map.owner_of_key(FENCES_ON_CLUSTER.as_bytes()).is_some(),
        }
    }

    /// The figures of all nodes that answer, together.
    ///
    /// # Errors
    /// No node answers; the error of the first.
    pub(crate) fn together(&self) -> Result<Reading, RedisError> {
        let answering: Vec<(&NodeReading, &NodeFigures)> = self.answering().collect();
        if answering.is_empty() {
            let mut errors = self.nodes.iter().map(NodeReading::named_error);
            let nobody = || RedisError::new(ErrorKind::Cluster, "the Cluster has no primaries");
            return Err(errors.next().flatten().unwrap_or_else(nobody));
        }

        let own = answering.iter().find(|(node, _)| node.has_own_keys);
        let own = own.map(|(_, figures)| &figures.reading.info);
        let readings: Vec<&Reading> = answering
            .iter()
            .map(|(_, figures)| &figures.reading)
            .collect();
        Ok(merge::merge(&readings, own))
    }

    /// The keys of all nodes that answer.
    ///
    /// # Errors
    /// A node refused `DBSIZE`.
    pub(crate) fn keys(&self) -> Result<u64, RedisError> {
        let keys = self.answering().map(|(_, figures)| figures.keys.clone());
        keys.sum()
    }

    /// The nodes in the form of the reports.
    pub(crate) fn reports(&self) -> Vec<NodeReport> {
        self.nodes.iter().map(NodeReport::new).collect()
    }

    /// Nodes that do not answer.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &NodeReading> {
        self.nodes.iter().filter(|node| node.figures.is_err())
    }

    /// The nodes that sums lack.
    pub(crate) fn unreported(&self) -> Option<UnreportedField> {
        let silent: Vec<String> = self
            .silent()
            .map(|node| format!("node {}", node.address))
            .collect();
        (!silent.is_empty()).then(|| UnreportedField {
            field: "nodes",
            reason: format!(
                "{} did not answer: sums are those of the other nodes",
                silent.join(", ")
            ),
        })
    }

    /// The problem with slots that no node serves.
    pub(crate) fn uncovered_problem(&self) -> String {
        let count = self.uncovered_slots;
        format!(
            "no node serves {count} of the {} slots: their keys can be neither read nor stored; check CLUSTER NODES for the \
             primary that failed",
            slot::SLOTS
        )
    }

    /// Names the node that an alert is about.
    pub(crate) fn name_node(&self, mut alert: Alert) -> Alert {
        if let Some(node) = self.node_of(&alert) {
            alert.message = format!("node {}: {}", node.address, alert.message);
        }
        alert
    }

    /// The node that an alert is about: the fullest or the slowest.
    pub(crate) fn node_of(&self, alert: &Alert) -> Option<&NodeReading> {
        match alert.kind {
            "memory" => self.worst(|reading| reading.usage_percent),
            "latency" => self.worst(|reading| Some(reading.latency.as_secs_f64())),
            _ => None,
        }
    }

    /// The figures of the node whose memory is fullest; `None` where no node has a limit.
    pub(crate) fn fullest(&self) -> Option<&Reading> {
        let fullest = self.worst(|reading| reading.usage_percent)?;
        let figures = fullest.figures.as_ref().ok()?;
        Some(&figures.reading)
    }

    /// The `run_id`s of all nodes, in an order of their own; `None` while one does not answer.
    pub(crate) fn processes(&self) -> Option<String> {
        if self.silent().next().is_some() {
            return None;
        }
        let run_ids = self
            .answering()
            .filter_map(|(_, figures)| figures.reading.info.text("run_id"));
        let mut run_ids: Vec<&str> = run_ids.collect();
        run_ids.sort_unstable();
        Some(run_ids.join(" "))
    }

    fn worst(&self, figure: impl Fn(&Reading) -> Option<f64>) -> Option<&NodeReading> {
        let figures = self
            .answering()
            .filter_map(|(node, figures)| Some((node, figure(&figures.reading)?)));
        figures
            .max_by(|(_, one), (_, other)| one.partial_cmp(other).unwrap_or(Ordering::Equal))
            .map(|(node, _)| node)
    }

    fn answering(&self) -> impl Iterator<Item = (&NodeReading, &NodeFigures)> {
        let nodes = self.nodes.iter();
        nodes.filter_map(|node| Some((node, node.figures.as_ref().ok()?)))
    }
}

#[cfg(test)]
mod tests;
