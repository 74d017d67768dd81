//! The outcome of writing a batch.

use std::collections::BTreeMap;

use crate::error::RedisError;
use crate::keyspace::fence::{Fences, InForce};
use crate::keyspace::key::KeyName;
use crate::keyspace::tag::Tag;
use crate::redis::Replies;

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

impl WriteOutcome {
    /// Reads the reply of `write_batch.lua`.
    pub(super) fn read(replies: &mut Replies) -> Result<Self, RedisError> {
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

/// Reads the keys that had tags which they no longer have, by these tags.
pub(super) fn read_left_tags(
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
