//! One key in detail.

use edge_cache::KeyName;
use edge_cache::keyspace::inspect::{self, DEFAULT_ELEMENTS, ElementPage, KeyInfo};
use edge_cache::redis::Redis;

use crate::error::Error;
use crate::input::{Fields, Parameters, key};

/// The most elements of a collection on a page.
const MAX_ELEMENTS: u64 = 1000;

/// A checked `GET /keys/{key}`, or `GET` or `POST /keys/entry`.
#[derive(Debug)]
pub struct InspectKeyRequest {
    key: KeyName,
    elements: ElementPage,
}

impl InspectKeyRequest {
    /// Reads `cursor` and `limit` (elements of a collection, 1 to 1,000) of the query string.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(key: KeyName, query: &str) -> Result<Self, Error> {
        Self::from_parameters(key, Parameters::parse(query), "cursor, limit")
    }

    /// Reads the same and the key, as `key` or `keyBase64`, of the query string.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse_entry(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let key = key::from_parameters(&mut parameters)?;
        Self::from_parameters(key, parameters, "key, keyBase64, cursor, limit")
    }

    /// Reads the same of a body, for names that are too long for a URL.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse_body(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let key = key::from_fields(&mut fields)?;
        let limit = fields.positive("limit", MAX_ELEMENTS)?;
        let cursor = fields.string("cursor")?;
        fields.reject_unknown("key, keyBase64, cursor, limit")?;

        Self::new(key, cursor, limit.unwrap_or(DEFAULT_ELEMENTS))
    }

    fn from_parameters(
        key: KeyName,
        mut parameters: Parameters,
        known: &str,
    ) -> Result<Self, Error> {
        let limit = parameters.number("limit", MAX_ELEMENTS, DEFAULT_ELEMENTS)?;
        let cursor = parameters.text("cursor")?;
        parameters.reject_unknown(known)?;

        Self::new(key, cursor, limit)
    }

    fn new(key: KeyName, cursor: Option<String>, limit: u64) -> Result<Self, Error> {
        let cursor = cursor.unwrap_or_else(|| "0".into());
        if !is_cursor(&cursor) {
            return Err(Error::invalid(
                "cursor",
                "must be the `nextCursor` of an earlier response",
            ));
        }

        Ok(Self {
            key,
            elements: ElementPage { cursor, limit },
        })
    }

    /// The key to read.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// Reads the key. One round trip; one more for a value in chunks, and for a time to live past
    /// 285,000 years.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it does not exist, and those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<KeyInfo, Error> {
        inspect::describe(redis, &self.key, &self.elements)
            .await?
            .ok_or_else(|| Error::key_not_found(&self.key))
    }
}

/// Returns true for a number, or for an id of a stream: two numbers.
fn is_cursor(text: &str) -> bool {
    let is_number = |part: &str| !part.starts_with('+') && part.parse::<u64>().is_ok();
    match text.split_once('-') {
        Some((ms, sequence)) => is_number(ms) && is_number(sequence),
        None => is_number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<InspectKeyRequest, Error> {
        InspectKeyRequest::parse(KeyName::new("k"), query)
    }

    #[test]
    fn a_cursor_is_a_number_or_the_id_of_a_stream() {
        assert!(parse("cursor=17").is_ok());
        assert!(parse("cursor=1700000000000-0&limit=10").is_ok());
    }

    #[test]
    fn other_parameters_are_rejected() {
        for bad in [
            "cursor=abc",
            "cursor=%2B1",
            "cursor=-",
            "cursor=1-2-3",
            "cursor=99999999999999999999",
            "limit=1001",
            "x=1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
