//! The calls of the WIT, over one connection.

use std::cell::RefCell;
use std::rc::Rc;

use edge_cache::{Cache, Error, HostRuntime, Redis};
use futures_util::FutureExt as _;
use serde_json::value::RawValue;

use crate::gauge::Gauge;
use crate::log::StoreLog;
use crate::lookup::{Lookup, LookupOptions, Slot};
use crate::paced::Paced;
use crate::settings::Settings;

/// Reason of a load whose turn was dropped.
const GIVEN_UP: &str = "the load was given up: its caller dropped its turn";

/// The cache of an instance. Keep it for as long as the instance lives.
pub struct Provider<C> {
    cache: Rc<Cache<Paced<C>, StoreLog>>,
    gauge: Rc<Gauge>,
    /// Lookups whose turns were dropped and still hold their locks.
    given_up: RefCell<Vec<Lookup>>,
}

/// Entries to invalidate.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Names of keys.
    pub keys: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Glob patterns.
    pub patterns: Vec<String>,
}

impl<C: Redis + HostRuntime + 'static> Provider<C> {
    /// Creates the cache over this connection. If the connection itself pauses, it does so by the
    /// same gauge, or by the host.
    pub fn new(connection: C, gauge: Rc<Gauge>, settings: &Settings) -> Self {
        let paced = Paced::new(connection, Rc::clone(&gauge));
        let cache = Cache::with_observer(paced, StoreLog);
        Self {
            cache: Rc::new(
                cache
                    .with_fence_interval(settings.fence_interval)
                    .with_hot_keys(settings.hot_keys),
            ),
            gauge,
            given_up: RefCell::default(),
        }
    }

    /// Returns the gauge of the connection.
    pub fn gauge(&self) -> &Rc<Gauge> {
        &self.gauge
    }

    /// Begins a lookup.
    pub fn begin(&self, key: String, options: LookupOptions) -> Lookup {
        let slot = Rc::new(Slot::default());
        let cache = Rc::clone(&self.cache);
        let awaited = Rc::clone(&slot);
        let looking_up = async move {
            let tags = options.tags();
            let options = options.with_tags(&tags);
            cache
                .get_or_set(&key, &options, async || awaited.wait().await)
                .await
        };

        Lookup::new(looking_up.boxed_local(), slot, Rc::clone(&self.gauge))
    }

    /// Fails the load of a turn that was dropped. Its lock is released when the lookup is finished.
    pub fn give_up(&self, lookup: Lookup) {
        lookup.fail(GIVEN_UP.to_owned());
        self.given_up.borrow_mut().push(lookup);
    }

    /// Returns the lookups that were given up since the last call, to be finished.
    pub fn take_given_up(&self) -> Vec<Lookup> {
        self.given_up.take()
    }

    /// Reads a fresh value. See [`Cache::get`].
    ///
    /// # Errors
    /// Those of the connection, as text.
    pub async fn get(&self, key: &str) -> Result<Option<String>, String> {
        let value: Option<Box<RawValue>> = self.cache.get(key).await.map_err(|e| e.to_string())?;
        Ok(value.map(|value| Box::<str>::from(value).into()))
    }

    /// Writes a value. See [`Cache::set`].
    ///
    /// # Errors
    /// A value that is not JSON, and those of [`Cache::set`], as text.
    pub async fn set(
        &self,
        key: &str,
        value: String,
        options: &LookupOptions,
    ) -> Result<(), String> {
        let value = RawValue::from_string(value)
            .map_err(|error| format!("the value is not JSON: {error}"))?;
        let tags = options.tags();
        let options = options.with_tags(&tags);

        let set = self.cache.set(key, &value, &options).await;
        set.map_err(|error| error.to_string())
    }

    /// Invalidates entries; how many were removed. See [`Cache::delete_many`],
    /// [`Cache::invalidate_tag`] and [`Cache::clear_by_pattern`].
    ///
    /// # Errors
    /// Theirs, as text.
    pub async fn invalidate(&self, selection: &Selection) -> Result<u64, String> {
        let removed = self.remove(selection).await;
        removed.map_err(|error| error.to_string())
    }

    async fn remove(&self, selection: &Selection) -> Result<u64, Error> {
        let keys: Vec<&str> = selection.keys.iter().map(String::as_str).collect();
        let mut removed = self.cache.delete_many(&keys).await?;

        for tag in &selection.tags {
            let more = self.cache.invalidate_tag(tag).await;
            removed += more.map_err(|error| error.after(removed))?;
        }
        for pattern in &selection.patterns {
            let more = self.cache.clear_by_pattern(pattern).await;
            removed += more.map_err(|error| error.after(removed))?;
        }
        Ok(removed)
    }
}
