//! Changing when a key expires.

use std::time::Duration;

use edge_cache::KeyName;
use edge_cache::keyspace::expiry::{self, NewLife};
use edge_cache::keyspace::ttl::MAX_TTL_SECONDS;
use edge_cache::redis::{Redis, ServerClock};
use serde::Serialize;

use crate::error::Error;
use crate::input::{Fields, key};

/// A checked `PATCH` of `/keys/{key}` or `/keys/entry`.
#[derive(Debug)]
pub struct ChangeExpiryRequest {
    key: KeyName,
    /// The new time to live; `None` if the key must not expire.
    ttl: Option<Duration>,
}

/// A key's new expiry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeExpiryReport {
    /// The name; see [`KeyName::display`].
    pub key: String,
    /// The name in base64, if `key` shows it escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// Seconds left, -1 for a key that does not expire.
    pub ttl: i64,
}

impl ChangeExpiryRequest {
    /// Reads `{"ttl": seconds}` or `{"persist": true}`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse(key: KeyName, body: &[u8]) -> Result<Self, Error> {
        Self::from_fields(key, Fields::from_json(body)?, "ttl, persist")
    }

    /// Reads the same and the key, as `key` or `keyBase64`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse_entry(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let key = key::from_fields(&mut fields)?;
        Self::from_fields(key, fields, "key, keyBase64, ttl, persist")
    }

    fn from_fields(key: KeyName, mut fields: Fields, known: &str) -> Result<Self, Error> {
        let seconds = fields.positive("ttl", MAX_TTL_SECONDS)?;
        let persist = fields.flag("persist")?;
        fields.reject_unknown(known)?;

        if seconds.is_some() && persist {
            return Err(Error::invalid(
                "persist",
                "cannot be given together with `ttl`",
            ));
        }
        if seconds.is_none() && !persist {
            return Err(Error::invalid(
                "ttl",
                "is needed: seconds, or `\"persist\": true` instead",
            ));
        }
        if key.is_trail() {
            return Err(Error::invalid(
                if persist { "persist" } else { "ttl" },
                "cannot be changed for keys of the audit trail",
            ));
        }
        Ok(Self {
            key,
            ttl: seconds.map(Duration::from_secs),
        })
    }

    /// The key to change.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// The change in words, for the audit trail.
    pub fn describe(&self) -> String {
        match self.ttl {
            Some(ttl) => format!("ttl {} s", ttl.as_secs()),
            None => "persist".to_owned(),
        }
    }

    /// Changes the expiry of the key. Two round trips, three for an entry of the library, and one more
    /// for one with tags.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the key does not exist, [`Error::Invalid`] when it belongs to a
    /// cache of another namespace, and those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<ChangeExpiryReport, Error> {
        if redis.namespace().is_other_named(self.key.as_bytes()) {
            let problem = "belongs to a cache of another namespace";
            return Err(Error::invalid("key", problem));
        }

        let clock = ServerClock::default();
        let life = self.ttl.map(NewLife::without_grace);
        let ttl = expiry::set(redis, &clock, &self.key, life)
            .await?
            .ok_or_else(|| Error::key_not_found(&self.key))?;

        Ok(ChangeExpiryReport {
            key: self.key.display(),
            key_base64: self.key.base64(),
            ttl,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, body: &str) -> Result<ChangeExpiryRequest, Error> {
        ChangeExpiryRequest::parse(KeyName::new(key), body.as_bytes())
    }

    #[test]
    fn an_expiry_is_a_positive_time_or_none() {
        let ttl = parse("k", r#"{"ttl":600}"#).unwrap();
        assert_eq!(ttl.describe(), "ttl 600 s");

        let persist = parse("k", r#"{"persist":true}"#).unwrap();
        assert_eq!(persist.describe(), "persist");
    }

    #[test]
    fn any_other_expiry_is_rejected() {
        for bad in [
            "{}",
            r#"{"ttl":0}"#,
            r#"{"ttl":-1}"#,
            r#"{"ttl":1.5}"#,
            r#"{"ttl":"9"}"#,
            r#"{"ttl":9,"persist":true}"#,
        ] {
            let parsed = parse("k", bad);
            assert!(matches!(parsed, Err(Error::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn keys_of_the_audit_trail_keep_their_expiry() {
        for key in ["cache:audit", "cache:audit:minute:deploy"] {
            for change in [r#"{"ttl":600}"#, r#"{"persist":true}"#] {
                let error = parse(key, change).unwrap_err().to_string();
                assert!(error.contains("audit trail"), "{key} {change}: {error}");
            }
        }

        assert!(parse("cache:auditors", r#"{"persist":true}"#).is_ok());
    }

    #[test]
    fn the_key_may_be_in_the_body() {
        let key = |body: &str| {
            ChangeExpiryRequest::parse_entry(body.as_bytes()).map(|change| change.key().clone())
        };

        let plain = key(r#"{"key":"a/","ttl":600}"#).unwrap();
        assert_eq!(plain, KeyName::new("a/"));

        let encoded = key(r#"{"keyBase64":"/w==","persist":true}"#).unwrap();
        assert_eq!(encoded, KeyName::new(*b"\xff"));

        let error = key(r#"{"ttl":600}"#).unwrap_err().to_string();
        assert!(error.starts_with("`key`"), "{error}");
    }
}
