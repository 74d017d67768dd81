//! Key names in requests and responses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use edge_cache::KeyName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;

use super::fields::Fields;
use super::parameters::Parameters;
use crate::error::Error;

/// Bytes of a name that a query contains unescaped, besides letters and digits.
const QUERY_SAFE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'@');

/// Reads one element of a request's `keys`: a string, or `{"base64": "..."}` for a name that is
/// not UTF-8.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub fn from_json(field: &str, value: &Value) -> Result<KeyName, Error> {
    if let Some(text) = value.as_str() {
        return Ok(KeyName::new(text));
    }

    value
        .as_object()
        .filter(|object| object.len() == 1)
        .and_then(|object| object.get("base64")?.as_str())
        .and_then(|base64| BASE64.decode(base64).ok())
        .map(KeyName::new)
        .ok_or_else(|| {
            Error::invalid(
                field,
                "must be a string, or {\"base64\": \"...\"} for a key that is not UTF-8",
            )
        })
}

/// Reads `key` or `keyBase64` of a query string.
///
/// # Errors
/// [`Error::Invalid`] when neither or both are given, or the base64 is not valid.
pub fn from_parameters(parameters: &mut Parameters) -> Result<KeyName, Error> {
    let plain = parameters.bytes("key").map(KeyName::new);
    let encoded = parameters
        .bytes("keyBase64")
        .map(|base64| decode("keyBase64", &base64))
        .transpose()?;
    require_one(plain, encoded)
}

/// Reads `key` or `keyBase64` of a body.
///
/// # Errors
/// [`Error::Invalid`] when neither or both are given, or one has a wrong type or value.
pub fn from_fields(fields: &mut Fields) -> Result<KeyName, Error> {
    let plain = fields.string("key")?.map(KeyName::new);
    let encoded = fields
        .string("keyBase64")?
        .map(|base64| decode("keyBase64", base64.as_bytes()))
        .transpose()?;
    require_one(plain, encoded)
}

/// The rest of a key's address below `/keys/`, valid for every name: `entry?key=...`, or
/// `entry?keyBase64=...` if the name is not UTF-8.
pub fn address(name: &KeyName) -> String {
    match name.base64() {
        None => format!("entry?key={}", percent_encode(name.as_bytes(), QUERY_SAFE)),
        Some(base64) => format!(
            "entry?keyBase64={}",
            percent_encode(base64.as_bytes(), QUERY_SAFE)
        ),
    }
}

fn decode(field: &str, base64: &[u8]) -> Result<KeyName, Error> {
    BASE64
        .decode(base64)
        .map(KeyName::new)
        .map_err(|_| Error::invalid(field, "must be standard base64 of a name"))
}

fn require_one(plain: Option<KeyName>, encoded: Option<KeyName>) -> Result<KeyName, Error> {
    match (plain, encoded) {
        (Some(name), None) | (None, Some(name)) => Ok(name),
        (None, None) => Err(Error::invalid(
            "key",
            "is needed: the name, or `keyBase64` instead",
        )),
        (Some(_), Some(_)) => Err(Error::invalid(
            "keyBase64",
            "cannot be given together with `key`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(query: &str) -> Result<KeyName, Error> {
        from_parameters(&mut Parameters::parse(query))
    }

    #[track_caller]
    fn assert_names<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) {
        let problem = result.unwrap_err().to_string();
        assert!(problem.starts_with(&format!("`{field}`")), "{problem}");
    }

    #[test]
    fn every_name_is_read_back_from_its_address() {
        let names = [
            b"users:1".to_vec(),
            b"a/b?c#d%20 \n&key=x+y".to_vec(),
            vec![0xff, 0x00, 0xfb],
            b"..".to_vec(),
            Vec::new(),
        ];
        for bytes in names {
            let name = KeyName::new(bytes);

            let address = address(&name);

            let (route, query) = address.split_once('?').unwrap();
            assert_eq!(route, "entry");
            assert_eq!(read(query).unwrap(), name);
        }
    }

    #[test]
    fn a_query_names_a_key_in_either_form() {
        assert_eq!(read("key=").unwrap(), KeyName::new(""));
        assert_eq!(read("key=a%FF").unwrap(), KeyName::new(*b"a\xff"));
        assert_eq!(
            read("keyBase64=Y2Fm6Q==").unwrap(),
            KeyName::new(*b"caf\xe9")
        );
    }

    #[test]
    fn a_body_names_a_key_in_base64() {
        let mut fields = Fields::from_json(br#"{"keyBase64":"/w=="}"#).unwrap();
        assert_eq!(from_fields(&mut fields).unwrap(), KeyName::new(*b"\xff"));
    }

    #[test]
    fn a_key_is_named_once_and_in_valid_base64() {
        assert_names(read(""), "key");
        assert_names(read("key=a&keyBase64=YQ=="), "keyBase64");
        assert_names(read("keyBase64=a+b"), "keyBase64");
    }

    #[test]
    fn other_json_is_rejected_by_name() {
        for bad in [
            json!(3),
            json!({"base64": "?"}),
            json!({"base64": "QQ==", "x": 1}),
            json!(null),
        ] {
            assert_names(from_json("keys[7]", &bad), "keys[7]");
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_read_back_from_base64() {
        let name = KeyName::new(b"a\\\xff\xfeb".to_vec());
        let sent_back = json!({ "base64": name.base64().unwrap() });

        assert_eq!(from_json("keys[0]", &sent_back).unwrap(), name);
    }
}
