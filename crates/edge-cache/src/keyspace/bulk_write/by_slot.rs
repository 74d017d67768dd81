//! Writing a batch on a Cluster: each entry in its own slot.
//!
//! No script can check the fences and the warmup's lock and write. So entries are written for a short while
//! first, and get their lives once the fences are read, as `cache/store_on_cluster.rs` explains.

use std::collections::BTreeMap;
use std::slice;
use std::time::Duration;

use futures_util::future::join;

use super::call::{Call, WRITE_BATCH};
use super::entry::{Entry, WriteConditions};
use super::outcome::{WriteCounts, WriteOutcome, read_left_tags};
use crate::error::RedisError;
use crate::keyspace::fence::{self, Fences, PROVISION};
use crate::keyspace::key::{KeyName, WARMUP_LOCK};
use crate::keyspace::tag::Tag;
use crate::keyspace::tag::set::{self, NewMembers};
use crate::redis::script::Script;
use crate::redis::{Arg, Command, Redis, Replies, concurrently};
use crate::{script, units};

/// Confirms or withdraws a provisional entry.
static CONFIRM: Script = script!(repeatable "value/confirm", []);

/// How many bytes at the end of a value tell it from another one: the end of its trailer.
const IDENTITY_BYTES: usize = 64;

/// An entry whose writing has to be confirmed.
struct Provisional<'a> {
    key: KeyName,
    life: Duration,
    tags: &'a [Tag],
    /// The end of what is stored; empty for a collection and for a value in chunks.
    identity: Vec<u8>,
}

/// An entry that was written, or why not.
struct Written<'a> {
    entry: Provisional<'a>,
    counts: WriteCounts,
    left_tags: BTreeMap<Tag, Vec<KeyName>>,
}

/// Writes the entries, unless there are fences since the stamp, or the warmup's lock is lost.
pub(super) async fn write<R: Redis>(
    redis: &R,
    entries: Vec<Entry<'_>>,
    conditions: WriteConditions<'_>,
) -> Result<WriteOutcome, RedisError> {
    let (fences, holds_lock) = check(redis, conditions).await?;
    if let Some((stamp, fences)) = fences {
        return Ok(WriteOutcome::Fenced { stamp, fences });
    }
    if !holds_lock {
        return Ok(WriteOutcome::LockLost);
    }

    let writing = entries
        .into_iter()
        .map(|entry| write_entry(redis, entry, conditions));
    let written = concurrently(writing.collect()).await?;

    let (fences, holds_lock) = check(redis, conditions).await?;
    let is_kept = |entry: &Provisional<'_>| {
        let covers = |(_, fences): &(Vec<u8>, Fences)| fences.cover(&entry.key, entry.tags);
        holds_lock && !fences.as_ref().is_some_and(covers)
    };
    let mut counts = WriteCounts::default();
    for written in &written {
        counts.add(&written.counts, is_kept(&written.entry));
    }

    let mut created = written;
    created.retain(|written| written.counts.created > 0);
    let settling = created.iter().map(|written| {
        let entry = &written.entry;
        settle(redis, entry, is_kept(entry))
    });
    concurrently(settling.collect()).await?;
    if !holds_lock {
        return Ok(WriteOutcome::LockLost);
    }

    created.retain(|written| is_kept(&written.entry));
    tag(redis, &created).await?;
    let names = created
        .iter()
        .map(|written| written.entry.key.as_bytes().into());
    let in_force = fence::announce_written(redis, names).await?;
    Ok(WriteOutcome::Written(counts, in_force))
}

impl WriteCounts {
    /// Adds those of one entry; one that was withdrawn counts as skipped.
    fn add(&mut self, one: &Self, is_kept: bool) {
        if is_kept {
            self.created += one.created;
            self.bytes += one.bytes;
            self.skipped += one.skipped;
        } else {
            self.skipped += one.created + one.skipped;
        }
        self.refused += one.refused;
        if self.refusal.is_empty() {
            self.refusal.clone_from(&one.refusal);
        }
    }
}

/// Reads the fences since the stamp with the newest stamp, `None` without any; and whether the warmup's lock is held.
/// One round trip.
async fn check<R: Redis>(
    redis: &R,
    conditions: WriteConditions<'_>,
) -> Result<(Option<(Vec<u8>, Fences)>, bool), RedisError> {
    let fences = fences_since(redis, conditions);
    let (fences, holds_lock) = join(fences, holds_lock(redis, conditions)).await;
    Ok((fences?, holds_lock?))
}

