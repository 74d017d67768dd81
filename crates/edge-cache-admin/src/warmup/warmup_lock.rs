//! The lock that lets one warmup run at a time, across all instances.

use std::time::Duration;

use super::outcome::StopReason;
use super::progress::read_stored_status;
use super::status::{WarmupState, WarmupStatus};
use crate::error::Error;
use edge_cache::RedisError;
use edge_cache::keyspace::key::WARMUP_LOCK;
use edge_cache::keyspace::lock;
use edge_cache::redis::Redis;

/// The lifetime of the lock unless it is renewed: another warmup may start after that.
const LEASE: Duration = Duration::from_secs(15);

/// The hold of a running warmup on the lock.
pub(crate) trait WarmupHold {
    /// Renews the lease. Returns the reason for which the warmup has to stop, if there is one. `now` is its
    /// status, `finished` that after the last plan entry that it has finished.
    async fn renew(
        &self,
        now: &WarmupStatus,
        finished: &WarmupStatus,
    ) -> Result<Option<StopReason>, RedisError>;

    /// Returns whether another instance has to continue after the plan entry that has ended.
    fn is_time_over(&self) -> bool {
        false
    }
}

/// The lock on warmups, held or wanted by one of them. A dry run needs none.
pub(super) struct WarmupLock<'a, R> {
    pub(super) redis: &'a R,
    /// The warmup's id.
    pub(super) owner: &'a str,
    pub(super) is_dry_run: bool,
}

impl<R: Redis> WarmupLock<'_, R> {
    /// Acquires the lock. One round trip.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another warmup holds it; those of the connection.
    pub(super) async fn acquire(&self) -> Result<(), Error> {
        if self.is_dry_run || lock::acquire(self.redis, WARMUP_LOCK, self.owner, LEASE).await? {
            return Ok(());
        }
        Err(self.describe_conflict().await?)
    }

    async fn describe_conflict(&self) -> Result<Error, RedisError> {
        let starter = read_stored_status(self.redis)
            .await?
            .filter(|status| status.state == WarmupState::Running)
            .map(|status| format!(", started by {} at {}", status.by, status.started_at))
            .unwrap_or_default();
        Ok(Error::Conflict(format!(
            "a warmup is already running{starter}; wait until it ends, or cancel it"
        )))
    }

    /// Releases the lock if it is still ours. One round trip.
    pub(super) async fn release(&self) -> Result<(), RedisError> {
        if self.is_dry_run {
            return Ok(());
        }
        lock::release(self.redis, WARMUP_LOCK, self.owner)
            .await
            .map(drop)
    }
}

impl<R: Redis> WarmupHold for WarmupLock<'_, R> {
    /// One round trip.
    async fn renew(
        &self,
        _now: &WarmupStatus,
        _finished: &WarmupStatus,
    ) -> Result<Option<StopReason>, RedisError> {
        let is_held =
            self.is_dry_run || lock::renew(self.redis, WARMUP_LOCK, self.owner, LEASE).await?;
        Ok((!is_held).then_some(StopReason::LockLost))
    }
}
