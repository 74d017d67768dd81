//! The description of a command.

use super::args::Args;
use crate::testing::keyspace::Keyspace;
use crate::testing::response::Answered;

/// Effect of a command, which decides who refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    /// Changes or removes data; a full server allows it.
    Writes,
    /// Adds data; a full server refuses it.
    Adds,
}

/// A command: its name, the least and the greatest number of arguments, its effect, and its function.
pub(super) struct Spec(
    pub(super) &'static str,
    pub(super) usize,
    pub(super) usize,
    pub(super) Effect,
    pub(super) fn(&mut Keyspace, &Args<'_>) -> Answered,
);

/// Any number of arguments.
pub(super) const ANY: usize = usize::MAX;
