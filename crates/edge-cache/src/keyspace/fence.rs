//! Fences: an invalidation wins over every load in flight, and over every entry loaded before it.
//!
//! An invalidation by pattern or tag appends a fence to the stream `cache:fences` before it removes
//! anything. A load takes a stamp, the newest fence, in the script that acquires its load lock,
//! before it reads the source. The script that stores the value refuses when the lock is gone,
//! because the key was removed or set since. Otherwise it returns the fences since the stamp, and
//! the value is stored only if none of them covers its key.
//!
//! ```text
//! load of products:7                         POST /invalidate {"tags": ["product-catalog"]}
//! acquires lock:{products:7}, stamp 10
//! reads the source: price 100
//!                                            appends fence 11: tag product-catalog
//!                                            removes the tag's keys
//! stores with stamp 10: refused by fence 11
//! its caller gets 100; the cache holds nothing
//! ```
//!
//! An entry keeps its stamp, and readers know the fences, too ([`FenceView`]): an entry is dead for
//! every reader once a younger fence than its stamp covers it, removed or not. So an invalidation is
//! in force for every instance 50 ms after its fence, although its walk over millions of keys takes
//! a minute.
//!
//! ```text
//! users:1:cart, stamp 10       fence 11: pattern users:1:*     walk: 8 s
//! a reader 50 ms later:        fence 11 covers it -> a miss, loaded anew with stamp 11
//! ```
//!
//! - A fence stays in the stream until its removal has finished, which an entry of the kind `end`
//!   records, and 20 s longer; beyond the last 1,000 entries it then leaves. An entry of the kind
//!   `trimmed` names the newest one that left, so whoever knows only older entries notices. The
//!   schedule finishes an interrupted removal, and so its fence, after 10 minutes.
//! - The id of the stream's first entry is its epoch. A stamp of another epoch, and one that is no
//!   longer in the stream, count as older than an invalidation of the key. So entries die when the
//!   stream is lost. A long load therefore checks the fences each time it renews its lock.
//! - Another client's value under `cache:fences` is replaced by a new stream.
//! - Another client's value under a key has no stamp. Readers are not served it while a removal that
//!   covers it has not finished.
//! - Fences must succeed when Redis is out of memory, so the script deletes a key first; Redis then
//!   accepts writes. The removal that follows frees memory, which the load in flight could
//!   otherwise use to store its old value.
//! - A load does not know the tags that another client gave its key. So an invalidation by tag also
//!   removes the load locks of the keys that it removes.
//! - `set` checks the fences in the same way, and does not write what one covers.
//! - An invalidation by key removes the key and its load lock in one step, which is enough. It
//!   appends a fence only while a warmup runs.
//! - A soft purge appends a fence whose kind begins with `stale`. For readers an entry that it covers
//!   is stale instead of dead, unless a hard fence covers it, too. For everything that stores a value
//!   it is a fence like any other ([`crate::keyspace::soft_purge`] says why).
//! - A warmup takes a stamp before it reads each entry of its plan and leaves out the keys that
//!   were invalidated since. Without its lock it writes nothing.

mod in_force;
mod index;
mod kind;
mod soft;
mod stamp;
mod view;

use std::time::Duration;

use crate::error::{Error, RedisError};
use crate::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, NONE, WARMUP_LOCK};
use crate::keyspace::pattern::Pattern;
use crate::keyspace::purge::PurgeMode;
use crate::keyspace::tag::Tag;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, HostRuntime, Redis, Replies};
use crate::script;

pub use in_force::InForce;
use kind::FenceKind;
pub(crate) use soft::SoftPurge;
pub(crate) use stamp::take_known;
pub use stamp::{Stamp, StreamId};
pub(crate) use view::{FenceView, Judgement, Position};

