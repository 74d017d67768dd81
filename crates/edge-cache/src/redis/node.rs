//! A connection of which all commands without keys go to one node: walks, and questions about the server. A command with
//! keys goes to the node that has them.

use std::time::Duration;

use super::command::{Arg, Command};
use super::connection::Redis;
use super::keyless::KeylessScripts;
use super::reply::{Replies, Reply};
use super::runtime::HostRuntime;
use super::script::Script;
use super::slot_map::NodeAddress;
use super::topology::Topology;
use crate::error::RedisError;
use crate::{forward_redis, forward_runtime};

/// A connection to one node of a Cluster, or to a single server.
#[derive(Debug)]
pub struct OnNode<'a, R> {
    redis: &'a R,
    node: Option<NodeAddress>,
    keyless: KeylessScripts,
}

impl<'a, R> OnNode<'a, R> {
    /// A connection to a single server.
    pub(crate) fn single(redis: &'a R) -> Self {
        Self {
            redis,
            node: None,
            keyless: KeylessScripts::default(),
        }
    }

    pub(super) fn of_cluster(redis: &'a R, node: NodeAddress, keyless: KeylessScripts) -> Self {
        Self {
            redis,
            node: Some(node),
            keyless,
        }
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

impl Topology {
    /// A connection to each node that holds keys.
    pub fn nodes<'a, R: Redis>(&self, redis: &'a R) -> Vec<OnNode<'a, R>> {
        match self {
            Self::Single => vec![OnNode::single(redis)],
            Self::Cluster(map) => {
                let primaries = map.primaries().into_iter();
                let node = |address| OnNode::of_cluster(redis, address, map.keyless.clone());
                primaries.map(node).collect()
            }
        }
    }
}

impl<R: Redis> OnNode<'_, R> {
    /// Runs a script without keys at this node; `None` where a Cluster's node refuses those, and the caller has to use plain
    /// commands. One round trip; none after the first refusal.
    ///
    /// # Errors
    /// Those of [`Script::run`].
    pub async fn run_keyless(
        &self,
        script: &'static Script,
        args: impl IntoIterator<Item = Arg>,
    ) -> Result<Option<Replies>, RedisError> {
        if self.keyless.are_refused() {
            return Ok(None);
        }
        match script.run(self, [], args).await {
            Err(error) if self.node.is_some() && error.refuses_keyless_script() => {
                self.keyless.record_refused();
                Ok(None)
            }
            result => result.map(Some),
        }
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

    forward_redis!(self => self.redis; connection_number_of, topology, newest_topology, namespace, database);
}

impl<R: HostRuntime> HostRuntime for OnNode<'_, R> {
    forward_runtime!(self => self.redis);
}
