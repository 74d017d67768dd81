//! Soft purges of entries by key, tag and pattern: they are marked stale instead of removed.

use std::time::Duration;

use super::handle::Cache;
use super::observer::Observer;
use super::store_error::own_prefix;
use crate::error::Error;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::purge::SoftGrace;
use crate::keyspace::tag::Tag;
use crate::keyspace::{MAX_KEYS_PER_CALL, soft_purge};
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Marks an entry stale; true if it exists. The next caller refreshes it, and the others are
    /// served the old value meanwhile: within its grace, or for the soft grace if it has none, but no
    /// longer than it would have lived. Edge-cache's own keys stay. Six round trips.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, LookupOutcome, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("pages:home", &"old", &Options::default()).await?;
    /// assert!(cache.mark_stale("pages:home", Duration::from_secs(60)).await?);
    ///
    /// // While the source fails, the old page is served.
    /// let fail = async || Err::<String, _>(std::io::Error::other("the source is away"));
    /// let page = cache.get_or_set("pages:home", &Options::default(), fail).await?;
    /// assert_eq!((page.value.as_str(), page.outcome), ("old", LookupOutcome::Stale));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a soft grace outside 1 second to 1 day; those of the connection.
    pub async fn mark_stale(&self, key: &str, soft_grace: Duration) -> Result<bool, Error> {
        Ok(self.mark_stale_many(&[key], soft_grace).await? > 0)
    }

    /// Marks entries stale as [`Cache::mark_stale`] does; how many exist. Six round trips for each
    /// 700 keys; on a Cluster those of each slot overlap.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("pages:home", &"old", &Options::default()).await?;
    /// let pages = ["pages:home", "pages:about"];
    /// assert_eq!(cache.mark_stale_many(&pages, Duration::from_secs(60)).await?, 1);
    /// // Reads without a loader return fresh values only.
    /// assert_eq!(cache.get::<String>("pages:home").await?, None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Cache::mark_stale`]. Some entries may have been marked before it failed.
    pub async fn mark_stale_many(&self, keys: &[&str], soft_grace: Duration) -> Result<u64, Error> {
        let grace = SoftGrace::new("soft_grace", soft_grace)?;
        let entries = keys.iter().filter(|key| own_prefix(key).is_none());
        let names: Vec<KeyName> = entries.map(|key| KeyName::new(*key)).collect();

        let mut marked = 0;
        for slice in names.chunks(MAX_KEYS_PER_CALL) {
            let existed = soft_purge::mark_named(&self.inner.redis, slice, grace).await?;
            marked += existed.into_iter().filter(|existed| *existed).count() as u64;
        }
        Ok(marked)
    }

    /// Marks every key of a tag stale as [`Cache::mark_stale`] does; how many exist. Loads in flight
    /// with this tag are not stored. Five round trips per 700 keys and two more; on a Cluster those of
    /// each slot overlap.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// let options = Options { tags: &["articles"], ..Options::default() };
    /// cache.set("pages:home", &"old", &options).await?;
    /// // An article has changed; a page with the old one will do until it is rendered anew.
    /// assert_eq!(cache.mark_tag_stale("articles", Duration::from_secs(60)).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad tag or soft grace; those of the connection.
    pub async fn mark_tag_stale(&self, tag: &str, soft_grace: Duration) -> Result<u64, Error> {
        let tag = Tag::parse("tag", tag)?;
        let grace = SoftGrace::new("soft_grace", soft_grace)?;
        let marked = soft_purge::mark_tagged(&self.inner.redis, &tag, grace).await?;
        Ok(marked.keys)
    }

    /// Marks the keys that match a glob pattern stale as [`Cache::mark_stale`] does; how many. Loads
    /// in flight of such keys are not stored. About one round trip per 1,000 keys of the database and
    /// two more, and three for each slice with such keys. Escape ids in a pattern with
    /// [`crate::keyspace::pattern::escape`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), edge_cache::Error> {
    /// # let cache = Cache::new(Memory::new());
    /// cache.set("pages:home", &"old", &Options::default()).await?;
    /// assert_eq!(cache.mark_pattern_stale("pages:*", Duration::from_secs(60)).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad pattern or soft grace, and for a pattern of edge-cache's own keys;
    /// those of the connection.
    pub async fn mark_pattern_stale(
        &self,
        pattern: &str,
        soft_grace: Duration,
    ) -> Result<u64, Error> {
        let pattern = Pattern::parse("pattern", pattern)?;
        let grace = SoftGrace::new("soft_grace", soft_grace)?;
        if pattern.names_protected() {
            let problem = "names edge-cache's own keys, which cannot be stale";
            return Err(Error::invalid("pattern", problem));
        }
        let marked = soft_purge::mark_matching(&self.inner.redis, &pattern, grace).await?;
        Ok(marked.keys)
    }
}
