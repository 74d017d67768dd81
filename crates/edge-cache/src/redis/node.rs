//! A connection of which all commands without keys go to one node: walks, and questions about the server. A command with
//! keys goes to the node that has them.

use std::time::Duration;

use super::Redis;
use super::command::Command;
use super::reply::Reply;
use super::runtime::HostRuntime;
use super::slot_map::NodeAddress;
use super::topology::Topology;
use crate::error::RedisError;

/// A connection to one node of a Cluster, or to a single server.
#[derive(Debug)]
pub struct OnNode<'a, R> {
    redis: &'a R,
    node: Option<NodeAddress>,
}

impl<'a, R> OnNode<'a, R> {
    pub(super) fn new(redis: &'a R, node: Option<NodeAddress>) -> Self {
        Self { redis, node }
    }

    /// The node's address; `None` for a single server.
    pub fn address(&self) -> Option<&NodeAddress> {
        self.node.as_ref()
    }

    fn pin(&self, mut command: Command) -> Command {
        if command.first_key().is_none() {
            command.node.clone_from(&self.node);
        }
        command
    }
}

impl<R: Redis> Redis for OnNode<'_, R> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.redis.execute(self.pin(command)).await
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        self.redis.execute_timed(self.pin(command)).await
    }

    fn connection_number(&self) -> u64 {
        match &self.node {
            Some(node) => self.redis.connection_number_of(node),
            None => self.redis.connection_number(),
        }
    }

    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        self.redis.connection_number_of(node)
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        self.redis.topology().await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        self.redis.newest_topology().await
    }
}

impl<R: HostRuntime> HostRuntime for OnNode<'_, R> {
    async fn sleep(&self, duration: Duration) {
        self.redis.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.redis.random()
    }
}
