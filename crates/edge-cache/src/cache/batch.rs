//! Many keys in a round trip.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::options::FOREVER;
use super::{Cache, Runtime};
use crate::codec::{self, Manifest, Stored};
use crate::error::{Error, ErrorKind, RedisError};
use crate::format;
use crate::key::{CHUNKED, KeyName};
use crate::redis::{Arg, Command, Redis};
use crate::script::{MARK, READ_MANY, SETTLE, TAG_NOTE};
use crate::slice::{Manner, Slice};
use crate::tag::{self, Tag};
use crate::ttl::{self, Overrides};

/// Keys in one round trip.
const SLICE: usize = 1000;

/// One value of a [`Cache::set_many`].
#[derive(Debug, Clone, Copy)]
pub struct Item<'a, T> {
    /// The key.
    pub key: &'a str,
    /// Its value.
    pub value: &'a T,
    /// How long it lives; `None`: by the TTL table and its overrides.
    pub ttl: Option<Duration>,
    /// Its tags.
    pub tags: &'a [&'a str],
}

/// An item ready to be written.
struct Ready<'a> {
    key: &'a str,
    value: Vec<u8>,
    life: Duration,
    tags: Vec<Tag>,
    chunks: String,
}

impl<C: Redis + Runtime> Cache<C> {
    /// Reads values, in the order of their keys; `None` where there is none, or one that is past its TTL or not of this type.
    /// Their tags' sets do not count as used, as they do for single ones. One round trip per 1,000 keys.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn get_many<T: DeserializeOwned>(&self, keys: &[&str]) -> Result<Vec<Option<T>>, RedisError> {
        let mut values = Vec::with_capacity(keys.len());
        for slice in keys.chunks(SLICE) {
            let mut replies = READ_MANY.run(&self.redis, slice.iter().map(|key| (*key).into()), []).await?;
            for key in slice {
                let stored = match replies.optional_bytes()? {
                    Some(stored) => self.gather(key, stored).await?,
                    None => None,
                };
                values.push(stored.and_then(|stored| codec::decode(&stored)));
            }
        }
        Ok(values)
    }

    /// Writes values, each with its own TTL and tags. Per 1,000 of them one round trip, and one per tag.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag or a value that cannot be JSON, before anything is written; those of the
    /// connection.
    pub async fn set_many<T: Serialize>(&self, items: &[Item<'_, T>]) -> Result<(), Error> {
        let overrides = match items.iter().all(|item| item.ttl.is_some()) {
            true => Overrides::default(),
            false => ttl::stored(&self.redis).await?,
        };
        for slice in items.chunks(SLICE) {
            let encoded = slice.iter().map(|item| Ok((item, codec::encode(item.value)?, tags(item.tags)?)));
            let encoded = encoded.collect::<Result<Vec<_>, Error>>()?;
            let mut ready = Vec::with_capacity(slice.len());
            let written = async {
                for (item, value, tags) in encoded {
                    let life = item.ttl.unwrap_or_else(|| overrides.for_key(item.key));
                    let life = life.clamp(Duration::from_millis(1), FOREVER);
                    let (value, chunks) = store_chunks(&self.redis, item.key, value, life).await?;
                    ready.push(Ready { key: item.key, value, life, tags, chunks });
                }
                write(&self.redis, &ready).await
            };
            if let Err(error) = written.await {
                for item in &ready {
                    settle(&self.redis, item.key, &item.chunks, error.redis()).await;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Writes the chunks of a value that is too large for one, and gives back its manifest with the chunks' id and number; a
/// smaller value comes back as it is. Until the manifest is stored nobody finds the chunks.
pub(crate) async fn store_chunks<R: Redis + Runtime>(
    redis: &R,
    key: &str,
    value: Vec<u8>,
    life: Duration,
) -> Result<(Vec<u8>, String), RedisError> {
    let (manifest, chunks) = match codec::split(value, || redis.random()) {
        Stored::Whole(value) => return Ok((value, String::new())),
        Stored::Chunked(manifest, chunks) => (manifest, chunks),
    };
    let life = format::milliseconds(life);
    // Removals look for chunks only while this is there.
    MARK.run(redis, [CHUNKED.into()], [life.into()]).await?;
    let told = format!("{} {}", manifest.id, manifest.count);
    for (name, chunk) in manifest.keys(key).zip(chunks) {
        let set = Command::read("SET").arg(name).arg(chunk).arg("PX").arg(life);
        if let Err(error) = redis.execute(set).await {
            settle(redis, key, &told, Some(&error)).await;
            return Err(error);
        }
    }
    Ok((manifest.render(), told))
}

/// Removes the chunks of a value that was not stored in the end, for this reason; `chunks` is their id and number. What cannot be
/// removed ends by itself: a server that hangs is not waited for again.
pub(crate) async fn settle<R: Redis>(redis: &R, key: &str, chunks: &str, reason: Option<&RedisError>) {
    let hangs = reason.is_some_and(|error| error.kind == ErrorKind::Timeout);
    let Some((id, count)) = chunks.split_once(' ').filter(|_| !hangs) else { return };
    let manifest = Manifest { bytes: 0, id: id.to_owned(), count: count.parse().unwrap_or(0) };
    let names = manifest.keys(key).map(Arg::from).collect::<Vec<_>>();
    let keys = [KeyName::new(key).companion().into()].into_iter().chain(names);
    let _ = SETTLE.run(redis, keys, [chunks.into()]).await;
}

/// Checks the tags of a call.
pub(super) fn tags(tags: &[&str]) -> Result<Vec<Tag>, Error> {
    tags.iter().map(|tag| Tag::parse("tags", *tag)).collect()
}

/// The tags as the companion holds them.
pub(crate) fn joined(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join("\n")
}

/// Notes further tags of a key in its companion.
pub(super) async fn join_tags<R: Redis>(redis: &R, name: &KeyName, tags: &[Tag]) -> Result<(), RedisError> {
    let keys = [name.as_bytes().into(), name.companion().into()];
    TAG_NOTE.run(redis, keys, tags.iter().map(|tag| tag.as_str().into())).await.map(drop)
}

/// Tags first: what cannot be tagged is not written. The script that writes does it once more, because a sweep takes members whose
/// keys it does not find, and who writes a key anew those of its old tags.
async fn write<R: Redis>(redis: &R, ready: &[Ready<'_>]) -> Result<(), Error> {
    tag_all(redis, ready).await?;
    let tags: Vec<String> = ready.iter().map(|item| joined(&item.tags)).collect();
    let mut slice = Slice::with_capacity(ready.len());
    for (item, tags) in ready.iter().zip(&tags) {
        let manner = Manner { kind: "string", life: item.life, tags, chunks: item.chunks.clone() };
        slice.push(item.key.as_bytes(), manner, [item.value.as_slice().into()].into_iter());
    }
    let mut replies = slice.write(redis, true, b"", "").await?;
    replies.text()?;
    let (_written, _skipped, _bytes, refused) =
        (replies.count()?, replies.count()?, replies.count()?, replies.count()?);
    if refused > 0 {
        return Err(RedisError::from_host_text(&replies.text()?).into());
    }
    Ok(())
}

async fn tag_all<R: Redis>(redis: &R, ready: &[Ready<'_>]) -> Result<(), RedisError> {
    let mut by_tag: BTreeMap<&str, (&Tag, Duration, Vec<KeyName>)> = BTreeMap::new();
    for item in ready {
        for tag in &item.tags {
            let (_, life, keys) = by_tag.entry(tag.as_str()).or_insert((tag, Duration::ZERO, Vec::new()));
            *life = item.life.max(*life);
            keys.push(KeyName::new(item.key));
        }
    }
    let adding = by_tag.values().map(|(tag, life, keys)| tag::add(redis, tag, *life, keys));
    futures_util::future::join_all(adding).await.into_iter().collect()
}
