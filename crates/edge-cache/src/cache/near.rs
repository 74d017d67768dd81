//! The near cache: entries in the instance's memory, read without asking Redis.
//!
//! A near copy is served under the same rules as an entry in Redis: by a view of the fences that was
//! asked for at most the interval before the lookup began. Writes by key append near fences, to a
//! stream of their own, while an instance is registered as one that keeps copies:
//!
//! ```text
//! instance A                        instance B: set products:7      Redis
//! registers for 60 s                                                cache:near = 50 ms
//! GET products:7, keeps a copy
//! serves the copy
//!                                   writes, appends near fence 5
//!                                   waits 50 ms
//! asks: near fence 5 -> copy dropped
//!                                   answers
//! ```
//!
//! - A copy is kept only if nothing that was appended since its `GET` was sent covers it, and only
//!   from lookups whose views were asked for after the registration was acknowledged.
//! - Where near fences were missed (more than 1,000 between two views, or a lost stream), or the
//!   fences begin anew, all copies go.
//! - The registration is read with the near fences. Where it is gone (evicted, or flushed), writers
//!   append nothing any more, so all copies go.
//! - A copy that a soft purge covers is stale from then on. Lookups ask Redis for the entry, which one
//!   caller refreshes; while Redis is away, the copy is served within its grace.
//! - Another client's write is noticed after `max_age` at the latest.
//! - While Redis is away, copies are served past `max_age`, within TTL and grace, unless the last
//!   views say that they are dead. A view forgets a fence some time after its removal, so all copies
//!   are judged every few seconds.

mod copies;
mod known;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join;

use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::keyspace::fence::{FenceView, Judgement};
use crate::keyspace::key::{NEAR, NEAR_FENCES, NONE};
use crate::keyspace::trailer::Facts;
use crate::redis::Redis;
use crate::redis::script::Script;
use crate::script;
use crate::units::milliseconds;
use copies::Copies;
pub(super) use copies::NearCopy;
pub(super) use known::KnownAtRead;
use view::NearView;

/// Registers an instance that keeps near copies.
static REGISTER: Script = script!(repeatable "near/register", []);

/// How long a registration holds. It is prolonged at half that time.
const REGISTERED_FOR: Duration = Duration::from_secs(60);
/// How often all copies are judged, which is less than views remember a fence (20 s).
const JUDGED_EVERY: Duration = Duration::from_secs(5);
/// How long no copies are used after Redis refused what they need.
const REFUSAL_KEPT: Duration = Duration::from_secs(1);
/// The largest value of which a copy is kept, as it is stored.
const MAX_ENTRY_BYTES: usize = 64 << 10;

/// The near cache of an instance.
#[derive(Debug, Default)]
pub(super) struct NearCache {
    copies: Copies,
    view: NearView,
    registration: Guarded<Option<Registration>>,
    /// When all copies were last judged.
    all_judged: Guarded<Option<Instant>>,
    /// When Redis refused what copies need.
    refused: Guarded<Option<Instant>>,
}

/// The instance is registered until then.
#[derive(Debug, Clone, Copy)]
struct Registration {
    until: Instant,
    /// Only views that were asked for since then count.
    counts_from: Instant,
    /// How often the fences began anew before.
    generation: u64,
}

impl NearCache {
    /// Sets how many bytes the copies may take.
    pub(super) fn set_capacity(&self, bytes: usize) {
        self.copies.set_capacity(bytes);
    }

    /// Registers if that is due, and brings both views up to date for a lookup that began then. One
    /// round trip at most every interval, otherwise none. Where Redis refuses what copies need, none
    /// are used for a second.
    pub(super) async fn prepare<R: Redis>(
        &self,
        redis: &R,
        fences: &FenceView,
        began: Instant,
    ) -> Result<(), RedisError> {
        let refused = self.refused.get();
        if refused.is_some_and(|at| began.saturating_duration_since(at) < REFUSAL_KEPT) {
            return Ok(());
        }

        match self.bring_up_to_date(redis, fences, began).await {
            Err(error) if !error.is_unavailable() => {
                self.registration.set(None);
                self.refused.set(Some(Instant::now()));
                Ok(())
            }
            result => result,
        }
    }

    async fn bring_up_to_date<R: Redis>(
        &self,
        redis: &R,
        fences: &FenceView,
        began: Instant,
    ) -> Result<(), RedisError> {
        if self.is_registration_due(fences) {
            Box::pin(self.register(redis, fences)).await?;
        }
        let (seen, near_seen) = join(
            fences.refresh_if_due(redis, began),
            self.view.refresh_if_due(redis, began, fences.interval()),
        )
        .await;
        seen.and(near_seen)?;

        if !self.view.is_registered() {
            self.registration.set(None);
        }
        self.judge_all_at_times(fences, began);
        Ok(())
    }

