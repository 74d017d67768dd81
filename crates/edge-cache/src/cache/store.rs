//! Storing a loaded value, unless an invalidation came first.
//!
//! Whatever happens here, the caller gets the loaded value. A value that is not stored because of
//! an invalidation is not an error; every other reason is a [`StoreError`].

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::load::Load;
use super::loaded::LoadedOptions;
use super::lookup_counters;
use super::observer::Observer;
use super::options::Options;
use super::store_command::{NegativeLimit, STORE, StoreCommand, StoreOutcome};
use super::store_error::{StoreError, StoreErrorReason};
use super::store_on_cluster;
use crate::error::{Error, ErrorKind, RedisError};
use crate::keyspace::chunks::StorableValue;
use crate::keyspace::codec;
use crate::keyspace::fence::Fences;
use crate::keyspace::key::FENCES;
use crate::keyspace::tag::{self, Tag};
use crate::keyspace::trailer::Facts;
use crate::redis::script::{Script, shared};
use crate::redis::{HostRuntime, Redis, Replies};
use crate::script;
use crate::units::milliseconds;

/// Removes an entry whose source has nothing any more.
static REMOVE_ENTRY: Script = script!(once "load/remove_entry", [
    shared::FENCES,
    shared::EXISTENCE,
    shared::WAITERS,
]);

/// Ends a load whose value is not stored.
pub(super) static RELEASE_WITH_VALUE: Script = script!(repeatable "load/release_with_value", [
    shared::EXISTENCE,
    shared::WAITERS,
]);

/// How often a store is repeated because of fences that do not cover its key.
const STORE_TRIES: usize = 8;
/// The largest value, as stored, that waiters are given when it is not stored. Scripts that store a
/// value have the same limit.
pub(super) const MAX_BYTES_FOR_WAITERS: usize = 1024 * 1024;

/// The longest validator that is stored, in bytes.
const MAX_VALIDATOR_BYTES: usize = 1024;

fn is_validator(text: &str) -> bool {
    text.len() <= MAX_VALIDATOR_BYTES && !text.chars().any(char::is_control)
}

