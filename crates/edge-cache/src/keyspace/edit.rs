//! Editing a value: it is replaced if it is still the one that was read.
//!
//! An entry of the library stays one. Its facts are kept, so it lives as long as before and has the same
//! tags; only its stamp is new, because it is not older than its edit. Its validator goes: the source would
//! say that its own value has not changed, and the edited one would stay for good.
//!
//! A value is identified by the SHA-1 of its bytes as they are stored, without the trailer: that a soft
//! purge or a new tag changes. It is compared to find out what changed, not to prove who wrote it; the
//! script compares whole values.

use std::time::Duration;

use futures_util::future::join;

use crate::error::{Error, ErrorKind, RedisError};
use crate::keyspace::codec;
use crate::keyspace::expiry;
use crate::keyspace::fence::{self, InForce, Stamp};
use crate::keyspace::key::{KeyName, NEAR, NEAR_FENCES};
use crate::keyspace::trailer::{self, Facts};
use crate::redis::script::{Script, shared};
use crate::redis::{HostRuntime, Redis};
use crate::script;

/// Reads a whole value.
static READ_VALUE: Script = script!(repeatable "keys/read_value", [shared::OWN_READS]);
/// Replaces a value that is still the one that was read.
static REPLACE_VALUE: Script = script!(once "keys/replace_value", [
    shared::EXISTENCE,
    shared::NEAR,
]);

/// The longest value that can be edited, in bytes, as it is stored and decompressed.
pub const MAX_EDITABLE_BYTES: usize = 1024 * 1024;

/// A value that can be edited, as it was read.
#[derive(Debug)]
pub struct EditableValue {
    /// As it is stored, with its trailer.
    stored: Vec<u8>,
    /// Without trailer, decompressed.
    value: Vec<u8>,
    /// Identifies it.
    hash: String,
    /// The facts of an entry.
    facts: Option<Facts>,
    /// The stamp of an edit that begins now.
    stamp: Stamp,
}

/// Why a value cannot be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEditable {
    /// There is no such key, or no such field.
    Missing,
    /// The key has another type.
    OtherType,
    /// It is above [`MAX_EDITABLE_BYTES`].
    TooLong,
}

/// The end of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Identifies the new value.
    pub hash: String,
    /// The remaining time to live; `None`: for ever.
    pub ttl: Option<Duration>,
}

/// Identifies a value by its bytes as they are stored, without its trailer.
pub fn hash_of(stored: &[u8]) -> String {
    sha1_smol::Sha1::from(stored).digest().to_string()
}

impl EditableValue {
    /// The value, decompressed.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Identifies the value.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns whether the library stored it, so that it has to be JSON.
    pub fn is_entry(&self) -> bool {
        self.facts.is_some()
    }

    fn new(stored: Vec<u8>, stamp: Stamp, is_field: bool) -> Result<Self, NotEditable> {
        let (encoded, facts) = if is_field {
            (stored.as_slice(), None)
        } else {
            trailer::split(&stored)
        };
        let (value, is_whole) = codec::preview(encoded, MAX_EDITABLE_BYTES);
        if !is_whole {
            return Err(NotEditable::TooLong);
        }
        Ok(Self {
            hash: hash_of(encoded),
            value,
            facts,
            stored,
            stamp,
        })
    }

    /// The hash that this new value will have.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is too long.
    pub fn hash_after(&self, value: &[u8]) -> Result<String, Error> {
        self.encode(value).map(|(_, hash)| hash)
    }

    /// Encodes a new value as this one is. Returns it as it is to be stored, and its hash.
    fn encode(&self, value: &[u8]) -> Result<(Vec<u8>, String), Error> {
        let Some(facts) = &self.facts else {
            return Ok((value.to_vec(), hash_of(value)));
        };
        let too_long = |error: std::io::Error| Error::invalid("value", error.to_string());
        let encoded = codec::compress(value.to_vec()).map_err(too_long)?;
        let hash = hash_of(&encoded);
        let facts = Facts {
            stamp: self.stamp,
            validator: None,
            ..facts.clone()
        };
        Ok((trailer::append(encoded, &facts)?, hash))
    }
}

/// Reads a value, or that of one field of a hash. Two commands that overlap, one round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read<R: Redis>(
    redis: &R,
    key: &KeyName,
    field: Option<&[u8]>,
) -> Result<Result<EditableValue, NotEditable>, RedisError> {
    let args = [
        kind_of(field).into(),
        field.unwrap_or_default().into(),
        MAX_EDITABLE_BYTES.into(),
    ];
    let reading = READ_VALUE.run(redis, [key.as_bytes().into()], args);
    let (replies, stamp) = join(reading, fence::take_stamp(redis)).await;
    let (mut replies, stamp) = (replies?, stamp?);

    let kind = replies.text()?;
    let state = replies.text()?;
    let stored = replies.bytes()?;
    Ok(match (kind.as_str(), state.as_str()) {
        (_, "ok") => EditableValue::new(stored, stamp, field.is_some()),
        ("none", _) | (_, "none") => Err(NotEditable::Missing),
        (_, "long") => Err(NotEditable::TooLong),
        _ => Err(NotEditable::OtherType),
    })
}

