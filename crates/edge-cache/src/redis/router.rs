//! The node that executes a command, and what happens when it redirects the command.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::command::Command;
use super::connector::Connector;
use super::deadline::Deadline;
use super::redirect::Redirect;
use super::reply::Reply;
use super::server_mode::ServerMode;
use super::slot_map::NodeAddress;
use super::topology::Topology;
use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};
use crate::keyspace::namespace::Namespace;
use crate::keyspace::own_slot::FENCES_ON_CLUSTER;
use crate::keyspace::slot;

/// The pause after a refusal that ends soon; it grows by as much after each further one.
const REDIRECT_PAUSE: Duration = Duration::from_millis(10);

/// The node that a command is sent to.
pub(super) enum Target {
    /// By the command's key.
    ByKey,
    /// By a redirection.
    Node(NodeAddress),
}

/// Result of following a redirection.
pub(super) enum Followed {
    /// The command is sent there.
    Next(Target),
    /// The command was executed on the way.
    Executed(Result<(Vec<Reply>, Duration), RedisError>),
}

/// Finds the node of each command.
pub(super) struct Router<T: Transport> {
    /// Leads to the server at the configured address: the only one, or any node of a Cluster.
    pub(super) seed: Arc<Connector<T>>,
    cluster: Cluster<T>,
}

impl<T: Transport> Router<T> {
    pub(super) fn new(seed: Connector<T>) -> Self {
        Self {
            seed: Arc::new(seed),
            cluster: Cluster::new(),
        }
    }

    /// Takes the server for one of this kind, unless connections were opened already.
    pub(super) fn expecting(self, mode: ServerMode) -> Self {
        match Arc::try_unwrap(self.seed) {
            Ok(seed) => Self::new(seed.expecting(mode)),
            Err(seed) => Self { seed, ..self },
        }
    }

    /// Registers the namespace with each connection that is opened, unless connections were opened
    /// already.
    pub(super) fn registering(self, namespace: &Namespace) -> Self {
        match Arc::try_unwrap(self.seed) {
            Ok(seed) => Self::new(seed.registering(namespace)),
            Err(seed) => Self { seed, ..self },
        }
    }

    /// Lets the map of slots be read again before the next command.
    pub(super) fn mark_stale(&self) {
        self.cluster.mark_stale();
    }

    /// The number of the connection to the only server, or to the node that has edge-cache's own keys.
    pub(super) fn connection_number(&self) -> u64 {
        match self.seed.mode() {
            Some(ServerMode::Cluster) => self.cluster.own_connection_number(&self.seed),
            _ => self.seed.connection_number(),
        }
    }

    /// The number of the connection to a node.
    pub(super) fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        self.cluster.connection_number_of(&self.seed, node)
    }

    /// Returns which nodes hold the keys.
    pub(super) async fn topology(
        &self,
        deadline: &Deadline<'_, T>,
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
    pub(super) fn redirect_of(
        &self,
        error: &RedisError,
        node: Option<&NodeAddress>,
    ) -> Option<Redirect> {
        if self.seed.mode() != Some(ServerMode::Cluster) {
            return None;
        }
        Redirect::of(error, node)
    }

    /// Follows a redirection, at once or after a pause that grows.
    pub(super) async fn follow(
        &self,
        redirect: Redirect,
        redirects: u32,
        command: &mut Command,
        deadline: &Deadline<'_, T>,
    ) -> Followed {
        let redirect = match redirect {
            Redirect::Ask { to } => {
                let executed = self.execute_asking(command, &to, deadline).await;
                let error = executed.as_ref().err();
                match error.and_then(|error| Redirect::of(error, Some(&to))) {
                    Some(again) => again,
                    None => return Followed::Executed(executed),
                }
            }
            redirect => redirect,
        };

        if let Redirect::Moved { slot, to } = redirect {
            self.cluster.move_slot(slot, to.clone());
            return Followed::Next(Target::Node(to));
        }
        self.cluster.mark_stale();
        let pause = REDIRECT_PAUSE * redirects;
        self.seed.transport().timer(pause).await;
        Followed::Next(Target::ByKey)
    }

    /// Executes a command at the node to which its key has moved already, while its slot is moving. Two
    /// round trips on a connection of their own, because `ASKING` is for the next command only.
    async fn execute_asking(
        &self,
        command: &mut Command,
        node: &NodeAddress,
        deadline: &Deadline<'_, T>,
    ) -> Result<(Vec<Reply>, Duration), RedisError> {
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
    pub(super) async fn mode(&self, deadline: &Deadline<'_, T>) -> Result<ServerMode, RedisError> {
        if let Some(mode) = self.seed.mode() {
            return Ok(mode);
        }
        Box::pin(self.seed.connection(deadline)).await?;
        Ok(self.seed.mode().unwrap_or(ServerMode::Single))
    }

    /// Returns the connector to the node that executes a command; on a Cluster with its address. No round
    /// trip while the slots are known.
    pub(super) async fn route(
        &self,
        command: &mut Command,
        target: &Target,
        mode: ServerMode,
        deadline: &Deadline<'_, T>,
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

/// Adds to the error the node of a Cluster that did not reply.
pub(super) fn name_silent(mut error: RedisError, node: &NodeAddress) -> RedisError {
    if matches!(error.kind, ErrorKind::Timeout | ErrorKind::Unreachable) {
        error.message = format!("{} (node {node} of the Cluster)", error.message);
    }
    error
}

fn not_served(slot: u16) -> RedisError {
    let problem = format!("CLUSTERDOWN no node serves the slot {slot}");
    RedisError::new(ErrorKind::Cluster, problem)
}
