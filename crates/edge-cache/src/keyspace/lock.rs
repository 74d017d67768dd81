//! Locks: keys that name their owner and expire unless the owner renews them.
//!
//! The owner is a random value. Only its owner renews or releases a lock, so a caller whose lease
//! has ended cannot touch the lock of its successor. Load locks are acquired together with a stamp
//! (`cache/load.rs`); renewing and releasing are the same for all locks.

use std::time::Duration;

use crate::error::{ErrorKind, RedisError};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis};
use crate::script;
use crate::units::milliseconds;

static ACQUIRE: Script = script!(once "lock/acquire", [shared::EXISTENCE, shared::LOCKS]);
static RENEW: Script = script!(repeatable "lock/renew", []);
static RELEASE: Script = script!(repeatable "lock/release", []);

/// Acquires a lock; false when another owner holds it. One round trip.
///
/// When the connection breaks, the lock may be ours all the same. It is released then, so that
/// nobody waits for its lease to end.
///
/// # Errors
/// Those of the connection.
pub async fn acquire<R: Redis>(
    redis: &R,
    name: impl Into<Arg>,
    owner: &str,
    lease: Duration,
) -> Result<bool, RedisError> {
    let name = name.into();
    let args = [owner.into(), milliseconds(lease).into()];

    let reply = ACQUIRE.run(redis, [name.clone()], args).await;
    release_after_break(redis, name, owner, &reply).await;

    Ok(reply?.count()? == 1)
}

/// Renews the lease of a lock; false when this owner no longer holds it. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn renew<R: Redis>(
    redis: &R,
    name: impl Into<Arg>,
    owner: &str,
    lease: Duration,
) -> Result<bool, RedisError> {
    let args = [owner.into(), milliseconds(lease).max(1).into()];
    let mut reply = RENEW.run(redis, [name.into()], args).await?;
    Ok(reply.count()? == 1)
}

/// Releases a lock; false when this owner no longer holds it. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn release<R: Redis>(
    redis: &R,
    name: impl Into<Arg>,
    owner: &str,
) -> Result<bool, RedisError> {
    let mut reply = RELEASE.run(redis, [name.into()], [owner.into()]).await?;
    Ok(reply.count()? == 1)
}

/// Releases a lock whose acquisition may have reached Redis although its reply was lost.
pub(crate) async fn release_after_break<R: Redis, T>(
    redis: &R,
    name: impl Into<Arg>,
    owner: &str,
    reply: &Result<T, RedisError>,
) {
    if let Err(error) = reply
        && error.kind == ErrorKind::Unreachable
    {
        // Where this fails too, the lease ends by itself.
        let _ = release(redis, name, owner).await;
    }
}
