//! Changing what is known of an entry, without reading or copying its value.

use crate::error::{ErrorKind, RedisError};
use crate::keyspace::key::{KeyName, NEAR, NEAR_FENCES};
use crate::keyspace::trailer::{self, Facts};
use crate::keyspace::{codec, fence};
use crate::redis::script::{Script, shared};
use crate::redis::{Redis, Replies, ServerClock};
use crate::script;

/// Reads a trailer.
static READ_TRAILER: Script = script!(repeatable "keys/read_trailer", [shared::TRAILERS]);

/// Replaces a trailer, unless the entry was written meanwhile.
static REPLACE_TRAILER: Script = script!(repeatable "keys/replace_trailer", [
    shared::EXISTENCE,
    shared::TRAILERS,
    shared::NEAR,
]);

/// How often an entry is read again that was written meanwhile.
const MAX_TRIES: usize = 8;
/// An expiry that stays as it is.
pub(crate) const KEEP_EXPIRY: &str = "keep";

/// A key after the change.
pub(crate) struct Changed {
    /// Its PTTL.
    pub(crate) pttl: i64,
    /// The new facts; `None` for another client's value, of which only the expiry was changed.
    pub(crate) facts: Option<Facts>,
}

/// A trailer as it was read.
pub(super) struct FoundTrailer {
    pub(super) text: Vec<u8>,
    /// The first bytes of the value.
    pub(super) beginning: Vec<u8>,
    /// Length of the value and the trailer together.
    pub(super) length: usize,
}

/// Changes the facts of an entry, and its expiry: milliseconds, empty for none, or [`KEEP_EXPIRY`].
/// Returns `None` when the key does not exist. Near copies of the entry end within the interval of
/// their views. `clock` is the one that the change reads. Two round
/// trips, a third where the clock must be asked, more where the key is written meanwhile.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn change<R: Redis>(
    redis: &R,
    key: &KeyName,
    expiry: &str,
    clock: Option<&ServerClock>,
    change: impl Fn(&mut Facts),
) -> Result<Option<Changed>, RedisError> {
    for _ in 0..MAX_TRIES {
        let Some(found) = read_trailer(redis, key).await? else {
            return Ok(None);
        };
        let mut facts = found.facts();
        if let Some(facts) = &mut facts {
            if let Some(clock) = clock {
                clock.refresh_if_due(redis).await?;
            }
            change(facts);
        }
        let replacement = match &mut facts {
            Some(facts) => found.replacement(facts)?,
            None => Replacement::default(),
        };

        match replace_trailer(redis, key, found.text, replacement, expiry).await? {
            (_, -2) => return Ok(None),
            (true, pttl) => return Ok(Some(Changed { pttl, facts })),
            (false, _) => {}
        }
    }

    let problem = "the key is written so often that its expiry or tags could not be changed";
    Err(RedisError::new(ErrorKind::Busy, problem))
}

/// Replaces a trailer that is still the one that was found. Returns whether it was, and the key's
/// PTTL, -2 where it does not exist. One round trip.
async fn replace_trailer<R: Redis>(
    redis: &R,
    key: &KeyName,
    found: Vec<u8>,
    replacement: Replacement,
    expiry: &str,
) -> Result<(bool, i64), RedisError> {
    let is_on_cluster = redis.topology().await?.is_cluster();
    let keys = if is_on_cluster {
        [key.as_bytes().into(), key.none().into(), key.none().into()]
    } else {
        [key.as_bytes().into(), NEAR.into(), NEAR_FENCES.into()]
    };
    let args = [
        found.into(),
        replacement.replaced.into(),
        replacement.bytes.into(),
        expiry.into(),
    ];

    let mut replies = REPLACE_TRAILER.run(redis, keys, args).await?;
    if is_on_cluster {
        fence::announce_written(redis, [key.as_bytes().into()]).await?;
    }
    Ok((replies.count()? == 1, replies.int()?))
}

/// Reads what is known of an entry; `None` for another client's value, and without one. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read<R: Redis>(redis: &R, key: &KeyName) -> Result<Option<Facts>, RedisError> {
    let found = read_trailer(redis, key).await?;
    Ok(found.and_then(|found| found.facts()))
}

async fn read_trailer<R: Redis>(
    redis: &R,
    key: &KeyName,
) -> Result<Option<FoundTrailer>, RedisError> {
    let mut replies: Replies = READ_TRAILER.run(redis, [key.as_bytes().into()], []).await?;
    if replies.int()? == -2 {
        return Ok(None);
    }
    FoundTrailer::take(&mut replies).map(Some)
}

impl FoundTrailer {
    /// Reads a trailer, the beginning of its value, and the length of both, as scripts reply them.
    pub(super) fn take(replies: &mut Replies) -> Result<Self, RedisError> {
        Ok(Self {
            text: replies.bytes()?,
            beginning: replies.bytes()?,
            length: replies.count()? as usize,
        })
    }

    /// The facts; `None` for another client's value.
    pub(super) fn facts(&self) -> Option<Facts> {
        trailer::read(&self.text, self.length)
    }

    /// Renders changed facts to stand in the place of this trailer, which they fill at least.
    pub(super) fn replacement(&self, facts: &mut Facts) -> Result<Replacement, RedisError> {
        facts.pad_to(self.text.len());
        let mut replaced = self.text.len();
        let mut bytes = Vec::new();
        if codec::is_compressed(&self.beginning) {
            bytes.extend(codec::skipped_frame_header(trailer::length(facts)));
            replaced += bytes.len();
        }

        let value_length = self.length - self.text.len();
        let rendered = trailer::render(facts, value_length)
            .map_err(|error| RedisError::new(ErrorKind::Protocol, error.to_string()))?;
        bytes.extend(rendered);
        Ok(Replacement { replaced, bytes })
    }
}

/// Bytes that replace the end of what is stored.
#[derive(Default)]
pub(super) struct Replacement {
    pub(super) replaced: usize,
    pub(super) bytes: Vec<u8>,
}
