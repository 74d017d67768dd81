//! Items of [`Cache::set_many`]: a key and its value, with the options that concern writing.

use std::time::Duration;

use serde::Serialize;

use super::handle::Cache;
use super::observer::Observer;
use super::options::Options;
use super::store_error;
use crate::error::Error;
use crate::keyspace::codec;
use crate::keyspace::tag::Tag;
use crate::keyspace::ttl::Overrides;
use crate::redis::{HostRuntime, Redis};

/// One value of a [`super::Cache::set_many`], with the options that concern writing. Each means what it
/// means in [`Options`].
///
/// ```
/// use std::time::Duration;
/// use edge_cache::{Options, SetItem};
///
/// let item = SetItem {
///     grace: Duration::from_secs(3600),
///     ..SetItem::new("prices:2", &2999)
/// };
/// assert_eq!(item.jitter, Options::default().jitter);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SetItem<'a, T> {
    /// The key.
    pub key: &'a str,
    /// Its value.
    pub value: &'a T,
    /// How long it is fresh; `None`: by the TTL table and its overrides. Zero: it is not stored,
    /// unless there is a grace, and the old entry is removed. Up to ten years.
    pub ttl: Option<Duration>,
    /// Its tags.
    pub tags: &'a [&'a str],
    /// How long past its TTL `get_or_set` may serve it. Up to ten years.
    pub grace: Duration,
    /// Largest share by which the TTL is lengthened or shortened at random. 0 to 1.
    pub jitter: f64,
}

impl<'a, T> SetItem<'a, T> {
    /// An item with the default options.
    ///
    /// ```
    /// # use edge_cache::SetItem;
    /// let item = SetItem { tags: &["prices"], ..SetItem::new("prices:17", &1999) };
    /// ```
    pub fn new(key: &'a str, value: &'a T) -> Self {
        Self::with_options(key, value, &Options::default())
    }

    /// An item with those of these options that concern writing: TTL, tags, grace and jitter.
    ///
    /// ```
    /// # use edge_cache::{Options, SetItem};
    /// let options = Options { tags: &["prices"], ..Options::default() };
    /// let item = SetItem::with_options("prices:17", &1999, &options);
    /// assert_eq!(item.tags, ["prices"]);
    /// ```
    pub fn with_options(key: &'a str, value: &'a T, options: &Options<'a>) -> Self {
        Self {
            key,
            value,
            ttl: options.ttl,
            tags: options.tags,
            grace: options.grace,
            jitter: options.jitter,
        }
    }

    fn options(&self) -> Options<'a> {
        Options {
            ttl: self.ttl,
            tags: self.tags,
            grace: self.grace,
            jitter: self.jitter,
            ..Options::default()
        }
    }
}

/// An item whose value is encoded and whose key and tags are checked.
pub(super) struct CheckedItem<'a> {
    pub(super) key: &'a str,
    pub(super) value: Vec<u8>,
    pub(super) ttl: Duration,
    pub(super) grace: Duration,
    pub(super) tags: Vec<Tag>,
}

impl CheckedItem<'_> {
    /// How long the key lives. Zero: it is not stored.
    pub(super) fn life(&self) -> Duration {
        self.ttl + self.grace
    }
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Checks an item's key and tags, brings its options into their ranges, and encodes its value.
    pub(super) fn check_item<'a, T: Serialize>(
        &self,
        item: &SetItem<'a, T>,
        overrides: &Overrides,
    ) -> Result<CheckedItem<'a>, Error> {
        store_error::check_name(item.key)?;
        let options = self.options_in_range(item.key, &item.options());
        Ok(CheckedItem {
            key: item.key,
            value: codec::encode(item.value)?,
            ttl: options.ttl_of(
                false,
                || self.ttl_by_table(item.key, overrides),
                self.uniform(),
            ),
            grace: options.grace,
            tags: Tag::parse_all(item.tags)?,
        })
    }
}
