//! One key in detail: type, time left, size, tags, and its value in a readable form.

mod value;

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use self::value::ShownValue;
use crate::error::RedisError;
use crate::keyspace::chunks;
use crate::keyspace::codec;
use crate::keyspace::edit::MAX_EDITABLE_BYTES;
use crate::keyspace::expiry::{self, RemainingLife};
use crate::keyspace::key::KeyName;
use crate::keyspace::trailer::{self, Facts};
use crate::redis::script::{Script, shared};
use crate::redis::{Redis, Replies};
use crate::script;
use crate::units;

/// Describes one key and reads a bounded part of its value.
static INSPECT: Script = script!(repeatable "keys/inspect", [
    shared::OWN_READS,
    shared::EXISTENCE,
    shared::LOCKS,
    shared::TRAILERS,
]);

/// Most bytes of a value that are read.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// Default number of a collection's elements on a page.
pub const DEFAULT_ELEMENTS: u64 = 100;

/// Page of a collection's elements, as requested.
#[derive(Debug)]
pub struct ElementPage {
    /// Beginning of the page: `0`, or the `next_cursor` of the page before.
    pub cursor: String,
    /// Most elements on the page.
    pub limit: u64,
    /// True to read the hashes of values, by which they are edited.
    pub hashes: bool,
}

impl Default for ElementPage {
    fn default() -> Self {
        Self {
            cursor: "0".into(),
            limit: DEFAULT_ELEMENTS,
            hashes: false,
        }
    }
}

/// The state of a load lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LockState {
    /// A load is in flight.
    Held,
    /// A load failed, and nobody tries again until the lock ends.
    Failed,
}

/// The load lock of a key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadLock {
    /// Its state.
    pub state: LockState,
    /// Seconds until it ends by itself.
    pub seconds_left: f64,
}

/// A key that does not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingKey {
    /// Its load lock: held, it will be stored in a moment.
    pub load_lock: Option<LoadLock>,
}

/// A key in detail.
#[derive(Debug)]
pub struct KeyInfo {
    /// The name; see [`KeyName::display`].
    pub key: String,
    /// The name in base64, where `key` shows it escaped.
    pub key_base64: Option<String>,
    /// `string`, `list`, `set`, `zset`, `hash`, `stream`, or a module's type.
    pub kind: String,
    /// Seconds left; -1 for a key that does not expire.
    pub ttl: i64,
    /// The same as text where it exceeds 2^53, which some JSON readers round.
    pub ttl_text: Option<String>,
    /// Seconds for which the value is fresh; `None`: for ever.
    pub fresh_for: Option<i64>,
    /// True when the value is past its TTL and served only within its grace.
    pub stale: bool,
    /// When the library stored the value, in milliseconds of Redis' clock; `None` for another client's
    /// value, as the next two.
    pub stored_at: Option<u64>,
    /// The grace it was stored with, in milliseconds.
    pub grace: Option<u64>,
    /// How long its load took, in milliseconds; 0 for a value that was not loaded.
    pub load_time: Option<u64>,
    /// Its load lock; `None` while nobody holds it.
    pub load_lock: Option<LoadLock>,
    /// Memory used; `None` where the server does not report it.
    pub size: Option<String>,
    /// Memory used, in bytes.
    pub size_bytes: Option<u64>,
    /// Redis' internal encoding, e.g. `listpack`.
    pub encoding: String,
    /// The tags the key was stored with.
    pub tags: Vec<String>,
    /// Bytes of a string, elements of a collection.
    pub length: u64,
    /// The value: decoded JSON, text, or `{"base64": ...}`; for collections a list of elements.
    pub value: Value,
    /// The stored text of a JSON value, with all digits and duplicate fields.
    pub raw: Option<String>,
    /// Form of `value`: `json`, `text`, `base64` or `elements`.
    pub value_format: &'static str,
    /// True when values were cut at 64 KiB.
    pub truncated: bool,
    /// The `cursor` for more elements; `None` at the end.
    pub next_cursor: Option<String>,
    /// Identifies a string's value for an edit; `None` within where it cannot be edited. `None` where
    /// hashes were not asked for.
    pub hash: Option<Option<String>>,
}

impl Serialize for KeyInfo {
    /// Writes a JSON value as it is stored, because a [`Value`] would lose digits and duplicate
    /// fields.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("KeyInfo", 22)?;
        fields.serialize_field("key", &self.key)?;
        if let Some(base64) = &self.key_base64 {
            fields.serialize_field("keyBase64", base64)?;
        }

        fields.serialize_field("type", &self.kind)?;
        fields.serialize_field("ttl", &self.ttl)?;
        if let Some(text) = &self.ttl_text {
            fields.serialize_field("ttlText", text)?;
        }

        fields.serialize_field("freshFor", &self.fresh_for)?;
        fields.serialize_field("stale", &self.stale)?;
        let stored_at = self.stored_at.map(Duration::from_millis);
        let stored_at = stored_at.and_then(|since_1970| UNIX_EPOCH.checked_add(since_1970));
        fields.serialize_field("storedAt", &stored_at.map(units::timestamp))?;
        let grace = self.grace.map(|milliseconds| milliseconds as f64 / 1000.0);
        fields.serialize_field("graceSeconds", &grace)?;
        fields.serialize_field("loadMs", &self.load_time)?;
        fields.serialize_field("loadLock", &self.load_lock)?;

        fields.serialize_field("size", &self.size)?;
        fields.serialize_field("sizeBytes", &self.size_bytes)?;
        fields.serialize_field("encoding", &self.encoding)?;
        fields.serialize_field("tags", &self.tags)?;
        fields.serialize_field("length", &self.length)?;

