//! Failures that a test asks for.

use crate::error::{ErrorKind, RedisError};

/// A failure of the server.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// Every command fails.
    Every(RedisError),
    /// Commands that write are refused with this error reply.
    Writes(&'static str),
    /// Commands that add data are refused: memory is full.
    Full,
}

impl Failure {
    /// The failure of a server whose commands fail in this way.
    pub(super) fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::OutOfMemory => Self::Full,
            ErrorKind::ReadOnly => {
                Self::Writes("READONLY You can't write against a read only replica.")
            }
            ErrorKind::NotEnoughReplicas => {
                Self::Writes("NOREPLICAS Not enough good replicas to write.")
            }
            ErrorKind::PersistenceFailed => Self::Writes(
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
            ),
            kind => Self::Every(RedisError::new(kind, message(kind))),
        }
    }
}

/// The message of a failure that every command has: the server's error reply, or that of a transport.
fn message(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unreachable => "the server in memory is stopped",
        ErrorKind::Timeout => "Redis did not answer in time",
        ErrorKind::Authentication => "NOAUTH Authentication required.",
        ErrorKind::Permission => "NOPERM this user has no permissions to run this command",
        ErrorKind::Loading => "LOADING Redis is loading the dataset in memory",
        ErrorKind::Busy => "BUSY Redis is busy running a script.",
        ErrorKind::TooManyConnections => "ERR max number of clients reached",
        _ => "a failure that a test asked for",
    }
}
