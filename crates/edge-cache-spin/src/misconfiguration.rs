//! A mistake in a setting: a bad variable, or a wrong line of the configuration file.

use std::fmt;

use edge_cache_admin::input::FileError;

use crate::config::BadVariable;

/// A setting with a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misconfiguration {
    /// A variable has a bad value.
    Variable(BadVariable),
    /// The configuration file has a mistake.
    File(FileError),
}

impl std::error::Error for Misconfiguration {}

impl fmt::Display for Misconfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(bad) => bad.fmt(f),
            Self::File(error) => error.fmt(f),
        }
    }
}

impl From<BadVariable> for Misconfiguration {
    fn from(bad: BadVariable) -> Self {
        Self::Variable(bad)
    }
}

impl From<FileError> for Misconfiguration {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<Misconfiguration> for String {
    /// The problem as text.
    fn from(problem: Misconfiguration) -> Self {
        problem.to_string()
    }
}
