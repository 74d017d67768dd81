//! Members of a tag's set: adding, reading, counting, and removing their keys.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;

use super::Tag;
use crate::error::{Error, RedisError};
use crate::keyspace::fence::Removed;
use crate::keyspace::key::KeyName;
use crate::keyspace::purge::PurgeMode;
use crate::keyspace::{MAX_KEYS_PER_CALL, entry_facts, existence, fence, removal, ttl};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Command, HostRuntime, Redis, Replies, concurrently};
use crate::{script, units};

/// Adds keys to a tag, whose set then lives as long as they do.
static ADD: Script = script!(repeatable "tag/add", [shared::TAGS]);

/// Counts as a use of the sets of an entry's tags.
static TOUCH: Script = script!(repeatable "tag/touch", [shared::EXISTENCE, shared::TAGS]);

/// Takes keys out of the set of a tag that they no longer have.
static LEAVE: Script = script!(repeatable "tag/leave", [shared::EXISTENCE, shared::TRAILERS]);

/// Counts the keys of a slice of a tag.
static COUNT_SLICE: Script = script!(repeatable "tag/count_slice", [
    shared::OWN_READS,
    shared::WALK,
    shared::PROTECTED,
]);

/// Reads a slice of a set's members.
static READ_SLICE: Script = script!(repeatable "tag/read_slice", [shared::WALK]);

/// Removes a slice of a tag's keys.
static DELETE_SLICE: Script = script!(once "tag/delete_slice", [
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL,
]);

/// Keys that become members of a tag's set.
#[derive(Debug)]
pub struct NewMembers<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// How long the longest-lived of the keys lives; the set lives at least as long.
    pub life: Duration,
    /// The keys.
    pub keys: &'a [KeyName],
}

/// Adds keys to their tags' sets: one round trip per tag and 1,000 keys, those of different tags
/// overlap.
///
/// Writers do this before they write, because a value that cannot be tagged must not be stored. The
/// script that writes then adds the keys again: pruning removes members whose keys do not exist
/// yet, and another writer of the key may have removed it from tags that it no longer has.
///
/// # Errors
/// Those of the connection.
pub async fn add_members<'a, R: Redis>(
    redis: &R,
    members: impl IntoIterator<Item = NewMembers<'a>>,
) -> Result<(), RedisError> {
    let adding = members
        .into_iter()
        .map(|members| add_to_set(redis, members));
    join_all(adding).await.into_iter().collect()
}

async fn add_to_set<R: Redis>(redis: &R, members: NewMembers<'_>) -> Result<(), RedisError> {
    let life: Arg = units::milliseconds(members.life).into();
    for slice in members.keys.chunks(MAX_KEYS_PER_CALL) {
        let names = slice.iter().map(|key| key.as_bytes().into());
        let args = [life.clone()].into_iter().chain(names);
        ADD.run(redis, [members.tag.key().into()], args).await?;
    }
    Ok(())
}

/// Counts as a use of the sets of an entry's tags, and lets them live at least as long as its key.
/// One round trip, two on a Cluster, none without tags.
///
/// # Errors
/// Those of the connection.
pub async fn touch<R: Redis>(redis: &R, key: &[u8], tags: &[Tag]) -> Result<(), RedisError> {
    if tags.is_empty() {
        return Ok(());
    }
    if redis.topology().await?.is_cluster() {
        return touch_by_slot(redis, key, tags).await;
    }
    let sets = tags.iter().map(|tag| tag.key().into());
    let keys = [key.into()].into_iter().chain(sets);
    let max_life = units::milliseconds(ttl::MAX_TTL);
    TOUCH.run(redis, keys, [max_life.into()]).await.map(drop)
}

async fn touch_by_slot<R: Redis>(redis: &R, key: &[u8], tags: &[Tag]) -> Result<(), RedisError> {
    let left = redis.execute(Command::read("PTTL").arg(key)).await?;
    let life = match Replies::new(left).int()? {
        -2 => return Ok(()),
        left => u64::try_from(left).map_or(ttl::MAX_TTL, Duration::from_millis),
    };
    let keys = [KeyName::new(key)];
    let members = tags.iter().map(|tag| NewMembers {
        tag,
        life,
        keys: &keys,
    });
    add_members(redis, members).await
}

/// Takes a key out of the set of a tag. One round trip.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn remove_member<R: Redis>(
    redis: &R,
    tag: &Tag,
    key: &[u8],
) -> Result<(), RedisError> {
    let leave = Command::read("SREM").arg(tag.key()).arg(key);
    redis.execute(leave).await.map(drop)
}

