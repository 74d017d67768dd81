//! Numbers of keys that a job has walked, matched, removed and failed to remove.

use std::ops::AddAssign;

use edge_cache::RedisError;
use edge_cache::redis::Replies;
use serde::{Deserialize, Serialize};

/// Numbers of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Keys that the walk has passed; an estimate, because `SCAN` advances by buckets.
    pub(super) walked: u64,
    pub(super) matched: u64,
    pub(super) removed: u64,
    /// Matching keys that the server refused to remove.
    pub(super) failed: u64,
}

impl Counts {
    pub(super) fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        Ok(Self {
            walked: replies.count()?,
            matched: replies.count()?,
            removed: replies.count()?,
            failed: replies.count()?,
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.walked += other.walked;
        self.matched += other.matched;
        self.removed += other.removed;
        self.failed += other.failed;
    }
}
