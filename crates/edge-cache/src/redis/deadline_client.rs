//! A client for one request, which has a time limit of its own.

use std::time::Duration;

use super::client::RedisClient;
use super::command::Command;
use super::connection::Redis;
use super::deadline::Deadline;
use super::reply::Reply;
use super::runtime::HostRuntime;
use super::topology::Topology;
use super::transport::Transport;
use crate::error::RedisError;
use crate::{forward_redis, forward_runtime};

impl<T: Transport> RedisClient<T> {
    /// Returns the same connection for a request that must end within `limit`, counted from now.
    pub fn within(&self, limit: Duration) -> DeadlineClient<'_, T> {
        DeadlineClient {
            client: self,
            deadline: Deadline::after(limit.min(self.limit), self.router.seed.transport()),
        }
    }
}

/// A [`RedisClient`] whose commands share one deadline: the request's own limit.
pub struct DeadlineClient<'a, T: Transport> {
    client: &'a RedisClient<T>,
    deadline: Deadline<'a, T>,
}

impl<T: Transport> Redis for DeadlineClient<'_, T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let (replies, _) = self.execute_timed(command).await?;
        Ok(replies)
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        self.client.execute_explained(command, &self.deadline).await
    }

    forward_redis!(self => self.client; connection_number, connection_number_of, namespace, database);

    async fn topology(&self) -> Result<Topology, RedisError> {
        self.client.router.topology(&self.deadline).await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        self.client.router.mark_stale();
        self.topology().await
    }
}

impl<T: Transport> HostRuntime for DeadlineClient<'_, T> {
    forward_runtime!(self => self.client);
}
