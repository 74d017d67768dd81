//! Reading and changing the keys of a slice, slot by slot.

use std::collections::BTreeMap;
use std::time::Duration;

use super::counts::{BulkExpiryOutcome, ExpiryCounts};
use super::rule::{ExpiryRule, NewExpiry};
use super::stale::{Marked, StaleMarking};
use crate::error::{ErrorKind, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::entry_facts::{FoundTrailer, Replacement};
use crate::keyspace::fence::{self, PROVISION};
use crate::keyspace::key::{KeyName, NEAR, NEAR_FENCES, NONE};
use crate::keyspace::tag::Tag;
use crate::keyspace::tag::set::{self, NewMembers};
use crate::keyspace::trailer::Facts;
use crate::keyspace::ttl::MAX_TTL;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, HostRuntime, Redis, ServerClock, concurrently};
use crate::script;
use crate::units::milliseconds;

/// Reads how long keys live, and their trailers.
static READ_LIVES: Script = script!(repeatable "keys/read_lives", [
    shared::OWN_READS,
    shared::TRAILERS,
]);

/// Changes when keys expire.
static CHANGE_LIVES: Script = script!(once "keys/change_lives", [
    shared::EXISTENCE,
    shared::TRAILERS,
    shared::LIVES,
    shared::NEAR,
]);

/// Most keys that one call changes: some services accept only 3,999 arguments.
const MAX_CHANGES_PER_CALL: usize = 700;
/// The most times that a key is read again because its value was written in between.
const MAX_TRIES: usize = 8;

/// The counts so far, shared by slices that run at the same time.
#[derive(Default)]
pub(in crate::keyspace) struct Tally(Guarded<ExpiryCounts>);

impl Tally {
    pub(in crate::keyspace) fn end(self, result: Result<(), RedisError>) -> BulkExpiryOutcome {
        BulkExpiryOutcome {
            counts: self.0.take(),
            failure: result.err(),
        }
    }
}

/// A change that is being made.
pub(in crate::keyspace) struct Changing<'a> {
    pub(in crate::keyspace) rule: LifeRule<'a>,
    pub(in crate::keyspace) is_dry_run: bool,
    pub(in crate::keyspace) samples: usize,
    pub(in crate::keyspace) tally: &'a Tally,
}

