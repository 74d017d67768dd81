//! Failures of administrative requests. The crate that serves HTTP gives each its status.

use std::time::Duration;

use edge_cache::keyspace::inspect::LoadLock;
use edge_cache::{KeyName, RedisError};

/// The longest field name in an error: a client may send a megabyte as one.
const MAX_FIELD_CHARS: usize = 100;
/// The longest key name in an error.
const MAX_KEY_CHARS: usize = 200;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON, or not an object.
    #[error("{0}")]
    Malformed(String),
    /// A field has a wrong type or value.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field's name, with its position if it is in a list: `keys[3]`.
        field: String,
        /// The mistake, and what is valid.
        problem: String,
    },
    /// The request would remove everything, or a large share of the keys, and lacks `confirm`.
    #[error("{0}")]
    ConfirmationRequired(String),
    /// The caller's role is too low.
    #[error("{0}")]
    RoleTooLow(String),
    /// The key does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The key that was to be shown does not exist.
    #[error("{problem}")]
    MissingKey {
        /// That it does not exist, in words.
        problem: String,
        /// Its load lock.
        load_lock: Option<LoadLock>,
    },
    /// Another job of the kind is running.
    #[error("{0}")]
    Conflict(String),
    /// The value that is to be edited has changed since it was read.
    #[error(
        "the value has changed since it was read; read it again, and repeat the edit with its `hash`"
    )]
    ValueChanged {
        /// Identifies the newer value.
        hash: String,
    },
    /// A value of this type or length cannot be edited.
    #[error("{0}")]
    NotEditable(String),
    /// There is no whole value to download.
    #[error("{0}")]
    NotDownloadable(String),
    /// An edit cannot be undone any more.
    #[error("{0}")]
    Gone(String),
    /// The state of a job does not allow the requested change.
    #[error("{0}")]
    JobState(String),
    /// The number of keys that match is not the one that the caller confirmed.
    #[error(
        "`confirmCount` is {seen}, and {now} keys match now, so nothing was changed: repeat the dry run, and confirm its number"
    )]
    CountChanged {
        /// The number that was confirmed.
        seen: u64,
        /// The number of keys that match.
        now: u64,
    },
    /// The limit of unfinished jobs is reached.
    #[error("{0} jobs are unfinished; retry when some have ended, or cancel some")]
    TooManyJobs(u64),
    /// All places for walks over the whole keyspace are taken.
    #[error(
        "too many exact counts and dry runs are running; retry in a few seconds, omit `exact`, or let a job count the keys of a pattern (`\"async\": true`)"
    )]
    TooManyWalks,
    /// A walk over the whole keyspace that only reads exceeded its time limit.
    #[error("stopped counting after {} s; give a type or a narrower pattern, or omit `exact`", .0.as_secs())]
    WalkTooLong(Duration),
    /// Counting the keys for `confirmCount` exceeded the time limit of such walks.
    #[error(
        "the keys could not be counted within {} s to check `confirmCount`, so nothing was changed: begin a dry run as a job (`\"dryRun\": true, \"async\": true`) and execute that, or send `confirm`",
        .0.as_secs()
    )]
    CountTooLong(Duration),
    /// Redis failed before anything was changed.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Redis failed half-way.
    #[error("{source}; {deleted} keys had been deleted before. {}", source.next_step())]
    Partial {
        /// Keys deleted before the failure.
        deleted: u64,
        /// The failure.
        source: RedisError,
    },
    /// Redis failed half-way through a change of expiries.
    #[error("{source}; the expiry of {changed} keys had been changed before. {}", source.next_step())]
    PartlyChanged {
        /// Keys changed before the failure.
        changed: u64,
        /// The failure.
        source: RedisError,
    },
    /// Memory has no room for the request.
    #[error("{0}")]
    Full(String),
}

impl From<edge_cache::Error> for Error {
    fn from(error: edge_cache::Error) -> Self {
        match error {
            edge_cache::Error::Invalid { field, problem } => Self::Invalid { field, problem },
            edge_cache::Error::Redis(error) => Self::Redis(error),
            edge_cache::Error::Partial { deleted, source } => Self::Partial { deleted, source },
        }
    }
}

impl Error {
    /// A field with a wrong type or value.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into().chars().take(MAX_FIELD_CHARS).collect(),
            problem: problem.into(),
        }
    }

    /// A key that does not exist.
    pub(crate) fn key_not_found(key: &KeyName) -> Self {
        let mut name = key.display();
        if let Some((end, _)) = name.char_indices().nth(MAX_KEY_CHARS) {
            name.truncate(end);
            name.push_str("...");
        }
        Self::NotFound(format!(
            "there is no key {name}: it was never set, or it expired or was removed"
        ))
    }

    /// Adds the number of keys that had been deleted when it failed.
    #[must_use]
    pub fn after(self, deleted: u64) -> Self {
        let with_count =
            |problem: String| format!("{problem}; {deleted} keys had been deleted before");

        match self {
            Self::Partial {
                deleted: others,
                source,
            } => Self::Partial {
                deleted: deleted + others,
                source,
            },
            other if deleted == 0 => other,
            Self::Redis(source) => Self::Partial { deleted, source },
            Self::Full(problem) => Self::Full(with_count(problem)),
            Self::Conflict(problem) => Self::Conflict(with_count(problem)),
            other => other,
        }
    }
}