        match self.raw.as_deref().map(serde_json::from_str::<&RawValue>) {
            Some(Ok(json)) => fields.serialize_field("value", json)?,
            _ => fields.serialize_field("value", &self.value)?,
        }
        if let Some(raw) = &self.raw {
            fields.serialize_field("raw", raw)?;
        }

        fields.serialize_field("valueFormat", self.value_format)?;
        fields.serialize_field("truncated", &self.truncated)?;
        fields.serialize_field("nextCursor", &self.next_cursor)?;
        if let Some(hash) = &self.hash {
            fields.serialize_field("hash", hash)?;
        }
        fields.end()
    }
}

/// Describes a key, or one that does not exist. One round trip; one more for a TTL above 285,000
/// years.
///
/// # Errors
/// Those of the connection.
pub async fn describe<R: Redis>(
    redis: &R,
    key: &KeyName,
    elements: &ElementPage,
) -> Result<Result<KeyInfo, MissingKey>, RedisError> {
    let keys = [key.as_bytes().into(), key.lock().into()];
    let args = [
        elements.cursor.as_str().into(),
        elements.limit.into(),
        MAX_VALUE_BYTES.into(),
        if elements.hashes {
            MAX_EDITABLE_BYTES
        } else {
            0
        }
        .into(),
    ];

    let mut replies = INSPECT.run(redis, keys, args).await?;
    let kind = replies.text()?;
    if kind == "none" {
        let load_lock = read_lock(&mut replies)?;
        return Ok(Err(MissingKey { load_lock }));
    }

    let pttl = expiry::exact_pttl(redis, key, replies.int()?).await?;
    let mut info = KeyInfo::read(key, kind, pttl, replies)?;
    if !elements.hashes {
        info.hash = None;
    }
    Ok(Ok(info))
}

impl KeyInfo {
    /// Reads the part of the reply that follows the type and the expiry.
    fn read(
        key: &KeyName,
        kind: String,
        pttl: i64,
        mut replies: Replies,
    ) -> Result<Self, RedisError> {
        let size_bytes = u64::try_from(replies.int()?).ok();
        let encoding = replies.text()?;
        let (facts, value_length) = read_facts(&mut replies)?;
        let length = replies.count()?;
        let next = replies.text()?;
        let is_cut = replies.count()? == 1;
        let hashes = replies.text()?;
        let load_lock = read_lock(&mut replies)?;

        let facts = facts.as_ref();
        let grace = facts.map(|facts| facts.grace);
        let life = RemainingLife::new(pttl, grace.unwrap_or(0));
        let tags = facts.into_iter().flat_map(Facts::tags).map(str::to_owned);
        let (mut shown, truncated) = show_value(&kind, value_length, is_cut, replies)?;
        if kind == "hash" {
            value::add_hashes(&mut shown, &hashes);
        }
        let hash = (kind == "string" && !hashes.is_empty()).then_some(hashes);

        Ok(Self {
            key: key.display(),
            key_base64: key.base64(),
            kind,
            ttl: life.ttl,
            ttl_text: life.ttl_text,
            fresh_for: life.fresh_for,
            stale: life.stale,
            stored_at: facts.map(|facts| facts.stored_at),
            grace,
            load_time: facts.map(|facts| facts.load_time),
            load_lock,
            size: size_bytes.map(units::size),
            size_bytes,
            encoding,
            tags: tags.collect(),
            length,
            value: shown.value,
            raw: shown.raw,
            value_format: shown.format,
            truncated,
            next_cursor: (next != "0").then_some(next),
            hash: Some(hash),
        })
    }
}

fn read_lock(replies: &mut Replies) -> Result<Option<LoadLock>, RedisError> {
    let state = match replies.count()? {
        0 => None,
        1 => Some(LockState::Held),
        _ => Some(LockState::Failed),
    };
    let seconds_left = replies.int()? as f64 / 1000.0;
    Ok(state.map(|state| LoadLock {
        state,
        seconds_left,
    }))
}

/// Reads the facts of an entry, and the length of its value without the trailer.
fn read_facts(replies: &mut Replies) -> Result<(Option<Facts>, Option<usize>), RedisError> {
    let trailer = replies.bytes()?;
    let length = replies.count()? as usize;

    let facts = trailer::read(&trailer, length);
    let value_length = facts.as_ref().map(|_| length - trailer.len());
    Ok((facts, value_length))
}

/// Returns the value in a readable form, and whether it was cut. Of a value in chunks the beginning
/// of the first chunk is shown. `value_length` is that of an entry, without its trailer.
fn show_value(
    kind: &str,
    value_length: Option<usize>,
    is_cut: bool,
    replies: Replies,
) -> Result<(ShownValue, bool), RedisError> {
    if kind == "string" {
        let stored = replies.rest()?.into_iter().next().unwrap_or_default();
        let Some(length) = value_length else {
            return Ok(show_string(&stored, is_cut));
        };
        let (value, is_whole) = trailer::value_in(&stored, length);
        return Ok(show_string(value, !is_whole));
    }

    if value_length.is_some() {
        let chunk = replies.rest()?.into_iter().nth(1).unwrap_or_default();
        return Ok(show_string(&chunks::without_id(chunk), true));
    }
    Ok((value::show_collection(kind, is_cut, replies)?, is_cut))
}

fn show_string(encoded: &[u8], is_cut: bool) -> (ShownValue, bool) {
    let (preview, is_whole) = codec::preview(encoded, MAX_VALUE_BYTES);
    let truncated = is_cut || !is_whole;
    (value::show_string(preview, truncated), truncated)
}
