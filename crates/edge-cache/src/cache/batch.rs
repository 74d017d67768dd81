//! Reading and writing many keys in one round trip.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join3;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::observer::Observer;
use super::set_item::{CheckedItem, SetItem};
use super::stored_entry::{self, StoredEntry};
use crate::error::{Error, ErrorKind, RedisError};
use crate::keyspace::bulk_write::{WriteBatch, WriteConditions, WriteOutcome};
use crate::keyspace::chunks::StorableValue;
use crate::keyspace::fence::{self, Stamp};
use crate::keyspace::key::KeyName;
use crate::keyspace::tag::set::{self, NewMembers};
use crate::keyspace::tag::{self, Tag};
use crate::keyspace::trailer::Facts;
use crate::keyspace::ttl::{self, Overrides};
use crate::keyspace::{MAX_KEYS_PER_CALL, codec};
use crate::redis::script::{Script, shared};
use crate::redis::{Command, HostRuntime, Redis, Replies, concurrently};
use crate::script;
use crate::units::milliseconds;

/// Finds the keys that may hold a value in chunks.
static FIND_LISTS: Script = script!(repeatable "value/find_lists", [shared::EXISTENCE]);

/// How often a write is repeated because of fences that do not cover its keys.
const WRITE_TRIES: usize = 8;

