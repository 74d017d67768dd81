//! Batches of entries written in one script call, each entry whole or not at all.

mod by_slot;
mod call;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use crate::error::RedisError;
use crate::keyspace::chunks::StorableValue;
use crate::keyspace::fence::{Fences, InForce};
use crate::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, WARMUP_LOCK};
use crate::keyspace::tag::{Tag, set};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis, Replies};
use crate::script;
use call::Call;

static WRITE_BATCH: Script = script!(once "value/write_batch", [
    shared::FENCES,
    shared::EXISTENCE,
    shared::REMOVAL,
    shared::TAGS,
    shared::TRAILERS,
    shared::NEAR,
]);

/// Attributes that consecutive entries may share; they are sent once for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFormat<'a> {
    /// `list`, `hash` or `zset`; for a string `string` or `chunks`.
    pub kind: &'static str,
    /// TTL and grace together.
    pub life: Duration,
    /// The tags.
    pub tags: &'a [Tag],
}

/// An entry that is to be written.
#[derive(Debug)]
struct Entry<'a> {
    key: KeyName,
    format: EntryFormat<'a>,
    values: Vec<Arg>,
    /// The list that holds its chunks.
    list: Option<Arg>,
}

/// Entries for one script call; on a Cluster for one each.
#[derive(Debug, Default)]
pub struct WriteBatch<'a> {
    entries: Vec<Entry<'a>>,
}

/// Conditions of writing a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteConditions<'a> {
    /// Overwrite keys that exist.
    pub force: bool,
    /// Write only if nothing was invalidated since this stamp; empty: write in any case.
    pub stamp: &'a [u8],
    /// Write only while this owner holds the warmup lock; empty: write in any case.
    pub warmup_owner: &'a str,
}

/// Result of writing a batch.
#[derive(Debug)]
pub enum WriteOutcome {
    /// Each entry was written, skipped or refused; near caches know it then.
    Written(WriteCounts, InForce),
    /// Nothing was written: there are fences since the stamp. The caller may leave out the entries
    /// that they cover and write the rest with the new stamp.
    Fenced {
        /// The newest fence.
        stamp: Vec<u8>,
        /// The fences since the old stamp.
        fences: Fences,
    },
    /// Nothing was written: the caller no longer holds the warmup lock.
    LockLost,
}

/// Numbers of entries in a written batch.
#[derive(Debug, Default)]
pub struct WriteCounts {
    /// Written.
    pub created: u64,
    /// Skipped because the key exists.
    pub skipped: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Refused by Redis.
    pub refused: u64,
    /// First error of Redis, or empty.
    pub refusal: String,
}

impl<'a> WriteBatch<'a> {
    /// Creates an empty batch with room for so many entries.
    pub fn with_capacity(entries: usize) -> Self {
        Self {
            entries: Vec::with_capacity(entries),
        }
    }

    /// Appends a string that is ready to be stored; `bytes` is the length of its value.
    pub fn push_value(
        &mut self,
        key: KeyName,
        value: &StorableValue,
        bytes: usize,
        life: Duration,
        tags: &'a [Tag],
    ) {
        let format = |kind| EntryFormat { kind, life, tags };
        let (format, values, list) = match value {
            StorableValue::Whole(stored) => {
                (format("string"), vec![stored.as_slice().into()], None)
            }
            // The script knows the list by its position, which is not known yet.
            StorableValue::Chunks(list) => {
                let list = list.as_slice().into();
                (format("chunks"), vec![bytes.into()], Some(list))
            }
        };
        self.entries.push(Entry {
            key,
            format,
            values,
            list,
        });
    }

    /// Appends an entry.
    pub fn push(
        &mut self,
        key: KeyName,
        format: EntryFormat<'a>,
        values: impl Iterator<Item = Arg>,
    ) {
        self.entries.push(Entry {
            key,
            format,
            values: values.collect(),
            list: None,
        });
    }

    /// Writes the batch. One round trip, and one for each tag that keys no longer have. On a Cluster two for each entry,
    /// and five more.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write<R: Redis>(
        self,
        redis: &R,
        conditions: WriteConditions<'_>,
    ) -> Result<WriteOutcome, RedisError> {
        if redis.topology().await?.is_cluster() {
            return by_slot::write(redis, self.entries, conditions).await;
        }

        let own = [FENCES, WARMUP_LOCK, NEAR, NEAR_FENCES].map(Arg::from);
        let keys: Vec<KeyName> = self.entries.iter().map(|entry| entry.key.clone()).collect();
        let call = Call::encode(self.entries, conditions);
        let mut replies = WRITE_BATCH.run(redis, call.keys(own), call.args).await?;

        let outcome = WriteOutcome::read(&mut replies)?;
        if let WriteOutcome::Written(..) = outcome {
            leave_old_tags(redis, &keys, replies).await?;
        }
        Ok(outcome)
    }
}

/// Takes keys out of the sets of tags that they no longer have. The rest of the reply has the
/// position of each key, and the tags that it had.
async fn leave_old_tags<R: Redis>(
    redis: &R,
    keys: &[KeyName],
    replies: Replies,
) -> Result<(), RedisError> {
    let left = read_left_tags(keys, replies)?;
    let leaving = left
        .into_iter()
        .map(|(tag, keys)| async move { set::leave(redis, &tag, keys).await });
    join_all(leaving).await.into_iter().collect()
}

/// Reads the keys that had tags which they no longer have, by these tags.
fn read_left_tags(
    keys: &[KeyName],
    mut replies: Replies,
) -> Result<BTreeMap<Tag, Vec<KeyName>>, RedisError> {
    let mut left: BTreeMap<Tag, Vec<KeyName>> = BTreeMap::new();
    while replies.remaining() > 0 {
        let position = replies.count()? as usize;
        let tags = replies.text()?;
        let Some(key) = keys.get(position.wrapping_sub(1)) else {
            continue;
        };
        for tag in Tag::of_trailer(&tags) {
            left.entry(tag).or_default().push(key.clone());
        }
    }
    Ok(left)
}

impl WriteOutcome {
    /// Reads the reply of `write_batch.lua`.
    fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        match replies.bytes()?.as_slice() {
            b"lost" => Ok(Self::LockLost),
            b"written" => {
                let counts = WriteCounts {
                    created: replies.count()?,
                    skipped: replies.count()?,
                    bytes: replies.count()?,
                    refused: replies.count()?,
                    refusal: replies.text()?,
                };
                Ok(Self::Written(counts, InForce::read(replies)?))
            }
            _ => Ok(Self::Fenced {
                stamp: replies.bytes()?,
                fences: Fences::read(std::mem::replace(replies, Replies::new(Vec::new())))?,
            }),
        }
    }
}
