//! A connection that is slow at random.

use std::cell::RefCell;
use std::time::Duration;

use edge_cache::{Command, HostRuntime, NodeAddress, Redis, RedisError, Reply, Topology};
use edge_cache_testing::client;
use tokio::time::sleep;

use crate::Native;

/// A connection whose commands take a random time, before and after they are executed.
pub(super) struct Slow {
    redis: Native,
    most: Duration,
    /// Called when a reply has arrived.
    pub(super) on_reply: RefCell<Option<Box<dyn Fn()>>>,
}

impl Slow {
    pub(super) fn new(url: &str, most: Duration) -> Self {
        Self {
            redis: client(url),
            most,
            on_reply: RefCell::default(),
        }
    }

    async fn pause(&self) {
        let part = (self.redis.random() % 1000) as u32;
        // Mostly short, sometimes long.
        if part < 300 {
            sleep(self.most * part / 300).await;
        }
    }
}

impl Redis for Slow {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.pause().await;
        let reply = self.redis.execute(command).await;
        if let Some(on_reply) = &*self.on_reply.borrow() {
            on_reply();
        }
        self.pause().await;
        reply
    }

    fn connection_number(&self) -> u64 {
        self.redis.connection_number()
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

impl HostRuntime for Slow {
    async fn sleep(&self, duration: Duration) {
        self.redis.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.redis.random()
    }
}
