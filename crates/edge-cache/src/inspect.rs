//! One key in detail, and changing when it expires.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::{Value, json};

use crate::body::{Fields, Query};
use crate::browse::seconds;
use crate::codec::{self, Manifest};
use crate::error::Error;
use crate::format;
use crate::key::KeyName;
use crate::redis::{Command, Redis, Replies};
use crate::script::{EXPIRE, INSPECT};
use crate::ttl;

/// Bytes of values read at most.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// Elements of a collection on a page, at most and by default.
const MAX_ELEMENTS: u64 = 1000;
const ELEMENTS: u64 = 100;

/// A checked `GET /keys/{key}`.
#[derive(Debug)]
pub struct Request {
    key: KeyName,
    cursor: String,
    limit: u64,
}

/// A key in detail.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The name; see [`KeyName::display`].
    pub key: String,
    /// The name in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// `string`, `list`, `set`, `zset`, `hash`, `stream`, or a module's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds left, -1 for a key that does not expire.
    pub ttl: i64,
    /// Memory used, null where the server will not say.
    pub size: Option<String>,
    /// Memory used, in bytes.
    pub size_bytes: Option<u64>,
    /// Redis' internal encoding, e.g. `listpack`.
    pub encoding: String,
    /// The tags the key was stored with.
    pub tags: Vec<String>,
    /// Bytes of a string, elements of a collection.
    pub length: u64,
    /// The value: JSON, text, or `{"base64": ...}`; for collections a list of elements.
    pub value: Value,
    /// How `value` is to be read: `json`, `text`, `base64` or `elements`.
    pub value_format: &'static str,
    /// Whether values were cut at 64 KiB.
    pub truncated: bool,
    /// What to send as `cursor` for more elements; null at the end.
    pub next_cursor: Option<String>,
}

impl Request {
    /// A key, with the query's `cursor` and `limit` (elements of a collection, 1 to 1,000).
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(key: KeyName, query: &str) -> Result<Self, Error> {
        let mut query = Query::parse(query);
        let limit = query.number("limit", MAX_ELEMENTS, ELEMENTS)?;
        let cursor = query.text("cursor")?.unwrap_or_else(|| "0".into());
        let number = |part: &str| !part.starts_with('+') && part.parse::<u64>().is_ok();
        if cursor.split('-').count() > 2 || !cursor.split('-').all(number) {
            return Err(Error::invalid("cursor", "must be the `nextCursor` of an earlier answer"));
        }
        query.finish("cursor, limit")?;
        Ok(Self { key, cursor, limit })
    }

    /// Reads the key: one round trip.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not exist, and those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<Report, Error> {
        let keys = [self.key.as_bytes().into(), self.key.companion().into()];
        let args = [self.cursor.as_str().into(), self.limit.into(), MAX_VALUE_BYTES.into()];
        let mut replies = INSPECT.run(redis, keys, args).await?;
        let kind = replies.text()?;
        if kind == "none" {
            return Err(not_found(&self.key));
        }
        let ttl = seconds(replies.int()?);
        let size_bytes = u64::try_from(replies.int()?).ok();
        let (encoding, tags, length) = (replies.text()?, replies.text()?, replies.count()?);
        let (next, truncated) = (replies.text()?, replies.count()? == 1);
        let (value, value_format, truncated) = self.decode(redis, &kind, truncated, replies).await?;
        Ok(Report {
            key: self.key.display(),
            key_base64: self.key.base64(),
            ttl,
            size: size_bytes.map(format::size),
            size_bytes,
            encoding,
            tags: tags.lines().map(str::to_owned).collect(),
            length,
            value,
            value_format,
            truncated,
            next_cursor: (next != "0").then_some(next),
            kind,
        })
    }

    /// The value in a readable form, and whether it was cut. A value in chunks is read from its first: one round trip more.
    async fn decode<R: Redis>(
        &self,
        redis: &R,
        kind: &str,
        truncated: bool,
        replies: Replies,
    ) -> Result<(Value, &'static str, bool), Error> {
        if kind != "string" {
            let (value, format) = decode(kind, replies)?;
            return Ok((value, format, truncated));
        }
        let mut stored = replies.rest()?.into_iter().next().unwrap_or_default();
        let mut cut = truncated;
        if let Some(first) = Manifest::read(&stored).and_then(|manifest| manifest.keys(&self.key.display()).next()) {
            let range = Command::read("GETRANGE").arg(first).arg(0_i64).arg(MAX_VALUE_BYTES as i64 - 1);
            stored = Replies::new(redis.execute(range).await?).bytes()?;
            cut = true;
        }
        let (shown, whole) = codec::preview(&stored, MAX_VALUE_BYTES);
        let truncated = cut || !whole;
        let (value, format) = decode_string(shown, truncated);
        Ok((value, format, truncated))
    }
}

fn not_found(key: &KeyName) -> Error {
    let mut name = key.display();
    if name.len() > 200 {
        name = format!("{}...", name.chars().take(200).collect::<String>());
    }
    Error::NotFound(format!("there is no key {name}: it was never set, or it expired or was removed"))
}

fn decode(kind: &str, replies: Replies) -> Result<(Value, &'static str), Error> {
    let elements = replies.rest()?;
    let pairs = |first: &str, second: &str| -> Value {
        elements.chunks_exact(2).map(|pair| json!({ first: element(&pair[0]), second: element(&pair[1]) })).collect()
    };
    let value = match kind {
        "hash" => pairs("field", "value"),
        "zset" => pairs("member", "score"),
        "stream" => elements.chunks_exact(2).map(|entry| stream_entry(&entry[0], &entry[1])).collect(),
        "list" | "set" => elements.iter().map(|value| element(value)).collect(),
        _ => Value::Null,
    };
    Ok((value, "elements"))
}

