//! Storing a loaded value on a Cluster, where the fences and the tags' sets are in other slots than the key.
//!
//! One script cannot check the fences and store. So the value is stored for a short while, the fences
//! are read, and only then does it get its life:
//!
//! ```text
//! loader                                    invalidation of users:*
//! reads the source
//!                                           appends its fence; its walk passes the key, which is not there
//! stores users:7 for 5 s, keeps the lock
//! reads the fences: one covers users:7
//! removes users:7, releases the lock
//! ```
//!
//! - Either the fence was appended before the fences are read, or the walk after it meets the value.
//! - Where the loader's instance ends in between, the value ends by itself.
//! - Readers judge the value by its stamp meanwhile, and so is one who reads it from a near copy.
//! - An invalidation of the key removes value and lock in one step, so the value is not confirmed.

use std::time::Duration;

use futures_util::future::join;

use super::load::Load;
use super::store_command::{NegativeLimit, STORE, StoreCommand, StoreOutcome};
use crate::error::RedisError;
use crate::keyspace::fence::{self, PROVISION};
use crate::keyspace::key::KeyName;
use crate::keyspace::tag::Tag;
use crate::keyspace::tag::set::{self, NewMembers};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis, concurrently};
use crate::script;
use crate::units::milliseconds;

/// Confirms a provisional value.
static CONFIRM: Script = script!(repeatable "load/confirm", [
    shared::EXISTENCE,
    shared::WAITERS,
]);

/// Removes a provisional value.
static WITHDRAW: Script = script!(repeatable "load/withdraw", []);

/// Counts a negative result of a module.
static COUNT_NEGATIVE: Script = script!(once "load/count_negative", []);

/// Stores a value; past the limit of negative results it does nothing. Three round trips, one more
/// before and one after them with tags, and one more for a negative result.
pub(super) async fn store<R: Redis>(
    redis: &R,
    load: &Load<'_>,
    command: &StoreCommand<'_>,
) -> Result<StoreOutcome, RedisError> {
    let names = [load.name.clone()];
    if let Some(limit) = &command.negative
        && !may_store_negative(redis, limit, command.life).await?
    {
        return Ok(StoreOutcome::LimitReached);
    }

    add_to_tags(redis, command.tags, &names, command.life).await?;
    if !store_provisionally(redis, load, command).await? {
        return Ok(StoreOutcome::Superseded);
    }

    let stamp = load.read_to.lock().clone();
    let fences = fence::since(redis, &stamp).await?;
    let is_covered = fences.is_some_and(|(_, fences)| fences.cover(&load.name, command.tags));
    if is_covered {
        withdraw(redis, load).await?;
        return Ok(StoreOutcome::Superseded);
    }

    // Pruning may have taken the key out of its tags' sets before it was stored.
    let tagging = add_to_tags(redis, command.tags, &names, command.life);
    let leaving = leave_tags(redis, load, command);
    let (tagged, left) = join(tagging, leaving).await;
    tagged.and(left)?;

    if confirm(redis, load, command.life).await? {
        Ok(StoreOutcome::Stored)
    } else {
        Ok(StoreOutcome::Superseded)
    }
}

async fn may_store_negative<R: Redis>(
    redis: &R,
    limit: &NegativeLimit,
    life: Duration,
) -> Result<bool, RedisError> {
    let args = [limit.max.to_string().into(), milliseconds(life).into()];
    let counter = [limit.counter.as_str().into()];
    Ok(COUNT_NEGATIVE.run(redis, counter, args).await?.count()? == 1)
}

async fn add_to_tags<R: Redis>(
    redis: &R,
    tags: &[Tag],
    keys: &[KeyName],
    life: Duration,
) -> Result<(), RedisError> {
    let members = tags.iter().map(|tag| NewMembers { tag, life, keys });
    set::add_members(redis, members).await
}

async fn leave_tags<R: Redis>(
    redis: &R,
    load: &Load<'_>,
    command: &StoreCommand<'_>,
) -> Result<(), RedisError> {
    let key = load.name.as_bytes();
    let leaving = command
        .left_tags(load)
        .map(|tag| set::remove_member(redis, tag, key));
    concurrently(leaving.collect()).await.map(drop)
}

/// Stores the value for a while, without releasing the lock; false when the lock is lost.
async fn store_provisionally<R: Redis>(
    redis: &R,
    load: &Load<'_>,
    command: &StoreCommand<'_>,
) -> Result<bool, RedisError> {
    let name = &load.name;
    let key: Arg = name.as_bytes().into();
    let list = command.value.list().unwrap_or(name.as_bytes());
    let keys = [
        key.clone(),
        name.lock().into(),
        name.none().into(),
        name.waiting().into(),
        name.turns(true).into(),
        list.into(),
        key,
    ];

    let args = [
        load.lock.owner.as_str().into(),
        "".into(),
        milliseconds(command.life.min(PROVISION)).into(),
        command.value.as_bytes().into(),
        "0".into(),
        "".into(),
        "1".into(),
    ];
    Ok(STORE.run(redis, keys, args).await?.bytes()? == b"stored")
}

/// Gives a provisional value its life, and releases the lock; false when the lock is lost.
async fn confirm<R: Redis>(redis: &R, load: &Load<'_>, life: Duration) -> Result<bool, RedisError> {
    let name = &load.name;
    let keys = [
        name.as_bytes().into(),
        name.lock().into(),
        name.waiting().into(),
        name.turns(true).into(),
    ];
    let args = [
        load.lock.owner.as_str().into(),
        milliseconds(life).into(),
        milliseconds(PROVISION).into(),
    ];
    Ok(CONFIRM.run(redis, keys, args).await?.count()? == 1)
}

/// Removes the value, if the lock is still the caller's.
async fn withdraw<R: Redis>(redis: &R, load: &Load<'_>) -> Result<(), RedisError> {
    let keys = [load.name.as_bytes().into(), load.name.lock().into()];
    let args = [load.lock.owner.as_str().into()];
    WITHDRAW.run(redis, keys, args).await.map(drop)
}
