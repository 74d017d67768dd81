//! The trait through which every command goes out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Command;
use super::reply::Reply;
use super::slot_map::NodeAddress;
use super::topology::Topology;
use crate::error::RedisError;

/// A connection to one logical database of a server, or of a Cluster, whose nodes have the keys.
#[expect(
    async_fn_in_trait,
    reason = "whether the futures are Send depends on the implementation: those of components are not"
)]
pub trait Redis {
    /// Sends one command and waits for its flattened reply. One round trip.
    ///
    /// # Errors
    /// Every failure is a [`RedisError`], whose kind says whether the server was reached.
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError>;

    /// Sends one command like [`Redis::execute`], and measures how long it took; without the time to
    /// open a connection, where an implementation knows that.
    ///
    /// # Errors
    /// Those of [`Redis::execute`].
    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        let sent = Instant::now();
        let replies = self.execute(command).await?;
        Ok((replies, sent.elapsed()))
    }

    /// Returns a number that changes when the connection is replaced by another one, which perhaps
    /// leads to another server. On a Cluster it is that of the node that has edge-cache's own keys.
    fn connection_number(&self) -> u64 {
        0
    }

    /// Returns the number of the connection to a node of a Cluster, as [`Redis::connection_number`] does.
    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        let _ = node;
        self.connection_number()
    }

    /// Returns which nodes hold the keys. A connection that wraps another one passes its answer on. No
    /// round trip; the first call may open the connection, and on a Cluster asks for its slots, again
    /// after nodes have changed.
    ///
    /// # Errors
    /// Those of the connection.
    async fn topology(&self) -> Result<Topology, RedisError>;

    /// Returns which nodes hold the keys by now, for a walk: no command of a walk is redirected. None on
    /// a single server, on a Cluster one round trip.
    ///
    /// # Errors
    /// Those of the connection.
    async fn newest_topology(&self) -> Result<Topology, RedisError>;
}

impl<R: Redis> Redis for &R {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        (**self).execute(command).await
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        (**self).execute_timed(command).await
    }

    fn connection_number(&self) -> u64 {
        (**self).connection_number()
    }

    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        (**self).connection_number_of(node)
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        (**self).topology().await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        (**self).newest_topology().await
    }
}

impl<R: Redis> Redis for Arc<R> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        (**self).execute(command).await
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        (**self).execute_timed(command).await
    }

    fn connection_number(&self) -> u64 {
        (**self).connection_number()
    }

    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        (**self).connection_number_of(node)
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        (**self).topology().await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        (**self).newest_topology().await
    }
}

impl<R: Redis> Redis for Rc<R> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        (**self).execute(command).await
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        (**self).execute_timed(command).await
    }

    fn connection_number(&self) -> u64 {
        (**self).connection_number()
    }

    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        (**self).connection_number_of(node)
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        (**self).topology().await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        (**self).newest_topology().await
    }
}
