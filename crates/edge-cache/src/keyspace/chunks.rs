//! Values above 8 MiB, which are stored in chunks: their key is a list.
//!
//! The first element says how many chunks follow, and ends with the trailer of the entry. Each chunk
//! begins with the id of its writing, so that a reader notices when the value is replaced while it
//! reads one chunk after the other.
//!
//! ```text
//! RPUSH cache:chunk:{report}:9f.. head     the new list grows under a name of its own
//! RPUSH cache:chunk:{report}:9f.. chunk
//! RENAME cache:chunk:{report}:9f.. report  the script that stores: nobody sees half a value
//! ```

pub(crate) mod former;

use std::time::Duration;

use super::slot;
use super::trailer::{self, Facts};
use crate::error::{Error, ErrorKind, RedisError};
use crate::redis::{Command, HostRuntime, Redis, Replies};
use crate::units::milliseconds;

/// Most bytes in one chunk; an encoded value above this is split.
pub const MAX_CHUNK_BYTES: usize = 8 << 20;
/// The beginning of the first element.
const HEAD_PREFIX: &str = "edge-cache chunks 1 ";
/// Bytes of the id of a writing, at the beginning of each chunk.
const ID_BYTES: usize = 8;
/// How long a list that is being written lives from one chunk to the next.
const WRITING_LIFE: Duration = Duration::from_secs(60);

/// A value ready to be stored under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorableValue {
    /// An encoded value with its trailer.
    Whole(Vec<u8>),
    /// The name of the list that holds its chunks, to be renamed.
    Chunks(Vec<u8>),
}

/// A value that was read from its chunks.
#[derive(Debug)]
pub(crate) struct GatheredValue {
    /// The encoded value; `None` where chunks are missing or of another writing, and for another
    /// client's list.
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) facts: Option<Facts>,
    /// The first element, which differs from one writing to the next.
    pub(crate) head: Vec<u8>,
    /// The list is another client's.
    is_foreign: bool,
}

impl GatheredValue {
    /// Returns whether nothing more is found by reading it again.
    pub(crate) fn is_complete(&self) -> bool {
        self.value.is_some() || self.is_foreign
    }
}

/// Number, length and id of a value's chunks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) bytes: usize,
    count: usize,
    id: u64,
}

impl Head {
    /// Reads the first element of a list, with the entry's facts; `None` where the list is another
    /// client's.
    pub(crate) fn read(element: &[u8]) -> Option<(Self, Option<Facts>)> {
        let (head, facts) = trailer::split(element);
        let text = std::str::from_utf8(head.strip_prefix(HEAD_PREFIX.as_bytes())?).ok()?;
        let mut parts = text.split(' ');
        let head = Self {
            bytes: parts.next()?.parse().ok()?,
            count: parts.next()?.parse().ok()?,
            id: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        Some((head, facts))
    }

    fn render(&self, facts: &Facts) -> Result<Vec<u8>, Error> {
        let text = format!(
            "{HEAD_PREFIX}{} {} {:016x}",
            self.bytes, self.count, self.id
        );
        trailer::append(text.into_bytes(), facts)
    }
}

/// Takes the id of the writing from the beginning of a chunk.
pub(crate) fn without_id(mut chunk: Vec<u8>) -> Vec<u8> {
    chunk.drain(..ID_BYTES.min(chunk.len()));
    chunk
}

impl StorableValue {
    /// Prepares an encoded value. One that is too large for a string is written in chunks, in two
    /// round trips each and two more; otherwise no round trip.
    ///
    /// # Errors
    /// Those of the connection, and of [`trailer::append`]; chunks written before are removed.
    pub async fn prepare<R: Redis + HostRuntime>(
        redis: &R,
        key: &[u8],
        value: Vec<u8>,
        facts: &Facts,
    ) -> Result<Self, Error> {
        if value.len() <= MAX_CHUNK_BYTES {
            return Ok(Self::Whole(trailer::append(value, facts)?));
        }

        let head = Head {
            bytes: value.len(),
            count: value.len().div_ceil(MAX_CHUNK_BYTES),
            id: redis.random(),
        };
        let list = slot::belonging("cache:chunk", key);
        let list = [list.as_slice(), format!(":{:016x}", head.id).as_bytes()].concat();
        let chunks = Self::Chunks(list.clone());

        let written = write(redis, &list, &head, head.render(facts)?, &value).await;
        if let Err(error) = &written {
            chunks.discard(redis, Some(error)).await;
        }
        written?;
        Ok(chunks)
    }

