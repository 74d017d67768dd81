//! The load of a missing value: by one caller at a time, and stored unless an invalidation came first.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, join_all, select};
use serde::Serialize;

use super::options::FOREVER;
use super::read_through::{Fetched, Outcome, StandIn};
use super::{Cache, Options, Runtime, batch};
use crate::codec;
use crate::error::{Error, ErrorKind, RedisError};
use crate::fence::Fences;
use crate::format::milliseconds;
use crate::key::{FENCES, KeyName, TTL_OVERRIDES};
use crate::redis::Redis;
use crate::script::{ACQUIRE, DROP, HAND, LOCK, STORE};
use crate::tag::{self, Tag};
use crate::ttl::Overrides;

/// How long a load may be silent before another caller may start one. Prolonged while it lasts.
const LEASE: Duration = Duration::from_secs(10);
/// How often invalidations of other keys may come between a load and its storing before that is given up.
const STORE_TRIES: usize = 8;
/// The largest value, as stored, that callers are given who waited for it where it is not kept; scripts look for themselves.
const MAX_HANDED: usize = 1024 * 1024;

/// Whose turn it is to load a key.
pub(super) enum Turn {
    /// Ours.
    Ours(Lock),
    /// Another caller is at it.
    Anothers,
    /// Another caller has just been.
    Over,
}

/// The right to load a key.
pub(super) struct Lock {
    owner: String,
    stamp: Vec<u8>,
    /// Where the load stands among those and the callers who wait.
    number: u64,
    overrides: Overrides,
}

impl<C: Redis + Runtime> Cache<C> {
    /// Takes the right to load a key, unless another writing of it is there than was `seen`.
    pub(super) async fn acquire(&self, key: &str, seen: &[u8]) -> Result<Turn, RedisError> {
        let owner = format!("{:016x}{:016x}", self.redis.random(), self.redis.random());
        let name = KeyName::new(key);
        let own = [name.as_bytes().into(), name.companion().into()];
        let keys = [name.lock().into(), FENCES.into(), TTL_OVERRIDES.into()].into_iter().chain(own);
        let args = [owner.as_str().into(), milliseconds(LEASE).into(), seen.into()];
        let answer = ACQUIRE.run(&self.redis, keys, args).await;
        if answer.as_ref().is_err_and(|error| error.kind == ErrorKind::Unreachable) {
            // It may be ours all the same, and others would wait for its lease to end.
            let _ = LOCK.run(&self.redis, [name.lock().into()], [owner.as_str().into(), "0".into()]).await;
        }
        let mut replies = answer?;
        match replies.count()? {
            0 => Ok(Turn::Anothers),
            1 => {
                let (stamp, number) = (replies.bytes()?, replies.count()?);
                Ok(Turn::Ours(Lock { owner, stamp, number, overrides: Overrides::read(replies)? }))
            }
            _ => Ok(Turn::Over),
        }
    }

    /// Keeps the lock for `life` more, or releases it (zero).
    async fn hold(&self, key: &str, lock: &Lock, life: Duration) {
        let args = [lock.owner.as_str().into(), milliseconds(life).into()];
        // A lock that cannot be held is noticed when the value is stored; one that cannot be released ends by itself.
        let _ = LOCK.run(&self.redis, [KeyName::new(key).lock().into()], args).await;
    }

    /// Loads a value and stores it, or serves what stands in for it when that fails.
    pub(super) async fn load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        lock: &Lock,
        stand_in: Option<StandIn<T>>,
        fetch: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E>
    where
        T: Serialize,
    {
        let started = Instant::now();
        let mut load = pin!(self.holding(key, lock, fetch()));
        let loaded = match stand_in {
            None => load.await,
            Some(stand_in) => match select(load.as_mut(), pin!(self.redis.sleep(options.load_timeout))).await {
                Either::Left((Ok(value), _)) => Ok(value),
                // Nobody tries again until the lock ends; all are served what there is, as long as there is.
                Either::Left((Err(_), _)) | Either::Right(_) => {
                    self.counters.loaded(key, started.elapsed(), false);
                    let servable = stand_in.servable.saturating_sub(started.elapsed());
                    join(self.hold(key, lock, options.throttle.min(servable)), self.count()).await;
                    return Ok(stand_in.fetched);
                }
            },
        };
        self.counters.loaded(key, started.elapsed(), loaded.is_ok());
        match loaded {
            Ok(value) => {
                join(self.store(key, options, lock, &value, started.elapsed()), self.count()).await;
                Ok(Fetched { value, outcome: Outcome::Miss, age: Some(Duration::ZERO) })
            }
            Err(error) => {
                join(self.hold(key, lock, Duration::ZERO), self.count()).await;
                Err(error)
            }
        }
    }