/// An item whose chunks, if any, are written.
struct StorableItem<'a> {
    key: &'a str,
    value: StorableValue,
    /// Length of the encoded value.
    bytes: usize,
    life: Duration,
    tags: Vec<Tag>,
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Reads fresh values, in the order of their keys; `None` without one, for a stale one and for
    /// one of another type. Unlike [`Cache::get`], this never counts as a use of their tags' sets.
    /// One round trip per 1,000 keys; where some are missing another one, which finds values in
    /// chunks; and one per chunk.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("prices:17", &1999, &Options::default()).await?;
    /// let prices: Vec<Option<u64>> = cache.get_many(&["prices:17", "prices:18"]).await?;
    /// assert_eq!(prices, [Some(1999), None]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn get_many<T: DeserializeOwned>(
        &self,
        keys: &[&str],
    ) -> Result<Vec<Option<T>>, RedisError> {
        let mut values = Vec::with_capacity(keys.len());
        for slice in keys.chunks(MAX_KEYS_PER_CALL) {
            let judge = self.judge();
            let lookup = judge.begin(Instant::now());
            let (mut entries, now) = lookup.with(self.read_entries(slice)).await?;
            for (entry, key) in entries.iter_mut().zip(slice) {
                lookup.judge(key, entry).await?;
            }

            let fresh = entries.iter_mut().map(|entry| entry.take_fresh(now));
            values.extend(fresh.map(|value| value.and_then(|value| codec::decode(&value))));
        }
        Ok(values)
    }

    async fn read_entries(&self, keys: &[&str]) -> Result<Vec<StoredEntry>, RedisError> {
        let mut entries = self.read_strings(keys).await?;

        let missing: Vec<usize> = (0..keys.len())
            .filter(|index| {
                entries
                    .get(*index)
                    .is_some_and(|entry| entry.value.is_none())
            })
            .collect();
        for index in self.find_lists(keys, missing).await? {
            if let (Some(entry), Some(key)) = (entries.get_mut(index), keys.get(index)) {
                *entry = stored_entry::read_other_type(&self.inner.redis, key).await?;
            }
        }
        Ok(entries)
    }

    /// Reads up to 1,000 entries, in the order of their keys. Those in chunks are missing. One round
    /// trip, on a Cluster one for each slot; these overlap.
    pub(super) async fn read_strings(&self, keys: &[&str]) -> Result<Vec<StoredEntry>, RedisError> {
        let redis = &self.inner.redis;
        let groups = redis.topology().await?.group(keys, |key| key.as_bytes());
        let reading = groups.into_iter().map(|group| async move {
            let read = Command::read("MGET").args(group.iter().map(|(_, key)| **key));
            let mut replies = Replies::new(redis.execute(read).await?);
            let found = group
                .iter()
                .map(|(at, _)| Ok((*at, replies.optional_bytes()?)));
            found.collect::<Result<Vec<_>, RedisError>>()
        });

        let mut entries: Vec<StoredEntry> = keys.iter().map(|_| StoredEntry::default()).collect();
        for (at, stored) in concurrently(reading.collect()).await?.into_iter().flatten() {
            if let (Some(entry), Some(stored)) = (entries.get_mut(at), stored) {
                *entry = StoredEntry::of_string(stored);
            }
        }
        for (entry, key) in entries.iter_mut().zip(keys) {
            *entry = std::mem::take(entry)
                .with_former_chunks(&self.inner.redis, key)
                .await?;
        }
        Ok(entries)
    }

    /// Returns those of these positions whose keys are lists. One round trip, on a Cluster one for each
    /// slot, none without positions.
    async fn find_lists(
        &self,
        keys: &[&str],
        positions: Vec<usize>,
    ) -> Result<Vec<usize>, RedisError> {
        let redis = &self.inner.redis;
        let named = positions
            .into_iter()
            .filter_map(|at| Some((at, *keys.get(at)?)));

        let groups = redis
            .topology()
            .await?
            .group(named, |(_, key)| key.as_bytes());
        let finding = groups.into_iter().map(|group| async move {
            let names = group.iter().map(|(_, (_, key))| (*key).into());
            let mut replies = FIND_LISTS.run(redis, names, []).await?;
            let mut lists = Vec::new();
            for (_, (position, _)) in group {
                if replies.count()? == 1 {
                    lists.push(position);
                }
            }
            Ok(lists)
        });
        Ok(concurrently(finding.collect())
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Writes values, each with its own TTL, grace, jitter and tags. An invalidation that comes meanwhile wins: the
    /// values that it covers are not written. One round trip; per 1,000 values one, one per tag and
    /// one per chunk.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, SetItem, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// let options = Options { tags: &["prices"], ..Options::default() };
    /// let items = [
    ///     SetItem::with_options("prices:17", &1999, &options),
    ///     SetItem::with_options("prices:18", &2999, &options),
    /// ];
    /// cache.set_many(&items).await?;
    /// assert_eq!(cache.get("prices:18").await?, Some(2999));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag, a key longer than [`crate::keyspace::key::MAX_NAME_BYTES`]
    /// or a value that cannot be JSON, before anything of its 1,000 is written; those of the
    /// connection.
    pub async fn set_many<T: Serialize>(&self, items: &[SetItem<'_, T>]) -> Result<(), Error> {
        let all_have_ttl = items.iter().all(|item| item.ttl.is_some());
        let overrides = async {
            if all_have_ttl {
                return Ok(Overrides::default());
            }
            ttl::read_overrides(&self.inner.redis).await
        };
        // An invalidation that comes after this stamp wins over the values.
        let stamp = fence::take_stamp(&self.inner.redis);
        let clock = self.inner.clock.refresh_if_due(&self.inner.redis);
        let (overrides, stamp, asked) = join3(overrides, stamp, clock).await;
        let (overrides, stamp) = (overrides?, stamp?);
        asked?;

        for slice in items.chunks(MAX_KEYS_PER_CALL) {
            let checked = slice.iter().map(|item| self.check_item(item, &overrides));
            let checked = checked.collect::<Result<Vec<_>, _>>()?;
            let (unstored, stored) = checked.into_iter().partition(|item| item.life().is_zero());
            self.remove_items(unstored).await?;
            self.write(stored, stamp).await?;
        }
        Ok(())
    }

    /// Removes the keys of items that are not to be stored.
    async fn remove_items(&self, items: Vec<CheckedItem<'_>>) -> Result<(), Error> {
        let keys: Vec<&str> = items.iter().map(|item| item.key).collect();
        self.delete_many(&keys).await.map(drop)
    }

    /// Writes up to 1,000 items. Chunks of items that are not written in the end are removed.
    async fn write(&self, items: Vec<CheckedItem<'_>>, stamp: Stamp) -> Result<(), Error> {
        if items.is_empty() {
            return Ok(());
        }

        let mut storable = Vec::with_capacity(items.len());
        let written = async {
            for item in items {
                storable.push(self.prepare(item, stamp).await?);
            }
            add_to_tags(&self.inner.redis, &storable).await?;
            Ok(write_unless_fenced(&self.inner.redis, &storable, stamp).await?)
        };

        let written: Result<Vec<usize>, Error> = written.await;
        for (position, item) in storable.iter().enumerate() {
            match &written {
                Ok(positions) if positions.contains(&position) => {}
                Ok(_) => item.value.discard(&self.inner.redis, None).await,
                Err(error) => item.value.discard(&self.inner.redis, error.redis()).await,
            }
        }
        written.map(drop)
    }

    /// Gives an item its trailer, and writes its chunks if it has any.
    async fn prepare<'a>(
        &self,
        item: CheckedItem<'a>,
        stamp: Stamp,
    ) -> Result<StorableItem<'a>, Error> {
        let facts = Facts {
            stored_at: self.inner.clock.now(),
            fresh_for: Some(milliseconds(item.ttl)),
            grace: milliseconds(item.grace),
            stamp,
            tags: tag::join(&item.tags),
            validator: None,
            marked_stale: None,
            ..Facts::default()
        };
        let (bytes, life) = (item.value.len(), item.life());
        let key = item.key.as_bytes();
        Ok(StorableItem {
            key: item.key,
            value: StorableValue::prepare(&self.inner.redis, key, item.value, &facts).await?,
            bytes,
            life,
            tags: item.tags,
        })
    }
}

