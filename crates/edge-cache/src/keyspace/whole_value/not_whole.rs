//! Why a whole value cannot be read.

use std::fmt;

use crate::error::RedisError;

/// Why there is no whole value to read.
#[derive(Debug)]
pub enum NotWhole {
    /// There is no such key.
    Missing,
    /// A key of this type has elements, not one value.
    Collection(String),
    /// It cannot be decompressed.
    Undecodable(String),
    /// It was replaced while it was read.
    Changed,
    /// Redis failed.
    Redis(RedisError),
}

impl fmt::Display for NotWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such key"),
            Self::Collection(kind) => {
                write!(f, "a {kind} has elements, not one value: page through them")
            }
            Self::Undecodable(problem) => write!(
                f,
                "the value cannot be decompressed ({problem}): read it as it is stored"
            ),
            Self::Changed => f.write_str("the value was replaced while it was read: read it again"),
            Self::Redis(error) => error.fmt(f),
        }
    }
}

impl From<RedisError> for NotWhole {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}
