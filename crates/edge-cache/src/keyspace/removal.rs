//! Removal of keys by name, with their load locks.

use crate::error::{Error, RedisError};
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::keyspace::fence::InForce;
use crate::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, NONE, WARMUP_LOCK};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, HostRuntime, Redis};
use crate::script;

/// Removes keys that a request names.
static DELETE_NAMED: Script = script!(once "keys/delete_named", [
    shared::PROTECTED,
    shared::EXISTENCE,
    shared::REMOVAL,
    shared::FENCES,
    shared::NEAR,
]);

/// Removes keys that a walk has found.
static DELETE_FOUND: Script = script!(once "keys/delete_found", [
    shared::PROTECTED,
    shared::REMOVAL,
]);

/// Removes named keys atomically; the result says for each whether it existed. Loads in flight of
/// these keys are not stored. While instances keep near copies, it returns when all of them know it.
/// The audit trail is never removed. One round trip; at most [`MAX_KEYS_PER_CALL`] keys.
///
/// # Errors
/// Those of the connection.
pub async fn delete_named<R: Redis + HostRuntime>(
    redis: &R,
    names: &[KeyName],
) -> Result<Vec<bool>, RedisError> {
    let count = names.len();
    let head = [FENCES, NONE, WARMUP_LOCK, NEAR, NEAR_FENCES].map(Arg::from);
    let keys = head.into_iter().chain(with_locks(names));
    let mut replies = DELETE_NAMED.run(redis, keys, []).await?;
    let in_force = InForce::read(&mut replies)?;
    let existed = (0..count).map(|_| Ok(replies.count()? > 0)).collect();
    in_force.wait(redis).await;
    existed
}

/// Removes keys that a walk has found, 1,000 in one atomic round trip; how many existed. Protected
/// keys stay.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub async fn delete_found<R: Redis>(redis: &R, names: &[KeyName]) -> Result<u64, Error> {
    let mut removed = 0;
    for slice in names.chunks(MAX_KEYS_PER_CALL) {
        removed += delete_found_slice(redis, slice)
            .await
            .map_err(|error| Error::from(error).after(removed))?;
    }
    Ok(removed)
}

/// Removes up to 1,000 keys that a walk has found; how many existed. One round trip.
pub(crate) async fn delete_found_slice<R: Redis>(
    redis: &R,
    names: &[KeyName],
) -> Result<u64, RedisError> {
    DELETE_FOUND
        .run(redis, with_locks(names), [])
        .await?
        .count()
}

/// The names, then the names of their load locks.
fn with_locks(names: &[KeyName]) -> impl Iterator<Item = Arg> {
    let keys = names.iter().map(|name| name.as_bytes().into());
    keys.chain(names.iter().map(|name| name.lock().into()))
}