    /// Bytes to be stored, without those of chunks.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Chunks(_) => &[],
        }
    }

    /// The name of the list of chunks, if the value has any.
    pub fn list(&self) -> Option<&[u8]> {
        match self {
            Self::Whole(_) => None,
            Self::Chunks(list) => Some(list),
        }
    }

    /// Removes chunks that were not stored after all. Those that cannot be removed expire. A server
    /// that has just timed out is not asked again. One round trip for chunks, otherwise none.
    pub async fn discard<R: Redis>(&self, redis: &R, reason: Option<&RedisError>) {
        let has_timed_out = reason.is_some_and(|error| error.kind == ErrorKind::Timeout);
        if let Some(list) = self.list().filter(|_| !has_timed_out) {
            let _ = redis.execute(Command::read("UNLINK").arg(list)).await;
        }
    }
}

async fn write<R: Redis>(
    redis: &R,
    list: &[u8],
    head: &Head,
    rendered: Vec<u8>,
    value: &[u8],
) -> Result<(), RedisError> {
    append(redis, list, rendered).await?;
    for chunk in value.chunks(MAX_CHUNK_BYTES) {
        append(redis, list, [&head.id.to_be_bytes(), chunk].concat()).await?;
    }
    Ok(())
}

async fn append<R: Redis>(redis: &R, list: &[u8], element: Vec<u8>) -> Result<(), RedisError> {
    redis
        .execute(Command::new("RPUSH").arg(list).arg(element))
        .await?;
    let life = milliseconds(WRITING_LIFE);
    redis
        .execute(Command::read("PEXPIRE").arg(list).arg(life))
        .await?;
    Ok(())
}

/// Reads a value in chunks; `None` where the key holds no list. One round trip a chunk and one more.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn gather<R: Redis>(
    redis: &R,
    key: &[u8],
) -> Result<Option<GatheredValue>, RedisError> {
    let Some(element) = element(redis, key, 0).await? else {
        return Ok(None);
    };
    let Some((head, facts)) = Head::read(&element) else {
        return Ok(Some(GatheredValue {
            value: None,
            facts: None,
            head: element,
            is_foreign: true,
        }));
    };

    let value = gather_chunks(redis, key, &head).await?;
    Ok(Some(GatheredValue {
        value,
        facts,
        head: element,
        is_foreign: false,
    }))
}

/// Reads the chunks one by one, because together they may exceed the largest reply that a host
/// accepts. Any client may have written the head, so its size is not reserved in advance.
async fn gather_chunks<R: Redis>(
    redis: &R,
    key: &[u8],
    head: &Head,
) -> Result<Option<Vec<u8>>, RedisError> {
    let mut value = Vec::new();

    for number in 1..=head.count {
        let missing = head.bytes - value.len();
        match element_of(redis, key, number, head).await? {
            Some(chunk) if chunk.len() <= missing => value.extend_from_slice(&chunk),
            _ => return Ok(None),
        }
    }

    Ok((value.len() == head.bytes).then_some(value))
}

/// Reads a chunk; `None` where there is none of this writing.
pub(crate) async fn element_of<R: Redis>(
    redis: &R,
    key: &[u8],
    number: usize,
    head: &Head,
) -> Result<Option<Vec<u8>>, RedisError> {
    let chunk = element(redis, key, number).await?;
    let is_of_writing = |chunk: &Vec<u8>| chunk.starts_with(&head.id.to_be_bytes());
    Ok(chunk.filter(is_of_writing).map(without_id))
}

/// Reads an element of a list; `None` where there is none, or the key holds another type.
async fn element<R: Redis>(
    redis: &R,
    key: &[u8],
    number: usize,
) -> Result<Option<Vec<u8>>, RedisError> {
    let read = Command::read("LINDEX").arg(key).arg(number).of_any_type();
    match redis.execute(read).await {
        Ok(reply) => Replies::new(reply).optional_bytes(),
        Err(error) if error.kind == ErrorKind::WrongType => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let facts = Facts {
            stored_at: 7,
            ..Facts::default()
        };
        let head = Head {
            bytes: 2 * MAX_CHUNK_BYTES + 1,
            count: 3,
            id: 255,
        };

        let element = head.render(&facts).unwrap();

        assert_eq!(Head::read(&element), Some((head, Some(facts))));
        assert_eq!(Head::read(b"{}"), None);
        assert_eq!(Head::read(b"edge-cache chunks 1 many"), None);
    }
}
