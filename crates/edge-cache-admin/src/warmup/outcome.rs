//! Outcomes of a slice of keys, and reasons for which a warmup stops early.

use std::fmt;

use edge_cache::RedisError;
use edge_cache::keyspace::bulk_write::WriteCounts;

/// The outcome of a slice.
#[derive(Debug)]
pub(super) enum SliceOutcome {
    Written(WriteCounts),
    /// The slice could not be loaded, rendered or written; the next plan entry may succeed.
    Failed(String),
}

/// The reason for which a warmup stops early.
#[derive(Debug)]
pub(crate) enum StopReason {
    Cancelled,
    /// The job is paused or cancelled, or the time of its worker is over.
    Returned,
    /// Another warmup took the lock.
    LockLost,
    /// The next slice would exceed the memory limit; the message for the operator.
    MemoryFull(String),
    Redis(RedisError),
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Returned => f.write_str("interrupted"),
            Self::LockLost => f.write_str(
                "the warmup did not renew its lock in time, and another warmup took over",
            ),
            Self::MemoryFull(problem) => f.write_str(problem),
            Self::Redis(error) => error.fmt(f),
        }
    }
}

impl From<RedisError> for StopReason {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}
