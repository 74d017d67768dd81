//! The soft fences of a view: entries that one covers are stale from its time on.

use std::collections::HashMap;

use super::index::FenceIndex;
use super::stamp::StreamId;
use crate::keyspace::purge::SoftGrace;

/// A soft purge of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SoftPurge {
    /// When its fence was recorded, in milliseconds of Redis' clock.
    pub(crate) at: u64,
    /// How long the entry may be served after that, if it has no grace of its own.
    pub(crate) grace: SoftGrace,
}

/// Soft fences by what they cover; of equal ones the newest.
#[derive(Debug, Default)]
pub(super) struct SoftIndex {
    fences: FenceIndex,
    graces: HashMap<StreamId, SoftGrace>,
}

impl SoftIndex {
    pub(super) fn insert(&mut self, id: StreamId, by: &[u8], covered: &[u8], grace: SoftGrace) {
        self.fences.insert(id, by, covered);
        self.graces.insert(id, grace);
    }

    pub(super) fn remove(&mut self, id: StreamId, by: &[u8], covered: &[u8]) {
        self.fences.remove(id, by, covered);
        self.graces.remove(&id);
    }

    /// The first soft purge after a stamp that covers the key, as far as the index has it.
    pub(super) fn first_after<'a>(
        &self,
        stamp: StreamId,
        key: &[u8],
        tags: impl Iterator<Item = &'a str>,
    ) -> Option<SoftPurge> {
        if self.graces.is_empty() {
            return None;
        }
        let first = self.fences.covering_after(stamp, key, tags).min()?;
        Some(SoftPurge {
            at: first.milliseconds,
            grace: self.graces.get(&first).copied().unwrap_or_default(),
        })
    }
}
