//! Batches of entries written in one script call, each entry whole or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use crate::error::RedisError;
use crate::keyspace::chunks::StorableValue;
use crate::keyspace::fence::{Fences, InForce};
use crate::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, WARMUP_LOCK};
use crate::keyspace::tag::{self, Tag, set};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis, Replies};
use crate::{script, units};

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

/// Consecutive entries with the same attributes.
#[derive(Debug)]
struct Run<'a> {
    format: EntryFormat<'a>,
    values_per_entry: usize,
    entries: usize,
    /// Position of `entries` among the arguments.
    entries_at: usize,
}

/// Entries for one script call.
#[derive(Debug, Default)]
pub struct WriteBatch<'a> {
    keys: Vec<KeyName>,
    /// Lists that hold chunks.
    lists: Vec<Arg>,
    /// The tags of all entries, each once.
    tags: Vec<&'a Tag>,
    args: Vec<Arg>,
    current: Option<Run<'a>>,
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
            keys: Vec::with_capacity(entries),
            args: Vec::with_capacity(entries + 8),
            ..Self::default()
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

        match value {
            StorableValue::Whole(stored) => {
                let stored = stored.as_slice().into();
                self.push(key, format("string"), [stored].into_iter());
            }
            StorableValue::Chunks(list) => {
                self.lists.push(list.as_slice().into());
                let values = [self.lists.len().into(), bytes.into()];
                self.push(key, format("chunks"), values.into_iter());
            }
        }
    }

    /// Appends an entry.
    pub fn push(
        &mut self,
        key: KeyName,
        format: EntryFormat<'a>,
        values: impl ExactSizeIterator<Item = Arg>,
    ) {
        let continues_run = self
            .current
            .as_ref()
            .is_some_and(|run| run.format == format && run.values_per_entry == values.len());
        if !continues_run {
            self.begin_run(format, values.len());
        }

        self.count_entry();
        self.keys.push(key);
        self.args.extend(values);
    }

    fn begin_run(&mut self, format: EntryFormat<'a>, values_per_entry: usize) {
        let entries_at = self.args.len();
        self.args.extend([
            Arg::Int(0),
            format.kind.into(),
            units::milliseconds(format.life).into(),
            tag::join(format.tags).into(),
            format.tags.len().into(),
        ]);

        for tag in format.tags {
            let place = self.place_of(tag);
            self.args.push(place.into());
        }
        self.args.push(values_per_entry.into());

        self.current = Some(Run {
            format,
            values_per_entry,
            entries: 0,
            entries_at,
        });
    }

    /// Returns the position of a tag among those of the batch, counted from 1.
    fn place_of(&mut self, tag: &'a Tag) -> usize {
        let known = self.tags.iter().position(|known| *known == tag);
        known.unwrap_or_else(|| {
            self.tags.push(tag);
            self.tags.len() - 1
        }) + 1
    }

    fn count_entry(&mut self) {
        let Some(run) = &mut self.current else {
            return;
        };
        run.entries += 1;
        if let Some(count) = self.args.get_mut(run.entries_at) {
            *count = run.entries.into();
        }
    }

    /// Writes the batch. One round trip, and one for each tag that keys no longer have.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write<R: Redis>(
        self,
        redis: &R,
        conditions: WriteConditions<'_>,
    ) -> Result<WriteOutcome, RedisError> {
        let force = if conditions.force { "1" } else { "0" };
        let head = [
            force.into(),
            conditions.stamp.into(),
            conditions.warmup_owner.into(),
            self.keys.len().into(),
            self.lists.len().into(),
        ];
        let own = [FENCES, WARMUP_LOCK, NEAR, NEAR_FENCES].map(Arg::from);
        let names = self.keys.iter().map(|key| key.as_bytes().into());
        let locks = self.keys.iter().map(|key| key.lock().into());
        let sets = self.tags.iter().map(|tag| tag.key().into());
        let keys = own.into_iter().chain(names).chain(locks);
        let keys = keys.chain(self.lists).chain(sets);

        let args = head.into_iter().chain(self.args);
        let mut replies = WRITE_BATCH.run(redis, keys, args).await?;

        let outcome = WriteOutcome::read(&mut replies)?;
        if let WriteOutcome::Written(..) = outcome {
            leave_old_tags(redis, &self.keys, replies).await?;
        }
        Ok(outcome)
    }
}

/// Takes keys out of the sets of tags that they no longer have. The rest of the reply has the
/// position of each key, and the tags that it had.
async fn leave_old_tags<R: Redis>(
    redis: &R,
    keys: &[KeyName],
    mut replies: Replies,
) -> Result<(), RedisError> {
    let mut left: BTreeMap<Tag, Vec<Arg>> = BTreeMap::new();
    while replies.remaining() > 0 {
        let position = replies.count()? as usize;
        let tags = replies.text()?;
        let Some(key) = keys.get(position.wrapping_sub(1)) else {
            continue;
        };
        for tag in Tag::of_trailer(&tags) {
            left.entry(tag).or_default().push(key.as_bytes().into());
        }
    }

    let leaving = left
        .into_iter()
        .map(|(tag, keys)| async move { set::leave(redis, &tag, keys).await });
    join_all(leaving).await.into_iter().collect()
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
