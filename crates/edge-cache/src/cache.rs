//! The cache that services use: typed values under keys, read through in one call.
//!
//! Values are JSON as they are, so other clients can read them; large ones are compressed, very large ones stored in
//! chunks ([`crate::codec`]). What is known of a value (age, grace, tags) is in its companion key.

pub(crate) mod batch;
mod breaker;
mod counters;
mod load;
mod options;
mod read_through;

use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use batch::Item;
pub use options::Options;
pub use read_through::{Fetched, Outcome};

use crate::codec;
use crate::error::{Error, RedisError};
use crate::format::milliseconds;
use crate::inspect::Expiry;
use crate::key::KeyName;
use crate::pattern::Pattern;
use crate::redis::{Arg, Command, Redis, Replies};
use crate::script::{DELETE_KEYS, READ};
use crate::sweep;
use crate::tag::{self, Tag};
use breaker::Breaker;
use counters::Counters;

/// What the cache needs beside Redis.
#[expect(async_fn_in_trait, reason = "components are single-threaded: the futures need not be Send")]
pub trait Runtime {
    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// A random number, of good enough quality that two instances do not get the same.
    fn random(&self) -> u64;

    /// Hears how look-ups end, to log them.
    fn looked_up(&self, key: &str, outcome: Outcome) {
        let _ = (key, outcome);
    }
}

impl<R: Runtime> Runtime for &R {
    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }

    fn random(&self) -> u64 {
        (**self).random()
    }

    fn looked_up(&self, key: &str, outcome: Outcome) {
        (**self).looked_up(key, outcome);
    }
}

impl<R: Runtime> Runtime for Rc<R> {
    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }

    fn random(&self) -> u64 {
        (**self).random()
    }

    fn looked_up(&self, key: &str, outcome: Outcome) {
        (**self).looked_up(key, outcome);
    }
}

/// A cache over one Redis database. Cheap to make; keep it for as long as the instance lives, so that its circuit breaker
/// and counters do.
///
/// ```no_run
/// use std::time::Duration;
/// use edge_cache::{Cache, Options, Redis, Runtime};
///
/// # async fn popular<C: Redis + Runtime>(connection: C) -> Result<(), String> {
/// let cache = Cache::new(connection);
/// let options = Options { ttl: Some(Duration::from_secs(900)), tags: &["product-catalog"], ..Options::default() };
/// let top = cache.get_or_set("products:popular:list", &options, async || slow_query().await).await?;
/// println!("{} products, {:?}", top.value.len(), top.outcome);
/// # Ok(())
/// # }
/// # async fn slow_query() -> Result<Vec<u64>, String> { Ok(vec![1]) }
/// ```
#[derive(Debug)]
pub struct Cache<C> {
    redis: C,
    breaker: Breaker,
    counters: Counters,
}

impl<C: Redis + Runtime> Cache<C> {
    /// A cache over this connection.
    pub fn new(redis: C) -> Self {
        Self { redis, breaker: Breaker::default(), counters: Counters::default() }
    }