/// Valid JSON is shown decoded, other text as it is, the rest as base64.
fn decode_string(mut bytes: Vec<u8>, truncated: bool) -> (Value, &'static str) {
    if truncated {
        // A character cut in two is left off.
        if let Err(error) = std::str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            bytes.truncate(error.valid_up_to());
        }
    } else if let Ok(value) = serde_json::from_slice(&bytes) {
        return (value, "json");
    }
    match String::from_utf8(bytes) {
        Ok(text) => (Value::String(text), "text"),
        Err(error) => (json!({ "base64": BASE64.encode(error.as_bytes()) }), "base64"),
    }
}

fn element(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::String(text.to_owned()),
        Err(_) => json!({ "base64": BASE64.encode(bytes) }),
    }
}

/// Fields and values of an entry come as a JSON list from the script; a list cut short is shown as text.
fn stream_entry(id: &[u8], fields: &[u8]) -> Value {
    let text = String::from_utf8_lossy(fields);
    let fields = serde_json::from_str(&text).unwrap_or(Value::String(text.into_owned()));
    json!({ "id": element(id), "fields": fields })
}

/// A checked `PATCH /keys/{key}`.
#[derive(Debug)]
pub struct Expiry {
    key: KeyName,
    /// Milliseconds, `None`: for ever.
    ttl: Option<u64>,
}

/// A key's new expiry.
#[derive(Debug, Serialize)]
pub struct ExpiryReport {
    /// The name; see [`KeyName::display`].
    pub key: String,
    /// Seconds left, -1 for a key that does not expire.
    pub ttl: i64,
}

impl Expiry {
    /// A change to this time to live, `None`: for ever.
    pub(crate) fn new(key: KeyName, ttl: Option<Duration>) -> Self {
        Self { key, ttl: ttl.map(|ttl| format::milliseconds(ttl).max(1)) }
    }

    /// Reads `{"ttl": seconds}` or `{"persist": true}`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse(key: KeyName, body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let (ttl, persist) = (fields.positive("ttl", ttl::MAX_SECONDS)?, fields.flag("persist")?);
        fields.finish("ttl, persist")?;
        match (ttl, persist) {
            (Some(_), true) => Err(Error::invalid("persist", "cannot be given together with `ttl`")),
            (None, false) => Err(Error::invalid("ttl", "is needed: seconds, or `\"persist\": true` instead")),
            (Some(_), false) if key.is_trail() => Err(Error::invalid("ttl", "is not for the audit trail, which stays")),
            (ttl, _) => Ok(Self { key, ttl: ttl.map(|seconds| seconds * 1000) }),
        }
    }

    /// The change in words, for the audit trail.
    pub fn describe(&self) -> String {
        self.ttl.map_or_else(|| "persist".to_owned(), |milliseconds| format!("ttl {} s", milliseconds / 1000))
    }

    /// Changes the expiry of the key: one round trip.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the key does not exist, and those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<ExpiryReport, Error> {
        let keys = [self.key.as_bytes().into(), self.key.companion().into()];
        let milliseconds = self.ttl.map_or_else(String::new, |milliseconds| milliseconds.to_string());
        let mut replies = EXPIRE.run(redis, keys, [milliseconds.into(), (ttl::MAX_SECONDS * 1000).into()]).await?;
        if replies.count()? == 0 {
            return Err(not_found(&self.key));
        }
        Ok(ExpiryReport { key: self.key.display(), ttl: seconds(replies.int()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> KeyName {
        KeyName::new("k")
    }

    #[test]
    fn an_expiry_is_a_positive_time_or_none() {
        assert_eq!(Expiry::parse(key(), br#"{"ttl":600}"#).unwrap().describe(), "ttl 600 s");
        assert_eq!(Expiry::parse(key(), br#"{"persist":true}"#).unwrap().describe(), "persist");
        for bad in
            ["{}", r#"{"ttl":0}"#, r#"{"ttl":-1}"#, r#"{"ttl":1.5}"#, r#"{"ttl":"9"}"#, r#"{"ttl":9,"persist":true}"#]
        {
            assert!(matches!(Expiry::parse(key(), bad.as_bytes()), Err(Error::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn strings_are_decoded_to_the_most_readable_form() {
        assert_eq!(decode_string(br#"{"a":1}"#.to_vec(), false), (json!({"a": 1}), "json"));
        assert_eq!(decode_string(b"hello".to_vec(), false), (json!("hello"), "text"));
        assert_eq!(decode_string(vec![0xff], false), (json!({"base64": "/w=="}), "base64"));
        assert_eq!(decode_string("h\u{e9}".as_bytes()[..2].to_vec(), true), (json!("h"), "text"));
    }

    #[test]
    fn a_collections_cursor_is_digits() {
        assert!(Request::parse(key(), "cursor=1700000000000-0&limit=10").is_ok());
        for bad in [
            "cursor=abc",
            "cursor=%2B1",
            "cursor=-",
            "cursor=1-2-3",
            "cursor=99999999999999999999",
            "limit=1001",
            "x=1",
        ] {
            assert!(Request::parse(key(), bad).is_err(), "{bad}");
        }
    }
}
