//! Reading an entry with what is known about it, and deciding whether it may be served.
//!
//! A hit is one `GET`: the trailer says until when the value is fresh by Redis' clock, which the
//! instance estimates ([`ServerClock`]).

use std::pin::pin;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use super::judge::Judge;
use super::loaded::Previous;
use super::near::NearCopy;
use super::options::Options;
use super::outcome::{Fetched, LookupOutcome};
use super::stored_entry::{Identity, StoredEntry, read_entry, read_other_type};
use crate::error::RedisError;
use crate::keyspace::codec;
use crate::keyspace::key::KeyName;
use crate::keyspace::trailer::{self, Facts};
use crate::redis::Redis;
use crate::redis::script::{Script, shared};
use crate::script;
use crate::units::milliseconds;

/// Reads an entry for a caller that waits for a load.
static AWAIT: Script = script!(repeatable "load/await", [
    shared::EXISTENCE,
    shared::LOCKS,
    shared::WAITERS,
]);

/// The load lock and the values of loads, as a waiter finds them beside the entry.
#[derive(Debug, Default)]
struct Waited {
    /// Another caller holds the load lock.
    is_locked: bool,
    /// After a failed load, callers who have a value do not load.
    is_throttled: bool,
    /// The error of a load that has just failed.
    failure: Option<String>,
    /// The waiter's number.
    number: Vec<u8>,
    /// The value of a load that this waiter may take, or empty.
    handed: Vec<u8>,
}

/// Reads an entry for a waiter, whose number is empty before it has one. One round trip, and one per
/// chunk.
async fn read_waiting<R: Redis>(
    redis: &R,
    key: &str,
    number: &[u8],
) -> Result<(StoredEntry, Waited), RedisError> {
    let name = KeyName::new(key);
    let is_on_cluster = redis.topology().await?.is_cluster();
    let keys = [
        name.as_bytes().into(),
        name.lock().into(),
        name.waiting().into(),
        name.turns(is_on_cluster).into(),
    ];

    let mut replies = AWAIT.run(redis, keys, [number.into()]).await?;
    let hold = replies.count()?;
    let failure = replies.text()?;
    let waited = Waited {
        is_locked: hold == 1,
        is_throttled: hold == 2,
        failure: (hold == 3).then_some(failure),
        number: replies.bytes()?,
        handed: replies.bytes()?,
    };

    let entry = match replies.bytes()?.as_slice() {
        b"value" => {
            let entry = StoredEntry::of_string(replies.bytes()?);
            entry.with_former_chunks(redis, key).await?
        }
        b"other" => read_other_type(redis, key).await?,
        _ => StoredEntry::default(),
    };
    Ok((entry, waited))
}

/// An entry whose value is decoded.
pub(super) struct Lookup<T> {
    found: Option<FoundValue<T>>,
    /// The facts of the entry, whether it can be served or not.
    pub(super) facts: Option<Facts>,
    /// A waiter has learned that it must not load: another caller does, or has just failed.
    pub(super) is_locked: bool,
    /// The error of another caller's load, as a waiter has learned it.
    pub(super) failure: Option<String>,
    /// The entry was invalidated, and has not been removed yet.
    pub(super) is_dead: bool,
    /// Identifies the writing that was read.
    pub(super) identity: Identity,
    /// The waiter's number.
    pub(super) waiter: Vec<u8>,
    /// Bytes of the value that Redis sent.
    pub(super) stored_bytes: usize,
    /// The encoded value, where the caller keeps near copies.
    pub(super) encoded: Option<Vec<u8>>,
    /// Value of another caller's load: it began after this caller asked, or no invalidation came
    /// before it ended.
    pub(super) from_load: Option<T>,
}

/// A decoded value. Times are in milliseconds.
struct FoundValue<T> {
    value: T,
    /// How long it stays fresh, negative when stale; `None`: for ever.
    fresh_left: Option<i64>,
    grace: u64,
    /// After a soft purge: for how long past its TTL every caller may be served it.
    marked_stale: Option<u64>,
    age: Option<Duration>,
    load_time: f64,
    validator: Option<String>,
}

