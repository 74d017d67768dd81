//! `get_or_set`: one load per key across all instances, stale values while it lasts, and invalidations that win over it.

use std::fmt::Display;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, join_all, select};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cache, Options, Runtime, batch};
use crate::codec;
use crate::error::{Error, ErrorKind, RedisError};
use crate::fence::Fences;
use crate::format::milliseconds;
use crate::key::{FENCES, KeyName, TTL_OVERRIDES};
use crate::redis::{Redis, Replies};
use crate::script::{ACQUIRE, LOCK, READ, STORE};
use crate::tag::{self, Tag};
use crate::ttl::Overrides;

/// How long a load may be silent before another caller may start one. Prolonged while it lasts.
const LEASE: Duration = Duration::from_secs(10);
/// Between two looks for another caller's result, at first and at most.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(50);
/// A caller that waits rests so many times as long as its look took: many that wait for one load leave room for it.
const CALM: u32 = 4;
/// How often invalidations of other keys may come between a load and its storing before that is given up.
const STORE_TRIES: usize = 8;

/// How a look-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The value was there and fresh.
    Hit,
    /// The value was past its TTL and served within its grace.
    Stale,
    /// The value was loaded, and stored unless an invalidation came first.
    Miss,
    /// The value was loaded and the cache left out: Redis is away, or another caller's load took too long.
    Bypass,
}

impl Outcome {
    /// In lower case, for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }
}

/// A value, and how it was come by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched<T> {
    /// The value.
    pub value: T,
    /// How the look-up ended.
    pub outcome: Outcome,
    /// How long ago the value was stored, where that is known.
    pub age: Option<Duration>,
}

/// A value found in the cache.
struct Found<T> {
    value: T,
    /// Milliseconds it is still fresh; negative when it is past that; `None`: for ever.
    fresh_left: Option<i64>,
    age: Option<Duration>,
    load_ms: f64,
}

struct Lookup<T> {
    found: Option<Found<T>>,
    locked: bool,
    /// Which writing of the value was seen.
    writing: Vec<u8>,
}

/// Whose turn it is to load a key.
enum Turn {
    /// Ours.
    Ours(Lock),
    /// Another caller is at it.
    Anothers,
    /// Another caller has just been.
    Over,
}

/// The right to load a key.
struct Lock {
    owner: String,
    stamp: Vec<u8>,
    overrides: Overrides,
}

impl<T> Found<T> {
    fn serve(self, outcome: Outcome) -> Fetched<T> {
        Fetched { value: self.value, outcome, age: self.age }
    }