static APPEND: Script = script!(once "fence/append", [
    shared::FENCES,
    shared::EXISTENCE,
    shared::NEAR,
]);
static APPEND_KEYS: Script = script!(once "keys/fence_named", [shared::EXISTENCE, shared::FENCES]);
static ANNOUNCE: Script = script!(once "near/append", [shared::EXISTENCE, shared::NEAR]);
static END: Script = script!(repeatable "fence/end", [shared::FENCES]);
static WITHDRAW: Script = script!(once "fence/withdraw", [shared::FENCES]);
static STAMP: Script = script!(repeatable "fence/stamp", [shared::FENCES]);
static SINCE: Script = script!(repeatable "fence/since", [shared::FENCES]);

/// The longest interval between two views of a reader on a Cluster. There an entry may be stored after the walk
/// of an invalidation has passed it, and be removed a moment later; readers must know the fence before the
/// invalidation is answered.
pub(crate) const MAX_INTERVAL_ON_CLUSTER: Duration = Duration::from_millis(50);

/// How long a value lives on a Cluster until its writer has checked the fences: no script can check them and write.
pub(crate) const PROVISION: Duration = Duration::from_secs(5);

/// An invalidation that was recorded, and whose removal has not finished.
#[derive(Debug)]
#[must_use = "the removal must be recorded when it has finished"]
pub(crate) struct OpenFence {
    id: Vec<u8>,
    in_force: InForce,
}

/// An invalidation whose removal has finished.
#[derive(Debug, Clone, Copy)]
pub struct Removed {
    /// Number of keys removed; of a soft purge, marked stale.
    pub keys: u64,
    /// When all readers know it.
    pub in_force: InForce,
}

/// Records an invalidation by tag: from then on no reader is served an entry with this tag that was
/// loaded before, or only as a stale one, and no load in flight with it is stored. One round trip.
pub(crate) async fn append_tag<R: Redis>(
    redis: &R,
    tag: &Tag,
    mode: PurgeMode,
) -> Result<OpenFence, RedisError> {
    append(redis, "tag", tag.as_str().as_bytes(), mode).await
}

/// Records an invalidation by pattern: from then on no reader is served an entry that matches and
/// was loaded before, or only as a stale one, and no load in flight of one is stored. One round trip.
pub(crate) async fn append_pattern<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    mode: PurgeMode,
) -> Result<OpenFence, RedisError> {
    append(redis, "pattern", pattern.as_bytes(), mode).await
}

/// Records invalidations by pattern whose removal outlives the caller. Returns the ids of their
/// fences, and when readers know them; `None` without patterns. After the removal, call
/// [`end_fences`]. One round trip for each pattern.
///
/// # Errors
/// Those of the connection.
pub async fn open_fences<R: Redis>(
    redis: &R,
    patterns: &[Pattern],
    mode: PurgeMode,
) -> Result<(Vec<String>, Option<InForce>), RedisError> {
    let mut ids = Vec::new();
    let mut in_force = None;
    for pattern in patterns {
        let fence = append_pattern(redis, pattern, mode).await?;
        ids.push(String::from_utf8_lossy(&fence.id).into_owned());
        in_force = Some(fence.in_force);
    }
    Ok((ids, in_force))
}

/// Records that the removals of these fences have finished. One round trip for each.
///
/// # Errors
/// Those of the connection.
pub async fn end_fences<R: Redis>(redis: &R, ids: &[String]) -> Result<(), RedisError> {
    for id in ids {
        let keys = [FENCES.into(), NONE.into()];
        END.run(redis, keys, [id.as_str().into()]).await?;
    }
    Ok(())
}

/// Lets go the fences of a removal that was given up: readers are served again what it has left. A fence stays open while an earlier
/// one of the same kind is, because its end would finish that one, too. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn withdraw_fences<R: Redis>(redis: &R, ids: &[String]) -> Result<(), RedisError> {
    if ids.is_empty() {
        return Ok(());
    }
    let args = ids.iter().map(|id| id.as_str().into());
    WITHDRAW
        .run(redis, [FENCES.into(), NONE.into()], args)
        .await
        .map(drop)
}

/// Records an invalidation by name for a running warmup, which could store older values. One round
/// trip.
pub(crate) async fn append_keys<R: Redis>(
    redis: &R,
    names: &[KeyName],
    mode: PurgeMode,
) -> Result<(), RedisError> {
    let keys = [FENCES, NONE, WARMUP_LOCK].map(Arg::from);
    let kind = [FenceKind::render("key", mode).into()].into_iter();
    let args = kind.chain(names.iter().map(|name| name.as_bytes().into()));
    APPEND_KEYS.run(redis, keys, args).await.map(drop)
}

