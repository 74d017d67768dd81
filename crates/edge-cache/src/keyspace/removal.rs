//! Removal of keys by name, with their load locks.

use crate::error::{Error, RedisError};
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::keyspace::fence::{self, InForce};
use crate::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, NONE, WARMUP_LOCK};
use crate::keyspace::own_slot::key_on_cluster;
use crate::keyspace::purge::PurgeMode;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, HostRuntime, Redis, Topology, concurrently};
use crate::script;

/// Removes keys that a request names.
static DELETE_NAMED: Script = script!(once "keys/delete_named", [
    shared::PROTECTED,
    shared::EXISTENCE,
    shared::REMOVAL,
    shared::FENCES,
    shared::NEAR,
]);

/// Removes keys of one slot.
static DELETE_EACH: Script = script!(once "keys/delete_each", [
    shared::PROTECTED,
    shared::REMOVAL,
]);

/// Removes keys that a walk has found.
static DELETE_FOUND: Script = script!(once "keys/delete_found", [
    shared::PROTECTED,
    shared::REMOVAL,
]);

/// Removes named keys atomically; the result says for each whether it existed. Loads in flight of
/// these keys are not stored. While instances keep near copies, it returns when all of them know it.
/// The audit trail is never removed. One round trip; on a Cluster the keys of each slot go atomically, in three round
/// trips. At most [`MAX_KEYS_PER_CALL`] keys.
///
/// # Errors
/// Those of the connection.
pub async fn delete_named<R: Redis + HostRuntime>(
    redis: &R,
    names: &[KeyName],
) -> Result<Vec<bool>, RedisError> {
    let topology = redis.topology().await?;
    if topology.is_cluster() {
        return delete_named_by_slot(redis, &topology, names).await;
    }

    let count = names.len();
    let head = [FENCES, NONE, WARMUP_LOCK, NEAR, NEAR_FENCES].map(Arg::from);
    let keys = head.into_iter().chain(with_locks(names));
    let mut replies = DELETE_NAMED.run(redis, keys, []).await?;
    let in_force = InForce::read(&mut replies)?;
    let existed = (0..count).map(|_| Ok(replies.count()? > 0)).collect();
    in_force.wait(redis).await;
    existed
}

async fn delete_named_by_slot<R: Redis + HostRuntime>(
    redis: &R,
    topology: &Topology,
    names: &[KeyName],
) -> Result<Vec<bool>, RedisError> {
    let names: Vec<KeyName> = names
        .iter()
        .map(|name| key_on_cluster(redis.namespace(), name))
        .collect();
    let names = names.as_slice();
    // Fences come first: if Redis refuses one, nothing has been removed.
    fence_named(redis, names).await?;

    let existed = delete_each(redis, topology, names, true).await;
    let named = names.iter().map(|name| name.as_bytes().into());
    let in_force = fence::announce_written(redis, named).await?;
    in_force.wait(redis).await;
    existed
}

/// Records that keys are going to be removed by name, for a running warmup, where one script cannot
/// do both. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn fence_named<R: Redis>(redis: &R, names: &[KeyName]) -> Result<(), RedisError> {
    fence::append_keys(redis, names, PurgeMode::Hard).await
}

/// Removes keys and their load locks slot by slot; whether each existed. As many round trips at a time as
/// [`concurrently`] allows.
async fn delete_each<R: Redis>(
    redis: &R,
    topology: &Topology,
    names: &[KeyName],
    are_named: bool,
) -> Result<Vec<bool>, RedisError> {
    let groups = topology.group(names, |name| name.as_bytes());
    let removing = groups.into_iter().map(|group| async move {
        let names: Vec<KeyName> = group.iter().map(|(_, name)| (*name).clone()).collect();
        let are_named = if are_named { "1" } else { "" };
        let mut replies = DELETE_EACH
            .run(redis, with_locks(&names), [are_named.into()])
            .await?;
        let existed = group.iter().map(|(at, _)| Ok((*at, replies.count()? > 0)));
        existed.collect::<Result<Vec<_>, RedisError>>()
    });

    let mut existed = vec![false; names.len()];
    for (at, is_removed) in concurrently(removing.collect())
        .await?
        .into_iter()
        .flatten()
    {
        if let Some(existed) = existed.get_mut(at) {
            *existed = is_removed;
        }
    }
    Ok(existed)
}

/// Removes keys that a walk has found, 1,000 in one atomic round trip, on a Cluster those of each
/// slot; how many existed. Protected keys stay.
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

/// Removes keys that a walk has found, and says for each whether it existed. Protected keys stay. On a
/// Cluster one round trip for each 64 slots, else one for each 1,000 keys.
///
/// # Errors
/// Those of the connection.
pub async fn delete_each_found<R: Redis>(
    redis: &R,
    names: &[KeyName],
) -> Result<Vec<bool>, RedisError> {
    let topology = redis.topology().await?;
    let mut existed = Vec::with_capacity(names.len());
    for slice in names.chunks(MAX_KEYS_PER_CALL) {
        existed.extend(delete_each(redis, &topology, slice, false).await?);
    }
    Ok(existed)
}

/// Removes keys that a walk over a Cluster has matched and that no script removed at their node, wherever they are by now;
/// how many of them count. One round trip for each 64 slots, none without such keys.
pub(crate) async fn delete_by_slot<R: Redis>(
    redis: &R,
    names: &[KeyName],
) -> Result<u64, RedisError> {
    if names.is_empty() {
        return Ok(0);
    }

    let topology = redis.topology().await?;
    let mut removed = 0;
    // All keys may be in one slot.
    for slice in names.chunks(MAX_KEYS_PER_CALL) {
        let existed = delete_each(redis, &topology, slice, true).await?;
        let counted = slice.iter().zip(existed);
        let counted = counted.filter(|(name, existed)| *existed && !name.is_own_record());
        removed += counted.count() as u64;
    }
    Ok(removed)
}

/// Removes up to 1,000 keys that a walk has found; how many existed. One round trip.
pub(crate) async fn delete_found_slice<R: Redis>(
    redis: &R,
    names: &[KeyName],
) -> Result<u64, RedisError> {
    let topology = redis.topology().await?;
    if topology.is_cluster() {
        let existed = delete_each(redis, &topology, names, false).await?;
        return Ok(existed.into_iter().filter(|existed| *existed).count() as u64);
    }
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