/// A value that may be served while a load runs, and if it fails.
pub(super) struct StandIn<T> {
    pub(super) previous: Previous<T>,
    outcome: LookupOutcome,
    /// For how long it may be served.
    pub(super) servable: Duration,
}

impl<T> StandIn<T> {
    /// Serves it.
    pub(super) fn into_fetched(self) -> Fetched<T> {
        Fetched {
            age: self.previous.age,
            ..Fetched::new(self.previous.value, self.outcome)
        }
    }
}

/// Use that a caller may make of a value.
pub(super) enum Usable<T> {
    /// Served as the result.
    Fresh(Fetched<T>),
    /// Refreshed by one caller; served to the others, and if the load fails.
    WhileLoading(StandIn<T>),
    /// Not served.
    No,
}

#[derive(Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    /// Fresh, but to be refreshed already.
    EarlyRefresh,
    /// Past its TTL and within its grace.
    Stale,
    /// Past its grace.
    TooOld,
}

impl<T: DeserializeOwned> Lookup<T> {
    /// Looks up an entry. One round trip, and one per chunk of its value.
    pub(super) async fn read<R: Redis>(
        judge: &Judge<'_, R>,
        key: &str,
        waiter: Option<&[u8]>,
        keeps_copies: bool,
        began: Instant,
    ) -> Result<Self, RedisError> {
        // Pinned here, so that what bounds it moves no more than a pointer.
        let reading = pin!(async {
            match waiter {
                None => Ok((read_entry(judge.redis, key).await?, Waited::default())),
                Some(number) => Box::pin(read_waiting(judge.redis, key, number)).await,
            }
        });
        let lookup = judge.begin(began);
        let ((mut entry, waited), now) = lookup.with(reading).await?;
        lookup.judge(key, &mut entry).await?;

        Ok(Self::new(entry, waited, now, keeps_copies))
    }

    /// Takes an entry that was read with others, and judged. `now` is the time on Redis' clock.
    pub(super) fn of_entry(entry: StoredEntry, now: u64, keeps_copies: bool) -> Self {
        Self::new(entry, Waited::default(), now, keeps_copies)
    }

    fn new(entry: StoredEntry, waited: Waited, now: u64, keeps_copies: bool) -> Self {
        Self {
            found: FoundValue::decode(&entry, now),
            facts: entry.facts,
            encoded: entry.value.filter(|_| keeps_copies),
            failure: waited.failure,
            is_locked: waited.is_locked || waited.is_throttled && !entry.is_dead,
            is_dead: entry.is_dead,
            identity: entry.identity,
            stored_bytes: entry.bytes,
            waiter: waited.number,
            from_load: codec::decode(trailer::split(&waited.handed).0),
        }
    }
}

/// Takes a near copy as far as it may be served while Redis can be asked: fresh.
pub(super) fn serve_near<T: DeserializeOwned>(copy: &NearCopy, now: u64) -> Option<Fetched<T>> {
    let found = FoundValue::new(&copy.value, copy.facts.as_ref(), now)?;
    let is_fresh = found.fresh_left.is_none_or(|left| left > 0);
    is_fresh.then(|| found.serve(LookupOutcome::Near))
}

/// Takes a near copy as far as it may be served while Redis is away: within its grace.
pub(super) fn serve_near_without_redis<T: DeserializeOwned>(
    copy: &NearCopy,
    options: &Options<'_>,
    now: u64,
) -> Option<Fetched<T>> {
    let found = FoundValue::new(&copy.value, copy.facts.as_ref(), now)?;
    let stand_in = found.stand_in(options, LookupOutcome::Stale);
    (!stand_in.servable.is_zero()).then(|| stand_in.into_fetched())
}

impl<T> Lookup<T> {
    /// The tags of the entry, joined by newlines.
    pub(super) fn tags(&self) -> &str {
        self.facts.as_ref().map_or("", |facts| &facts.tags)
    }

