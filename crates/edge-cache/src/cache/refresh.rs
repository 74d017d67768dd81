//! Loads of values that are still fresh, and loads after the answer.

use std::fmt::Display;
use std::future::Future;
use std::slice;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempt::Found;
use super::handle::Cache;
use super::load::{Acquired, Load, LoadLock};
use super::loaded::{Loaded, Previous};
use super::observer::Observer;
use super::options::Options;
use super::outcome::{Fetched, LoadError, LoadOutcome};
use super::store_error;
use super::wait::Wait;
use crate::redis::{HostRuntime, Redis};

/// A load after the answer. It borrows nothing from the call.
struct DeferredLoad {
    key: String,
    options: Options<'static>,
    tags: Vec<String>,
    old_tags: String,
    lock: LoadLock,
    /// For how long the value that was served may be served.
    servable: Duration,
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Loads a value and stores it, also where a fresh one is stored. The loader is given that one.
    ///
    /// - It waits until another load of the key has ended. After `lock_wait`, when its turn among the
    ///   waiters has come, and while Redis is away, the value is loaded and not stored.
    /// - Other callers are served the old value meanwhile. Where the loader fails, it stays.
    /// - An invalidation during the load wins, as in [`Cache::get_or_set`].
    ///
    /// Three round trips.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Options, Previous, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cache = Cache::new(Memory::new());
    /// // A job renews the list of popular products before anybody asks for it.
    /// let options = Options { ttl: Some(Duration::from_secs(900)), ..Options::default() };
    /// let query = async |_: Option<&Previous<String>>| {
    ///     Ok::<_, std::io::Error>("brake pads".to_owned().into())
    /// };
    /// cache.refresh("products:popular", &options, query).await?;
    /// assert!(cache.exists("products:popular").await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`LoadError`] where the loader fails, or another one has failed within `failure_ttl`.
    pub async fn refresh<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<Fetched<T>, LoadError<E>>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let options = &self.options_in_range(key, options);
        if let Err(error) = store_error::check_name(key) {
            return self.bypass_unstorable(key, (&error).into(), loader).await;
        }

        let mut wait = Wait::begin();
        loop {
            let began = Instant::now();
            let Some(mut lookup) = self.look_up(key, None, false, began).await else {
                return self.load_locally(key, Some(wait.started), loader).await;
            };
            wait.lookup_took = began.elapsed();
            self.count_read(key, lookup.stored_bytes, None);

            let acquiring = self.acquire_load_lock(key, lookup.identity, lookup.is_dead);
            match acquiring.await {
                Ok(Acquired::Ours(lock)) => {
                    let load = Load::begin(key, options, &lock, lookup.tags());
                    let previous = lookup.take_previous();
                    return self.load_new(&load, previous, loader).await;
                }
                Ok(Acquired::JustWritten) if wait.may_reread() => continue,
                Ok(Acquired::Failed(error)) => return Err(LoadError::Shared(error)),
                Ok(_) => {}
                Err(error) => {
                    return self.load_unlocked(key, &wait, error, loader).await;
                }
            }

            if let Some(extra) = self.begin_extra_load(key, options, &mut wait).await {
                return self.load_extra(key, &extra, loader).await;
            }
            self.pause(&mut wait, options).await;
        }
    }

    /// Reads a value, or loads and stores it, like [`Cache::get_or_set`]. Where a value past its TTL
    /// is served within its grace, or one that is to be refreshed early, nobody waits for the load:
    /// one caller is given it as a future, to be run after the answer.
    ///
    /// ```no_run
    /// # #[cfg(feature = "tokio")]
    /// # async fn popular(cache: edge_cache::tokio::TokioCache) -> Result<(), String> {
    /// use std::time::Duration;
    /// use edge_cache::Options;
    ///
    /// let options = Options { grace: Duration::from_secs(600), ..Options::default() };
    /// let (top, refresh) = cache
    ///     .get_or_set_later("quotes:top", &options, async || Ok::<_, String>(vec!["be".to_owned()]))
    ///     .await?;
    /// if let Some(refresh) = refresh {
    ///     tokio::spawn(refresh);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A future that is dropped, or never run, leaves its load lock to its lease of 10 s: until then
    /// others are served the old value. A miss costs one round trip more than with
    /// [`Cache::get_or_set`].
    ///
    /// # Errors
    /// Those of [`Cache::get_or_set`].
    pub async fn get_or_set_later<T, E, L>(
        &self,
        key: &str,
        options: &Options<'_>,
        loader: L,
    ) -> Result<
        (
            Fetched<T>,
            Option<impl Future<Output = ()> + use<C, O, T, E, L>>,
        ),
        LoadError<E>,
    >
    where
        T: Serialize + DeserializeOwned,
        E: Display,
        L: AsyncFnOnce() -> Result<T, E>,
    {
        if let Some((fetched, deferred)) = self.find_deferrable(key, options).await {
            self.end_lookup(key, fetched.outcome, true).await;

            let cache = self.clone();
            // Boxed, because most hits return without one and would copy its room.
            let refresh = deferred.map(|deferred| {
                Box::pin(async move {
                    cache.run_deferred(deferred, loader).await;
                })
            });
            return Ok((fetched, refresh));
        }

        let fetched = Box::pin(self.get_or_set(key, options, loader)).await?;
        Ok((fetched, None))
    }

    /// Looks up a value that is served at once, and acquires the load that is to refresh it. `None`
    /// where the caller has to load or wait.
    async fn find_deferrable<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
    ) -> Option<(Fetched<T>, Option<DeferredLoad>)> {
        store_error::check_name(key).ok()?;
        let options = self.options_in_range(key, options);
        if let Some(fetched) = self.find_near(key, &options).await.ok()? {
            return Some((fetched, None));
        }

        let began = Instant::now();
        let (lookup, stand_in) = match self.find(key, &options, None, began).await {
            Found::Served(fetched) => return Some((fetched, None)),
            Found::Unusable(lookup, stand_in) => (lookup, stand_in?),
            Found::WithoutRedis => return None,
        };
        let Ok(Acquired::Ours(lock)) = self.acquire_unless_locked(key, &lookup).await else {
            self.inner.held_locks.insert(key);
            return Some((stand_in.into_fetched(), None));
        };

        let deferred = DeferredLoad {
            key: key.to_owned(),
            tags: options.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            options: Options {
                tags: &[],
                ..options
            },
            old_tags: lookup.tags().to_owned(),
            lock,
            servable: stand_in.servable,
        };
        Some((stand_in.into_fetched(), Some(deferred)))
    }

    async fn run_deferred<T, E>(
        &self,
        deferred: DeferredLoad,
        loader: impl AsyncFnOnce() -> Result<T, E>,
    ) where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let tags: Vec<&str> = deferred.tags.iter().map(String::as_str).collect();
        let options = Options {
            tags: &tags,
            ..deferred.options
        };
        let load = Load::begin(&deferred.key, &options, &deferred.lock, &deferred.old_tags);

        let loading = self.begin_loading(load.key, || loader());
        let loading = self.renewing_locks(slice::from_ref(&load), loading);
        let failure = match self.in_time(&load, loading).await {
            Some(Ok(value)) => {
                let finished = self.finish::<T, E>(&load, Loaded::new(value), None);
                return drop(finished.await);
            }
            Some(Err(_)) => LoadOutcome::Failed,
            None => LoadOutcome::TimedOut,
        };
        self.throttle(&load, deferred.servable, failure).await;
    }
}