/// The change that each key gets.
#[derive(Clone, Copy)]
pub(in crate::keyspace) enum LifeRule<'a> {
    /// A change of when keys expire.
    Expiry(&'a ExpiryRule),
    /// A soft purge. Keys that it has marked before count as changed.
    Stale(&'a StaleMarking),
}

/// A key as it was read.
pub(super) struct FoundLife {
    pub(super) name: KeyName,
    /// Milliseconds left; `None` without an expiry.
    left: Option<u64>,
    trailer: FoundTrailer,
}

/// A key with its new expiry and facts.
pub(super) struct PlannedChange {
    pub(super) found: FoundLife,
    pub(super) expiry: NewExpiry,
    /// The new facts; `None` for another client's value.
    facts: Option<Facts>,
}

/// A reply of `keys/change_lives.lua`.
const WRITTEN_MEANWHILE: u64 = 0;
const CHANGED: u64 = 1;

impl Changing<'_> {
    /// Changes keys.
    pub(in crate::keyspace) async fn change<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        names: Vec<KeyName>,
    ) -> Result<(), RedisError> {
        let topology = redis.topology().await?;
        for slice in names.chunks(MAX_CHANGES_PER_CALL) {
            let changed = Guarded::new(Vec::new());
            let groups = topology.group(slice, |name| name.as_bytes());
            let changing = groups.into_iter().map(|group| {
                let names = group.into_iter().map(|(_, name)| name.clone()).collect();
                self.change_group(redis, names, &changed)
            });
            let result = concurrently(changing.collect()).await;

            let changed = changed.take();
            if topology.is_cluster() && !changed.is_empty() {
                let names = changed.iter().map(|name: &KeyName| name.as_bytes().into());
                fence::announce_written(redis, names).await?;
            }
            result?;
        }
        Ok(())
    }

    /// Changes keys that one script may touch.
    async fn change_group<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        names: Vec<KeyName>,
        all_changed: &Guarded<Vec<KeyName>>,
    ) -> Result<(), RedisError> {
        let clock = ServerClock::default();
        let mut left = self.read(redis, names).await?;
        self.count_found(&left);

        for _ in 0..MAX_TRIES {
            let planned = self.plan(redis, &clock, left).await?;
            if self.is_dry_run {
                planned
                    .iter()
                    .for_each(|change| self.count_changed(&change.found, change.expiry));
                return Ok(());
            }
            if planned.is_empty() {
                return Ok(());
            }

            let (changed, written) = self.write(redis, planned).await?;
            changed
                .iter()
                .for_each(|change| self.count_changed(&change.found, change.expiry));
            all_changed
                .lock()
                .extend(changed.iter().map(|change| change.found.name.clone()));
            keep_tags(redis, &changed).await?;

            if written.is_empty() {
                return Ok(());
            }
            left = self.read(redis, written).await?;
        }

        let problem = "keys are written so often that their expiry could not be changed";
        Err(RedisError::new(ErrorKind::Busy, problem))
    }

    /// Reads the keys that exist. One round trip.
    pub(super) async fn read<R: Redis>(
        &self,
        redis: &R,
        names: Vec<KeyName>,
    ) -> Result<Vec<FoundLife>, RedisError> {
        let with_trailers = if self.is_dry_run { "" } else { "1" };
        let keys = names.iter().map(|name| name.as_bytes().into());
        let mut replies = READ_LIVES.run(redis, keys, [with_trailers.into()]).await?;

        let mut found = Vec::with_capacity(names.len());
        for name in names {
            let left = replies.int()?;
            let trailer = FoundTrailer::take(&mut replies)?;
            if left != -2 {
                let left = u64::try_from(left).ok();
                found.push(FoundLife {
                    name,
                    left,
                    trailer,
                });
            }
        }
        Ok(found)
    }

    /// Decides the new expiry of each key, and counts those that keep theirs.
    pub(super) async fn plan<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        clock: &ServerClock,
        found: Vec<FoundLife>,
    ) -> Result<Vec<PlannedChange>, RedisError> {
        let is_on_cluster = redis.topology().await?.is_cluster();
        let mut planned = Vec::with_capacity(found.len());
        for found in found {
            let decided = match self.rule {
                LifeRule::Expiry(rule) => {
                    let random = redis.random() as f64 / u64::MAX as f64;
                    let expiry = rule.apply(found.left, random);
                    let is_kept =
                        |to: &NewExpiry| !(is_on_cluster && found.may_be_unconfirmed(*to));
                    match expiry.filter(is_kept) {
                        Some(expiry) => Some(found.plan(redis, clock, rule, expiry).await?),
                        None => None,
                    }
                }
                LifeRule::Stale(marking) => self.mark(redis, clock, marking, &found).await?,
            };

            let Some((expiry, facts)) = decided else {
                self.tally.0.lock().after.count(found.left);
                continue;
            };
            planned.push(PlannedChange {
                found,
                expiry,
                facts,
            });
        }
        Ok(planned)
    }

    /// Decides about a key of a soft purge; `None` if it stays as it is.
    async fn mark<R: Redis>(
        &self,
        redis: &R,
        clock: &ServerClock,
        marking: &StaleMarking,
        found: &FoundLife,
    ) -> Result<Option<(NewExpiry, Option<Facts>)>, RedisError> {
        clock.refresh_if_due(redis).await?;
        let facts = found.trailer.facts();
        match marking.decide(found.left, facts, clock.now()) {
            Marked::Now(expiry, facts) => return Ok(Some((expiry, facts))),
            Marked::Before => self.count_changed(found, found.left),
            Marked::Spared => {}
        }
        Ok(None)
    }

    /// Makes changes. Returns those that were made, and the names of keys that were written in
    /// between. One round trip.
    async fn write<R: Redis>(
        &self,
        redis: &R,
        planned: Vec<PlannedChange>,
    ) -> Result<(Vec<PlannedChange>, Vec<KeyName>), RedisError> {
        let Some(first) = planned.first() else {
            return Ok((Vec::new(), Vec::new()));
        };
        let is_on_cluster = redis.topology().await?.is_cluster();
        let head: [Arg; 3] = if is_on_cluster {
            let none: Arg = first.found.name.none().into();
            [none.clone(), none.clone(), none]
        } else {
            [NEAR.into(), NEAR_FENCES.into(), NONE.into()]
        };
        let names = planned.iter().map(|change| change.found.name.as_bytes());
        let keys: Vec<Arg> = head.into_iter().chain(names.map(Arg::from)).collect();

        let provision = is_on_cluster.then(|| milliseconds(PROVISION).to_string());
        let mut args: Vec<Arg> = vec![
            self.rule.needed_by().into(),
            provision.unwrap_or_default().into(),
        ];
        for change in &planned {
            args.extend(change.args()?);
        }

        let mut replies = CHANGE_LIVES.run(redis, keys, args).await?;
        let mut changed = Vec::with_capacity(planned.len());
        let mut written = Vec::new();
        for change in planned {
            match replies.count()? {
                CHANGED => changed.push(change),
                WRITTEN_MEANWHILE => written.push(change.found.name),
                _ => self.tally.0.lock().after.count(change.found.left),
            }
        }
        Ok((changed, written))
    }

    pub(super) fn count_found(&self, found: &[FoundLife]) {
        let mut counts = self.tally.0.lock();
        counts.matched += found.len() as u64;
        found
            .iter()
            .for_each(|found| counts.before.count(found.left));
    }

    pub(super) fn count_changed(&self, found: &FoundLife, expiry: NewExpiry) {
        let mut counts = self.tally.0.lock();
        counts.changed += 1;
        counts.after.count(expiry);
        if counts.names.len() < self.samples {
            counts.names.push(found.name.clone());
        }
    }
}

