//! The walk that a turn advances, and how far it is.

use super::turn::Turn;
use crate::error::RedisError;
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::keyspace::key::{FENCES, NONE, REMOVAL_ANNOUNCEMENT, REMOVAL_PATTERNS, REMOVALS};
use crate::keyspace::pattern::{Pattern, literal_prefix};
use crate::redis::{Arg, Replies};

/// The keys of scripts that advance a walk.
pub(super) const WALK_KEYS: [&str; 5] = [
    REMOVALS,
    REMOVAL_PATTERNS,
    REMOVAL_ANNOUNCEMENT,
    NONE,
    FENCES,
];

/// The walk that a turn advances.
pub(super) struct Walk {
    pub(super) next: Turn,
    pub(super) patterns: Vec<Pattern>,
}

impl Walk {
    /// The head for `SCAN`, which every pattern's names match.
    pub(super) fn head(&self) -> Vec<u8> {
        match self.patterns.as_slice() {
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

/// Reads the reply to a slice: whether it was the last one, and how many keys the walk has removed so far;
/// `None` when the next turn has begun.
pub(super) fn read_progress(mut replies: Replies) -> Result<Option<(bool, u64)>, RedisError> {
    if replies.remaining() == 0 {
        return Ok(None);
    }
    let goes_on = replies.count()? == 1;
    Ok(Some((!goes_on, replies.count()?)))
}
