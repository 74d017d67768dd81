//! Slices of walks whose names the worker sees: dry runs, which remember them, changes of expiries,
//! and removals that do not concern all keys of a pattern.
//!
//! The worker reads the names of a slice, selects some, and sends these with the position of the
//! slice. One script changes the keys, and stores counts and position. If the part is no longer at
//! this position, because another worker has advanced it, the script does nothing. So each key counts
//! once, even if workers are killed at any moment.

use edge_cache::keyspace::bulk_expiry::BulkExpiry;
use edge_cache::keyspace::conditions::{self, Conditions};
use edge_cache::keyspace::key::KeyName;
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, HostRuntime, Redis, Replies};
use edge_cache::{RedisError, script};

use super::counts::{Counts, SelectedCounts};
use super::names;
use super::record::Effect;
use super::selection::{Position, Selection, SliceEnd, in_order};
use super::slice::{PART_LIFE_MS, PartWalk};
use crate::admin::conditions::explain;
use crate::error::Error;
use crate::lua;

static OPEN_PART: Script = script!(repeatable "jobs/open_part", [lua::JOB_PART]);
static COUNT_SLICE: Script = script!(once "jobs/count_slice", [lua::JOB_PART]);
static READ_SLICE: Script = script!(repeatable "jobs/read_slice", [
    shared::OWN_READS,
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    lua::JOB_SEARCH,
    shared::CONDITIONS,
]);

/// The TTL of remembered names: as long as a job is kept.
const NAMES_LIFE_MS: u64 = 7 * 86_400_000;

