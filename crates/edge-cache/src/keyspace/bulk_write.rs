//! Batches of entries written in one script call, each entry whole or not at all.

mod by_slot;
mod call;
mod entry;
mod outcome;

use std::time::Duration;

use futures_util::future::join_all;

use crate::error::RedisError;
use crate::keyspace::chunks::StorableValue;
use crate::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, WARMUP_LOCK};
use crate::keyspace::tag::{Tag, set};
use crate::redis::{Arg, Redis, Replies};
use call::{Call, WRITE_BATCH};
use entry::Entry;
pub use entry::{EntryFormat, WriteConditions};
use outcome::read_left_tags;
pub use outcome::{WriteCounts, WriteOutcome};

/// Entries for one script call; on a Cluster for one each.
#[derive(Debug, Default)]
pub struct WriteBatch<'a> {
    entries: Vec<Entry<'a>>,
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
    /// and four more.
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
