//! A checked `PUT` of `/keys/{key}` or `/keys/entry`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use edge_cache::KeyName;

use crate::error::Error;
use crate::input::{Fields, key};

/// Characters of a value's hash.
const HASH_CHARS: usize = 40;

/// A checked `PUT` of `/keys/{key}` or `/keys/entry`, or the undoing of one.
#[derive(Debug, Clone)]
pub struct EditKeyRequest {
    pub(super) key: KeyName,
    /// The field of a hash.
    pub(super) field: Option<Vec<u8>>,
    /// The new value.
    pub(super) value: Vec<u8>,
    /// The hash of the value that the caller has read.
    pub(super) expected: String,
}

impl EditKeyRequest {
    /// Reads `value`, `encoding`, `field` and `if` of a body.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body; [`Error::Invalid`] for a key of
    /// edge-cache.
    pub fn parse(key: KeyName, body: &[u8]) -> Result<Self, Error> {
        let fields = Fields::from_json(body)?;
        Self::from_fields(key, fields, "value, encoding, field, if")
    }

    /// Reads the same and the key, as `key` or `keyBase64`.
    ///
    /// # Errors
    /// Those of [`EditKeyRequest::parse`].
    pub fn parse_entry(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let key = key::from_fields(&mut fields)?;
        Self::from_fields(key, fields, "key, keyBase64, value, encoding, field, if")
    }

    fn from_fields(key: KeyName, mut fields: Fields, known: &str) -> Result<Self, Error> {
        let encoding = Encoding::parse(fields.string("encoding")?.as_deref())?;
        let field = fields.string("field")?;
        let field = field.map(|field| encoding.decode("field", field));
        let value = fields.string("value")?;
        let value = value.ok_or_else(|| Error::invalid("value", "is needed: the new value"))?;
        let expected = fields.string("if")?;
        fields.reject_unknown(known)?;

        if key.is_protected() {
            let problem = "is one of edge-cache's own keys, whose values cannot be edited";
            return Err(Error::invalid("key", problem));
        }
        Ok(Self {
            key,
            field: field.transpose()?,
            value: encoding.decode("value", value)?,
            expected: expected.filter(|hash| is_hash(hash)).ok_or_else(|| {
                let problem =
                    "must be the `hash` of the value that was read: 40 hexadecimal digits";
                Error::invalid("if", problem)
            })?,
        })
    }

    /// The key to edit.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// The change in words, for the audit trail.
    pub fn describe(&self) -> String {
        let bytes = self.value.len();
        match &self.field {
            Some(field) => format!(
                "field {}, {bytes} bytes",
                KeyName::new(field.clone()).display()
            ),
            None => format!("{bytes} bytes"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Text,
    Base64,
}

impl Encoding {
    fn parse(name: Option<&str>) -> Result<Self, Error> {
        match name {
            None | Some("text") => Ok(Self::Text),
            Some("base64") => Ok(Self::Base64),
            Some(_) => Err(Error::invalid("encoding", "must be text or base64")),
        }
    }

    fn decode(self, name: &str, text: String) -> Result<Vec<u8>, Error> {
        match self {
            Self::Text => Ok(text.into_bytes()),
            Self::Base64 => BASE64
                .decode(text)
                .map_err(|_| Error::invalid(name, "must be standard base64")),
        }
    }
}

fn is_hash(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == HASH_CHARS && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12";

    fn parse(key: &str, body: &str) -> Result<EditKeyRequest, Error> {
        let body = body.replace("HASH", HASH);
        EditKeyRequest::parse(KeyName::new(key), body.as_bytes())
    }

    #[test]
    fn a_value_is_text_or_base64() {
        let text = parse("k", r#"{"value":"é","if":"HASH"}"#).unwrap();
        assert_eq!(text.value, "é".as_bytes());
        assert_eq!(text.describe(), "2 bytes");

        let bytes = r#"{"value":"Y2Fm6Q==","field":"Zg==","encoding":"base64","if":"HASH"}"#;
        let bytes = parse("k", bytes).unwrap();
        assert_eq!(bytes.value, b"caf\xe9");
        assert_eq!(bytes.field.as_deref(), Some(b"f".as_slice()));
        assert_eq!(bytes.describe(), "field f, 4 bytes");
    }

    #[test]
    fn any_other_request_is_rejected_and_names_its_field() {
        for (key, body, field) in [
            ("k", r#"{"if":"HASH"}"#, "value"),
            ("k", r#"{"value":7,"if":"HASH"}"#, "value"),
            ("k", r#"{"value":"x"}"#, "if"),
            ("k", r#"{"value":"x","if":"2FD4"}"#, "if"),
            ("k", r#"{"value":"x","if":"HASH","ttl":1}"#, "ttl"),
            (
                "k",
                r#"{"value":"x","if":"HASH","encoding":"hex"}"#,
                "encoding",
            ),
            (
                "k",
                r#"{"value":"?","if":"HASH","encoding":"base64"}"#,
                "value",
            ),
            ("cache:ttl", r#"{"value":"x","if":"HASH"}"#, "key"),
            ("lock:{k}", r#"{"value":"x","if":"HASH"}"#, "key"),
        ] {
            let error = parse(key, body).unwrap_err();

            assert!(
                matches!(&error, Error::Invalid { field: named, .. } if named == field),
                "{body}: {error}"
            );
        }
    }
}
