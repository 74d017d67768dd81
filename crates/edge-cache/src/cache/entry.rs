//! Operations on one key.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::observer::Observer;
use super::options::Options;
use super::set_item::SetItem;
use super::store_error::{self, own_prefix};
use super::stored_entry;
use crate::error::{Error, RedisError};
use crate::keyspace::expiry::{self, NewLife};
use crate::keyspace::inspect::{self, ElementPage, KeyInfo};
use crate::keyspace::key::KeyName;
use crate::keyspace::tag::set::{self, NewMembers};
use crate::keyspace::tag::{self, Tag};
use crate::keyspace::trailer::Facts;
use crate::keyspace::ttl::{self, Overrides};
use crate::keyspace::{codec, entry_facts};
use crate::redis::{Command, HostRuntime, Redis, Replies};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Reads a fresh value; `None` without one, for a stale one (only `get_or_set` serves those) and
    /// for one of another type. One round trip, and one per chunk; one time in 32, at most once a
    /// second for a key, another one, which on a server that evicts counts as a use of its tags' sets.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("prices:17", &1999, &Options::default()).await?;
    /// assert_eq!(cache.get("prices:17").await?, Some(1999));
    /// assert_eq!(cache.get::<u64>("prices:18").await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, RedisError> {
        let judge = self.judge();
        let lookup = judge.begin(Instant::now());
        let (mut entry, now) = lookup
            .with(stored_entry::read_entry(&self.inner.redis, key))
            .await?;
        lookup.judge(key, &mut entry).await?;

        let Some(value) = entry.take_fresh(now) else {
            return Ok(None);
        };
        if let Some(facts) = &entry.facts {
            self.touch_tags_at_times(key, &facts.tags).await;
        }
        Ok(codec::decode(&value))
    }

    /// Writes a value with the options' TTL, else that of the TTL table; with their tags, grace and
    /// jitter. The other options concern loads. A load of this key in flight is not stored any more.
    /// Two round trips, and one per tag.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let memory = Memory::new();
    /// # let cache = Cache::new(memory.clone());
    /// let ttl = Some(Duration::from_secs(600));
    /// let options = Options { ttl, tags: &["prices"], ..Options::default() };
    /// cache.set("prices:17", &1999, &options).await?;
    /// // Other clients read JSON.
    /// assert_eq!(memory.value("prices:17").as_deref(), Some("1999"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag, a key longer than [`crate::keyspace::key::MAX_NAME_BYTES`]
    /// or one of edge-cache's own, or a value that cannot be JSON; those of the connection.
    pub async fn set<T: Serialize>(
        &self,
        key: &str,
        value: &T,
        options: &Options<'_>,
    ) -> Result<(), Error> {
        let item = SetItem::with_options(key, value, options);
        self.set_many(&[item]).await
    }

    /// Removes a key; true if it existed. One round trip.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("carts:ada", &["brake pads"], &Options::default()).await?;
    /// assert!(cache.delete("carts:ada").await?);
    /// assert!(!cache.delete("carts:ada").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn delete(&self, key: &str) -> Result<bool, Error> {
        Ok(self.delete_many(&[key]).await? > 0)
    }

    /// Checks whether a key exists. One round trip.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("carts:ada", &["brake pads"], &Options::default()).await?;
    /// assert!(cache.exists("carts:ada").await?);
    /// assert!(!cache.exists("carts:bob").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn exists(&self, key: &str) -> Result<bool, RedisError> {
        let reply = self
            .inner
            .redis
            .execute(Command::read("EXISTS").arg(key))
            .await?;
        Ok(Replies::new(reply).count()? > 0)
    }

    /// Sets how long a key lives from now (`None`: for ever); true if it exists and is not one of
    /// edge-cache's own. An entry then has no grace. Two round trips, three where the clock must be
    /// asked, and one for an entry with tags.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("prices:17", &1499, &Options::default()).await?;
    /// // The sale ends in an hour, and its price with it.
    /// assert!(cache.expire("prices:17", Some(Duration::from_secs(3600))).await?);
    /// assert!(cache.ttl("prices:17").await? > Some(Some(Duration::from_secs(3500))));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn expire(&self, key: &str, ttl: Option<Duration>) -> Result<bool, RedisError> {
        if own_prefix(key).is_some() {
            return Ok(false);
        }

        let name = KeyName::new(key);
        let life = ttl.map(NewLife::without_grace);
        let left = expiry::set(&self.inner.redis, &self.inner.clock, &name, life).await?;
        Ok(left.is_some())
    }

    /// Lets an entry live anew, as if it had just been stored with these options: fresh for their TTL,
    /// and served for their grace after it. Tags and value stay. True if the key exists and is not one
    /// of edge-cache's own. Four round trips at most.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let memory = Memory::new();
    /// # let cache = Cache::new(memory.clone());
    /// let half_hour = Duration::from_secs(1800);
    /// let options = Options { ttl: Some(half_hour), jitter: 0.0, ..Options::default() };
    /// cache.set("sessions:7", &"ada", &options).await?;
    /// memory.advance(half_hour / 2);
    ///
    /// // The user is active, so the session lives for another half an hour.
    /// assert!(cache.touch("sessions:7", &options).await?);
    /// memory.advance(half_hour * 2 / 3);
    /// assert!(cache.exists("sessions:7").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn touch(&self, key: &str, options: &Options<'_>) -> Result<bool, RedisError> {
        if own_prefix(key).is_some() {
            return Ok(false);
        }
        let options = self.options_in_range(key, options);
        let overrides = match options.ttl {
            Some(_) => Overrides::default(),
            None => ttl::read_overrides(&self.inner.redis).await?,
        };

        let life = NewLife {
            ttl: options.ttl_of(false, || self.ttl_by_table(key, &overrides), self.uniform()),
            grace: options.grace,
        };
        let name = KeyName::new(key);
        let clock = &self.inner.clock;
        let left = expiry::set(&self.inner.redis, clock, &name, Some(life)).await?;
        Ok(left.is_some())
    }

    /// Returns how long a key still lives: `None` without the key, `Some(None)` for a key without an
    /// expiry. One round trip.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// let minute = Duration::from_secs(60);
    /// let options = Options { ttl: Some(minute), jitter: 0.0, ..Options::default() };
    /// cache.set("prices:17", &1999, &options).await?;
    /// assert!(cache.ttl("prices:17").await? <= Some(Some(minute)));
    /// assert_eq!(cache.ttl("prices:18").await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn ttl(&self, key: &str) -> Result<Option<Option<Duration>>, RedisError> {
        let reply = self
            .inner
            .redis
            .execute(Command::read("PTTL").arg(key))
            .await?;
        match Replies::new(reply).int()? {
            -2 => Ok(None),
            pttl => Ok(Some(u64::try_from(pttl).ok().map(Duration::from_millis))),
        }
    }

    /// Adds tags to a key that exists, for as long as it lives. One round trip per tag and four more.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("products:17", &"brake pads", &Options::default()).await?;
    /// // The product joins a sale, which may end at any time.
    /// cache.tag("products:17", &["sale"]).await?;
    /// assert_eq!(cache.invalidate_tag("sale").await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag, a key longer than
    /// [`crate::keyspace::key::MAX_NAME_BYTES`] or one of edge-cache's own; those of the connection.
    pub async fn tag(&self, key: &str, tags: &[&str]) -> Result<(), Error> {
        store_error::check_name(key)?;
        let tags = Tag::parse_all(tags)?;
        let Some(left) = self.ttl(key).await? else {
            return Ok(());
        };

        // The set of a key without an expiry is kept as long as any set.
        let life = left.unwrap_or(ttl::MAX_TTL);
        let name = KeyName::new(key);
        let members = tags.iter().map(|tag| NewMembers {
            tag,
            life,
            keys: std::slice::from_ref(&name),
        });
        set::add_members(&self.inner.redis, members).await?;

        let add = |facts: &mut Facts| {
            let mut all = Tag::of_trailer(&facts.tags);
            all.extend(
                tags.iter()
                    .filter(|tag| !facts.has_tag(tag.as_str()))
                    .cloned(),
            );
            facts.tags = tag::join(&all);
        };
        entry_facts::change(
            &self.inner.redis,
            &name,
            entry_facts::KEEP_EXPIRY,
            None,
            add,
        )
        .await?;
        // Another writer of the key may have removed it from a tag that its trailer did not have yet.
        set::touch(&self.inner.redis, name.as_bytes(), &tags).await?;
        Ok(())
    }

    /// Describes a key; `None` when it does not exist. One round trip.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// let options = Options { tags: &["prices"], ..Options::default() };
    /// cache.set("prices:17", &1999, &options).await?;
    /// let info = cache.key_info("prices:17").await?.expect("it was just set");
    /// assert_eq!((info.value, info.tags), (1999.into(), vec!["prices".to_owned()]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn key_info(&self, key: &str) -> Result<Option<KeyInfo>, RedisError> {
        let page = ElementPage::default();
        let described = inspect::describe(&self.inner.redis, &KeyName::new(key), &page).await?;
        Ok(described.ok())
    }
}
