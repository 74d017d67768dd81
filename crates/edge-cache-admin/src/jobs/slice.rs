//! One slice of a part: the keys of patterns are removed, and counts and cursor are stored.

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::{MAX_KEYS_PER_CALL, removal, scan};
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, Command, HostRuntime, OnNode, Redis, Replies};
use edge_cache::script;
use edge_cache::{ErrorKind, RedisError};

use super::counts::{Counts, suffix_at};
use super::plan::Part;
use super::record::{Job, Marking};
use super::selection::{Position, Selection, SliceEnd, in_order};
use super::tallying::Tallying;
use crate::error::Error;
use crate::lua;

static WALK_SLICE: Script = script!(once "jobs/walk_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    lua::JOB_PART,
    lua::JOB_SEARCH,
    shared::REMOVAL,
]);
static WALK_SLICE_ON_NODE: Script = script!(once "jobs/walk_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    lua::JOB_PART,
    lua::JOB_SEARCH,
    shared::REMOVAL_ON_NODE,
]);
static RECORD_SLICE: Script = script!(once "jobs/record_slice", []);

/// The TTL of a part after its job has ended: longer than a slice takes to arrive.
const CLOSED_PART_LIFE_MS: u64 = 3_600_000;
/// The TTL of a part after its last slice: longer than a job is kept.
pub(super) const PART_LIFE_MS: u64 = 8 * 86_400_000;
/// Refusals of a node to remove keys of one slice, whose slot is moving, before the walk skips
/// these keys.
const MAX_REFUSALS: u32 = 20;

/// The keys that jobs look for, and the effect on them.
pub(super) struct Search {
    /// The patterns of each job.
    patterns: Vec<Vec<Pattern>>,
    pub(super) head: Vec<u8>,
    /// The packed parts of these patterns.
    packed: Vec<Vec<Vec<u8>>>,
    /// How many keys a slice visits at most.
    pub(super) most: usize,
    /// The soft purge, if keys are marked stale.
    marking: Option<Marking>,
    /// The selection of keys by more than their patterns.
    selection: Option<Selection>,
    /// The most segments of a group, in an analysis.
    depth: Option<u8>,
}

/// The walk over a part in this process.
pub(super) struct PartWalk<'a, R> {
    pub(super) node: &'a OnNode<'a, R>,
    pub(super) search: &'a Search,
    pub(super) part: &'a mut Part,
    /// The number of times that the node has refused keys of the slice.
    refusals: u32,
    /// The position of a walk whose names the worker sees; the default until it is read.
    pub(super) position: Position,
    /// The tally of an analysis, with the keys of this batch.
    pub(super) tallying: Option<Tallying>,
}

impl Search {
    /// Of several jobs, the first decides on the effect. `quota` is the most keys that may match in one
    /// batch.
    pub(super) fn of(jobs: &[Job], quota: Option<u64>) -> Self {
        let patterns: Vec<Vec<Pattern>> = jobs.iter().map(|job| job.work.patterns()).collect();
        let all: Vec<&Pattern> = patterns.iter().flatten().collect();
        let head = match all.as_slice() {
            [only] => only.search().head,
            _ => b"*".to_vec(),
        };
        let packed = patterns.iter().map(|of_job| {
            let parts = of_job.iter().map(|pattern| pattern.search().parts);
            parts.collect()
        });
        let lead = jobs.first();
        Self {
            marking: lead.and_then(|job| job.work.marking(&job.fences)),
            selection: lead.and_then(Selection::of),
            depth: lead.and_then(|job| job.work.depth),
            most: quota.map_or(MAX_KEYS_PER_CALL, |quota| {
                usize::try_from(quota).map_or(MAX_KEYS_PER_CALL, |most| most.min(MAX_KEYS_PER_CALL))
            }),
            packed: packed.collect(),
            head,
            patterns,
        }
    }

    /// All packed patterns.
    pub(super) fn packed(&self) -> impl Iterator<Item = Arg> {
        self.packed
            .iter()
            .flatten()
            .map(|one| one.as_slice().into())
    }

    fn takes(&self, name: &KeyName) -> bool {
        let mut jobs = self.patterns.iter();
        jobs.any(|patterns| is_of_job(patterns, name))
    }

    /// Counts the keys of each job among those that a walk has found; `existed` says for each whether it
    /// was removed.
    fn count_found(&self, names: &[KeyName], existed: &[bool]) -> Vec<Counts> {
        let jobs = self.patterns.iter().map(|patterns| {
            let found = names.iter().zip(existed);
            let of_job = found.filter(|(name, _)| is_of_job(patterns, name));
            let mut counts = Counts::default();
            for (_, is_removed) in of_job {
                counts.matched += 1;
                counts.removed += u64::from(*is_removed);
            }
            counts
        });
        jobs.collect()
    }
}

/// Returns whether a job with these patterns removes a key.
fn is_of_job(patterns: &[Pattern], name: &KeyName) -> bool {
    !name.is_protected() && patterns.iter().any(|one| one.matches(name.as_bytes()))
}

/// Ends a part whose job has ended, so that late slices of it do nothing. One round trip.
pub(super) async fn close_part<R: Redis>(redis: &R, part: &Part) -> Result<(), RedisError> {
    let args = ["end".into(), CLOSED_PART_LIFE_MS.into(), 0_u64.into()];
    let keys = [part.key.as_str().into()];
    RECORD_SLICE.run(redis, keys, args).await.map(drop)
}

impl<'a, R: Redis + HostRuntime> PartWalk<'a, R> {
    pub(super) fn new(node: &'a OnNode<'a, R>, search: &'a Search, part: &'a mut Part) -> Self {
        Self {
            node,
            search,
            part,
            refusals: 0,
            position: Position::default(),
            tallying: None,
        }
    }

