//! A client for one request, which has a time limit of its own.

use std::time::Duration;

use super::{RedisClient, Timed};
use crate::error::RedisError;
use crate::redis::command::Command;
use crate::redis::connection::Redis;
use crate::redis::deadline::Deadline;
use crate::redis::reply::Reply;
use crate::redis::runtime::HostRuntime;
use crate::redis::slot_map::NodeAddress;
use crate::redis::topology::Topology;
use crate::redis::transport::Transport;

/// A [`RedisClient`] whose commands share one deadline: the request's own limit.
pub struct DeadlineClient<'a, T: Transport> {
    pub(super) client: &'a RedisClient<T>,
    pub(super) deadline: Deadline<T>,
}

impl<T: Transport> Redis for DeadlineClient<'_, T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let (replies, _) = self.execute_timed(command).await?;
        Ok(replies)
    }

    async fn execute_timed(&self, command: Command) -> Result<Timed, RedisError> {
        self.client.execute_explained(command, &self.deadline).await
    }

    fn connection_number(&self) -> u64 {
        self.client.connection_number()
    }

    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        self.client.connection_number_of(node)
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        self.client.topology_within(&self.deadline).await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        self.client.cluster.mark_stale();
        self.topology().await
    }
}

impl<T: Transport> HostRuntime for DeadlineClient<'_, T> {
    async fn sleep(&self, duration: Duration) {
        self.client.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.client.random()
    }
}