/// Replaces a value if it is still the one that was read; `None` if it is another one by now, or gone. While
/// instances keep near copies, it returns when all of them know it. One round trip; on a Cluster two.
///
/// # Errors
/// [`Error::Invalid`] for a value that is too long; those of the connection.
pub async fn replace<R: Redis + HostRuntime>(
    redis: &R,
    key: &KeyName,
    field: Option<&[u8]>,
    read: &EditableValue,
    value: &[u8],
) -> Result<Option<Replaced>, Error> {
    let (stored, hash) = read.encode(value)?;
    let is_on_cluster = redis.topology().await?.is_cluster();
    let near = if is_on_cluster {
        [key.none().into(), key.none().into()]
    } else {
        [NEAR.into(), NEAR_FENCES.into()]
    };
    let keys = [key.as_bytes().into(), key.lock().into()].into_iter();
    let args = [
        kind_of(field).into(),
        field.unwrap_or_default().into(),
        read.stored.as_slice().into(),
        stored.into(),
    ];

    let mut replies = REPLACE_VALUE.run(redis, keys.chain(near), args).await?;
    let mut in_force = InForce::read(&mut replies)?;
    let is_replaced = replies.count()? == 1;
    let pttl = replies.int()?;
    if !is_replaced {
        return Ok(None);
    }
    if is_on_cluster {
        in_force = fence::announce_written(redis, [key.as_bytes().into()]).await?;
    }
    in_force.wait(redis).await;

    let pttl = expiry::exact_pttl(redis, key, pttl).await?;
    let ttl = u64::try_from(pttl).ok().map(Duration::from_millis);
    Ok(Some(Replaced { hash, ttl }))
}

/// The error of an edit whose value was the same whenever it was read, and was written anew each time.
pub fn written_too_often() -> RedisError {
    let problem = "the key is written so often that its value could not be edited";
    RedisError::new(ErrorKind::Busy, problem)
}

fn kind_of(field: Option<&[u8]>) -> &'static str {
    if field.is_some() { "field" } else { "value" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: &[u8], facts: &Facts) -> EditableValue {
        let encoded = codec::compress(value.to_vec()).unwrap();
        let stored = trailer::append(encoded, facts).unwrap();
        EditableValue::new(stored, Stamp::default(), false).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            stored_at: 1_700_000_000_000,
            fresh_for: Some(60_000),
            grace: 5_000,
            tags: "a\nb".to_owned(),
            validator: Some("W/1".to_owned()),
            ..Facts::default()
        }
    }

    #[test]
    fn an_edited_entry_has_the_facts_of_the_one_before_but_its_validator() {
        let read = entry(b"{\"stock\":7}", &facts());
        assert_eq!(read.hash(), hash_of(b"{\"stock\":7}"));

        let (stored, hash) = read.encode(b"{\"stock\":1e400}").unwrap();
        let (value, edited) = trailer::split(&stored);

        assert_eq!(value, b"{\"stock\":1e400}");
        assert_eq!(hash, hash_of(value));
        let expected = Facts {
            validator: None,
            ..facts()
        };
        assert_eq!(edited, Some(expected));
    }

    #[test]
    fn a_compressed_entry_is_edited_as_text() {
        let long = format!("[{}]", "1,".repeat(200_000) + "1");
        let read = entry(long.as_bytes(), &facts());
        assert!(read.stored.len() < 10_000);
        assert_eq!(read.value(), long.as_bytes());

        let (stored, _) = read.encode(b"[1]").unwrap();
        assert_eq!(trailer::split(&stored).0, b"[1]");
        let (stored, hash) = read.encode(long.as_bytes()).unwrap();
        assert_eq!(hash, read.hash(), "the same value has the same hash");
        assert!(stored.len() < 10_000);
    }

    #[test]
    fn what_decompresses_to_more_than_the_limit_cannot_be_edited() {
        let long = format!("\"{}\"", "x".repeat(MAX_EDITABLE_BYTES));
        let encoded = codec::compress(long.into_bytes()).unwrap();

        let read = EditableValue::new(encoded, Stamp::default(), false);
        assert_eq!(read.unwrap_err(), NotEditable::TooLong);
    }

    #[test]
    fn a_foreign_value_is_stored_as_it_is_given() {
        let read = EditableValue::new(b"a\xff".to_vec(), Stamp::default(), false).unwrap();
        let (stored, hash) = read.encode(b"b\xff").unwrap();
        assert_eq!(stored, b"b\xff");
        assert_eq!(hash, hash_of(b"b\xff"));
    }
}