    /// Reads a value; `None` where there is none, or one that is past its TTL (`get_or_set` alone serves those) or not of this
    /// type. Its tags' sets count as used, too, where the server evicts. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, RedisError> {
        let found = self.read(key).await?;
        Ok(found.and_then(|stored| codec::decode(&stored)))
    }

    /// Reads the stored bytes of a fresh value, gathering one that is stored in chunks (one round trip a chunk). It is asked for
    /// once more where a chunk is gone: the value may have been written anew meanwhile.
    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        for _ in 0..2 {
            let mut replies = self.ask(key, None).await?;
            let (stored, left, _life) = (replies.optional_bytes()?, replies.int()?, replies.bytes()?);
            let grace: i64 = replies.text()?.parse().unwrap_or(0);
            let Some(stored) = stored.filter(|_| left < 0 || left > grace) else { return Ok(None) };
            if let Some(whole) = self.gather(key, stored).await? {
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// Asks for what is stored and what is known of it; the reply is that of `read.lua`. One round trip. `waiting`: the number of a
    /// caller who waits for a load, empty as long as it has none.
    async fn ask(&self, key: &str, waiting: Option<&[u8]>) -> Result<Replies, RedisError> {
        let name = KeyName::new(key);
        let keys = [name.as_bytes().into(), name.companion().into(), name.lock().into()];
        let keys = keys.into_iter().chain(waiting.map(|_| name.waiting().into()));
        let args = [milliseconds(options::FOREVER).into()].into_iter().chain(waiting.map(Arg::from));
        READ.run(&self.redis, keys, args).await
    }

    /// Replaces a manifest by the value whose chunks it names; `None` when one of them is gone.
    async fn gather(&self, key: &str, stored: Vec<u8>) -> Result<Option<Vec<u8>>, RedisError> {
        let Some(manifest) = codec::Manifest::read(&stored) else { return Ok(Some(stored)) };
        // Any client may have written the manifest: no memory is set aside at its word.
        let mut whole = Vec::new();
        // One at a time: together they could pass what a host accepts in one reply.
        for name in manifest.keys(key) {
            match Replies::new(self.redis.execute(Command::read("GET").arg(name)).await?).optional_bytes()? {
                Some(chunk) if chunk.len() <= manifest.bytes - whole.len() => whole.extend_from_slice(&chunk),
                _ => return Ok(None),
            }
        }
        Ok((whole.len() == manifest.bytes).then_some(whole))
    }

    /// Writes a value: with the options' TTL, else the TTL table's. A load of this key in flight is not stored any more.
    /// Two round trips, and one per tag.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag or a value that cannot be JSON; those of the connection.
    pub async fn set<T: Serialize>(&self, key: &str, value: &T, options: &Options<'_>) -> Result<(), Error> {
        self.set_many(&[Item { key, value, ttl: options.ttl, tags: options.tags }]).await
    }

    /// Removes a key; whether it existed. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        Ok(self.delete_many(&[key]).await? > 0)
    }

    /// Removes keys, 1,000 in one atomic round trip; how many existed.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] says how many were removed until then.
    pub async fn delete_many(&self, keys: &[&str]) -> Result<u64, Error> {
        let mut removed = 0;
        for slice in keys.chunks(sweep::ATOMIC) {
            let deleted = self.delete_slice(slice).await;
            removed += deleted.map_err(|error| Error::from(error).after(removed))?;
        }
        Ok(removed)
    }

    async fn delete_slice(&self, keys: &[&str]) -> Result<u64, RedisError> {
        let mut replies = DELETE_KEYS.run(&self.redis, keys.iter().map(|key| (*key).into()), []).await?;
        let mut removed = 0;
        for _ in keys {
            removed += replies.count()?;
        }
        Ok(removed)
    }

    /// Whether a key exists. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn exists(&self, key: &str) -> Result<bool, RedisError> {
        let reply = self.redis.execute(Command::read("EXISTS").arg(key)).await?;
        Ok(Replies::new(reply).count()? > 0)
    }

    /// Sets how long a key lives from now, `None`: for ever; whether it exists. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn expire(&self, key: &str, ttl: Option<Duration>) -> Result<bool, Error> {
        match Expiry::new(KeyName::new(key), ttl).run(&self.redis).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How long a key still lives: `None` without the key, `Some(None)` for a key that does not expire. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn ttl(&self, key: &str) -> Result<Option<Option<Duration>>, RedisError> {
        let left = Replies::new(self.redis.execute(Command::read("PTTL").arg(key)).await?).int()?;
        Ok(match left {
            -2 => None,
            left => Some(u64::try_from(left).ok().map(Duration::from_millis)),
        })
    }

    /// Adds tags to a key that exists, for as long as it lives. One round trip per tag and one more.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag; those of the connection.
    pub async fn tag(&self, key: &str, tags: &[&str]) -> Result<(), Error> {
        let checked = tags.iter().map(|tag| Tag::parse("tags", *tag)).collect::<Result<Vec<_>, _>>()?;
        // A key that does not expire keeps its tags' sets as long as a set can be kept.
        let Some(left) = self.ttl(key).await? else { return Ok(()) };
        let name = KeyName::new(key);
        for tag in &checked {
            tag::add(&self.redis, tag, left.unwrap_or(options::FOREVER), std::slice::from_ref(&name)).await?;
        }
        batch::join_tags(&self.redis, &name, &checked).await?;
        Ok(())
    }

    /// The names of a tag's keys. One round trip per 1,000.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag; those of the connection.
    pub async fn keys_by_tag(&self, tag: &str) -> Result<Vec<KeyName>, Error> {
        Ok(tag::keys(&self.redis, &Tag::parse("tag", tag)?).await?)
    }

    /// Removes every key of a tag; how many. Loads in flight with this tag are not stored. One round trip per 1,000 keys
    /// and one more.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag; [`Error::Partial`] when the connection fails half-way.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<u64, Error> {
        tag::invalidate(&self.redis, &Tag::parse("tag", tag)?).await
    }

    /// Removes the keys that match a glob pattern; how many. Loads in flight of such keys are not stored. About one round
    /// trip per 1,000 keys of the database. Ids in a pattern need [`crate::pattern::escape`].
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad pattern; [`Error::Partial`] when the connection fails half-way.
    pub async fn clear_by_pattern(&self, pattern: &str) -> Result<u64, Error> {
        sweep::delete(&self.redis, &Pattern::parse("pattern", pattern)?).await
    }

    /// A key in detail; `None` where there is none. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn key_info(&self, key: &str) -> Result<Option<crate::inspect::Report>, Error> {
        match crate::inspect::Request::parse(KeyName::new(key), "")?.run(&self.redis).await {
            Ok(report) => Ok(Some(report)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
