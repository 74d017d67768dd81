//! One key in detail, and the download of its whole value.

mod download;

use edge_cache::KeyName;
use edge_cache::keyspace::inspect::{self, DEFAULT_ELEMENTS, ElementPage, KeyInfo};
use edge_cache::keyspace::whole_value::ValueForm;
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
    download: Option<ValueForm>,
}

impl InspectKeyRequest {
    /// Reads `cursor` and `limit` (elements of a collection, 1 to 1,000), or `download`, of the query
    /// string.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(key: KeyName, query: &str) -> Result<Self, Error> {
        Self::from_parameters(key, Parameters::parse(query), "cursor, limit, download")
    }

    /// Reads the same and the key, as `key` or `keyBase64`, of the query string.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse_entry(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let key = key::from_parameters(&mut parameters)?;
        let known = "key, keyBase64, cursor, limit, download";
        Self::from_parameters(key, parameters, known)
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
        let download = fields.string("download")?;
        fields.reject_unknown("key, keyBase64, cursor, limit, download")?;

        Self::new(key, cursor, limit, download.as_deref())
    }

    fn from_parameters(
        key: KeyName,
        mut parameters: Parameters,
        known: &str,
    ) -> Result<Self, Error> {
        let limit = parameters.optional_number("limit", MAX_ELEMENTS)?;
        let cursor = parameters.text("cursor")?;
        let download = parameters.text("download")?;
        parameters.reject_unknown(known)?;

        Self::new(key, cursor, limit, download.as_deref())
    }

    fn new(
        key: KeyName,
        cursor: Option<String>,
        limit: Option<u64>,
        download: Option<&str>,
    ) -> Result<Self, Error> {
        let download = download.map(read_form).transpose()?;
        if download.is_some() && (cursor.is_some() || limit.is_some()) {
            let problem = "is for whole values; leave out `cursor` and `limit`";
            return Err(Error::invalid("download", problem));
        }

        let cursor = cursor.unwrap_or_else(|| "0".into());
        if !is_cursor(&cursor) {
            return Err(Error::invalid(
                "cursor",
                "must be the `nextCursor` of an earlier response",
            ));
        }

        Ok(Self {
            key,
            elements: ElementPage {
                cursor,
                limit: limit.unwrap_or(DEFAULT_ELEMENTS),
                hashes: false,
            },
            download,
        })
    }

    /// Reads the hashes of values too, by which they are edited.
    #[must_use]
    pub fn with_hashes(mut self, hashes: bool) -> Self {
        self.elements.hashes = hashes;
        self
    }

    /// The key to read.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// Reads the key. One round trip; one more for a value in chunks, and for a time to live past
    /// 285,000 years.
    ///
    /// # Errors
    /// [`Error::MissingKey`] when it does not exist, and those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<KeyInfo, Error> {
        let described = inspect::describe(redis, &self.key, &self.elements).await?;
        described.map_err(|missing| Error::MissingKey {
            problem: Error::key_not_found(&self.key).to_string(),
            load_lock: missing.load_lock,
        })
    }
}

fn read_form(text: &str) -> Result<ValueForm, Error> {
    match text {
        "decoded" => Ok(ValueForm::Decoded),
        "stored" => Ok(ValueForm::Stored),
        _ => Err(Error::invalid("download", "must be `decoded` or `stored`")),
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
    fn a_download_is_of_a_whole_value() {
        let form = |query| parse(query).unwrap().download;
        assert_eq!(form(""), None);
        assert_eq!(form("download=decoded"), Some(ValueForm::Decoded));
        assert_eq!(form("download=stored"), Some(ValueForm::Stored));
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
            "download=raw",
            "download=stored&limit=10",
            "download=decoded&cursor=5",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
