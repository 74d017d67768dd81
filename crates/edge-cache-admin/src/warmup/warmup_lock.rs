//! The lock that lets one warmup run at a time, across all instances.

use std::time::Duration;

use super::progress::read_stored_status;
use super::status::WarmupState;
use crate::error::Error;
use edge_cache::RedisError;
use edge_cache::keyspace::key::WARMUP_LOCK;
use edge_cache::keyspace::lock;
use edge_cache::redis::Redis;

/// The lifetime of the lock unless it is renewed: another warmup may start after that.
const LEASE: Duration = Duration::from_secs(15);

/// The lock on warmups, held or wanted by one of them.
pub(super) struct WarmupLock<'a, R> {
    pub(super) redis: &'a R,
    /// The warmup's id.
    pub(super) owner: &'a str,
}

impl<R: Redis> WarmupLock<'_, R> {
    /// Acquires the lock. One round trip.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another warmup holds it; those of the connection.
    pub(super) async fn acquire(&self) -> Result<(), Error> {
        if lock::acquire(self.redis, WARMUP_LOCK, self.owner, LEASE).await? {
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

    /// Renews the lease and returns whether the lock is still ours. One round trip.
    pub(super) async fn renew(&self) -> Result<bool, RedisError> {
        lock::renew(self.redis, WARMUP_LOCK, self.owner, LEASE).await
    }

    /// Releases the lock if it is still ours. One round trip.
    pub(super) async fn release(&self) -> Result<(), RedisError> {
        lock::release(self.redis, WARMUP_LOCK, self.owner)
            .await
            .map(drop)
    }
}
