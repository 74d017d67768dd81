//! A primary of a Cluster: its figures, and its problems.

use edge_cache::{NodeAddress, RedisError};

use super::replicas::Replicas;
use crate::admin::reading::Reading;

/// A primary, and its figures or why there are none.
#[derive(Debug)]
pub(crate) struct NodeReading {
    pub(crate) address: NodeAddress,
    /// Number of its slots.
    pub(crate) slots: u32,
    /// True if it has edge-cache's own keys.
    pub(crate) has_own_keys: bool,
    pub(crate) figures: Result<NodeFigures, RedisError>,
}

/// The figures of a node that answers.
#[derive(Debug)]
pub(crate) struct NodeFigures {
    pub(crate) reading: Reading,
    /// `DBSIZE`.
    pub(crate) keys: Result<u64, RedisError>,
    /// Its replicas; `None` if it does not report them.
    pub(crate) replicas: Option<Replicas>,
}

impl NodeReading {
    /// Why there are no figures, with the node's name.
    pub(crate) fn named_error(&self) -> Option<RedisError> {
        let mut error = self.figures.as_ref().err()?.clone();
        error.message = format!("node {}: {}", self.address, error.message);
        Some(error)
    }

    /// The problem with its replicas, without the node's name; `None` if all are linked.
    pub(crate) fn replica_problem(&self) -> Option<String> {
        let replicas = self.figures.as_ref().ok()?.replicas?;
        (!replicas.are_linked()).then(|| {
            format!(
                "{} of its {} replicas follow it: if it fails, a failover may lose data or be impossible",
                replicas.linked, replicas.known
            )
        })
    }

    /// Number of replicas whose link is down.
    pub(crate) fn unlinked_replicas(&self) -> u64 {
        let figures = self.figures.as_ref().ok();
        let replicas = figures.and_then(|figures| figures.replicas);
        replicas.map_or(0, |replicas| replicas.known.saturating_sub(replicas.linked))
    }
}