    /// Runs a load, prolonging the lock while it lasts.
    async fn holding<F: Future>(&self, key: &str, lock: &Lock, load: F) -> F::Output {
        let prolonging = async || -> Infallible {
            loop {
                self.redis.sleep(LEASE / 3).await;
                self.hold(key, lock, LEASE).await;
            }
        };
        match select(pin!(load), pin!(prolonging())).await {
            Either::Left((output, _)) => output,
            Either::Right((never, _)) => match never {},
        }
    }

    /// Stores a loaded value if it may be, or removes what was there where nothing is any more; whatever happens, the caller has
    /// what was loaded.
    async fn store<T: Serialize>(&self, key: &str, options: &Options<'_>, lock: &Lock, value: &T, load: Duration) {
        let Ok(encoded) = codec::encode(value) else { return self.hold(key, lock, Duration::ZERO).await };
        let handed = if encoded.len() <= MAX_HANDED { encoded.clone() } else { Vec::new() };
        let stored = match batch::tags(options.tags) {
            Ok(tags) => self.try_store(key, options, lock, encoded, &tags, load).await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(true) => {}
            Err(Error::Redis(error)) if error.kind == ErrorKind::Timeout => self.failed(),
            Err(Error::Redis(error)) if error.is_connection() => {
                self.failed();
                self.hold(key, lock, Duration::ZERO).await;
            }
            Ok(false) | Err(_) => self.hand(key, lock, handed).await,
        }
    }

    /// Releases the lock of a load whose value is not kept; callers who waited for it have the value.
    async fn hand(&self, key: &str, lock: &Lock, value: Vec<u8>) {
        let name = KeyName::new(key);
        let args = [lock.owner.as_str().into(), lock.number.into(), value.into()];
        let _ = HAND.run(&self.redis, [name.lock().into(), name.waiting().into()], args).await;
    }

    async fn try_store(
        &self,
        key: &str,
        options: &Options<'_>,
        lock: &Lock,
        stored: Vec<u8>,
        tags: &[Tag],
        load: Duration,
    ) -> Result<bool, Error> {
        let name = KeyName::new(key);
        let is_null = stored == b"null";
        if is_null && options.negative_ttl.is_none() {
            let keys = [name.as_bytes().into(), name.lock().into(), FENCES.into(), name.waiting().into()];
            let args = [lock.owner.as_str().into(), lock.stamp.clone().into(), lock.number.into(), stored.into()];
            return Ok(DROP.run(&self.redis, keys, args).await?.count()? == 1);
        }
        let fresh = options.fresh(key, is_null, &lock.overrides, self.uniform());
        let grace = if is_null { Duration::ZERO } else { options.grace.min(FOREVER) };
        let life = fresh + grace;
        self.tag_all(&name, tags, life).await?;
        let (value, chunks) = batch::store_chunks(&self.redis, key, stored, life).await?;
        let times = [life, grace, load];
        let outcome = self.store_unless_fenced(&name, lock, times, &value, &chunks, tags).await;
        if !matches!(outcome, Ok(true)) {
            batch::settle(&self.redis, key, &chunks, outcome.as_ref().err().and_then(Error::redis)).await;
        }
        outcome
    }

    /// `times`: whole life, grace, and how long the load took.
    async fn store_unless_fenced(
        &self,
        name: &KeyName,
        lock: &Lock,
        times: [Duration; 3],
        value: &[u8],
        chunks: &str,
        tags: &[Tag],
    ) -> Result<bool, Error> {
        let keys =
            [name.as_bytes().to_vec(), name.companion(), name.lock(), FENCES.as_bytes().to_vec(), name.waiting()];
        let mut stamp = lock.stamp.clone();
        for _ in 0..STORE_TRIES {
            let args = [lock.owner.as_str().into(), stamp.into()].into_iter();
            let args = args.chain(times.map(|time| milliseconds(time).into()));
            let args = args.chain([batch::joined(tags).into(), value.into(), chunks.into()]);
            let mut replies = STORE.run(&self.redis, keys.iter().map(|key| key.as_slice().into()), args).await?;
            match replies.bytes()?.as_slice() {
                b"stored" => return Ok(true),
                b"fenced" => stamp = replies.bytes()?,
                _ => return Ok(false),
            }
            if Fences::read(replies)?.mean(name, tags) {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn tag_all(&self, name: &KeyName, tags: &[Tag], life: Duration) -> Result<(), RedisError> {
        let adding = tags.iter().map(|tag| tag::add(&self.redis, tag, life, std::slice::from_ref(name)));
        join_all(adding).await.into_iter().collect()
    }
}
