//! The instant by which a command must have ended, with all its waiting.

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};

/// A deadline. Each step that it bounds has a [`Transport::time_limit`]; most commands have one step.
pub(super) struct Deadline<'a, T> {
    /// How long after its beginning it passes.
    limit: Duration,
    /// When it passes, once it has begun.
    at: OnceLock<Instant>,
    transport: &'a T,
}

impl<'a, T: Transport> Deadline<'a, T> {
    /// A deadline this long from now.
    pub(super) fn after(limit: Duration, transport: &'a T) -> Self {
        let deadline = Self::of_first_step(limit, transport);
        deadline.passes_at(Instant::now());
        deadline
    }

    /// A deadline that begins with its first step. Nothing before that step may take time.
    pub(super) fn of_first_step(limit: Duration, transport: &'a T) -> Self {
        Self {
            limit,
            at: OnceLock::new(),
            transport,
        }
    }

    /// Returns when it passes. One that has not begun yet begins now.
    fn passes_at(&self, now: Instant) -> Instant {
        *self.at.get_or_init(|| now + self.limit)
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Duration {
        let now = Instant::now();
        self.passes_at(now).saturating_duration_since(now)
    }

    /// Returns whether a pause of this length would end before the deadline.
    pub(super) fn allows(&self, pause: Duration) -> bool {
        let now = Instant::now();
        now + pause < self.passes_at(now)
    }

    /// Runs `work` until the deadline at most.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the deadline passes.
    pub(super) async fn bound<F: Future>(&self, work: F) -> Result<F::Output, RedisError> {
        self.bound_from(Instant::now(), work).await
    }

    /// Runs `work`, which begins `now`, until the deadline at most.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the deadline passes.
    pub(super) async fn bound_from<F: Future>(
        &self,
        now: Instant,
        work: F,
    ) -> Result<F::Output, RedisError> {
        let passed = self.transport.time_limit(now, self.passes_at(now));
        match select(pin!(work), pin!(passed)).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) => Err(RedisError::new(
                ErrorKind::Timeout,
                "Redis did not answer in time",
            )),
        }
    }
}
