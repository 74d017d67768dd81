//! The knowledge of an instance at the moment when it sent a `GET`.

use std::time::Instant;

use super::view::NearPosition;
use crate::keyspace::fence::Position;

/// The state of both views when a `GET` was sent.
#[derive(Debug, Clone, Copy)]
pub(in crate::cache) struct KnownAtRead {
    pub(super) sent: Instant,
    pub(super) fences: Position,
    pub(super) near: NearPosition,
    /// How often the view of the fences had been read anew.
    pub(super) generation: u64,
}
