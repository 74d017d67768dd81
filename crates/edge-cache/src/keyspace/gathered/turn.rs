//! Turns of the gathered walk.

use crate::error::RedisError;
use crate::redis::Replies;

/// A turn of the gathered walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn(u64);

impl Turn {
    /// The turn with this number, as it was announced.
    pub fn announced(number: u64) -> Self {
        Self(number)
    }

    /// The number to announce.
    pub fn number(self) -> u64 {
        self.0
    }

    pub(super) fn read(replies: &mut Replies) -> Result<Option<Self>, RedisError> {
        let number = replies.text()?;
        Ok(number.parse().ok().map(Self))
    }
}
