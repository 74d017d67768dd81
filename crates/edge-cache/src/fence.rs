//! Fences: what is invalidated while a value is being loaded must not be stored.
//!
//! A load takes the stamp of the newest invalidation; whoever stores what was loaded shows that stamp, and is told of the
//! invalidations since.

use crate::error::RedisError;
use crate::key::{FENCES, KeyName};
use crate::pattern::Pattern;
use crate::redis::{Redis, Replies};
use crate::script::STAMP;
use crate::tag::Tag;

/// The stamp of now. One round trip.
pub(crate) async fn stamp<R: Redis>(redis: &R) -> Result<Vec<u8>, RedisError> {
    STAMP.run(redis, [FENCES.into()], []).await?.bytes()
}

/// The invalidations since a stamp: kind and what each named.
#[derive(Debug)]
pub(crate) struct Fences(Vec<Vec<u8>>);

impl Fences {
    /// Reads what is left of a reply.
    pub(crate) fn read(replies: Replies) -> Result<Self, RedisError> {
        replies.rest().map(Self)
    }

    /// Whether one of them means this key. What cannot be known is taken to mean it.
    pub(crate) fn mean(&self, name: &KeyName, tags: &[Tag]) -> bool {
        self.0.chunks(2).any(|pair| match pair {
            [kind, what] => match kind.as_slice() {
                b"pattern" => Pattern::stored(what.as_slice()).matches(name.as_bytes()),
                b"tag" => tags.iter().any(|tag| tag.as_str().as_bytes() == what),
                b"key" => name.as_bytes() == what,
                _ => true,
            },
            _ => true,
        })
    }
}