/// Takes keys that were written anew out of the set of a tag that they no longer have. One round
/// trip; on a Cluster one for each key, and one more.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn leave<R: Redis>(
    redis: &R,
    tag: &Tag,
    keys: impl IntoIterator<Item = KeyName>,
) -> Result<(), RedisError> {
    let keys: Vec<KeyName> = keys.into_iter().collect();
    if redis.topology().await?.is_cluster() {
        return leave_by_slot(redis, tag, keys).await;
    }
    let keys = keys.iter().map(|key| key.as_bytes().into());
    let keys = [tag.key().into()].into_iter().chain(keys);
    LEAVE
        .run(redis, keys, [tag.as_str().into()])
        .await
        .map(drop)
}

async fn leave_by_slot<R: Redis>(
    redis: &R,
    tag: &Tag,
    keys: Vec<KeyName>,
) -> Result<(), RedisError> {
    let reading = keys.into_iter().map(|key| async move {
        let facts = entry_facts::read(redis, &key).await?;
        let has_tag = facts.is_some_and(|facts| facts.has_tag(tag.as_str()));
        Ok((!has_tag).then_some(key))
    });

    // Another writer may have given a key the tag again.
    let left: Vec<KeyName> = concurrently(reading.collect())
        .await?
        .into_iter()
        .flatten()
        .collect();
    if left.is_empty() {
        return Ok(());
    }
    let names = left.iter().map(KeyName::as_bytes);
    let leave = Command::read("SREM").arg(tag.key()).args(names);
    redis.execute(leave).await.map(drop)
}

/// Reads the names of a tag's keys, including members whose keys have expired. One round trip per
/// 1,000.
///
/// # Errors
/// Those of the connection.
pub async fn read_members<R: Redis>(redis: &R, tag: &Tag) -> Result<Vec<KeyName>, RedisError> {
    read_names(redis, tag.key()).await
}

/// Reads the names in a set. One round trip per 1,000.
///
/// # Errors
/// Those of the connection.
pub async fn read_names<R: Redis>(
    redis: &R,
    set: impl Into<Arg>,
) -> Result<Vec<KeyName>, RedisError> {
    let set = set.into();
    let mut cursor = b"0".to_vec();
    let mut found = HashSet::new();
    loop {
        let (next, members) = read_slice(redis, set.clone(), &cursor).await?;
        found.extend(members.into_iter().map(KeyName::new));

        if next == b"0" {
            return Ok(found.into_iter().collect());
        }
        cursor = next;
    }
}

/// Reads a slice of a set: the next cursor, `0` at the end, and about 1,000 members, fewer where
/// they are long.
pub(in crate::keyspace) async fn read_slice<R: Redis>(
    redis: &R,
    set: impl Into<Arg>,
    cursor: &[u8],
) -> Result<(Vec<u8>, Vec<Vec<u8>>), RedisError> {
    let args = [cursor.into(), MAX_KEYS_PER_CALL.into()];
    let mut replies = READ_SLICE.run(redis, [set.into()], args).await?;
    Ok((replies.bytes()?, replies.rest()?))
}

/// Counts the keys that an invalidation would remove: those of the first of these sets that are in
/// none of the others. One round trip per 1,000.
///
/// # Errors
/// Those of the connection.
pub async fn count_removable<R: Redis>(redis: &R, sets: Vec<Arg>) -> Result<u64, RedisError> {
    if redis.topology().await?.is_cluster() {
        return count_by_slot(redis, sets).await;
    }
    let mut cursor = b"0".to_vec();
    let mut count = 0;
    loop {
        let args = [cursor.into(), MAX_KEYS_PER_CALL.into()];
        let mut replies = COUNT_SLICE.run(redis, sets.iter().cloned(), args).await?;
        cursor = replies.bytes()?;
        count += replies.count()?;

        if cursor == b"0" {
            return Ok(count);
        }
    }
}

async fn count_by_slot<R: Redis>(redis: &R, sets: Vec<Arg>) -> Result<u64, RedisError> {
    let Some((first, earlier)) = sets.split_first() else {
        return Ok(0);
    };
    let mut cursor = b"0".to_vec();
    let mut count = 0;
    let mut counted = HashSet::new();
    loop {
        let (next, members) = read_slice(redis, first.clone(), &cursor).await?;
        let new = members
            .into_iter()
            .filter(|name| counted.insert(name.clone()));
        let mut names: Vec<KeyName> = new.map(KeyName::new).collect();
        names.retain(|name| !name.is_protected());
        for set in earlier {
            names = keep_others(redis, set, names).await?;
        }
        let keys = names.iter().map(|name| name.as_bytes().into()).collect();
        let exists = existence::check_each(redis, keys).await?;
        count += exists.into_iter().filter(|exists| *exists).count() as u64;

        if next == b"0" {
            return Ok(count);
        }
        cursor = next;
    }
}