/// A loaded value that is to be stored.
struct Storable<'a> {
    encoded: Vec<u8>,
    options: &'a Options<'a>,
    validator: Option<String>,
    load_time: Duration,
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Stores a loaded value and ends its load; the error says why it could not be stored.
    pub(super) async fn store_loaded<T: Serialize + DeserializeOwned>(
        &self,
        load: &Load<'_>,
        value: &T,
        loaded: LoadedOptions,
        load_time: Duration,
    ) -> Option<StoreError> {
        let all_tags = load.options.tags.iter().copied();
        let all_tags: Vec<&str> = all_tags
            .chain(loaded.tags.iter().map(String::as_str))
            .collect();
        let options = self.options_in_range(
            load.key,
            &Options {
                ttl: loaded.ttl.or(load.options.ttl),
                tags: &all_tags,
                ..load.options.clone()
            },
        );

        let encoded = match codec::encode_readable(value) {
            Ok(encoded) => encoded,
            Err(error) => {
                self.release_load_lock(load).await;
                return Some(StoreError::from(&error));
            }
        };
        let for_waiters = if encoded.len() <= MAX_BYTES_FOR_WAITERS {
            encoded.clone()
        } else {
            Vec::new()
        };

        let storable = Storable {
            encoded,
            options: &options,
            validator: loaded.validator.filter(|text| is_validator(text)),
            load_time,
        };
        let outcome = self.store_encoded(load, storable).await;
        self.end_load(load, &outcome, for_waiters).await;

        match outcome {
            Ok(StoreOutcome::Stored | StoreOutcome::Superseded) => None,
            Ok(StoreOutcome::LimitReached) => {
                Some(StoreError::too_many_negative(load.options.max_negative))
            }
            Err(error) => Some(StoreError::from(&error)),
        }
    }

    /// Releases the load lock where the script that stores did not do so.
    async fn end_load(
        &self,
        load: &Load<'_>,
        outcome: &Result<StoreOutcome, Error>,
        for_waiters: Vec<u8>,
    ) {
        match outcome {
            Ok(StoreOutcome::Stored | StoreOutcome::LimitReached) => {}
            Err(Error::Redis(error)) if error.kind == ErrorKind::Timeout => {
                self.record_redis_failure();
            }
            Err(Error::Redis(error)) if error.is_connection() => {
                self.record_redis_failure();
                self.release_load_lock(load).await;
            }
            Ok(StoreOutcome::Superseded) | Err(_) => {
                self.release_with_value(load, for_waiters).await;
            }
        }
    }

    /// Releases the lock of a load whose value is not stored, and gives the value to waiters. One
    /// round trip.
    async fn release_with_value(&self, load: &Load<'_>, value: Vec<u8>) {
        // Where that fails, the lease ends by itself.
        let Ok(topology) = self.inner.redis.topology().await else {
            return;
        };
        let keys = [
            load.name.lock().into(),
            load.name.waiting().into(),
            load.name.turns(topology.is_cluster()).into(),
        ];
        let args = [
            load.lock.owner.as_str().into(),
            load.lock.number.into(),
            value.into(),
        ];
        let _ = RELEASE_WITH_VALUE.run(&self.inner.redis, keys, args).await;
    }

    async fn store_encoded(
        &self,
        load: &Load<'_>,
        storable: Storable<'_>,
    ) -> Result<StoreOutcome, Error> {
        let Storable {
            encoded, options, ..
        } = storable;
        let tags = Tag::parse_all(options.tags)?;
        let is_negative = encoded == b"null";
        if is_negative && options.negative_ttl.is_none() {
            return Ok(self.remove_entry(load, encoded).await?);
        }

        let (ttl, grace) = self.times_of(load, options, is_negative);
        if (ttl + grace).is_zero() {
            return Ok(self.remove_entry(load, encoded).await?);
        }
        let facts = Facts {
            stored_at: self.inner.clock.now(),
            fresh_for: Some(milliseconds(ttl)),
            grace: milliseconds(grace),
            load_time: milliseconds(storable.load_time),
            stamp: load.lock.stamp,
            tags: tag::join(&tags),
            validator: storable.validator,
            marked_stale: None,
        };
        let key = load.name.as_bytes();
        let value = StorableValue::prepare(&self.inner.redis, key, encoded, &facts).await?;
        let command = StoreCommand {
            life: ttl + grace,
            value: &value,
            tags: &tags,
            negative: is_negative.then(|| NegativeLimit {
                counter: format!("cache:negative:{}", lookup_counters::module_of(load.key)),
                max: options.max_negative,
            }),
        };
        let outcome = self.store_unless_fenced(load, &command).await;

        if !matches!(outcome, Ok(StoreOutcome::Stored)) {
            value
                .discard(&self.inner.redis, outcome.as_ref().err())
                .await;
        }
        Ok(outcome?)
    }

    /// How long the loaded value is fresh, and its grace, which a negative result does not have.
    fn times_of(
        &self,
        load: &Load<'_>,
        options: &Options<'_>,
        is_negative: bool,
    ) -> (Duration, Duration) {
        let by_table = || self.ttl_by_table(load.key, &load.lock.overrides);
        let ttl = options.ttl_of(is_negative, by_table, self.uniform());
        let grace = if is_negative {
            Duration::ZERO
        } else {
            options.grace
        };
        (ttl, grace)
    }

    /// Removes the entry, because its source has nothing any more, or its result is not to be stored.
    /// One round trip.
    async fn remove_entry(
        &self,
        load: &Load<'_>,
        value: Vec<u8>,
    ) -> Result<StoreOutcome, RedisError> {
        let is_on_cluster = self.inner.redis.topology().await?.is_cluster();
        let (fences, stamp) = if is_on_cluster {
            (load.name.none().into(), String::new())
        } else {
            (FENCES.into(), load.lock.stamp.id.to_string())
        };
        let keys = [
            load.name.as_bytes().into(),
            load.name.lock().into(),
            fences,
            load.name.waiting().into(),
            load.name.turns(is_on_cluster).into(),
        ];
        let args = [
            load.lock.owner.as_str().into(),
            stamp.into(),
            load.lock.number.into(),
            value.into(),
        ];

        let mut reply = REMOVE_ENTRY.run(&self.inner.redis, keys, args).await?;
        match reply.count()? {
            1 => Ok(StoreOutcome::Stored),
            _ => Ok(StoreOutcome::Superseded),
        }
    }

    /// Stores the value, again with a newer stamp as long as new fences do not cover its key. One
    /// round trip a try.
    async fn store_unless_fenced(
        &self,
        load: &Load<'_>,
        command: &StoreCommand<'_>,
    ) -> Result<StoreOutcome, RedisError> {
        let covers = |fences: &Fences| fences.cover(&load.name, command.tags);
        if load.fences.lock().iter().any(covers) {
            return Ok(StoreOutcome::Superseded);
        }
        if self.inner.redis.topology().await?.is_cluster() {
            let stored = store_on_cluster::store(&self.inner.redis, load, command).await?;
            if stored == StoreOutcome::LimitReached {
                let value = command.value.as_bytes().to_vec();
                self.remove_entry(load, value).await?;
            }
            return Ok(stored);
        }

        let keys = command.keys(load);
        let mut stamp = load.read_to.lock().clone();
        for _ in 0..STORE_TRIES {
            let args = command.args(load, &stamp);
            let mut replies: Replies = STORE.run(&self.inner.redis, keys.clone(), args).await?;
            match replies.bytes()?.as_slice() {
                b"stored" => return Ok(StoreOutcome::Stored),
                b"limited" => return Ok(StoreOutcome::LimitReached),
                b"fenced" => stamp = replies.bytes()?,
                _ => return Ok(StoreOutcome::Superseded),
            }

            if covers(&Fences::read(replies)?) {
                return Ok(StoreOutcome::Superseded);
            }
        }
        Ok(StoreOutcome::Superseded)
    }

    /// Reports to the observer why a value was not stored, and counts it. One round trip; none for a
    /// bad key or where Redis itself failed: those are added with the next batch of counters.
    pub(super) async fn report_store_error(&self, key: &str, error: &StoreError) {
        self.inner.counters.count_store_error(key, error.reason);
        self.inner.observer.store_failed(key, error);
        if !matches!(
            error.reason,
            StoreErrorReason::Name | StoreErrorReason::Redis
        ) {
            self.flush_counters().await;
        }
    }
}
