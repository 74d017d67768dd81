//! One attempt to serve a key: the lookup, and who loads where there is nothing to serve.
//!
//! `get_or_set` repeats it for its key, and `get_or_set_many` for each of its keys.

use std::time::Instant;

use serde::de::DeserializeOwned;

use super::extra_load::ExtraLoad;
use super::handle::Cache;
use super::load::{Acquired, LoadLock};
use super::lookup::{Lookup, StandIn};
use super::observer::Observer;
use super::options::Options;
use super::outcome::Fetched;
use super::wait::Wait;
use crate::error::RedisError;
use crate::redis::{HostRuntime, Redis};

/// Result of a lookup.
pub(super) enum Found<T> {
    /// A value that is served.
    Served(Fetched<T>),
    /// No value, or one that stands in while a load runs.
    Unusable(Box<Lookup<T>>, Option<StandIn<T>>),
    /// Redis is unavailable.
    WithoutRedis,
}

/// The right to load a key, and what the load has to know.
pub(super) struct Claim<T> {
    pub(super) lock: LoadLock,
    pub(super) stand_in: Option<StandIn<T>>,
    /// Tags of the value that is replaced, joined by newlines.
    pub(super) old_tags: String,
}

/// Result of an attempt.
pub(super) enum Attempt<T> {
    /// A value that is served.
    Served(Fetched<T>),
    /// The caller loads.
    Claimed(Box<Claim<T>>),
    /// Another caller's load has just failed with this error.
    Failed(String),
    /// Another caller has just written the entry, which is read again at once.
    Rewritten,
    /// Another caller loads.
    Held,
    /// Another caller's load takes too long: the caller loads without the cache.
    Overdue(ExtraLoad),
    /// The load lock could not be acquired: the caller loads without the cache.
    Refused(RedisError),
    /// Redis is unavailable.
    WithoutRedis,
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Looks up a key, and acquires its load lock where there is nothing to serve. `began` is when the
    /// lookup begins. One round trip for the lookup, and one where nobody is known to hold the lock.
    pub(super) async fn attempt<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
        wait: &mut Wait,
        began: Instant,
    ) -> Attempt<T> {
        let found = self.find(key, options, wait.number.as_deref(), began).await;
        if !matches!(found, Found::Served(_)) {
            wait.lookup_took = began.elapsed();
        }

        self.claim(key, options, wait, found).await
    }

    /// Serves what a lookup found, else acquires the load lock. At most one round trip, and one more
    /// for a caller who has waited for too long.
    pub(super) async fn claim<T: DeserializeOwned>(
        &self,
        key: &str,
        options: &Options<'_>,
        wait: &mut Wait,
        found: Found<T>,
    ) -> Attempt<T> {
        let (lookup, stand_in) = match found {
            Found::Served(fetched) => return Attempt::Served(fetched),
            Found::Unusable(lookup, stand_in) => (lookup, stand_in),
            Found::WithoutRedis => return Attempt::WithoutRedis,
        };

        match self.acquire_unless_locked(key, &lookup).await {
            Ok(Acquired::Ours(lock)) => {
                return Attempt::Claimed(Box::new(Claim {
                    lock,
                    stand_in,
                    old_tags: lookup.tags().to_owned(),
                }));
            }
            Ok(Acquired::JustWritten) if wait.may_reread() => return Attempt::Rewritten,
            Ok(Acquired::Failed(error)) if stand_in.is_none() => return Attempt::Failed(error),
            Ok(_) => {}
            Err(error) => {
                return match stand_in {
                    Some(stand_in) => Attempt::Served(stand_in.into_fetched()),
                    None => Attempt::Refused(error),
                };
            }
        }

        if let Some(stand_in) = stand_in {
            self.inner.held_locks.insert(key);
            self.add_lacking_tags(key, options, lookup.facts.as_ref())
                .await;
            return Attempt::Served(stand_in.into_fetched());
        }
        wait.number = Some(lookup.waiter);
        match Box::pin(self.begin_extra_load(key, options, wait)).await {
            Some(extra) => Attempt::Overdue(extra),
            None => Attempt::Held,
        }
    }

    pub(super) async fn acquire_unless_locked<T>(
        &self,
        key: &str,
        lookup: &Lookup<T>,
    ) -> Result<Acquired, RedisError> {
        if lookup.is_locked {
            return Ok(Acquired::HeldByAnother);
        }
        if let Some(error) = &lookup.failure {
            return Ok(Acquired::Failed(error.clone()));
        }
        Box::pin(self.acquire_load_lock(key, lookup.identity, lookup.is_dead)).await
    }
}
