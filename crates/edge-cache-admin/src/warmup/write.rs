//! Writes rendered keys in slices, except those that were invalidated since they were loaded.
//!
//! ```text
//! warmup of products                         POST /invalidate {"keys": ["products:7"]}
//! takes stamp 10, loads products 1 to 1,000
//!                                            appends fence 11: key products:7
//! writes with stamp 10: the reply is fence 11
//! writes the other 999 keys with stamp 11
//! ```

mod chunked_values;

use super::outcome::StopReason;
use super::plan::PlanEntry;
use super::render::RenderedKey;
use super::ttls::Ttls;
use chunked_values::ChunkedValues;
use edge_cache::HostRuntime;
use edge_cache::KeyName;
use edge_cache::RedisError;
use edge_cache::keyspace::bulk_write::{
    EntryFormat, WriteBatch, WriteConditions, WriteCounts, WriteOutcome,
};
use edge_cache::keyspace::chunks::MAX_CHUNK_BYTES;
use edge_cache::keyspace::fence::Stamp;
use edge_cache::keyspace::tag::set::{self, NewMembers};
use edge_cache::keyspace::trailer::Facts;
use edge_cache::keyspace::{MAX_KEYS_PER_CALL, existence, tag};
use edge_cache::redis::{Arg, Redis, ServerClock};
use edge_cache::units::milliseconds;

/// The most keys in one script call.
pub(super) const MAX_SLICE_KEYS: usize = MAX_KEYS_PER_CALL;
/// About the most bytes in one script call.
const MAX_SLICE_BYTES: usize = 4 << 20;
/// The most attempts to write a slice whose keys are invalidated meanwhile.
const MAX_WRITE_ATTEMPTS: u32 = 20;

/// Writes the slices of a warmup.
pub(super) struct SliceWriter<'a, R> {
    pub(super) redis: &'a R,
    /// The warmup's id: the script writes nothing unless the lock is held by it.
    pub(super) owner: &'a str,
    pub(super) force: bool,
    pub(super) dry_run: bool,
    pub(super) ttls: Ttls,
    /// Redis' clock, by which entries say when they were stored.
    pub(super) clock: ServerClock,
}

