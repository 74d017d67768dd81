//! A value in chunks, read one after the other.

use super::not_whole::NotWhole;
use crate::keyspace::chunks::{Head, element_of};
use crate::keyspace::key::KeyName;
use crate::redis::Redis;

/// A value in chunks that is being read.
#[derive(Debug)]
pub(super) struct Chunks {
    key: KeyName,
    head: Head,
    /// The chunk to be read next, from 1 on.
    number: usize,
    /// Bytes that are left.
    bytes_left: usize,
    /// A chunk that was read and not handed out yet.
    read: Option<Vec<u8>>,
}

impl Chunks {
    pub(super) fn new(key: &KeyName, head: Head) -> Self {
        Self {
            key: key.clone(),
            bytes_left: head.bytes,
            head,
            number: 1,
            read: None,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.head.bytes as u64
    }

    /// Returns the chunk that follows, without handing it out.
    pub(super) async fn peek<R: Redis>(&mut self, redis: &R) -> Result<&[u8], NotWhole> {
        self.read = self.next(redis).await?;
        let read = self.read.as_deref().unwrap_or_default();
        self.bytes_left += read.len();
        Ok(read)
    }

    /// Returns the next chunk; `None` at the end.
    pub(super) async fn next<R: Redis>(&mut self, redis: &R) -> Result<Option<Vec<u8>>, NotWhole> {
        let chunk = match self.read.take() {
            Some(read) => read,
            None if self.bytes_left == 0 => return Ok(None),
            None => {
                let number = self.number;
                self.number += 1;
                let chunk = element_of(redis, self.key.as_bytes(), number, &self.head).await?;
                chunk.ok_or(NotWhole::Changed)?
            }
        };

        let left = self.bytes_left.checked_sub(chunk.len());
        self.bytes_left = left
            .filter(|_| !chunk.is_empty())
            .ok_or(NotWhole::Changed)?;
        Ok(Some(chunk))
    }
}
