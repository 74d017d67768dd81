//! `get_or_set`: one load per key across all instances, stale values while it lasts, and invalidations that win over it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use futures_util::future::join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::load::Turn;
use super::{Cache, Options, Runtime};
use crate::codec;
use crate::error::RedisError;
use crate::format::milliseconds;
use crate::redis::{Redis, Replies};

/// Between two looks for another caller's result, at first and at most.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(50);
/// A caller that waits rests so many times as long as its look took: many that wait for one load leave room for it.
const CALM: u32 = 4;
/// How a look-up ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The value was there and fresh, or is that of another caller's load.
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
    /// Milliseconds of grace it was stored with.
    grace: i64,
    age: Option<Duration>,
    load_ms: f64,
}

struct Lookup<T> {
    found: Option<Found<T>>,
    locked: bool,
    /// Which writing of the value was seen.
    writing: Vec<u8>,
    /// The number of a caller who waits.
    number: Vec<u8>,
    /// What a load has brought that began after the caller had asked, or that no invalidation has come in the way of.
    handed: Option<T>,
}

/// A value that is served while its load lasts and where it fails.
pub(super) struct StandIn<T> {
    pub(super) fetched: Fetched<T>,
    /// For how long it may be.
    pub(super) servable: Duration,
}

impl<T> Found<T> {
    fn serve(self, outcome: Outcome) -> Fetched<T> {
        Fetched { value: self.value, outcome, age: self.age }
    }

    fn stand_in(self, options: &Options<'_>, outcome: Outcome) -> StandIn<T> {
        let grace = u64::try_from(self.grace).unwrap_or(0).min(milliseconds(options.grace));
        let left = self.fresh_left.map_or(i64::MAX, |left| left.saturating_add_unsigned(grace));
        let servable = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        StandIn { fetched: self.serve(outcome), servable }
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
    /// its result, at most `lock_wait`, and then run their own. They have a result (of up to 1 MiB as stored) also where it is
    /// not kept, unless an invalidation came between its load's beginning and their call: then that of the next load. A value
    /// past its TTL but within `grace` is served at once while one caller refreshes it, and also when `fetch` fails. An
    /// invalidation that comes while `fetch` runs wins: the value goes to its caller and is not stored. When Redis is away, the
    /// caller gets `fetch`'s answer.
    ///
    /// A hit costs one round trip (two where it is refreshed early); a miss three, and one per tag that overlap. Once a second
    /// another one counts look-ups.
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
            if fetched.outcome != Outcome::Bypass && self.counters.are_due() {
                self.count().await;
            }
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
        let started = Instant::now();
        let mut pause = FIRST_LOOK;
        let mut waiting: Option<Vec<u8>> = None;
        loop {
            let asked = Instant::now();
            let Some(lookup) = self.look_up::<T>(key, waiting.as_deref()).await else { return bypass(fetch).await };
            let took = asked.elapsed();
            let judged = lookup.found.map(|found| (found.judge(options, self.uniform()), found));
            let servable = match judged {
                Some((Judgement::Fresh, found)) => return Ok(found.serve(Outcome::Hit)),
                Some((Judgement::TooOld, _)) | None => None,
                Some((Judgement::Early, found)) => Some(found.stand_in(options, Outcome::Hit)),
                Some((Judgement::Stale, found)) => Some(found.stand_in(options, Outcome::Stale)),
            };
            if let Some(value) = lookup.handed {
                return Ok(Fetched { value, outcome: Outcome::Hit, age: None });
            }
            if !lookup.locked {
                match self.acquire(key, &lookup.writing).await {
                    Ok(Turn::Ours(lock)) => return self.load(key, options, &lock, servable, fetch).await,
                    Ok(Turn::Over) => continue,
                    Ok(Turn::Anothers) => {}
                    Err(_) => {
                        return match servable {
                            Some(servable) => Ok(servable.fetched),
                            None => bypass(fetch).await,
                        };
                    }
                }
            }
            if let Some(servable) = servable {
                return Ok(servable.fetched);
            }
            if started.elapsed() >= options.lock_wait {
                return bypass(fetch).await;
            }
            let rest = pause.max(took * CALM).min(options.lock_wait);
            self.redis.sleep(rest.mul_f64(0.5 + self.uniform())).await;
            pause = (pause * 2).min(LAST_LOOK);
            waiting = Some(lookup.number);
        }
    }

    /// Adds to Redis what was counted.
    pub(super) async fn count(&self) {
        // Counts are worth no failure.
        let _ = self.counters.hand_over(&self.redis).await;
    }

    pub(super) fn failed(&self) {
        if self.breaker.failed() {
            self.counters.opened();
        }
    }

    /// `None` when Redis cannot be asked.
    async fn look_up<T: DeserializeOwned>(&self, key: &str, waiting: Option<&[u8]>) -> Option<Lookup<T>> {
        if self.breaker.is_open() {
            return None;
        }
        let counting = async {
            if self.counters.are_many() {
                self.count().await;
            }
        };
        let (read, ()) = join(self.ask(key, waiting), counting).await;
        let parsed = match read {
            Ok(replies) => self.parse(key, replies, waiting.is_some()).await,
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

    async fn parse<T: DeserializeOwned>(
        &self,
        key: &str,
        mut replies: Replies,
        waiting: bool,
    ) -> Result<Lookup<T>, RedisError> {
        let (stored, left) = (replies.optional_bytes()?, replies.int()?);
        let mut fact = || replies.text().map(|text| text.parse::<i64>().ok());
        let (life, grace, load) = (fact()?, fact()?.unwrap_or(0), fact()?.unwrap_or(0));
        let (locked, writing) = (replies.count()? == 1, replies.bytes()?);
        let (number, handed) = if waiting { (replies.bytes()?, replies.bytes()?) } else { Default::default() };
        let whole = match stored {
            Some(stored) => self.gather(key, stored).await?,
            None => None,
        };
        let found = whole.and_then(|stored| codec::decode(&stored)).map(|value| Found {
            value,
            fresh_left: (left >= 0).then_some(left.saturating_sub(grace)),
            grace,
            age: life.and_then(|life| u64::try_from(life.saturating_sub(left)).ok()).map(Duration::from_millis),
            load_ms: load as f64,
        });
        Ok(Lookup { found, locked, writing, number, handed: codec::decode(&handed) })
    }

    /// Uniform in 0..1.
    pub(super) fn uniform(&self) -> f64 {
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
        Found { value: (), fresh_left: Some(fresh_left), grace: 60_000, age: None, load_ms }
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
    fn a_value_stands_in_no_longer_than_both_its_own_and_the_calls_grace_allow() {
        let servable = |left, grace| {
            let options = Options { grace: Duration::from_secs(grace), ..Options::default() };
            found(left, 0.0).stand_in(&options, Outcome::Stale).servable.as_millis()
        };
        assert_eq!([servable(400, 0), servable(400, 60), servable(-400, 3600)], [400, 60_400, 59_600]);
        assert_eq!(servable(-400, 0), 0);
    }

    #[test]
    fn only_a_call_with_grace_is_served_what_is_stale() {
        let grace = Options { grace: Duration::from_secs(60), ..Options::default() };
        assert_eq!(found(-5, 0.0).judge(&grace, 0.5), Judgement::Stale);
        assert_eq!(found(-60_001, 0.0).judge(&grace, 0.5), Judgement::TooOld);
        assert_eq!(found(-5, 0.0).judge(&Options::default(), 0.5), Judgement::TooOld);
    }
}
