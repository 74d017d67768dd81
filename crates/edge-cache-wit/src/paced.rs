//! A connection whose pauses and replies the [`Gauge`] knows.

use std::rc::Rc;
use std::time::Duration;

use edge_cache::{Command, HostRuntime, Redis, RedisError, Reply, forward_redis};

use crate::gauge::Gauge;

/// A connection over another one.
#[derive(Debug)]
pub struct Paced<C> {
    inner: C,
    gauge: Rc<Gauge>,
}

impl<C> Paced<C> {
    pub(crate) fn new(inner: C, gauge: Rc<Gauge>) -> Self {
        Self { inner, gauge }
    }
}

impl<C: Redis> Redis for Paced<C> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let (replies, _) = self.execute_timed(command).await?;
        Ok(replies)
    }

    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        let result = {
            let _in_flight = self.gauge.begin_command();
            self.inner.execute_timed(command).await
        };
        self.gauge.record(result.as_ref().err());
        result
    }

    forward_redis!(self => self.inner);
}

impl<C: HostRuntime> HostRuntime for Paced<C> {
    async fn sleep(&self, duration: Duration) {
        self.gauge.pause(duration).await;
    }

    fn random(&self) -> u64 {
        self.inner.random()
    }
}
