//! One slice of a part: keys are removed or counted, and counts and cursor are stored.

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::{MAX_KEYS_PER_CALL, removal, scan};
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, Command, OnNode, Redis, Replies};
use edge_cache::script;
use edge_cache::{ErrorKind, RedisError};

use super::counts::Counts;
use super::plan::Part;
use super::record::{Effect, JobWork};
use crate::error::Error;

static WALK_SLICE: Script = script!(once "jobs/walk_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL,
]);
static WALK_SLICE_ON_NODE: Script = script!(once "jobs/walk_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL_ON_NODE,
]);
static RECORD_SLICE: Script = script!(once "jobs/record_slice", []);

/// The TTL of a part after its job has ended: longer than a slice takes to arrive.
const CLOSED_PART_LIFE_MS: u64 = 3_600_000;
/// The TTL of a part after its last slice: longer than a job is kept.
const PART_LIFE_MS: u64 = 8 * 86_400_000;
/// Refusals of a node to remove keys of one slice, whose slot is moving, before the walk skips
/// these keys.
const MAX_REFUSALS: u32 = 20;

/// The keys that a job looks for, and the effect on them.
pub(super) struct Search {
    effect: Effect,
    patterns: Vec<Pattern>,
    head: Vec<u8>,
    packed: Vec<Vec<u8>>,
    /// How many keys a slice visits at most.
    most: usize,
}

/// The walk over a part in this process.
pub(super) struct PartWalk<'a, R> {
    pub(super) node: &'a OnNode<'a, R>,
    pub(super) search: &'a Search,
    pub(super) part: &'a mut Part,
    /// The number of times that the node has refused keys of the slice.
    refusals: u32,
}

impl Search {
    /// `quota` is the most keys that may match in one batch.
    pub(super) fn of(work: &JobWork, quota: Option<u64>) -> Self {
        let patterns = work.patterns();
        let head = match patterns.as_slice() {
            [only] => only.search().head,
            _ => b"*".to_vec(),
        };
        Self {
            effect: work.effect,
            most: quota.map_or(MAX_KEYS_PER_CALL, |quota| {
                usize::try_from(quota).map_or(MAX_KEYS_PER_CALL, |most| most.min(MAX_KEYS_PER_CALL))
            }),
            packed: patterns.iter().map(|one| one.search().parts).collect(),
            head,
            patterns,
        }
    }

    fn effect_name(&self) -> &'static str {
        match self.effect {
            Effect::Remove => "remove",
            Effect::Count => "count",
        }
    }

    fn takes(&self, name: &KeyName) -> bool {
        !name.is_protected() && self.patterns.iter().any(|one| one.matches(name.as_bytes()))
    }
}

/// Ends a part whose job has ended, so that late slices of it do nothing. One round trip.
pub(super) async fn close_part<R: Redis>(redis: &R, part: &Part) -> Result<(), RedisError> {
    let nothing = [0_u64; 4].map(Arg::from);
    let args = ["end".into(), CLOSED_PART_LIFE_MS.into()];
    let keys = [part.key.as_str().into()];
    let args = args.into_iter().chain(nothing);
    RECORD_SLICE.run(redis, keys, args).await.map(drop)
}

impl<'a, R: Redis> PartWalk<'a, R> {
    pub(super) fn new(node: &'a OnNode<'a, R>, search: &'a Search, part: &'a mut Part) -> Self {
        Self {
            node,
            search,
            part,
            refusals: 0,
        }
    }

    /// Walks one slice. One round trip.
    pub(super) async fn advance(&mut self) -> Result<(), Error> {
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
        self.part.has_ended = replies.count()? == 1;
        self.part.counts = Counts::read(&mut replies)?;
        let refused: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
        if refused.is_empty() {
            self.refusals = 0;
            return Ok(());
        }
        self.refusals += 1;
        self.remove_elsewhere(&refused).await
    }

    fn args(&self) -> Vec<Arg> {
        let Counts {
            walked,
            matched,
            removed,
            failed,
        } = self.part.counts;
        let passes_over = if self.refusals >= MAX_REFUSALS {
            "1"
        } else {
            ""
        };

        let key = self.part.key.as_bytes();
        let full_name = self.node.namespace().full_name(key);
        let mut args: Vec<Arg> = vec![
            full_name.unwrap_or_else(|| key.to_vec()).into(),
            self.search.effect_name().into(),
            self.search.head.as_slice().into(),
            self.search.most.into(),
            passes_over.into(),
            PART_LIFE_MS.into(),
            walked.into(),
            matched.into(),
            removed.into(),
            failed.into(),
        ];

        args.extend(self.search.packed.iter().map(|one| one.as_slice().into()));
        args
    }

    /// Ends the part if its slot has moved, or is moving.
    async fn leave_moved(&mut self, error: RedisError) -> Result<(), Error> {
        let is_moved = error.kind == ErrorKind::Cluster || error.message.contains("non local key");
        if !is_moved {
            return Err(error.into());
        }
        Ok(self.part.cut(self.node).await?)
    }

    /// Removes keys of a moving slot, on whichever node has them.
    async fn remove_elsewhere(&mut self, names: &[KeyName]) -> Result<(), Error> {
        let removed = removal::delete_found(self.node, names).await?;
        let added = Counts {
            matched: removed,
            removed,
            ..Counts::default()
        };
        self.record("", added).await
    }

    /// Walks one slice with plain commands: removes its keys, then stores the counts. Two round
    /// trips, and one for each 64 slots that the keys are in.
    async fn advance_plainly(&mut self) -> Result<(), Error> {
        let read = Command::read("HGET").arg(self.part.key.as_str());
        let stored = self.node.execute(read.arg("cursor")).await?;
        let stored = Replies::new(stored).optional_bytes()?;
        let cursor = stored.unwrap_or_else(|| b"0".to_vec());
        if cursor == b"end" {
            return Ok(self.part.refresh(self.node).await?);
        }

        let head = &self.search.head;
        let (next, names) =
            scan::read_names(self.node, &cursor, head, self.search.most, "").await?;
        let mut found: Vec<KeyName> = names
            .into_iter()
            .filter(|name| self.search.takes(name))
            .collect();
        found.sort();
        found.dedup();

        let matched = found.len() as u64;
        let removed = match self.search.effect {
            Effect::Count => 0,
            Effect::Remove => removal::delete_found(self.node, &found).await?,
        };
        let added = Counts {
            walked: self.search.most as u64,
            matched,
            removed,
            failed: 0,
        };
        let next = if next == b"0" { b"end".to_vec() } else { next };
        self.record(next, added).await
    }

    async fn record(&mut self, cursor: impl Into<Arg>, added: Counts) -> Result<(), Error> {
        let args = [
            cursor.into(),
            PART_LIFE_MS.into(),
            added.walked.into(),
            added.matched.into(),
            added.removed.into(),
            added.failed.into(),
        ];
        let keys = [self.part.key.as_str().into()];
        let mut replies = RECORD_SLICE.run(self.node, keys, args).await?;
        self.part.has_ended = replies.count()? == 1;
        self.part.counts = Counts::read(&mut replies)?;
        Ok(())
    }
}
