//! Keys of the trail in Redis, and what bounds them.

use edge_cache::keyspace::key::{AUDIT, COUNTERS};
use serde::Serialize;

/// The stream a record belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditStream {
    /// Changes made by people and services with a token.
    #[default]
    Changes,
    /// Denied attempts.
    Denied,
    /// Automatic changes: messages of the events channel, the schedule.
    Automatic,
}

impl AuditStream {
    /// Its number in scripts and cursors, from 1.
    pub(super) fn number(self) -> usize {
        match self {
            Self::Changes => 1,
            Self::Denied => 2,
            Self::Automatic => 3,
        }
    }

    /// The key that holds it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Changes => STREAM_KEYS[0],
            Self::Denied => STREAM_KEYS[1],
            Self::Automatic => STREAM_KEYS[2],
        }
    }
}

/// The streams' keys, by number. Earlier versions kept all records in the first.
pub(super) const STREAM_KEYS: [&str; 3] = [AUDIT, "cache:audit:denied", "cache:audit:automatic"];

/// Keys that every script of the trail takes: the streams, intents, sizes, sums, counters.
pub(super) const TRAIL_KEYS: [&str; 7] = [
    STREAM_KEYS[0],
    STREAM_KEYS[1],
    STREAM_KEYS[2],
    "cache:audit:open",
    "cache:audit:sizes",
    "cache:audit:sums",
    COUNTERS,
];

/// Bounds of the streams, as scripts take them: bytes of each (48, 8 and 8 MiB), then milliseconds
/// that each keeps its records (400, 90 and 90 days).
pub(super) const STREAM_BOUNDS: &str = "50331648 8388608 8388608 34560000000 7776000000 7776000000";

/// The streams of changes: by tokens, and automatic ones.
pub(crate) fn change_keys() -> [&'static str; 2] {
    [AuditStream::Changes.key(), AuditStream::Automatic.key()]
}

/// The keys that hold records. When one of them is in the cache's database, a global clear walks
/// instead of flushing, whichever database the trail is in now.
pub(crate) fn keys_with_records() -> impl Iterator<Item = &'static str> {
    TRAIL_KEYS.into_iter().filter(|key| key.starts_with(AUDIT))
}
