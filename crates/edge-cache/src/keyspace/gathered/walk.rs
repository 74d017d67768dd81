//! The walk that a turn advances, and how far it is.

use super::turn::Turn;
use crate::error::RedisError;
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::keyspace::fence::StreamId;
use crate::keyspace::key::{
    FENCES, KeyName, NONE, REMOVAL_ANNOUNCEMENT, REMOVAL_PATTERNS, REMOVAL_STALE, REMOVALS,
};
use crate::keyspace::pattern::{Pattern, literal_prefix};
use crate::keyspace::purge::SoftGrace;
use crate::redis::{Arg, Replies};

/// The keys of scripts that advance a walk.
pub(super) const WALK_KEYS: [&str; 6] = [
    REMOVALS,
    REMOVAL_PATTERNS,
    REMOVAL_ANNOUNCEMENT,
    NONE,
    FENCES,
    REMOVAL_STALE,
];

/// A walk that has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct FinishedWalk {
    /// The patterns whose keys it removed.
    pub patterns: Vec<Pattern>,
    /// Keys removed.
    pub keys_deleted: u64,
    /// The patterns whose keys it marked stale.
    pub stale_patterns: Vec<Pattern>,
    /// Keys marked stale.
    pub keys_marked_stale: u64,
}

/// The walk that a turn advances.
pub(super) struct Walk {
    pub(super) next: Turn,
    /// The patterns whose keys are removed.
    pub(super) patterns: Vec<Pattern>,
    /// The soft purges, whose keys are marked stale, oldest first.
    pub(super) soft: Vec<GatheredPurge>,
}

/// A soft purge by pattern.
pub(super) struct GatheredPurge {
    pub(super) fence: StreamId,
    pub(super) grace: SoftGrace,
    pub(super) pattern: Pattern,
}

/// The progress of a walk after a slice.
pub(super) struct Progress {
    pub(super) is_over: bool,
    /// Keys that the walk has removed so far.
    pub(super) removed: u64,
    /// Keys that it has marked stale so far.
    pub(super) marked: u64,
}

impl Walk {
    /// Reads the walk of a turn that has begun.
    pub(super) fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        let mut walk = Self {
            next: Turn::announced(replies.count()?),
            patterns: Vec::new(),
            soft: Vec::new(),
        };
        for _ in 0..replies.count()? {
            let pattern = Pattern::stored(&replies.bytes()?);
            if !walk.patterns.contains(&pattern) {
                walk.patterns.push(pattern);
            }
        }
        while replies.remaining() > 0 {
            let fence = StreamId::read(replies)?;
            walk.soft
                .extend(GatheredPurge::parse(fence, &replies.bytes()?));
        }
        walk.soft.sort_by_key(|purge| purge.fence);
        Ok(walk)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.soft.is_empty()
    }

    pub(super) fn finish(self, progress: &Progress) -> FinishedWalk {
        FinishedWalk {
            patterns: self.patterns,
            keys_deleted: progress.removed,
            stale_patterns: self.soft.into_iter().map(|purge| purge.pattern).collect(),
            keys_marked_stale: progress.marked,
        }
    }

    /// The newest soft purge that covers a name.
    pub(super) fn soft_purge_of(&self, name: &KeyName) -> Option<&GatheredPurge> {
        self.soft
            .iter()
            .rev()
            .find(|purge| purge.pattern.removes(name))
    }

    /// The head for `SCAN`, which every pattern's names match.
    pub(super) fn head(&self) -> Vec<u8> {
        let soft = self.soft.iter().map(|purge| &purge.pattern);
        let all: Vec<&Pattern> = self.patterns.iter().chain(soft).collect();
        match all.as_slice() {
            [only] => only.search().head,
            _ => b"*".to_vec(),
        }
    }

    /// The arguments of slices: the head for `SCAN`, the number of prefixes, these, then other patterns
    /// with their packed parts.
    pub(super) fn search(&self) -> Vec<Arg> {
        let prefixes: Vec<&[u8]> = self
            .patterns
            .iter()
            .filter_map(|pattern| literal_prefix(pattern.as_bytes()))
            .collect();

        let mut search: Vec<Arg> = vec![self.head().into(), MAX_KEYS_PER_CALL.into()];
        search.push(prefixes.len().into());
        search.extend(prefixes.into_iter().map(Arg::from));
        for pattern in &self.patterns {
            if literal_prefix(pattern.as_bytes()).is_none() {
                search.push(pattern.as_bytes().into());
                search.push(pattern.search().parts.into());
            }
        }
        search
    }
}

impl GatheredPurge {
    /// Reads a purge as it is gathered: its soft grace in milliseconds, a space, and its pattern.
    fn parse(fence: StreamId, text: &[u8]) -> Option<Self> {
        let end = text.iter().position(|byte| *byte == b' ')?;
        let (grace, pattern) = text.split_at_checked(end)?;
        let grace: u64 = str::from_utf8(grace).ok()?.parse().ok()?;
        Some(Self {
            fence,
            grace: SoftGrace::stored(grace),
            pattern: Pattern::stored(pattern.get(1..)?),
        })
    }
}

/// Reads the reply to a slice; `None` when the next turn has begun.
pub(super) fn read_progress(mut replies: Replies) -> Result<Option<Progress>, RedisError> {
    if replies.remaining() == 0 {
        return Ok(None);
    }
    Ok(Some(Progress {
        is_over: replies.count()? != 1,
        removed: replies.count()?,
        marked: replies.count()?,
    }))
}
