//! Key names: arbitrary bytes, shown as text and addressed without loss; and the names this system uses itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;

use crate::error::Error;

/// Overrides of the TTL table (a hash). Outlives a global clear.
pub const TTL_OVERRIDES: &str = "cache:ttl";
/// The progress of the running or last warmup (a string holding JSON).
pub const WARMUP_STATUS: &str = "cache:warmup:status";
/// How each module of the plan fared when it was last warmed (a hash of JSON).
pub const WARMUP_MODULES: &str = "cache:warmup:modules";
/// The id of a warmup that is to stop (a string that expires).
pub const WARMUP_CANCEL: &str = "cache:warmup:cancel";
/// What the schedule did last (a hash).
pub const WARMUP_SCHEDULE: &str = "cache:warmup:schedule";
/// Held while a warmup runs. Outlives a global clear, so that warmups stay single.
pub const WARMUP_LOCK: &str = "lock:cache:warmup";
/// The audit trail (a stream), in its own logical database.
pub const AUDIT: &str = "cache:audit";
/// What puts loads and the callers who wait for them in order (a stream). Outlives a global clear.
pub const TURNS: &str = "cache:turns";
/// The last invalidations, for loads in flight (a stream).
pub const FENCES: &str = "cache:fences";
/// Look-ups by module and outcome (a hash). Outlives a global clear.
pub const LOOKUPS: &str = "cache:lookups";
/// Events by what became of them (a hash). Outlives a global clear.
pub const EVENTS: &str = "cache:events";
/// What the administration did (a hash), beside the audit trail.
pub const COUNTERS: &str = "cache:counters";
/// Exists while a value stored in chunks may (a string).
pub const CHUNKED: &str = "cache:chunked";
/// What a pattern never touches unless it starts with one of these.
pub const PROTECTED_PREFIXES: [&str; 2] = ["cache:", "lock:"];

/// What `/keys/{key}` leaves unescaped beside letters and digits.
const PATH_SAFE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b',').remove(b'@');

/// The name of a Redis key: any bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(Vec<u8>);

impl KeyName {
    /// A name as Redis has it.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as Redis has them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads one element of a request's `keys`: a string, or `{"base64": "..."}` for a name that is not UTF-8.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field.
    pub fn from_json(field: &str, value: &Value) -> Result<Self, Error> {
        if let Some(text) = value.as_str() {
            return Ok(Self::new(text));
        }
        let encoded = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("base64"));
        let encoded = encoded.and_then(Value::as_str);
        let bytes = encoded.and_then(|text| BASE64.decode(text).ok());
        bytes.map(Self).ok_or_else(|| {
            Error::invalid(field, "must be a string, or {\"base64\": \"...\"} for a key that is not UTF-8")
        })
    }

    /// Whether it is one of those that this system keeps.
    pub fn is_protected(&self) -> bool {
        PROTECTED_PREFIXES.iter().any(|prefix| self.0.starts_with(prefix.as_bytes()))
    }

    /// Whether it is the audit trail, which nobody removes or lets expire.
    pub fn is_trail(&self) -> bool {
        self.0 == AUDIT.as_bytes()
    }

    /// The name as text: itself where it is UTF-8; otherwise bytes that are not are shown as `\xNN`, and `\` as `\\`.
    pub fn display(&self) -> String {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(self.0.len() + 8);
        for chunk in self.0.utf8_chunks() {
            shown.push_str(&chunk.valid().replace('\\', "\\\\"));
            for byte in chunk.invalid() {
                shown.push_str(&format!("\\x{byte:02x}"));
            }
        }
        shown
    }

    /// Standard base64 of the name where it is not UTF-8, so that clients can send it back.
    pub fn base64(&self) -> Option<String> {
        std::str::from_utf8(&self.0).is_err().then(|| BASE64.encode(&self.0))
    }

    /// The name as one URL path segment: right for every name.
    pub fn path_segment(&self) -> String {
        // A segment of dots alone would be resolved away by clients.
        if !self.0.is_empty() && self.0.len() <= 2 && self.0.iter().all(|byte| *byte == b'.') {
            return "%2E".repeat(self.0.len());
        }
        percent_encode(&self.0, PATH_SAFE).to_string()
    }

    /// The lock of whoever loads this key; the braces keep it on the key's node of a Cluster.
    pub fn lock(&self) -> Vec<u8> {
        [b"lock:{", self.0.as_slice(), b"}"].concat()
    }

    /// Where callers wait for whoever loads this key.
    pub fn waiting(&self) -> Vec<u8> {
        [b"cache:waiting:{", self.0.as_slice(), b"}"].concat()
    }

    /// The key that holds what this system knows about this one (tags, age); the braces keep both on one node of a Cluster.
    pub fn companion(&self) -> Vec<u8> {
        [b"cache:meta:{", self.0.as_slice(), b"}"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_that_are_utf8_are_shown_as_they_are() {
        assert_eq!(KeyName::new("a b\n\"c\\xff").display(), "a b\n\"c\\xff");
        assert_eq!(KeyName::new("a").base64(), None);
    }

    #[test]
    fn other_names_are_escaped_without_ambiguity_and_come_back_as_base64() {
        let name = KeyName::new(b"a\\\xff\xfeb".to_vec());
        assert_eq!(name.display(), "a\\\\\\xff\\xfeb");
        let sent_back = json!({ "base64": name.base64().unwrap() });
        assert_eq!(KeyName::from_json("keys[0]", &sent_back).unwrap(), name);
    }

    #[test]
    fn a_path_segment_survives_decoding() {
        for bytes in [b"users:1".to_vec(), b"a/b?c#d%20 \n".to_vec(), vec![0xff, 0x00], b"..".to_vec()] {
            let segment = KeyName::new(bytes.clone()).path_segment();
            assert_eq!(percent_encoding::percent_decode_str(&segment).collect::<Vec<u8>>(), bytes);
            assert!(!segment.contains(['/', '?', '#', ' ']) && segment != "..");
        }
    }

    #[test]
    fn other_json_is_refused_by_name() {
        for bad in [json!(3), json!({"base64": "?"}), json!({"base64": "QQ==", "x": 1}), json!(null)] {
            assert!(KeyName::from_json("keys[7]", &bad).unwrap_err().to_string().starts_with("`keys[7]`"));
        }
    }
}