async fn fences_since<R: Redis>(
    redis: &R,
    conditions: WriteConditions<'_>,
) -> Result<Option<(Vec<u8>, Fences)>, RedisError> {
    if conditions.stamp.is_empty() {
        return Ok(None);
    }
    fence::since(redis, conditions.stamp).await
}

async fn holds_lock<R: Redis>(
    redis: &R,
    conditions: WriteConditions<'_>,
) -> Result<bool, RedisError> {
    if conditions.warmup_owner.is_empty() {
        return Ok(true);
    }
    let reply = redis.execute(Command::read("GET").arg(WARMUP_LOCK)).await?;
    let owner = Replies::new(reply).optional_bytes()?;
    Ok(owner.as_deref() == Some(conditions.warmup_owner.as_bytes()))
}

/// Writes one entry for a while. One round trip.
async fn write_entry<'a, R: Redis>(
    redis: &R,
    mut entry: Entry<'a>,
    conditions: WriteConditions<'_>,
) -> Result<Written<'a>, RedisError> {
    let provisional = Provisional {
        key: entry.key.clone(),
        life: entry.format.life,
        tags: entry.format.tags,
        identity: entry.identity(),
    };
    let none: Arg = entry.key.none().into();
    let own = [none.clone(), none.clone(), none.clone(), none];
    let unchecked = WriteConditions {
        force: conditions.force,
        ..WriteConditions::default()
    };

    entry.format.life = entry.format.life.min(PROVISION);
    let call = Call::encode_apart(entry, unchecked);
    let mut replies = WRITE_BATCH.run(redis, call.keys(own), call.args).await?;
    let counts = match WriteOutcome::read(&mut replies)? {
        WriteOutcome::Written(counts, _) => counts,
        WriteOutcome::Fenced { .. } | WriteOutcome::LockLost => WriteCounts::default(),
    };
    Ok(Written {
        left_tags: read_left_tags(slice::from_ref(&provisional.key), replies)?,
        entry: provisional,
        counts,
    })
}

impl Entry<'_> {
    /// The end of what is stored, by which another writing is noticed; empty where the end is not known.
    fn identity(&self) -> Vec<u8> {
        let stored = match self.values.as_slice() {
            [value] if self.format.kind == "string" => value.as_bytes().unwrap_or_default(),
            _ => &[],
        };
        let from = stored.len().saturating_sub(IDENTITY_BYTES);
        stored.get(from..).unwrap_or_default().to_vec()
    }
}

/// Gives a provisional entry its life, or removes it. One round trip, none for a short-lived one that stays.
async fn settle<R: Redis>(
    redis: &R,
    entry: &Provisional<'_>,
    is_kept: bool,
) -> Result<(), RedisError> {
    if is_kept && entry.life <= PROVISION {
        return Ok(());
    }
    let life = if is_kept {
        units::milliseconds(entry.life).into()
    } else {
        "".into()
    };
    let args = [
        entry.identity.as_slice().into(),
        life,
        units::milliseconds(PROVISION).into(),
    ];

    let key = [entry.key.as_bytes().into()];
    CONFIRM.run(redis, key, args).await.map(drop)
}

/// Adds the entries to their tags' sets, from which pruning may have taken them before they were written, and takes
/// them out of those of tags that they no longer have.
async fn tag<R: Redis>(redis: &R, written: &[Written<'_>]) -> Result<(), RedisError> {
    let mut members: BTreeMap<&Tag, (Duration, Vec<KeyName>)> = BTreeMap::new();
    for Written { entry, .. } in written {
        for tag in entry.tags {
            let (life, keys) = members.entry(tag).or_default();
            *life = entry.life.max(*life);
            keys.push(entry.key.clone());
        }
    }
    let members = members.iter().map(|(tag, (life, keys))| NewMembers {
        tag,
        life: *life,
        keys,
    });
    set::add_members(redis, members).await?;

    let left = written.iter().flat_map(|written| &written.left_tags);
    let leaving = left.map(|(tag, keys)| set::leave(redis, tag, keys.iter().cloned()));
    concurrently(leaving.collect()).await.map(drop)
}
