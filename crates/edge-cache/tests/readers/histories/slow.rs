//! A connection that is slow at random.

use std::cell::RefCell;
use std::time::Duration;

use edge_cache::{Command, HostRuntime, Redis, RedisError, Reply, forward_redis, forward_runtime};
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

    forward_redis!(self => self.redis);
}

impl HostRuntime for Slow {
    forward_runtime!(self => self.redis);
}
