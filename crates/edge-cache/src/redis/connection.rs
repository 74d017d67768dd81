//! The trait through which every command goes out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Command;
use super::reply::Reply;
use crate::error::RedisError;

/// A connection to one logical database of one Redis node.
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
    /// leads to another server.
    fn connection_number(&self) -> u64 {
        0
    }
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
}