    /// Takes the value that a load is to replace, fresh or not.
    pub(super) fn take_previous(&mut self) -> Option<Previous<T>> {
        self.found.take().map(FoundValue::into_previous)
    }

    /// Takes the value, as far as these options allow to serve it. `random` is uniform in 0..1.
    pub(super) fn take_usable(
        &mut self,
        options: &Options<'_>,
        random: impl FnOnce() -> f64,
    ) -> Usable<T> {
        let Some(found) = self.found.take() else {
            return Usable::No;
        };

        match found.freshness(options, random()) {
            Freshness::Fresh => Usable::Fresh(found.serve(LookupOutcome::Hit)),
            Freshness::EarlyRefresh => {
                Usable::WhileLoading(found.stand_in(options, LookupOutcome::Hit))
            }
            Freshness::Stale => Usable::WhileLoading(found.stand_in(options, LookupOutcome::Stale)),
            Freshness::TooOld => Usable::No,
        }
    }
}

impl<T: DeserializeOwned> FoundValue<T> {
    fn decode(entry: &StoredEntry, now: u64) -> Option<Self> {
        Self::new(entry.value.as_ref()?, entry.facts.as_ref(), now)
    }

    /// Decodes a value as it is stored.
    fn new(value: &[u8], facts: Option<&Facts>, now: u64) -> Option<Self> {
        Some(Self {
            value: codec::decode(value)?,
            fresh_left: facts.and_then(|facts| facts.fresh_left(now)),
            grace: facts.map_or(0, |facts| facts.grace),
            marked_stale: facts.and_then(|facts| facts.marked_stale),
            age: facts.map(|facts| Duration::from_millis(now.saturating_sub(facts.stored_at))),
            load_time: facts.map_or(0.0, |facts| facts.load_time as f64),
            validator: facts.and_then(|facts| facts.validator.clone()),
        })
    }
}

impl<T> FoundValue<T> {
    fn serve(self, outcome: LookupOutcome) -> Fetched<T> {
        Fetched {
            age: self.age,
            ..Fetched::new(self.value, outcome)
        }
    }

    fn into_previous(self) -> Previous<T> {
        Previous {
            value: self.value,
            age: self.age,
            validator: self.validator,
        }
    }

    fn stand_in(self, options: &Options<'_>, outcome: LookupOutcome) -> StandIn<T> {
        let grace = self.grace.min(self.allowed_grace(options));
        let left = self
            .fresh_left
            .map_or(i64::MAX, |left| left.saturating_add_unsigned(grace));
        StandIn {
            servable: Duration::from_millis(u64::try_from(left).unwrap_or(0)),
            previous: self.into_previous(),
            outcome,
        }
    }

    /// How long past its TTL a call may be served the value.
    fn allowed_grace(&self, options: &Options<'_>) -> u64 {
        milliseconds(options.grace).max(self.marked_stale.unwrap_or(0))
    }

    /// Judges the value's age. XFetch refreshes a value early, with a probability that rises towards
    /// its expiry, and the earlier the longer its load takes (Vattani et al., VLDB 2015).
    fn freshness(&self, options: &Options<'_>, random: f64) -> Freshness {
        let Some(left) = self.fresh_left else {
            return Freshness::Fresh;
        };

        if left > 0 {
            let random = random.max(f64::MIN_POSITIVE);
            let head_start = -self.load_time * options.early_refresh * random.ln();
            return if left as f64 > head_start {
                Freshness::Fresh
            } else {
                Freshness::EarlyRefresh
            };
        }

        let mut allowed = self.allowed_grace(options);
        if self.marked_stale.is_some() {
            // The key may live longer until the purge has rewritten it.
            allowed = allowed.min(self.grace);
        }
        if left.unsigned_abs() <= allowed && allowed > 0 {
            Freshness::Stale
        } else {
            Freshness::TooOld
        }
    }
}

#[cfg(test)]
mod tests;
