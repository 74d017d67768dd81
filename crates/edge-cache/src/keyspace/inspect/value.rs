//! Values in a readable form: JSON decoded beside its text, other text as it is stored, and bytes
//! that are not UTF-8 in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::error::RedisError;
use crate::redis::Replies;

/// Characters of a hash.
const HASH_CHARS: usize = 40;
/// The script may have cut elements of at least this length.
const CUT_FROM_BYTES: usize = 128;

/// A value in a readable form.
#[derive(Debug, PartialEq)]
pub(super) struct ShownValue {
    pub(super) value: Value,
    /// `json`, `text`, `base64` or `elements`.
    pub(super) format: &'static str,
    /// The stored text of a JSON value.
    pub(super) raw: Option<String>,
}

/// Shows the elements of a collection, read from the rest of the script's reply.
pub(super) fn show_collection(
    kind: &str,
    truncated: bool,
    mut replies: Replies,
) -> Result<ShownValue, RedisError> {
    let value = match kind {
        "stream" => stream(replies, truncated)?,
        "hash" => pairs(["field", "value"], replies, truncated)?,
        "zset" => pairs(["member", "score"], replies, truncated)?,
        "list" | "set" => {
            let mut elements = Vec::with_capacity(replies.remaining());
            while replies.remaining() > 0 {
                elements.push(element(replies.bytes()?, truncated));
            }
            Value::Array(elements)
        }
        _ => Value::Null,
    };

    Ok(ShownValue {
        value,
        format: "elements",
        raw: None,
    })
}

fn pairs(
    [first, second]: [&str; 2],
    mut replies: Replies,
    truncated: bool,
) -> Result<Value, RedisError> {
    let mut pairs = Vec::with_capacity(replies.remaining() / 2);
    while replies.remaining() > 0 {
        let one = element(replies.bytes()?, truncated);
        let other = element(replies.bytes()?, truncated);
        pairs.push(json!({ first: one, second: other }));
    }
    Ok(Value::Array(pairs))
}

/// Reads the entries of a stream: of each its id, the number of strings that follow, and those.
fn stream(mut replies: Replies, truncated: bool) -> Result<Value, RedisError> {
    let mut entries = Vec::new();
    while replies.remaining() > 0 {
        let id = element(replies.bytes()?, false);
        let count = replies.count()?;
        let fields = (0..count).map(|_| Ok(element(replies.bytes()?, truncated)));
        let fields = fields.collect::<Result<Vec<Value>, RedisError>>()?;
        entries.push(json!({ "id": id, "fields": fields }));
    }
    Ok(Value::Array(entries))
}

/// Adds the hashes of a hash's values, 40 characters each, to its elements. Spaces stand for a value
/// that cannot be edited.
pub(super) fn add_hashes(shown: &mut ShownValue, hashes: &str) {
    let Value::Array(elements) = &mut shown.value else {
        return;
    };
    let hashes = hashes.as_bytes().chunks(HASH_CHARS);
    for (element, hash) in elements.iter_mut().zip(hashes) {
        let hash = String::from_utf8_lossy(hash).trim().to_owned();
        let hash = if hash.is_empty() {
            Value::Null
        } else {
            Value::String(hash)
        };
        if let Value::Object(fields) = element {
            fields.insert("hash".to_owned(), hash);
        }
    }
}

/// Shows a string: valid JSON decoded beside its text, other text as it is, other bytes in base64.
pub(super) fn show_string(bytes: Vec<u8>, truncated: bool) -> ShownValue {
    let bytes = if truncated {
        without_half_character(bytes)
    } else {
        bytes
    };

    match String::from_utf8(bytes) {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(value) if !truncated => ShownValue {
                value,
                format: "json",
                raw: Some(text),
            },
            _ => ShownValue {
                value: Value::String(text),
                format: "text",
                raw: None,
            },
        },
        Err(error) => ShownValue {
            value: json!({ "base64": BASE64.encode(error.as_bytes()) }),
            format: "base64",
            raw: None,
        },
    }
}

fn element(bytes: Vec<u8>, truncated: bool) -> Value {
    let bytes = if truncated && bytes.len() >= CUT_FROM_BYTES {
        without_half_character(bytes)
    } else {
        bytes
    };
    match String::from_utf8(bytes) {
        Ok(text) => Value::String(text),
        Err(error) => json!({ "base64": BASE64.encode(error.as_bytes()) }),
    }
}

/// Removes a last character that was cut in two.
fn without_half_character(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_shown_in_its_most_readable_form() {
        let shown = |bytes: &[u8], truncated| {
            let shown = show_string(bytes.to_vec(), truncated);
            (shown.value, shown.format)
        };
        assert_eq!(shown(br#"{"a":1}"#, false), (json!({"a": 1}), "json"));
        assert_eq!(shown(b"hello", false), (json!("hello"), "text"));
        assert_eq!(shown(&[0xff], false), (json!({"base64": "/w=="}), "base64"));
        assert_eq!(
            shown(&"h\u{e9}".as_bytes()[..2], true),
            (json!("h"), "text")
        );
    }

    #[test]
    fn json_is_shown_beside_its_stored_text() {
        let text = " {\"a\":12345678901234567890123, \"a\":1.10}\n";
        assert_eq!(show_string(text.into(), false).raw.as_deref(), Some(text));
        assert_eq!(show_string(b"1.10".to_vec(), true).raw, None);
    }

    #[test]
    fn an_element_cut_within_a_character_is_still_text() {
        let cut = "\u{e9}".repeat(100).as_bytes()[..199].to_vec();
        assert_eq!(element(cut.clone(), true), json!("\u{e9}".repeat(99)));
        assert!(element(cut, false).is_object());
    }
}
