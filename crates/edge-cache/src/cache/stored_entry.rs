//! Reading what is stored under a key: a string, or a value in chunks.

use crate::error::{ErrorKind, RedisError};
use crate::keyspace::chunks::{self, GatheredValue, former};
use crate::keyspace::trailer::{self, Facts};
use crate::redis::{Command, Redis, Replies};

/// How many bytes of a value's end identify its writing; `load/acquire.lua` compares as many.
const IDENTIFYING_BYTES: usize = 64;
/// Reads of a value in chunks that is replaced meanwhile.
const READ_TRIES: usize = 2;

/// Identifies a writing. `load/acquire.lua` compares it as a text, which only a caller that loads needs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Identity {
    /// Nothing is stored.
    #[default]
    Nothing,
    /// A key of a type that no cached value has.
    AnotherType,
    /// The length and the end of what is stored.
    Writing {
        kind: &'static str,
        length: usize,
        end: [u8; IDENTIFYING_BYTES],
    },
}

impl Identity {
    fn of(kind: &'static str, stored: &[u8]) -> Self {
        let length = stored.len();
        let mut end = [0; IDENTIFYING_BYTES];
        for (to, from) in end.iter_mut().rev().zip(stored.iter().rev()) {
            *to = *from;
        }
        Self::Writing { kind, length, end }
    }

    /// The text that the script compares.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::AnotherType => b"another type".to_vec(),
            Self::Writing { kind, length, end } => {
                let unused = IDENTIFYING_BYTES.saturating_sub(length);
                let mut text = format!("{kind}{length} ").into_bytes();
                text.extend(end.into_iter().skip(unused));
                text
            }
        }
    }
}

/// An entry as it is stored.
#[derive(Debug, Default)]
pub(super) struct StoredEntry {
    /// The encoded value; `None` without one.
    pub(super) value: Option<Vec<u8>>,
    /// `None` for another client's value.
    pub(super) facts: Option<Facts>,
    /// Identifies the writing.
    pub(super) identity: Identity,
    /// It was invalidated, and is served to nobody.
    pub(super) is_dead: bool,
    /// The length of what was read.
    pub(super) bytes: usize,
}

impl StoredEntry {
    /// An entry in a string.
    pub(super) fn of_string(mut stored: Vec<u8>) -> Self {
        let (identity, bytes) = (Identity::of("", &stored), stored.len());
        let (value, facts) = trailer::split(&stored);
        stored.truncate(value.len());
        Self {
            value: Some(stored),
            facts,
            identity,
            is_dead: false,
            bytes,
        }
    }

    /// An entry in chunks, or another client's list.
    fn of_list(gathered: GatheredValue) -> Self {
        Self {
            bytes: gathered.value.as_ref().map_or(0, Vec::len),
            value: gathered.value,
            facts: gathered.facts,
            identity: Identity::of("list ", &gathered.head),
            is_dead: false,
        }
    }

    /// Puts the value into the place of a manifest of version 0.1. One round trip a chunk; otherwise
    /// none.
    pub(super) async fn with_former_chunks<R: Redis>(
        mut self,
        redis: &R,
        key: &str,
    ) -> Result<Self, RedisError> {
        if let Some(stored) = self.value.take() {
            self.value = former::gather(redis, key, stored).await?;
        }
        Ok(self)
    }

    /// A key of another type, which is no cached value.
    fn of_another_type() -> Self {
        Self {
            identity: Identity::AnotherType,
            ..Self::default()
        }
    }

    /// Takes the value of a dead entry away; what identifies the writing stays.
    pub(super) fn bury(&mut self) {
        self.value = None;
        self.is_dead = true;
    }

    /// Returns how long the value stays fresh, negative when it is stale; `None`: for ever.
    pub(super) fn fresh_left(&self, now: u64) -> Option<i64> {
        self.facts.as_ref()?.fresh_left(now)
    }

    /// Takes the encoded value if it is fresh.
    pub(super) fn take_fresh(&mut self, now: u64) -> Option<Vec<u8>> {
        let is_fresh = self.fresh_left(now).is_none_or(|left| left > 0);
        self.value.take().filter(|_| is_fresh)
    }
}

/// Reads an entry. One round trip, and one more per chunk and key of another type.
pub(super) async fn read_entry<R: Redis>(redis: &R, key: &str) -> Result<StoredEntry, RedisError> {
    match redis
        .execute(Command::read("GET").arg(key).of_any_type())
        .await
    {
        Ok(reply) => {
            let stored = Replies::new(reply).optional_bytes()?;
            let entry = stored.map(StoredEntry::of_string).unwrap_or_default();
            entry.with_former_chunks(redis, key).await
        }
        Err(error) if error.kind == ErrorKind::WrongType => {
            Box::pin(read_other_type(redis, key)).await
        }
        Err(error) => Err(error),
    }
}

/// Reads what may be a value in chunks. When it is replaced meanwhile, it is read once more.
pub(super) async fn read_other_type<R: Redis>(
    redis: &R,
    key: &str,
) -> Result<StoredEntry, RedisError> {
    let mut entry = StoredEntry::of_another_type();

    for _ in 0..READ_TRIES {
        let Some(gathered) = chunks::gather(redis, key.as_bytes()).await? else {
            break;
        };

        let is_complete = gathered.is_complete();
        entry = StoredEntry::of_list(gathered);
        if is_complete {
            break;
        }
    }

    Ok(entry)
}