/// Writes the items, except those that a fence after the stamp covers: an entry of an older stamp
/// would be served again once readers forget the fence. Returns the positions of those written.
async fn write_unless_fenced<R: Redis + HostRuntime>(
    redis: &R,
    items: &[StorableItem<'_>],
    stamp: Stamp,
) -> Result<Vec<usize>, RedisError> {
    let mut stamp = stamp.id.to_string().into_bytes();
    let mut left: Vec<(usize, &StorableItem<'_>)> = items.iter().enumerate().collect();
    for _ in 0..WRITE_TRIES {
        let written = write_once(redis, left.iter().map(|(_, item)| *item), &stamp).await?;
        match written {
            WriteOutcome::Written(counts, _) if counts.refused > 0 => {
                return Err(RedisError::from_script_text(&counts.refusal));
            }
            WriteOutcome::Written(_, in_force) => {
                in_force.wait(redis).await;
                return Ok(left.iter().map(|(at, _)| *at).collect());
            }
            WriteOutcome::Fenced {
                stamp: newest,
                fences,
            } => {
                left.retain(|(_, item)| !fences.cover(&KeyName::new(item.key), &item.tags));
                stamp = newest;
                if left.is_empty() {
                    return Ok(Vec::new());
                }
            }
            WriteOutcome::LockLost => {
                let problem = "a write without a lock was refused";
                return Err(RedisError::new(ErrorKind::Protocol, problem));
            }
        }
    }

    let problem = "so many invalidations come that the values could not be written";
    Err(RedisError::new(ErrorKind::Busy, problem))
}

/// Writes the items, unless there are fences since the stamp. One round trip.
async fn write_once<'a, R: Redis>(
    redis: &R,
    items: impl ExactSizeIterator<Item = &'a StorableItem<'a>>,
    stamp: &[u8],
) -> Result<WriteOutcome, RedisError> {
    let mut batch = WriteBatch::with_capacity(items.len());
    for item in items {
        let key = KeyName::new(item.key);
        batch.push_value(key, &item.value, item.bytes, item.life, &item.tags);
    }

    let conditions = WriteConditions {
        force: true,
        stamp,
        ..WriteConditions::default()
    };
    batch.write(redis, conditions).await
}

/// Adds the items' keys to their tags' sets, one round trip per tag.
async fn add_to_tags<R: Redis>(redis: &R, items: &[StorableItem<'_>]) -> Result<(), RedisError> {
    let mut by_tag: BTreeMap<&str, (&Tag, Duration, Vec<KeyName>)> = BTreeMap::new();
    for item in items {
        for tag in &item.tags {
            let (_, life, keys) =
                by_tag
                    .entry(tag.as_str())
                    .or_insert((tag, Duration::ZERO, Vec::new()));
            *life = item.life.max(*life);
            keys.push(KeyName::new(item.key));
        }
    }

    let members = by_tag.values().map(|(tag, life, keys)| NewMembers {
        tag,
        life: *life,
        keys,
    });
    set::add_members(redis, members).await
}