async fn append<R: Redis>(
    redis: &R,
    by: &str,
    covered: &[u8],
    mode: PurgeMode,
) -> Result<OpenFence, RedisError> {
    let args = [FenceKind::render(by, mode).into(), covered.into()];
    let keys = [FENCES.into(), NONE.into(), NEAR.into()];
    let mut replies = APPEND.run(redis, keys, args).await?;
    let id = replies.bytes()?;
    let mut in_force = InForce::read(&mut replies)?;
    if redis.topology().await?.is_cluster() {
        in_force.lengthen(MAX_INTERVAL_ON_CLUSTER);
    }
    Ok(OpenFence { id, in_force })
}

impl OpenFence {
    /// Its place in the stream.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Protocol`] for a text that is no id.
    pub(crate) fn id(&self) -> Result<StreamId, RedisError> {
        StreamId::parse(&String::from_utf8_lossy(&self.id))
    }

    /// Records that the removal has finished, so that the fence can leave after a while, and waits
    /// until near caches know the invalidation. If that fails, the error says how many keys were
    /// removed. One round trip.
    pub(crate) async fn end<R: Redis + HostRuntime>(
        self,
        redis: &R,
        keys_removed: u64,
    ) -> Result<Removed, Error> {
        self.in_force.wait(redis).await;
        let keys = [FENCES.into(), NONE.into()];
        let ended = END.run(redis, keys, [self.id.into()]).await;
        ended.map_err(|error| Error::from(error).after(keys_removed))?;

        Ok(Removed {
            keys: keys_removed,
            in_force: self.in_force,
        })
    }
}

/// Tells near caches that keys were written or removed, where a script could not do so in the same step. One
/// round trip.
///
/// # Errors
/// Those of the connection.
pub async fn announce_written<R: Redis>(
    redis: &R,
    keys: impl IntoIterator<Item = Arg>,
) -> Result<InForce, RedisError> {
    let near = [NEAR.into(), NEAR_FENCES.into()];
    InForce::read(&mut ANNOUNCE.run(redis, near, keys).await?)
}

/// Takes the stamp of a load that begins. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn take_stamp<R: Redis>(redis: &R) -> Result<Stamp, RedisError> {
    Stamp::read(&mut STAMP.run(redis, [FENCES.into()], []).await?)
}

/// Reads the fences since a stamp, and the newest stamp; `None` when there are none. One round trip.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn since<R: Redis>(
    redis: &R,
    stamp: &[u8],
) -> Result<Option<(Vec<u8>, Fences)>, RedisError> {
    let args = [stamp.into()];
    let mut replies = SINCE.run(redis, [FENCES.into()], args).await?;
    if replies.remaining() == 0 {
        return Ok(None);
    }
    replies.bytes()?;
    Ok(Some((replies.bytes()?, Fences::read(replies)?)))
}

/// The fences since a stamp: of each its kind and what it covers.
#[derive(Debug)]
pub struct Fences(Vec<Vec<u8>>);

impl Fences {
    /// Reads the rest of a reply.
    ///
    /// # Errors
    /// Those of [`Replies::rest`].
    pub fn read(replies: Replies) -> Result<Self, RedisError> {
        replies.rest().map(Self)
    }

    /// Returns whether one of them covers this key. A fence that cannot be understood covers every
    /// key.
    pub fn cover(&self, name: &KeyName, tags: &[Tag]) -> bool {
        self.0.chunks(2).any(|fence| match fence {
            [kind, covered] => match FenceKind::parse(kind).by {
                b"pattern" => Pattern::stored(covered.as_slice()).matches(name.as_bytes()),
                b"tag" => tags.iter().any(|tag| tag.as_str().as_bytes() == covered),
                b"key" => name.as_bytes() == covered,
                _ => true,
            },
            _ => true,
        })
    }
}
