//! How a warmup writes what it has loaded: slice by slice, and nothing that was invalidated meanwhile.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::entry::Warmed;
use super::plan::Entry;
use super::run::{Run, Stop};
use super::source::Source;
use crate::cache::{Runtime, batch};
use crate::codec;
use crate::error::{ErrorKind, RedisError};
use crate::fence::Fences;
use crate::key::KeyName;
use crate::redis::{Arg, Redis, Replies};
use crate::script::EXIST;
use crate::slice::{Manner, Slice};
use crate::tag;

/// Bytes in one script call, about.
const SLICE_BYTES: usize = 4 << 20;
/// How often a slice is tried again because of invalidations that came meanwhile.
const WRITE_TRIES: u32 = 20;

/// What a slice's writing did.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) created: u64,
    pub(crate) skipped: u64,
    pub(crate) bytes: u64,
    pub(crate) refused: u64,
    pub(crate) reason: String,
}

impl Written {
    fn read(mut replies: Replies) -> Result<Self, RedisError> {
        Ok(Self {
            created: replies.count()?,
            skipped: replies.count()?,
            bytes: replies.count()?,
            refused: replies.count()?,
            reason: replies.text()?,
        })
    }
}

impl<R: Redis + Runtime, S: Source> Run<'_, R, S> {
    /// Tags first: what cannot be tagged is not written. The script that writes does it once more, because a sweep takes members
    /// whose keys it does not find, and who writes a key anew those of its old tags.
    pub(super) async fn write(&self, entry: &Entry, slice: &[Warmed], stamp: &[u8]) -> Result<Written, Stop> {
        if self.request.dry_run {
            return Ok(self.count(slice).await?);
        }
        self.tag(entry, slice).await?;
        let (mut left, mut stamp, mut chunked) = (self.wanted(slice).await?, stamp.to_vec(), Chunked::default());
        for _ in 0..WRITE_TRIES {
            let mut replies = self.write_once(entry, &left, &stamp, &mut chunked).await?;
            let outcome = replies.bytes()?;
            if outcome == b"lost" {
                chunked.forget_others(self.warmup.redis, &[]).await;
                return Err(Stop::Lost);
            }
            if outcome == b"written" {
                let mut written = Written::read(replies)?;
                written.skipped += (slice.len() - left.len()) as u64;
                // One that is there meanwhile, or that the server refused, needs no chunks.
                chunked.forget_others(self.warmup.redis, &[]).await;
                self.look_again_at_memory().await?;
                return Ok(written);
            }
            // What was invalidated since it was loaded is left to who needs it next.
            stamp = replies.bytes()?;
            let fences = Fences::read(replies)?;
            left.retain(|warmed| !fences.mean(&KeyName::new(warmed.key.as_str()), &entry.tags));
            chunked.forget_others(self.warmup.redis, &left).await;
        }
        chunked.forget_others(self.warmup.redis, &[]).await;
        Ok(Written { skipped: slice.len() as u64, ..Written::default() })
    }

    /// All but large ones that are there already: their chunks come before it is known whether they are to be written.
    async fn wanted<'a>(&self, slice: &'a [Warmed]) -> Result<Vec<&'a Warmed>, RedisError> {
        let is_large = |warmed: &&Warmed| warmed.kind == "string" && warmed.bytes() > codec::CHUNK;
        if self.request.force || !slice.iter().any(|warmed| is_large(&warmed)) {
            return Ok(slice.iter().collect());
        }
        let keys = slice.iter().filter(is_large).map(|warmed| Arg::from(warmed.key.as_str()));
        let mut there = EXIST.run(self.warmup.redis, keys, []).await?;
        let mut wanted = Vec::with_capacity(slice.len());
        for warmed in slice {
            if !is_large(&warmed) || there.count()? == 0 {
                wanted.push(warmed);
            }
        }
        Ok(wanted)
    }

    async fn write_once(
        &self,
        entry: &Entry,
        entries: &[&Warmed],
        stamp: &[u8],
        chunked: &mut Chunked,
    ) -> Result<Replies, RedisError> {
        let tags = batch::joined(&entry.tags);
        let mut slice = Slice::with_capacity(entries.len());
        for warmed in entries {
            self.push(entry, warmed, &tags, &mut slice, chunked).await?;
        }
        slice.write(self.warmup.redis, self.request.force, stamp, self.warmup.owner).await
    }

    async fn tag(&self, entry: &Entry, slice: &[Warmed]) -> Result<(), RedisError> {
        if entry.tags.is_empty() {
            return Ok(());
        }
        let names: Vec<KeyName> = slice.iter().map(|warmed| KeyName::new(warmed.key.as_str())).collect();
        let longest = slice.iter().map(|warmed| entry.ttl_of(&warmed.key, &self.table)).max().unwrap_or_default();
        let adding = entry.tags.iter().map(|tag| tag::add(self.warmup.redis, tag, longest, &names));
        join_all(adding).await.into_iter().collect()
    }

    /// Text is stored as any value of the cache, so it may be compressed or in chunks.
    async fn push<'a>(
        &self,
        entry: &Entry,
        warmed: &Warmed,
        tags: &'a str,
        slice: &mut Slice<'a>,
        chunked: &mut Chunked,
    ) -> Result<(), RedisError> {
        let (key, life) = (warmed.key.as_bytes(), entry.ttl_of(&warmed.key, &self.table));
        let manner = |chunks| Manner { kind: warmed.kind, life, tags, chunks };
        if let Some((manifest, chunks)) = chunked.0.get(&warmed.key) {
            slice.push(key, manner(chunks.clone()), [manifest.as_slice().into()].into_iter());
            return Ok(());
        }
        match (warmed.kind, warmed.values.first()) {
            ("string", Some(text)) => {
                let unfit = |error: std::io::Error| RedisError::new(ErrorKind::Protocol, error.to_string());
                let stored = codec::compress(text.clone().into_bytes()).map_err(unfit)?;
                let (stored, chunks) = batch::store_chunks(self.warmup.redis, &warmed.key, stored, life).await?;
                if !chunks.is_empty() {
                    chunked.0.insert(warmed.key.clone(), (stored.clone(), chunks.clone()));
                }
                slice.push(key, manner(chunks), [stored.into()].into_iter());
            }
            _ => slice.push(key, manner(String::new()), warmed.values.iter().map(|value| value.as_str().into())),
        }
        Ok(())
    }

    /// What writing would do.
    async fn count(&self, slice: &[Warmed]) -> Result<Written, RedisError> {
        let keys = slice.iter().map(|warmed| Arg::from(warmed.key.as_str()));
        let mut exist = EXIST.run(self.warmup.redis, keys, []).await?;
        let mut would = Written::default();
        for warmed in slice {
            if exist.count()? > 0 && !self.request.force {
                would.skipped += 1;
            } else {
                would.created += 1;
                would.bytes += warmed.values.iter().map(String::len).sum::<usize>() as u64;
            }
        }
        Ok(would)
    }
}

