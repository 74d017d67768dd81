//! Ids of fences, and the stamps that loads take.

use std::fmt;
use std::str::FromStr;

use crate::error::{ErrorKind, RedisError};
use crate::redis::Replies;

/// Id of an entry of a Redis stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds of Redis' clock.
    pub milliseconds: u64,
    /// Number within the millisecond.
    pub sequence: u64,
}

/// The fences that a load knows: all of this epoch up to this id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Identifies the stream: the lower half of the time at which it began. It differs from that of
    /// every earlier stream, unless that began 49.7 days before, to the millisecond.
    pub epoch: u32,
    /// The newest fence.
    pub id: StreamId,
}

impl StreamId {
    /// The epoch of a stream whose first entry has this id.
    pub fn as_epoch(self) -> u32 {
        self.milliseconds as u32
    }

    /// Reads an id from a reply.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for anything else.
    pub fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        Self::parse(&replies.text()?)
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for anything else.
    pub fn parse(text: &str) -> Result<Self, RedisError> {
        text.parse().map_err(|()| {
            RedisError::new(
                ErrorKind::Protocol,
                format!("`{text}` is no id of a stream"),
            )
        })
    }
}

/// Takes the entry with this id from the beginning of a reply; false where the reply begins with
/// another one, so that entries between the two may be missing.
///
/// # Errors
/// Those of [`Replies`].
pub(crate) fn take_known(replies: &mut Replies, known: StreamId) -> Result<bool, RedisError> {
    if replies.remaining() == 0 || StreamId::read(replies)? != known {
        return Ok(false);
    }
    // Its field and value.
    replies.bytes()?;
    replies.bytes()?;
    Ok(true)
}

impl FromStr for StreamId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (milliseconds, sequence) = text.split_once('-').ok_or(())?;
        Ok(Self {
            milliseconds: milliseconds.parse().map_err(drop)?,
            sequence: sequence.parse().map_err(drop)?,
        })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.milliseconds, self.sequence)
    }
}

impl Stamp {
    /// Reads epoch and newest id from a reply.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for anything else.
    pub fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        let epoch = StreamId::read(replies)?.as_epoch();
        Ok(Self {
            epoch,
            id: StreamId::read(replies)?,
        })
    }
}