    /// Whether the value may be served, and if so whether it should be refreshed. XFetch refreshes a value early with a
    /// probability that rises towards its expiry, the earlier the longer its load takes.
    fn judge(&self, options: &Options<'_>, random: f64) -> Judgement {
        let Some(left) = self.fresh_left else { return Judgement::Fresh };
        let head_start = -self.load_ms * options.early_refresh * random.max(f64::MIN_POSITIVE).ln();
        match left {
            left if left > 0 && (left as f64) > head_start => Judgement::Fresh,
            left if left > 0 => Judgement::Early,
            left if left.unsigned_abs() <= milliseconds(options.grace) && !options.grace.is_zero() => Judgement::Stale,
            _ => Judgement::TooOld,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Fresh,
    Early,
    Stale,
    TooOld,
}

impl<C: Redis + Runtime> Cache<C> {
    /// Reads a value, or loads and stores it.
    ///
    /// However many callers ask for a key at once, on however many instances, one of them runs `fetch`; the others wait for
    /// its result, at most `lock_wait`, and then run their own. A value past its TTL but within `grace` is served at once
    /// while one caller refreshes it, and also when `fetch` fails. An invalidation that comes while `fetch` runs wins: the
    /// value goes to its caller and is not stored. When Redis is away, the caller gets `fetch`'s answer.
    ///
    /// A hit costs one round trip; a miss three, and two per tag that overlap.
    ///
    /// # Errors
    /// Those of `fetch`, where no stale value can stand in.
    pub async fn get_or_set<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        fetch: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E>
    where
        T: Serialize + DeserializeOwned,
        E: Display,
    {
        let result = self.through(key, options, fetch).await;
        if let Ok(fetched) = &result {
            self.counters.add(key, fetched.outcome);
            self.redis.looked_up(key, fetched.outcome);
        }
        result
    }

    async fn through<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        fetch: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<Fetched<T>, E>
    where
        T: Serialize + DeserializeOwned,
    {
        let deadline = Instant::now() + options.lock_wait;
        let mut pause = FIRST_LOOK;
        loop {
            let asked = Instant::now();
            let Some(lookup) = self.look_up::<T>(key).await else { return bypass(fetch).await };
            let took = asked.elapsed();
            let judged = lookup.found.map(|found| (found.judge(options, self.uniform()), found));
            let servable = match judged {
                Some((Judgement::Fresh, found)) => return Ok(found.serve(Outcome::Hit)),
                Some((Judgement::TooOld, _)) | None => None,
                Some((Judgement::Early, found)) => Some(found.serve(Outcome::Hit)),
                Some((Judgement::Stale, found)) => Some(found.serve(Outcome::Stale)),
            };
            if !lookup.locked {
                match self.acquire(key, &lookup.writing).await {
                    Ok(Turn::Ours(lock)) => return self.load(key, options, &lock, servable, fetch).await,
                    Ok(Turn::Over) => continue,
                    Ok(Turn::Anothers) => {}
                    Err(_) => {
                        return match servable {
                            Some(servable) => Ok(servable),
                            None => bypass(fetch).await,
                        };
                    }
                }
            }
            if let Some(servable) = servable {
                return Ok(servable);
            }
            if Instant::now() >= deadline {
                return bypass(fetch).await;
            }
            let rest = pause.max(took * CALM).min(options.lock_wait);
            self.redis.sleep(rest.mul_f64(0.5 + self.uniform())).await;
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    fn failed(&self) {
        if self.breaker.failed() {
            self.counters.opened();
        }
    }

    /// `None` when Redis cannot be asked.
    async fn look_up<T: DeserializeOwned>(&self, key: &str) -> Option<Lookup<T>> {
        if self.breaker.is_open() {
            return None;
        }
        let name = KeyName::new(key);
        let keys = [name.as_bytes().into(), name.companion().into(), name.lock().into()];
        let (read, _) = join(READ.run(&self.redis, keys, []), self.counters.hand_over(&self.redis)).await;
        let parsed = match read {
            Ok(replies) => self.parse(key, replies).await,
            Err(error) => Err(error),
        };
        match parsed {
            Ok(lookup) => {
                self.breaker.succeeded();
                Some(lookup)
            }
            Err(_) => {
                self.failed();
                None
            }
        }
    }

    async fn parse<T: DeserializeOwned>(&self, key: &str, mut replies: Replies) -> Result<Lookup<T>, RedisError> {
        let (stored, left) = (replies.optional_bytes()?, replies.int()?);
        let mut fact = || replies.text().map(|text| text.parse::<i64>().ok());
        let (life, grace, load) = (fact()?, fact()?.unwrap_or(0), fact()?.unwrap_or(0));
        let (locked, writing) = (replies.count()? == 1, replies.bytes()?);
        let whole = match stored {
            Some(stored) => self.gather(key, stored).await?,
            None => None,
        };
        let found = whole.and_then(|stored| codec::decode(&stored)).map(|value| Found {
            value,
            fresh_left: (left >= 0).then_some(left - grace),
            age: life.and_then(|life| u64::try_from(life - left).ok()).map(Duration::from_millis),
            load_ms: load as f64,
        });
        Ok(Lookup { found, locked, writing })
    }

    async fn acquire(&self, key: &str, seen: &[u8]) -> Result<Turn, RedisError> {
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
                let stamp = replies.bytes()?;
                Ok(Turn::Ours(Lock { owner, stamp, overrides: Overrides::read(replies)? }))
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

    async fn load<T, E>(
        &self,
        key: &str,
        options: &Options<'_>,
        lock: &Lock,
        stand_in: Option<Fetched<T>>,
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
                // Nobody tries again until the lock ends; all are served what there is.
                Either::Left((Err(_), _)) | Either::Right(_) => {
                    self.counters.loaded(key, started.elapsed(), false);
                    self.hold(key, lock, options.throttle).await;
                    return Ok(stand_in);
                }
            },
        };
        self.counters.loaded(key, started.elapsed(), loaded.is_ok());
        match loaded {
            Ok(value) => {
                self.store(key, options, lock, &value, started.elapsed()).await;
                Ok(Fetched { value, outcome: Outcome::Miss, age: Some(Duration::ZERO) })
            }
            Err(error) => {
                self.hold(key, lock, Duration::ZERO).await;
                Err(error)
            }
        }
    }

    /// Runs a load, prolonging the lock while it lasts.
    async fn holding<F: Future>(&self, key: &str, lock: &Lock, load: F) -> F::Output {
        let mut load = pin!(load);
        loop {
            match select(load.as_mut(), pin!(self.redis.sleep(LEASE / 3))).await {
                Either::Left((output, _)) => return output,
                Either::Right(_) => self.hold(key, lock, LEASE).await,
            }
        }
    }

    /// Stores a loaded value if it may be; whatever happens, the caller has it.
    async fn store<T: Serialize>(&self, key: &str, options: &Options<'_>, lock: &Lock, value: &T, load: Duration) {
        let encoded = codec::encode(value).and_then(|stored| Ok((stored, batch::tags(options.tags)?)));
        let stored = match encoded {
            Ok((stored, tags)) => self.try_store(key, options, lock, stored, &tags, load).await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(true) => {}
            Ok(false) => self.hold(key, lock, Duration::ZERO).await,
            Err(Error::Redis(error)) if error.kind == ErrorKind::Timeout => self.failed(),
            Err(Error::Redis(error)) if error.is_connection() => {
                self.failed();
                self.hold(key, lock, Duration::ZERO).await;
            }
            Err(_) => self.hold(key, lock, Duration::ZERO).await,
        }
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
        let is_null = stored == b"null";
        if is_null && options.negative_ttl.is_none() {
            return Ok(false);
        }
        let fresh = options.fresh(key, is_null, &lock.overrides, self.uniform());
        let grace = if is_null { Duration::ZERO } else { options.grace };
        let life = fresh + grace;
        let name = KeyName::new(key);
        self.tag_all(&name, tags, life).await?;
        let (value, chunks) = batch::store_chunks(&self.redis, key, stored, life).await?;
        let keys = [name.as_bytes().to_vec(), name.companion(), name.lock(), FENCES.as_bytes().to_vec()];
        let mut stamp = lock.stamp.clone();
        for _ in 0..STORE_TRIES {
            let times = [life, grace, load].map(|time| milliseconds(time).into());
            let args = [lock.owner.as_str().into(), stamp.into()].into_iter().chain(times);
            let args = args.chain([batch::joined(tags).into(), value.as_slice().into(), chunks.as_str().into()]);
            let mut replies = STORE.run(&self.redis, keys.iter().map(|key| key.as_slice().into()), args).await?;
            match replies.bytes()?.as_slice() {
                b"stored" => {
                    self.tag_all(&name, tags, life).await?;
                    return Ok(true);
                }
                b"fenced" => stamp = replies.bytes()?,
                _ => return Ok(false),
            }
            if Fences::read(replies)?.mean(&name, tags) {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn tag_all(&self, name: &KeyName, tags: &[Tag], life: Duration) -> Result<(), RedisError> {
        let adding = tags.iter().map(|tag| tag::add(&self.redis, tag, life, std::slice::from_ref(name)));
        join_all(adding).await.into_iter().collect()
    }

    /// Uniform in 0..1.
    fn uniform(&self) -> f64 {
        (self.redis.random() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

async fn bypass<T, E>(fetch: impl AsyncFnOnce() -> Result<T, E>) -> Result<Fetched<T>, E> {
    fetch().await.map(|value| Fetched { value, outcome: Outcome::Bypass, age: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fresh_left: i64, load_ms: f64) -> Found<()> {
        Found { value: (), fresh_left: Some(fresh_left), age: None, load_ms }
    }

    #[test]
    fn a_value_is_refreshed_early_the_likelier_the_closer_its_end_and_the_slower_its_load() {
        let options = Options::default();
        assert_eq!(found(1000, 100.0).judge(&options, 0.5), Judgement::Fresh);
        assert_eq!(found(1000, 100.0).judge(&options, 0.00001), Judgement::Early);
        assert_eq!(found(10, 100.0).judge(&options, 0.5), Judgement::Early);
        assert_eq!(found(10, 0.0).judge(&options, 0.5), Judgement::Fresh);
        let never = Options { early_refresh: 0.0, ..Options::default() };
        assert_eq!(found(1, 10_000.0).judge(&never, 0.00001), Judgement::Fresh);
    }

    #[test]
    fn only_a_call_with_grace_is_served_what_is_stale() {
        let grace = Options { grace: Duration::from_secs(60), ..Options::default() };
        assert_eq!(found(-5, 0.0).judge(&grace, 0.5), Judgement::Stale);
        assert_eq!(found(-60_001, 0.0).judge(&grace, 0.5), Judgement::TooOld);
        assert_eq!(found(-5, 0.0).judge(&Options::default(), 0.5), Judgement::TooOld);
    }
}