impl LifeRule<'_> {
    /// The first argument of `keys/change_lives.lua`.
    fn needed_by(self) -> &'static str {
        match self {
            Self::Expiry(rule) => rule.needed_by(),
            Self::Stale(_) => "stale",
        }
    }
}

impl FoundLife {
    /// Returns whether this expiry would lengthen the life of a key that may be a value whose store
    /// on a Cluster is not confirmed yet. Such a value must expire.
    fn may_be_unconfirmed(&self, expiry: NewExpiry) -> bool {
        self.left.is_some_and(|left| {
            left <= milliseconds(PROVISION) && expiry.is_none_or(|expiry| expiry > left)
        })
    }

    /// The expiry and the facts that the key gets by a rule.
    async fn plan<R: Redis>(
        &self,
        redis: &R,
        clock: &ServerClock,
        rule: &ExpiryRule,
        expiry: NewExpiry,
    ) -> Result<(NewExpiry, Option<Facts>), RedisError> {
        let mut facts = self.trailer.facts();
        if let Some(facts) = &mut facts {
            clock.refresh_if_due(redis).await?;
            rule.change_facts(facts, expiry, clock.now());
        }
        Ok((expiry, facts))
    }
}

impl PlannedChange {
    /// The four arguments of `keys/change_lives.lua` for a key.
    pub(super) fn args(&self) -> Result<[Arg; 4], RedisError> {
        let FoundLife { trailer, .. } = &self.found;
        let replacement = match self.facts.clone() {
            Some(mut facts) => trailer.replacement(&mut facts)?,
            None => Replacement::default(),
        };
        let expiry = self.expiry.map_or_else(|| "".into(), Arg::from);
        Ok([
            trailer.text.as_slice().into(),
            replacement.replaced.into(),
            replacement.bytes.into(),
            expiry,
        ])
    }

    /// How long the key lives now, if that is longer than before.
    fn longer_life(&self) -> Option<Duration> {
        let before = self.found.left?;
        match self.expiry {
            Some(expiry) if expiry <= before => None,
            expiry => Some(expiry.map_or(MAX_TTL, Duration::from_millis)),
        }
    }
}

/// Makes the sets of the entries' tags live at least as long as the entries. One round trip for
/// each tag, which overlap; none without tags, and none for shortened keys.
pub(super) async fn keep_tags<R: Redis>(
    redis: &R,
    changed: &[PlannedChange],
) -> Result<(), RedisError> {
    let mut tags: BTreeMap<Tag, (Duration, Vec<KeyName>)> = BTreeMap::new();
    for change in changed {
        let Some((facts, life)) = change.facts.as_ref().zip(change.longer_life()) else {
            continue;
        };
        for tag in Tag::of_trailer(&facts.tags) {
            let (longest, keys) = tags.entry(tag).or_default();
            *longest = life.max(*longest);
            keys.push(change.found.name.clone());
        }
    }

    let members = tags.iter().map(|(tag, (life, keys))| NewMembers {
        tag,
        life: *life,
        keys,
    });
    set::add_members(redis, members).await
}
