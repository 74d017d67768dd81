//! Removal of entries by key, tag and pattern.

use super::handle::Cache;
use super::observer::Observer;
use super::store_error::own_prefix;
use crate::error::{Error, RedisError};
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::tag::{Tag, set};
use crate::keyspace::{MAX_KEYS_PER_CALL, removal, scan};
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Removes keys, 1,000 in one atomic round trip; how many existed. Edge-cache's own keys stay.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("carts:ada", &["brake pads"], &Options::default()).await?;
    /// assert_eq!(cache.delete_many(&["carts:ada", "carts:bob"]).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] says how many keys were removed before it failed.
    pub async fn delete_many(&self, keys: &[&str]) -> Result<u64, Error> {
        let mut removed = 0;
        for slice in keys.chunks(MAX_KEYS_PER_CALL) {
            let existed = self
                .delete_slice(slice)
                .await
                .map_err(|error| Error::from(error).after(removed))?;
            removed += existed;
        }
        Ok(removed)
    }

    async fn delete_slice(&self, keys: &[&str]) -> Result<u64, RedisError> {
        let entries = keys.iter().filter(|key| own_prefix(key).is_none());
        let names: Vec<KeyName> = entries.map(|key| KeyName::new(*key)).collect();
        if names.is_empty() {
            return Ok(0);
        }

        let existed = removal::delete_named(&self.inner.redis, &names).await?;
        Ok(existed.into_iter().filter(|existed| *existed).count() as u64)
    }

    /// Reads the names of a tag's keys. One round trip per 1,000.
    ///
    /// ```
    /// # use edge_cache::{Cache, KeyName, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// let options = Options { tags: &["sale"], ..Options::default() };
    /// cache.set("products:17", &"brake pads", &options).await?;
    /// assert_eq!(cache.keys_by_tag("sale").await?, [KeyName::new("products:17")]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag; those of the connection.
    pub async fn keys_by_tag(&self, tag: &str) -> Result<Vec<KeyName>, Error> {
        let tag = Tag::parse("tag", tag)?;
        Ok(set::read_members(&self.inner.redis, &tag).await?)
    }

    /// Removes every key of a tag; how many existed. Loads in flight with this tag are not stored.
    /// One round trip per 1,000 keys and two more.
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// let options = Options { tags: &["product-catalog"], ..Options::default() };
    /// cache.set("products:17", &"brake pads", &options).await?;
    /// // The catalogue has changed in the database: remove every entry that was read from it.
    /// assert_eq!(cache.invalidate_tag("product-catalog").await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag; [`Error::Partial`] when the connection fails half-way.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<u64, Error> {
        let removed = set::invalidate(&self.inner.redis, &Tag::parse("tag", tag)?).await?;
        Ok(removed.keys)
    }

    /// Removes the keys that match a glob pattern; how many existed. Loads in flight of such keys
    /// are not stored. About one round trip per 1,000 keys of the database and two more. Escape ids in
    /// a pattern with [`crate::keyspace::pattern::escape`].
    ///
    /// ```
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// use edge_cache::keyspace::pattern::escape;
    ///
    /// cache.set("products:17:details", &"brake pads", &Options::default()).await?;
    /// let pattern = format!("products:{}:*", escape("17"));
    /// assert_eq!(cache.clear_by_pattern(&pattern).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad pattern; [`Error::Partial`] when the connection fails half-way.
    pub async fn clear_by_pattern(&self, pattern: &str) -> Result<u64, Error> {
        let pattern = Pattern::parse("pattern", pattern)?;
        Ok(scan::delete_matching(&self.inner.redis, &pattern)
            .await?
            .keys)
    }
}