impl<R: Redis + HostRuntime> SliceWriter<'_, R> {
    /// Writes a slice; a dry run counts what would be written. One round trip, and one for each
    /// tag.
    ///
    /// Keys are added to their tags first, and again by the script: see [`set::add_members`].
    pub(super) async fn write(
        &self,
        entry: &PlanEntry,
        slice: &[RenderedKey],
        stamp: &Stamp,
    ) -> Result<WriteCounts, StopReason> {
        if self.dry_run {
            return Ok(self.count(slice).await?);
        }
        self.add_to_tags(entry, slice).await?;
        let keys = self.skip_existing_large(slice).await?;
        let existing = slice.len() - keys.len();

        let mut chunked = ChunkedValues::default();
        let written = self
            .write_until_accepted(entry, keys, stamp, &mut chunked)
            .await?;
        // Keys that exist by now, or that Redis refused, do not use their chunks.
        chunked.discard_all(self.redis).await;

        let mut written = written.ok_or(StopReason::LockLost)?;
        written.skipped += existing as u64;
        Ok(written)
    }

    /// Writes the keys, without those that are invalidated meanwhile, and none after too many
    /// attempts. Returns `None` when another warmup took the lock.
    async fn write_until_accepted(
        &self,
        entry: &PlanEntry,
        mut keys: Vec<&RenderedKey>,
        stamp: &Stamp,
        chunked: &mut ChunkedValues,
    ) -> Result<Option<WriteCounts>, RedisError> {
        let requested = keys.len();
        let mut newest = stamp.id.to_string().into_bytes();

        for _ in 0..MAX_WRITE_ATTEMPTS {
            let written = self
                .write_once(entry, &keys, stamp, &newest, chunked)
                .await?;
            match written {
                WriteOutcome::LockLost => return Ok(None),
                // A refreshed value is no invalidation: near copies of the old one live on for
                // their short time.
                WriteOutcome::Written(mut written, _) => {
                    written.skipped += (requested - keys.len()) as u64;
                    return Ok(Some(written));
                }
                WriteOutcome::Fenced {
                    stamp: newer,
                    fences,
                } => {
                    // The next caller that needs an invalidated key loads it.
                    keys.retain(|rendered| {
                        !fences.cover(&KeyName::new(rendered.key.as_str()), &entry.tags)
                    });
                    newest = newer;
                    chunked.discard_except(self.redis, &keys).await;
                }
            }
        }

        Ok(Some(WriteCounts {
            skipped: requested as u64,
            ..WriteCounts::default()
        }))
    }

    /// Counts what would be written. One round trip.
    async fn count(&self, slice: &[RenderedKey]) -> Result<WriteCounts, RedisError> {
        let keys = slice
            .iter()
            .map(|rendered| Arg::from(rendered.key.as_str()));
        let exist = existence::check_each(self.redis, keys.collect()).await?;

        let mut counted = WriteCounts::default();
        for (rendered, exists) in slice.iter().zip(exist) {
            if exists && !self.force {
                counted.skipped += 1;
            } else {
                counted.created += 1;
                counted.bytes += rendered.value_bytes() as u64;
            }
        }
        Ok(counted)
    }

    async fn add_to_tags(
        &self,
        entry: &PlanEntry,
        slice: &[RenderedKey],
    ) -> Result<(), RedisError> {
        if entry.tags.is_empty() {
            return Ok(());
        }
        let names: Vec<KeyName> = slice
            .iter()
            .map(|rendered| KeyName::new(rendered.key.as_str()))
            .collect();
        let longest_ttl = slice
            .iter()
            .map(|rendered| entry.ttl_of(&rendered.key, &self.ttls))
            .max()
            .unwrap_or_default();

        let members = entry.tags.iter().map(|tag| NewMembers {
            tag,
            life: longest_ttl,
            keys: &names,
        });
        set::add_members(self.redis, members).await
    }

    /// Leaves out large values that exist, because their chunks would be written before the script
    /// finds that out. One round trip where there are large values.
    async fn skip_existing_large<'a>(
        &self,
        slice: &'a [RenderedKey],
    ) -> Result<Vec<&'a RenderedKey>, RedisError> {
        let is_large =
            |rendered: &RenderedKey| rendered.is_string() && rendered.bytes() > MAX_CHUNK_BYTES;
        let large: Vec<Arg> = slice
            .iter()
            .filter(|rendered| is_large(rendered))
            .map(|rendered| Arg::from(rendered.key.as_str()))
            .collect();
        if self.force || large.is_empty() {
            return Ok(slice.iter().collect());
        }

        let mut large_exist = existence::check_each(self.redis, large).await?.into_iter();
        let mut kept = Vec::with_capacity(slice.len());
        for rendered in slice {
            let exists = is_large(rendered) && large_exist.next() == Some(true);
            if !exists {
                kept.push(rendered);
            }
        }
        Ok(kept)
    }

    async fn write_once(
        &self,
        entry: &PlanEntry,
        keys: &[&RenderedKey],
        stamp: &Stamp,
        newest: &[u8],
        chunked: &mut ChunkedValues,
    ) -> Result<WriteOutcome, RedisError> {
        self.clock.refresh_if_due(self.redis).await?;
        let mut batch = WriteBatch::with_capacity(keys.len());
        for rendered in keys {
            self.append(entry, rendered, stamp, &mut batch, chunked)
                .await?;
        }
        let conditions = WriteConditions {
            force: self.force,
            stamp: newest,
            warmup_owner: self.owner,
        };
        batch.write(self.redis, conditions).await
    }

    async fn append<'a>(
        &self,
        entry: &'a PlanEntry,
        rendered: &RenderedKey,
        stamp: &Stamp,
        batch: &mut WriteBatch<'a>,
        chunked: &mut ChunkedValues,
    ) -> Result<(), RedisError> {
        let life = entry.ttl_of(&rendered.key, &self.ttls);
        let key = KeyName::new(rendered.key.as_str());
        if rendered.is_string() {
            let facts = Facts {
                stored_at: self.clock.now(),
                fresh_for: Some(milliseconds(life)),
                stamp: *stamp,
                tags: tag::join(&entry.tags),
                ..Facts::default()
            };
            let value = chunked.store(self.redis, rendered, &facts).await?;
            batch.push_value(key, &value, rendered.value_bytes(), life, &entry.tags);
            return Ok(());
        }

        let format = EntryFormat {
            kind: rendered.kind,
            life,
            tags: &entry.tags,
        };
        let values = rendered.values.iter();
        batch.push(key, format, values.map(|value| value.as_str().into()));
        Ok(())
    }
}

/// Cuts keys into slices of up to `max_keys` and about 4 MiB.
pub(super) fn cut_into_slices(keys: Vec<RenderedKey>, max_keys: usize) -> Vec<Vec<RenderedKey>> {
    let mut slices = Vec::new();
    let mut slice: Vec<RenderedKey> = Vec::new();
    let mut slice_bytes = 0;

    for rendered in keys {
        let bytes = rendered.bytes();
        let is_full = slice.len() == max_keys || slice_bytes + bytes > MAX_SLICE_BYTES;
        if is_full && !slice.is_empty() {
            slices.push(std::mem::take(&mut slice));
            slice_bytes = 0;
        }
        slice_bytes += bytes;
        slice.push(rendered);
    }

    if !slice.is_empty() {
        slices.push(slice);
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(value_bytes: usize) -> RenderedKey {
        RenderedKey {
            key: "k".into(),
            kind: "string",
            values: vec!["x".repeat(value_bytes)],
        }
    }

    fn slice_lengths(keys: Vec<RenderedKey>, max_keys: usize) -> Vec<usize> {
        cut_into_slices(keys, max_keys)
            .iter()
            .map(Vec::len)
            .collect()
    }

    #[test]
    fn a_slice_ends_at_the_given_number_of_keys() {
        assert_eq!(
            slice_lengths(vec![rendered(10); 2500], 1000),
            [1000, 1000, 500]
        );
        assert_eq!(slice_lengths(vec![rendered(10); 5], 2), [2, 2, 1]);
    }

    #[test]
    fn a_slice_ends_at_4_mib() {
        assert_eq!(slice_lengths(vec![rendered(3 << 20); 3], 1000), [1, 1, 1]);
    }

    #[test]
    fn a_key_above_4_mib_has_a_slice_of_its_own() {
        assert_eq!(slice_lengths(vec![rendered(9 << 20)], 1000), [1]);
    }
}
