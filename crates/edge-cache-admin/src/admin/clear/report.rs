//! Reports of clears.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use edge_cache::keyspace::fence::InForce;
use serde::Serialize;

use crate::admin::share::ShareReport;

/// How keys are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClearMethod {
    /// At once, by `FLUSHDB`.
    Flush,
    /// Slice by slice.
    Walk,
}

/// The result of a clear. A key counts once. Expired keys do not count, nor do the keys that
/// edge-cache keeps for others (chunks being written, load locks). Its other keys count only if the
/// pattern names them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum ClearReport {
    /// Keys were removed, or marked stale.
    Cleared {
        /// How many were removed.
        #[serde(rename = "keysDeleted")]
        keys_deleted: u64,
        /// How many a soft purge has marked stale.
        #[serde(rename = "keysMarkedStale")]
        keys_marked_stale: u64,
        /// False for an estimate: a flush of more than about 5,000 keys estimates their number.
        #[serde(rename = "exact")]
        exact: bool,
        /// How they were found.
        method: ClearMethod,
        /// When readers know it; `None` for a flush and for changes by name, which are in force
        /// once done.
        #[serde(skip)]
        in_force: Option<InForce>,
    },
    /// A dry run: nothing was removed or marked.
    Matched {
        /// Keys that a clear would remove or mark stale.
        #[serde(rename = "keysMatched")]
        keys_matched: u64,
        /// False for an estimate.
        #[serde(rename = "exact")]
        exact: bool,
        /// How they would be removed.
        method: ClearMethod,
        /// Names of up to 20 of them.
        #[serde(rename = "sampleKeys")]
        sample_keys: Vec<String>,
        /// Base64 of those names that `sampleKeys` shows escaped.
        #[serde(
            rename = "sampleKeysBase64",
            skip_serializing_if = "BTreeMap::is_empty"
        )]
        sample_keys_base64: BTreeMap<String, String>,
        /// The role and confirmation that the clear needs.
        #[serde(flatten)]
        share: ShareReport,
    },
}

impl ClearReport {
    /// Keys removed; 0 for a dry run.
    pub fn keys_deleted(&self) -> u64 {
        match self {
            Self::Cleared { keys_deleted, .. } => *keys_deleted,
            Self::Matched { .. } => 0,
        }
    }

    /// Keys marked stale; 0 for a dry run.
    pub fn keys_marked_stale(&self) -> u64 {
        match self {
            Self::Cleared {
                keys_marked_stale, ..
            } => *keys_marked_stale,
            Self::Matched { .. } => 0,
        }
    }

    /// The time from which no service that uses the library is served an entry from before the
    /// clear, which has just ended; `None` for a dry run. Services ask for new fences once in
    /// `fence_interval`.
    pub fn in_force_at(&self, fence_interval: Duration) -> Option<SystemTime> {
        match self {
            Self::Cleared { in_force, .. } => {
                let at = in_force.map(|in_force| in_force.at(fence_interval));
                Some(at.unwrap_or_else(SystemTime::now))
            }
            Self::Matched { .. } => None,
        }
    }
}