impl<R: Redis + HostRuntime> PartWalk<'_, R> {
    /// Walks one slice. Two round trips; up to three more for expiries, one more for each part of an
    /// executed dry run.
    pub(super) async fn advance_selected(&mut self, selection: &Selection) -> Result<(), Error> {
        if self.position.cursor.is_empty() {
            return self.open(selection).await;
        }
        if self.part.has_ended {
            return Ok(());
        }

        let (mut names, mut end) = self.read_slice(&selection.conditions).await?;
        if let Some(executes) = &selection.executes {
            (names, end.appeared) = executes.filter(self.node, names).await?;
        }
        names.retain(|name| name.as_bytes() > self.position.mark.as_slice());
        if let Some(grace) = selection.grace {
            return self.mark_names(&names, &end, grace).await;
        }
        match (selection.effect, &selection.expiry) {
            (Effect::Count | Effect::MarkStale | Effect::Warm | Effect::Analyse, expiry) => {
                self.count_names(&names, &end, expiry.as_ref(), selection.name_bits)
                    .await
            }
            (Effect::Expire, Some(expiry)) => self.expire_names(names, &end, expiry).await,
            (Effect::Remove | Effect::Expire, _) => self.remove_names(&names, &end).await,
        }
    }

    /// Reads the position of the part, or creates the part.
    async fn open(&mut self, selection: &Selection) -> Result<(), Error> {
        let mut keys: Vec<Arg> = vec![self.part.key.as_str().into()];
        // After a restart of the server, such a walk finds again what it has counted.
        if matches!(selection.effect, Effect::Count | Effect::MarkStale) {
            keys.push(self.part.names_key().into());
        }
        let Counts {
            walked,
            matched,
            removed,
            failed,
        } = self.part.counts;
        let bits = selection.name_bits.map(u64::from);
        let bits = bits.map_or_else(|| "".into(), Arg::from);
        let head = [PART_LIFE_MS.into(), NAMES_LIFE_MS.into(), bits];
        let counts = [walked, matched, removed, failed].into_iter();
        let counts = counts.chain(self.part.selected.numbers()).map(Arg::from);

        let args = head.into_iter().chain(counts);
        let mut replies = OPEN_PART.run(self.node, keys, args).await?;
        self.read_applied(&mut replies).await.map(drop)
    }

    /// Reads the names of a slice, in order, that match and meet conditions.
    async fn read_slice(&self, conditions: &Conditions) -> Result<(Vec<KeyName>, SliceEnd), Error> {
        let mut args: Vec<Arg> = vec![
            self.position.cursor.as_slice().into(),
            self.search.head.as_slice().into(),
            self.search.most.into(),
            conditions.kind.as_str().into(),
        ];
        args.extend(conditions.script_args());
        args.extend(self.search.packed());

        let read = self.node.run_keyless(&READ_SLICE, args).await;
        let Some(mut replies) = read.map_err(explain)? else {
            return self.read_plainly(conditions).await;
        };
        let next = replies.bytes()?;
        let walked = replies.count()?;
        let untested = (0..replies.count()?).map(|_| replies.bytes().map(KeyName::new));
        let untested: Vec<KeyName> = untested.collect::<Result<_, _>>()?;
        let mut names: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
        if !untested.is_empty() {
            let met = conditions::meet(self.node, untested, conditions).await;
            names.extend(met.map_err(explain)?);
        }
        Ok((in_order(names), SliceEnd::new(next, walked)))
    }

    /// Reads a slice with plain commands, for servers that refuse scripts without keys.
    async fn read_plainly(
        &self,
        conditions: &Conditions,
    ) -> Result<(Vec<KeyName>, SliceEnd), Error> {
        let read = self.read_plain_names(&self.position.cursor, &conditions.kind);
        let (mut names, end) = read.await.map_err(explain)?;
        if conditions.need_reading() {
            let met = conditions::meet(self.node, names, conditions).await;
            names = in_order(met.map_err(explain)?);
        }
        Ok((names, end))
    }

    /// Counts the keys of a slice, for a dry run.
    async fn count_names(
        &mut self,
        names: &[KeyName],
        end: &SliceEnd,
        expiry: Option<&BulkExpiry>,
        name_bits: Option<u32>,
    ) -> Result<(), Error> {
        let selected = match expiry {
            Some(expiry) => (&expiry.plan_slice(self.node, names).await?.counts).into(),
            None => SelectedCounts::default(),
        };
        let counts = Counts {
            walked: end.walked,
            matched: names.len() as u64,
            ..Counts::default()
        };
        let remembered = name_bits.map_or_else(Vec::new, |bits| names::args_of(names, bits));
        self.add_counts(&end.next, counts, selected, remembered)
            .await
    }

    /// Adds to the counts, and moves the part to a cursor. One round trip.
    pub(super) async fn add_counts(
        &mut self,
        next: &[u8],
        counts: Counts,
        selected: SelectedCounts,
        remembered: Vec<Arg>,
    ) -> Result<(), Error> {
        let numbers = [
            ("walked", counts.walked),
            ("matched", counts.matched),
            ("removed", counts.removed),
            ("failed", counts.failed),
        ];
        let selected = SelectedCounts::FIELDS.into_iter().zip(selected.numbers());
        let numbers = numbers.into_iter().chain(selected);
        let numbers: Vec<(&str, u64)> = numbers.filter(|(_, number)| *number > 0).collect();

        let Position {
            cursor,
            mark,
            run_id,
        } = self.position.clone();
        let mut args: Vec<Arg> = vec![
            PART_LIFE_MS.into(),
            NAMES_LIFE_MS.into(),
            run_id.into(),
            cursor.into(),
            mark.into(),
            next.into(),
            numbers.len().into(),
        ];
        for (name, number) in numbers {
            args.extend([name.into(), number.into()]);
        }
        args.extend(remembered);

        let keys = [self.part.key.as_str().into(), self.part.names_key().into()];
        let mut replies = COUNT_SLICE.run(self.node, keys, args).await?;
        self.read_applied(&mut replies).await.map(drop)
    }

    /// Reads the reply of a script about the part. Returns whether the script has done its work;
    /// further replies follow.
    pub(super) async fn read_applied(&mut self, replies: &mut Replies) -> Result<bool, Error> {
        match replies.text()?.as_str() {
            "moved" => {
                self.position = Position::default();
                return Ok(false);
            }
            "refused" => {
                let error = RedisError::from_script_text(&replies.text()?);
                self.leave_moved(error).await?;
                return Ok(false);
            }
            _ => {}
        }

        self.position = Position {
            cursor: replies.bytes()?,
            mark: replies.bytes()?,
            run_id: replies.bytes()?,
        };
        self.part.has_ended = self.position.cursor == b"end";
        self.part.counts = Counts::read(replies)?;
        self.part.selected = SelectedCounts::read(replies)?;
        Ok(true)
    }
}