    /// Walks one slice. One round trip; seven for a soft purge; with a selection see
    /// [`PartWalk::advance_selected`], in an analysis [`PartWalk::advance_tally`].
    pub(super) async fn advance(&mut self) -> Result<(), Error> {
        if let Some(depth) = self.search.depth {
            return self.advance_tally(depth).await;
        }
        if let Some(marking) = self.search.marking {
            return self.advance_marking(marking).await;
        }
        if let Some(selection) = &self.search.selection {
            return self.advance_selected(selection).await;
        }
        let replies = if self.part.node.is_none() {
            let keys = [self.part.key.as_str().into()];
            Some(WALK_SLICE.run(self.node, keys, self.args()).await?)
        } else {
            self.node
                .run_keyless(&WALK_SLICE_ON_NODE, self.args())
                .await?
        };
        let Some(mut replies) = replies else {
            return self.advance_plainly().await;
        };

        if replies.text()? == "refused" {
            let error = RedisError::from_script_text(&replies.text()?);
            return self.leave_moved(error).await;
        }
        self.read_counts(&mut replies)?;
        let refused: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
        if refused.is_empty() {
            self.refusals = 0;
            return Ok(());
        }
        self.refusals += 1;
        self.remove_elsewhere(&refused).await
    }

    fn args(&self) -> Vec<Arg> {
        let passes_over = if self.refusals >= MAX_REFUSALS {
            "1"
        } else {
            ""
        };
        let key = self.part.key.as_bytes();
        let full_name = self.node.namespace().full_name(key);
        let mut args: Vec<Arg> = vec![
            full_name.unwrap_or_else(|| key.to_vec()).into(),
            self.search.head.as_slice().into(),
            self.search.most.into(),
            passes_over.into(),
            PART_LIFE_MS.into(),
            self.part.counts.walked.into(),
        ];

        for ((place, counts), packed) in self.part.by_place().into_iter().zip(&self.search.packed) {
            args.extend([
                suffix_at(place).into(),
                counts.matched.into(),
                counts.removed.into(),
                counts.failed.into(),
                packed.len().into(),
            ]);
            args.extend(packed.iter().map(|one| Arg::from(one.as_slice())));
        }
        args
    }

    /// Reads the end of a reply: 1 at the end of the walk, and counts.
    fn read_counts(&mut self, replies: &mut Replies) -> Result<(), RedisError> {
        self.part.has_ended = replies.count()? == 1;
        let jobs = 1 + self.part.others.len();
        self.part.set_counts(Counts::read_many(replies, jobs)?);
        Ok(())
    }

    /// Ends the part if its slot has moved, or is moving.
    pub(super) async fn leave_moved(&mut self, error: RedisError) -> Result<(), Error> {
        let is_moved = error.kind == ErrorKind::Cluster || error.message.contains("non local key");
        if !is_moved {
            return Err(error.into());
        }
        Ok(self.part.cut(self.node).await?)
    }

    /// Removes keys of a moving slot, on whichever node has them.
    async fn remove_elsewhere(&mut self, names: &[KeyName]) -> Result<(), Error> {
        let existed = removal::delete_each_found(self.node, names).await?;
        let mut added = self.search.count_found(names, &existed);
        for counts in &mut added {
            // Keys that are gone were no longer there.
            counts.matched = counts.removed;
        }
        self.record("", 0, &added).await
    }

    /// Walks one slice with plain commands: removes its keys, then stores the counts. Two round
    /// trips, and one for each 64 slots that the keys are in.
    async fn advance_plainly(&mut self) -> Result<(), Error> {
        let read = Command::read("HGET").arg(self.part.key.as_str());
        let stored = self.node.execute(read.arg("cursor")).await?;
        let stored = Replies::new(stored).optional_bytes()?;
        let cursor = stored.unwrap_or_else(|| b"0".to_vec());
        if cursor == b"end" {
            self.part.refresh(self.node).await?;
            return Ok(());
        }

        let (found, end) = self.read_plain_names(&cursor, "").await?;
        let existed = removal::delete_each_found(self.node, &found).await?;
        let added = self.search.count_found(&found, &existed);
        self.record(end.next, end.walked, &added).await
    }

    /// Reads the names of a slice, in order, that match and are of a type, `""` for any. Costs what
    /// [`scan::read_names`] says.
    pub(super) async fn read_plain_names(
        &self,
        cursor: &[u8],
        kind: &str,
    ) -> Result<(Vec<KeyName>, SliceEnd), RedisError> {
        let search = self.search;
        let (next, names) =
            scan::read_names(self.node, cursor, &search.head, search.most, kind).await?;
        let found = names.into_iter().filter(|name| search.takes(name));
        let end = SliceEnd::new(next, search.most as u64);
        Ok((in_order(found.collect()), end))
    }

    /// Moves the part to a cursor, and adds to the counts of each job. One round trip.
    pub(super) async fn record(
        &mut self,
        cursor: impl Into<Arg>,
        walked: u64,
        added: &[Counts],
    ) -> Result<(), Error> {
        let mut args = vec![cursor.into(), PART_LIFE_MS.into(), walked.into()];
        for ((place, _), added) in self.part.by_place().into_iter().zip(added) {
            args.extend([
                suffix_at(place).into(),
                added.matched.into(),
                added.removed.into(),
                added.failed.into(),
            ]);
        }

        let keys = [self.part.key.as_str().into()];
        let mut replies = RECORD_SLICE.run(self.node, keys, args).await?;
        Ok(self.read_counts(&mut replies)?)
    }
}
