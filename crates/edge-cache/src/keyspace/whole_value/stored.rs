//! A string as it is stored, in pieces.

use std::ops::Range;

use super::not_whole::NotWhole;
use crate::keyspace::edit::hash_of;
use crate::keyspace::key::KeyName;
use crate::redis::Redis;
use crate::redis::script::{Script, shared};
use crate::script;

/// Reads a piece, or its hash.
static READ_PIECE: Script = script!(repeatable "value/read_piece", [shared::OWN_READS]);

/// Bytes in a piece: reading one takes Redis about a millisecond, hashing one three.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// A string that is read in pieces.
#[derive(Debug)]
pub(super) struct Pieces {
    key: KeyName,
    /// Bytes of the whole string.
    stored_bytes: u64,
    /// Bytes that are wanted, from the beginning on.
    wanted_bytes: u64,
    /// The first piece, until it is handed out.
    first: Option<Vec<u8>>,
    /// The hashes of the pieces that were read.
    hashes: Vec<String>,
}

impl Pieces {
    /// `beginning` has the first piece, and perhaps more than is wanted.
    pub(super) fn new(
        key: &KeyName,
        stored_bytes: u64,
        wanted_bytes: u64,
        mut beginning: Vec<u8>,
    ) -> Self {
        beginning.truncate(usize::try_from(wanted_bytes).unwrap_or(usize::MAX));
        Self {
            key: key.clone(),
            stored_bytes,
            wanted_bytes,
            first: Some(beginning),
            hashes: Vec::new(),
        }
    }

    /// Reads the next piece; `None` at the end. The last one is only returned if all are still stored.
    pub(super) async fn next<R: Redis>(&mut self, redis: &R) -> Result<Option<Vec<u8>>, NotWhole> {
        let range = self.range_of(self.hashes.len());
        let piece = match self.first.take() {
            Some(first) => first,
            None if range.is_empty() => return Ok(None),
            None => self.read(redis, &range, "bytes").await?,
        };
        if piece.len() as u64 != range.end - range.start {
            return Err(NotWhole::Changed);
        }

        let is_only = self.hashes.is_empty() && range.end == self.wanted_bytes;
        self.hashes.push(hash_of(&piece));
        if range.end == self.wanted_bytes && !is_only {
            self.verify(redis).await?;
        }
        Ok((!piece.is_empty()).then_some(piece))
    }

    /// Compares what was read with what is stored. One round trip a piece.
    async fn verify<R: Redis>(&self, redis: &R) -> Result<(), NotWhole> {
        for (number, hash) in self.hashes.iter().enumerate() {
            let stored = self.read(redis, &self.range_of(number), "hash").await?;
            if stored != hash.as_bytes() {
                return Err(NotWhole::Changed);
            }
        }
        Ok(())
    }

    async fn read<R: Redis>(
        &self,
        redis: &R,
        range: &Range<u64>,
        what: &str,
    ) -> Result<Vec<u8>, NotWhole> {
        let keys = [self.key.as_bytes().into()];
        let last = range.end.saturating_sub(1);
        let args = [range.start.into(), last.into(), what.into()];
        let mut replies = READ_PIECE.run(redis, keys, args).await?;

        if replies.count()? != self.stored_bytes {
            return Err(NotWhole::Changed);
        }
        Ok(replies.bytes()?)
    }

    /// The bytes of a piece: none behind the end.
    fn range_of(&self, number: usize) -> Range<u64> {
        let start = (number as u64 * PIECE_BYTES as u64).min(self.wanted_bytes);
        start..(start + PIECE_BYTES as u64).min(self.wanted_bytes)
    }
}
