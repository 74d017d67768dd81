//! Extra loads: those of waiters whose `lock_wait` is over while another caller still loads.
//!
//! A source that has become slow must not get a load of every waiter when their `lock_wait` is over
//! at the same time. So waiters of all instances take turns: in each `lock_wait` one begins an extra
//! load, and its value goes to all who waited before it began.
//!
//! ```text
//! 0 s     A loads; B, C and D on other instances wait
//! 5 s     B begins an extra load; C and D wait on
//! 10 s    C begins another one; D waits on
//! 11 s    A's load ends and is stored: D has its value
//! ```
//!
//! - The value of an extra load is not stored: only the holder of the load lock stores, because an
//!   invalidation by key takes that lock away. Values above 1 MiB go to callers of the same instance
//!   only.
//! - A failed extra load is the answer of its own instance's callers. The others wait on.
//! - Nobody waits without end: after four times its `lock_wait` a caller loads in any case, and shares
//!   that load with the others of its instance.
//! - The record of an extra load, `cache:waiting:extra:{key}`, is not a lock: it expires by itself
//!   after the `lock_wait` of its load, and nobody removes it earlier.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Cache;
use super::observer::Observer;
use super::options::Options;
use super::store::{MAX_BYTES_FOR_WAITERS, RELEASE_WITH_VALUE};
use super::wait::Wait;
use crate::error::RedisError;
use crate::keyspace::codec;
use crate::keyspace::key::KeyName;
use crate::redis::script::{Script, shared};
use crate::redis::{HostRuntime, Redis};
use crate::script;
use crate::units::milliseconds;

/// Begins an extra load.
static BEGIN: Script = script!(once "load/begin_extra", [
    shared::EXISTENCE,
    shared::LOCKS,
    shared::WAITERS,
]);

/// A load without the load lock.
pub(super) struct ExtraLoad {
    /// The load begins then or later.
    pub(super) not_before: Instant,
    /// The load's number in the order of loads and waiters; `None` where only callers of this instance
    /// share it.
    number: Option<u64>,
}

/// Result of asking for the turn to begin an extra load.
enum Turn {
    /// The load's number.
    Ours(u64),
    /// How long another waiter's turn lasts.
    Taken(Duration),
}

impl ExtraLoad {
    /// A load that only callers of this instance share.
    fn of_instance(not_before: Instant) -> Self {
        Self {
            not_before,
            number: None,
        }
    }
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Returns the extra load of a waiter; `None` while it has to wait. One round trip in each
    /// `lock_wait` after the first one, otherwise none.
    pub(super) async fn begin_extra_load(
        &self,
        key: &str,
        options: &Options<'_>,
        wait: &mut Wait,
    ) -> Option<ExtraLoad> {
        if !wait.is_over(options) {
            return None;
        }
        let is_shared = self.inner.local_loads.is_running(key, wait.started);
        if is_shared || wait.is_exhausted(options) {
            return Some(ExtraLoad::of_instance(wait.started));
        }
        if !wait.may_ask_for_turn() {
            return None;
        }

        match self.take_turn(key, options).await {
            Ok(Turn::Ours(number)) => Some(ExtraLoad {
                // A load that began earlier may be older than an invalidation that waiters know.
                not_before: Instant::now(),
                number: Some(number),
            }),
            Ok(Turn::Taken(left)) => {
                wait.ask_for_turn_after(left);
                None
            }
            Err(_) => Some(ExtraLoad::of_instance(wait.started)),
        }
    }

    /// Asks for the turn to begin an extra load. One round trip.
    async fn take_turn(&self, key: &str, options: &Options<'_>) -> Result<Turn, RedisError> {
        let name = KeyName::new(key);
        let is_on_cluster = self.inner.redis.topology().await?.is_cluster();
        let keys = [name.extra_load().into(), name.turns(is_on_cluster).into()];
        let lasts = milliseconds(options.lock_wait).max(1);
        let mut replies = BEGIN.run(&self.inner.redis, keys, [lasts.into()]).await?;

        match replies.count()? {
            1 => Ok(Turn::Ours(replies.count()?)),
            _ => Ok(Turn::Taken(Duration::from_millis(replies.count()?))),
        }
    }

    /// Gives the value of an extra load to the waiters of other instances who asked before it began.
    /// One round trip, none for a load that only this instance shares. A failure is ignored: they
    /// wait on.
    pub(super) async fn hand_over<T>(&self, key: &str, extra: &ExtraLoad, value: &T)
    where
        T: Serialize + DeserializeOwned,
    {
        let Some(number) = extra.number else {
            return;
        };
        let Ok(encoded) = codec::encode_readable(value) else {
            return;
        };
        if encoded.len() > MAX_BYTES_FOR_WAITERS {
            return;
        }

        let name = KeyName::new(key);
        let Ok(topology) = self.inner.redis.topology().await else {
            return;
        };
        let keys = [
            name.extra_load().into(),
            name.waiting().into(),
            name.turns(topology.is_cluster()).into(),
        ];
        // Without an owner, the script leaves the record: a waiter that has just looked would otherwise
        // begin another load.
        let args = ["".into(), number.into(), encoded.into()];
        let _ = RELEASE_WITH_VALUE.run(&self.inner.redis, keys, args).await;
    }
}
