//! The node that executes a command, and what happens when it redirects the command.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{FailedTry, RedisClient, Timed};
use crate::error::{ErrorKind, RedisError};
use crate::keyspace::own_slot::FENCES_ON_CLUSTER;
use crate::keyspace::slot;
use crate::redis::command::Command;
use crate::redis::connector::Connector;
use crate::redis::deadline::Deadline;
use crate::redis::redirect::Redirect;
use crate::redis::server_mode::ServerMode;
use crate::redis::slot_map::NodeAddress;
use crate::redis::topology::Topology;
use crate::redis::transport::Transport;

/// The pause after a refusal that ends soon; it grows by as much after each further one.
const REDIRECT_PAUSE: Duration = Duration::from_millis(10);

/// The node that a command is sent to.
pub(super) enum Target {
    /// By the command's key.
    ByKey,
    /// By a redirection.
    Node(NodeAddress),
}

impl<T: Transport> RedisClient<T> {
    pub(super) async fn topology_within(
        &self,
        deadline: &Deadline<T>,
    ) -> Result<Topology, RedisError> {
        match self.mode(deadline).await? {
            ServerMode::Single => Ok(Topology::Single),
            ServerMode::Cluster => {
                let map = self.cluster.map(&self.seed, deadline).await?;
                Ok(Topology::Cluster(map))
            }
        }
    }

    /// Returns the redirection in an error of a node; `None` for a single server.
    pub(super) fn redirect_of(&self, failed: &FailedTry) -> Option<Redirect> {
        if self.seed.mode() != Some(ServerMode::Cluster) {
            return None;
        }
        Redirect::of(&failed.error, failed.node.as_ref())
    }

    /// Returns where the command goes after a redirection, at once or after a pause that grows.
    pub(super) async fn follow(&self, redirect: Redirect, redirects: u32) -> Target {
        if let Redirect::Moved { slot, to } = redirect {
            self.cluster.move_slot(slot, to.clone());
            return Target::Node(to);
        }
        self.cluster.mark_stale();
        self.seed
            .transport()
            .timer(REDIRECT_PAUSE * redirects)
            .await;
        Target::ByKey
    }

    /// Executes a command at the node to which its key has moved already, while its slot is moving. Two
    /// round trips on a connection of their own, because `ASKING` is for the next command only.
    pub(super) async fn execute_asking(
        &self,
        command: &mut Command,
        node: &NodeAddress,
        deadline: &Deadline<T>,
    ) -> Result<Timed, RedisError> {
        let connector = self.cluster.connector(&self.seed, node)?;
        let transport = connector.transport();
        let asking = async {
            let connection = transport.open().await?;
            loop {
                transport
                    .send(&connection, &Command::read("ASKING"))
                    .await?;
                let started = Instant::now();
                match transport.send(&connection, command).await {
                    Err(error) if error.kind == ErrorKind::NoScript && command.switch_to_eval() => {
                    }
                    sent => return sent.map(|replies| (replies, started.elapsed())),
                }
            }
        };
        deadline.bound(Box::pin(asking)).await.flatten()
    }

    /// Returns the kind of the server, which the first connection finds out.
    pub(super) async fn mode(&self, deadline: &Deadline<T>) -> Result<ServerMode, RedisError> {
        if let Some(mode) = self.seed.mode() {
            return Ok(mode);
        }
        self.seed.connection(deadline).await?;
        Ok(self.seed.mode().unwrap_or(ServerMode::Single))
    }

    /// Returns the connector to the node that executes a command; on a Cluster with its address. No round
    /// trip while the slots are known.
    pub(super) async fn route(
        &self,
        command: &mut Command,
        target: &Target,
        mode: ServerMode,
        deadline: &Deadline<T>,
    ) -> Result<(Arc<Connector<T>>, Option<NodeAddress>), RedisError> {
        if mode == ServerMode::Single {
            return Ok((Arc::clone(&self.seed), None));
        }

        command.name_keys_for_cluster();
        let address = match (target, &command.node) {
            (Target::Node(address), _) | (Target::ByKey, Some(address)) => address.clone(),
            (Target::ByKey, None) => {
                let map = self.cluster.map(&self.seed, deadline).await?;
                let own = FENCES_ON_CLUSTER.as_bytes();
                let slot = slot::of(command.first_key().unwrap_or(own));
                map.owner(slot).cloned().ok_or_else(|| not_served(slot))?
            }
        };
        Ok((self.cluster.connector(&self.seed, &address)?, Some(address)))
    }

    /// Names a node that the Cluster announces and the host does not allow.
    pub(super) fn name_forbidden(
        &self,
        error: RedisError,
        node: Option<&NodeAddress>,
    ) -> RedisError {
        let Some(node) = node.filter(|_| error.kind == ErrorKind::AddressForbidden) else {
            return error;
        };
        let problem = format!(
            "the Cluster has a node at {node}, which the host does not allow: set `redis_nodes` so that it covers this \
             address, e.g. `redis://{node}`"
        );
        RedisError::new(ErrorKind::AddressForbidden, problem)
    }
}

fn not_served(slot: u16) -> RedisError {
    let problem = format!("CLUSTERDOWN no node serves the slot {slot}");
    RedisError::new(ErrorKind::Cluster, problem)
}