/// Keeps the names that are not in this set. One round trip.
async fn keep_others<R: Redis>(
    redis: &R,
    set: &Arg,
    names: Vec<KeyName>,
) -> Result<Vec<KeyName>, RedisError> {
    if names.is_empty() {
        return Ok(names);
    }
    let ask = Command::read("SMISMEMBER").arg(set.clone());
    let ask = ask.args(names.iter().map(KeyName::as_bytes));
    let mut replies = Replies::new(redis.execute(ask).await?);
    let mut others = Vec::new();
    for name in names {
        if replies.count()? == 0 {
            others.push(name);
        }
    }
    Ok(others)
}

/// Removes every key of a tag, up to 1,000 of them in one atomic step, more in several; how many
/// existed.
///
/// The members are set aside first, so that keys tagged from then on belong to a new set. Members
/// that an interruption leaves aside are removed by the next invalidation of the tag, or by
/// pruning. One round trip per 1,000 keys and two more.
///
/// # Errors
/// Those of the connection; [`Error::Partial`] says how many keys were removed before it failed.
pub async fn invalidate<R: Redis + HostRuntime>(redis: &R, tag: &Tag) -> Result<Removed, Error> {
    let fence = fence::append_tag(redis, tag, PurgeMode::Hard).await?;

    let mut removed = 0;
    let mut cursor = Vec::new();
    loop {
        let slice = delete_slice(redis, tag, cursor)
            .await
            .map_err(|error| Error::from(error).after(removed))?;
        removed += slice.removed;

        // Members may have been set aside before or since: the walk then starts again at its end.
        if slice.left == 0 {
            return fence.end(redis, removed).await;
        }
        cursor = slice.next;
    }
}

/// One slice of a removal by tag.
pub(super) struct DeletedSlice {
    next: Vec<u8>,
    /// Keys removed.
    pub(super) removed: u64,
    /// Members left in the sets aside.
    pub(super) left: u64,
}

/// Removes about 1,000 keys of a tag.
async fn delete_slice<R: Redis>(
    redis: &R,
    tag: &Tag,
    cursor: Vec<u8>,
) -> Result<DeletedSlice, RedisError> {
    delete_slice_of(redis, tag, tag.aside(), [cursor.into(), "".into()]).await
}

/// Removes about 1,000 keys of one set aside, whatever its number. The first set aside may have
/// been evicted, and another client may have stored something else under a further one's name.
pub(super) async fn delete_slice_aside<R: Redis>(
    redis: &R,
    tag: &Tag,
    aside: &str,
) -> Result<DeletedSlice, RedisError> {
    delete_slice_of(redis, tag, aside.to_owned(), ["0".into(), "1".into()]).await
}

async fn delete_slice_of<R: Redis>(
    redis: &R,
    tag: &Tag,
    aside: String,
    [cursor, is_alone]: [Arg; 2],
) -> Result<DeletedSlice, RedisError> {
    let sets = [tag.key().into(), aside.into()];
    let is_on_cluster = redis.topology().await?.is_cluster();
    let are_apart = if is_on_cluster { "1" } else { "" };
    let args = [MAX_KEYS_PER_CALL.into(), cursor, is_alone, are_apart.into()];
    let mut replies = DELETE_SLICE.run(redis, sets, args).await?;
    let mut slice = DeletedSlice {
        next: replies.bytes()?,
        removed: replies.count()?,
        left: replies.count()?,
    };

    let aside = replies.bytes()?;
    let unnamed = replies.rest()?.into_iter().map(KeyName::new).collect();
    slice.remove_unnamed(redis, aside, unnamed).await?;
    Ok(slice)
}

impl DeletedSlice {
    /// Removes the keys that the script left: it could not name their load locks, or they are in other
    /// slots. Two round trips, none without such keys; on a Cluster one for each slot and one more.
    async fn remove_unnamed<R: Redis>(
        &mut self,
        redis: &R,
        aside: Vec<u8>,
        names: Vec<KeyName>,
    ) -> Result<(), RedisError> {
        if names.is_empty() {
            return Ok(());
        }
        self.removed += removal::delete_found_slice(redis, &names).await?;

        let members = names.iter().map(KeyName::as_bytes);
        let leave = Command::read("SREM").arg(aside).args(members);
        redis.execute(leave).await?;
        self.left = self.left.saturating_sub(names.len() as u64);
        Ok(())
    }
}