    /// Drops dead copies now and then, before the views forget the fences that cover them.
    fn judge_all_at_times(&self, fences: &FenceView, now: Instant) {
        let last = self.all_judged.get();
        if last.is_some_and(|last| now.saturating_duration_since(last) < JUDGED_EVERY) {
            return;
        }
        self.all_judged.set(Some(now));
        self.copies
            .retain(|key, copy| self.judge(fences, key, copy) == Judgement::Alive);
    }

    fn is_registration_due(&self, fences: &FenceView) -> bool {
        self.registration.get().is_none_or(|registration| {
            registration.generation != fences.generation()
                || registration.until.saturating_duration_since(Instant::now()) < REGISTERED_FOR / 2
        })
    }

    async fn register<R: Redis>(&self, redis: &R, fences: &FenceView) -> Result<(), RedisError> {
        let asked = Instant::now();
        let keys = [NEAR.into(), NEAR_FENCES.into(), NONE.into()];
        let args = [
            milliseconds(fences.interval()).into(),
            milliseconds(REGISTERED_FOR).into(),
        ];
        REGISTER.run(redis, keys, args).await?;

        let generation = fences.generation();
        let is_kept = |registration: &Registration| {
            asked <= registration.until && registration.generation == generation
        };
        let counts_from = match self.registration.get().filter(is_kept) {
            Some(registration) => registration.counts_from,
            None => Instant::now(),
        };
        self.registration.set(Some(Registration {
            until: asked + REGISTERED_FOR,
            counts_from,
            generation,
        }));
        Ok(())
    }

    /// Returns whether copies may be kept and served: the views are of the registration.
    fn may_use(&self, fences: &FenceView, now: Instant) -> bool {
        let Some(registration) = self.registration.get() else {
            return false;
        };
        now <= registration.until
            && registration.generation == fences.generation()
            && fences.asked() >= Some(registration.counts_from)
            && self.view.asked() >= Some(registration.counts_from)
    }

    /// Takes down what the views know, before a `GET` is sent.
    pub(super) fn known(&self, fences: &FenceView) -> KnownAtRead {
        KnownAtRead {
            sent: Instant::now(),
            fences: fences.position(),
            near: self.view.position(),
            generation: fences.generation(),
        }
    }

    /// Returns the copy of a key that may be served to a lookup that began then, for which
    /// [`NearCache::prepare`] was called.
    pub(super) fn find(
        &self,
        fences: &FenceView,
        key: &str,
        began: Instant,
        max_age: Duration,
    ) -> Option<Arc<NearCopy>> {
        if !self.may_use(fences, began) {
            return None;
        }
        let copy = self.find_alive(fences, key)?;
        let age = began.saturating_duration_since(copy.known.sent);
        (age <= max_age).then_some(copy)
    }

    /// Returns the copy of a key for a lookup that cannot ask Redis: by the last views, however old they
    /// are.
    pub(super) fn find_without_redis(
        &self,
        fences: &FenceView,
        key: &str,
    ) -> Option<Arc<NearCopy>> {
        self.find_alive(fences, key)
    }

    fn find_alive(&self, fences: &FenceView, key: &str) -> Option<Arc<NearCopy>> {
        let copy = self.copies.get(key)?;
        match self.judge(fences, key, &copy) {
            Judgement::Alive => Some(copy),
            Judgement::Stale(purge) => {
                let stale = copy.marked_stale(purge);
                self.copies.insert(key, stale);
                self.copies.get(key)
            }
            Judgement::Dead | Judgement::OtherEpoch => {
                self.copies.remove(key);
                None
            }
        }
    }

    /// Drops the copy of a key of which Redis has no entry that may be served.
    pub(super) fn forget(&self, key: &str) {
        self.copies.remove(key);
    }

    fn judge(&self, fences: &FenceView, key: &str, copy: &NearCopy) -> Judgement {
        let known = &copy.known;
        let by_fences = match &copy.facts {
            Some(facts) => match fences.judge(&facts.stamp, key.as_bytes(), facts.tags()) {
                Judgement::Stale(_) if facts.marked_stale.is_some() => Judgement::Alive,
                judgement => judgement,
            },
            None if fences.covers_after(known.fences, key.as_bytes()) => Judgement::Dead,
            None => Judgement::Alive,
        };

        // The generation is asked for last: another thread may have read the view anew meanwhile.
        let is_out_of_date =
            self.view.is_changed_since(key, known.near) || known.generation != fences.generation();
        if is_out_of_date {
            Judgement::Dead
        } else {
            by_fences
        }
    }

    /// Keeps a copy of an entry that a `GET` has brought, unless it is too large or was invalidated since the
    /// `GET` was sent.
    pub(super) fn keep(
        &self,
        fences: &FenceView,
        key: &str,
        value: Vec<u8>,
        facts: Option<Facts>,
        known: KnownAtRead,
    ) {
        if value.len() > MAX_ENTRY_BYTES || !self.may_use(fences, Instant::now()) {
            return;
        }

        let copy = NearCopy {
            value,
            facts,
            known,
        };

        if self.judge(fences, key, &copy) == Judgement::Alive {
            self.copies.insert(key, copy);
        }
    }
}