/// Values whose chunks are written, by their key: manifest, and the chunks' id and number.
#[derive(Default)]
struct Chunked(HashMap<String, (Vec<u8>, String)>);

impl Chunked {
    /// Removes the chunks of values that are not to be written any more, unless they are written already.
    async fn forget_others<R: Redis>(&mut self, redis: &R, left: &[&Warmed]) {
        let others = self.0.extract_if(|key, _| left.iter().all(|warmed| warmed.key != *key));
        for (key, (_, chunks)) in others.collect::<Vec<_>>() {
            batch::settle(redis, &key, &chunks, None).await;
        }
    }
}

/// Cuts entries into slices of up to `most` and about 4 MiB.
pub(super) fn slices(warmed: Vec<Warmed>, most: usize) -> Vec<Vec<Warmed>> {
    let (mut slices, mut slice, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in warmed {
        bytes += entry.bytes();
        if !slice.is_empty() && (slice.len() == most || bytes > SLICE_BYTES) {
            slices.push(std::mem::take(&mut slice));
            bytes = entry.bytes();
        }
        slice.push(entry);
    }
    slices.extend((!slice.is_empty()).then_some(slice));
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_at_1000_entries_or_4_mib() {
        let entry = |bytes: usize| Warmed { key: "k".into(), kind: "string", values: vec!["x".repeat(bytes)] };
        let lengths = |warmed: &[Warmed], most| slices(warmed.to_vec(), most).iter().map(Vec::len).collect::<Vec<_>>();
        let many: Vec<_> = (0..2500).map(|_| entry(10)).collect();
        assert_eq!(lengths(&many, 1000), [1000, 1000, 500]);
        let large: Vec<_> = (0..3).map(|_| entry(3 << 20)).collect();
        assert_eq!(lengths(&large, 1000).len(), 3);
        assert_eq!(lengths(&[entry(9 << 20)], 1000).len(), 1);
        assert_eq!(lengths(&many[..5], 2), [2, 2, 1]);
    }
}
