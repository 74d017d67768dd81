//! The instant by which a command must have ended, with all its waiting.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{Either, Shared, select};

use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};

/// A deadline with one timer for everything that it bounds: each timer is a call to the host.
pub(super) struct Deadline<T: Transport> {
    at: Instant,
    passed: Shared<T::Timer>,
}

impl<T: Transport> Deadline<T> {
    /// A deadline this long from now.
    pub(super) fn after(limit: Duration, transport: &T) -> Self {
        Self {
            at: Instant::now() + limit,
            passed: transport.timer(limit).shared(),
        }
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Returns whether a pause of this length would end before the deadline.
    pub(super) fn allows(&self, pause: Duration) -> bool {
        Instant::now() + pause < self.at
    }

    /// Runs `work` until the deadline at most.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the deadline passes.
    pub(super) async fn bound<F: Future>(&self, work: F) -> Result<F::Output, RedisError> {
        match select(pin!(work), self.passed.clone()).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) => Err(RedisError::new(
                ErrorKind::Timeout,
                "Redis did not answer in time",
            )),
        }
    }
}
