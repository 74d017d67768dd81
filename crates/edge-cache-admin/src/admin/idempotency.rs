//! Requests that are carried out once: a client names a request with a key of its own, and a repeated
//! request gets the answer of the first one for 24 hours.
//!
//! ```text
//! first request     claims the key, is carried out, and keeps its answer
//! the same again    gets the kept answer; while the first is running, it has to wait
//! another one       is refused: the key belongs to a different request
//! first one failed  frees the key, so that the next one is carried out
//! first one's host  was killed: the claim expires with its lease of 60 s, which a running request
//!                   renews, and the next one is carried out
//! ```
//!
//! Only successes are kept. Repeating a change that failed half-way does the rest. The keys are in the
//! audit trail's database: a global clear must not remove the claim of its own request.

use std::fmt::Write;
use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::script;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Claims a key for a request, or reads what it was used for.
static CLAIM: Script = script!(repeatable "idempotency/claim", []);

/// Renews the lease of a claim.
static RENEW: Script = script!(repeatable "idempotency/renew", []);

/// Keeps an answer in place of a claim.
static KEEP: Script = script!(repeatable "idempotency/keep", []);

/// Frees a key.
static FREE: Script = script!(repeatable "idempotency/free", []);

/// The beginning of the names of all keys.
const PREFIX: &str = "cache:idempotency:";
/// The longest key that a client may choose.
const MAX_KEY_BYTES: usize = 255;
/// How long an answer is kept.
const KEPT_MS: u64 = 86_400_000;
/// How long a claim lives without being renewed.
const LEASE_MS: u64 = 60_000;
/// The longest answer that is kept.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// The time after which a running request renews its lease.
pub const RENEWAL_INTERVAL: Duration = Duration::from_secs(20);

/// A key that a client chose, together with the request that it names.
#[derive(Debug)]
pub struct IdempotencyKey {
    /// Its name in Redis.
    name: String,
    /// The digest of the request.
    request: String,
}

/// An answer of which a copy is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Status and headers, in the caller's own format.
    pub head: String,
    /// The body; empty if it was too long.
    pub body: String,
    /// True if the body was too long.
    pub is_cut: bool,
}

/// The result of a claim.
#[derive(Debug)]
pub enum Claim {
    /// The request is to be carried out.
    Begun(IdempotencyClaim),
    /// It was carried out before.
    Answered(KeptAnswer),
    /// It is being carried out.
    Running,
    /// The key names another request.
    OtherRequest,
}

/// The right to carry out the request of a key.
#[derive(Debug)]
pub struct IdempotencyClaim {
    name: String,
    owner: String,
}

impl IdempotencyKey {
    /// Checks the key that a client chose, and the request of this token that it names: all parts of it
    /// that make a difference.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a key that is empty, longer than 255 bytes or not printable ASCII.
    pub fn new(token: &str, key: &[u8], request: &[&[u8]]) -> Result<Self, Error> {
        // Structured header fields (RFC 8941) have strings in quotes.
        let unquoted = key
            .strip_prefix(b"\"")
            .and_then(|rest| rest.strip_suffix(b"\""));
        let key = unquoted.unwrap_or(key);
        let is_printable = key.iter().all(|byte| (b' '..=b'~').contains(byte));
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !is_printable {
            return Err(Error::Malformed(format!(
                "the Idempotency-Key must be 1 to {MAX_KEY_BYTES} printable ASCII characters, such as a random UUID"
            )));
        }

        let name = digest(&[token.as_bytes(), key]);
        Ok(Self {
            name: format!("{PREFIX}{name}"),
            request: digest(request),
        })
    }

    /// Claims the key for its request; `owner` is a random text. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn claim(self, redis: &impl Redis, owner: String) -> Result<Claim, RedisError> {
        let args = [
            self.request.as_str().into(),
            owner.as_str().into(),
            LEASE_MS.into(),
        ];
        let mut replies = CLAIM.run(redis, [self.name.as_str().into()], args).await?;

        Ok(match replies.text()?.as_str() {
            "begun" => Claim::Begun(IdempotencyClaim {
                name: self.name,
                owner,
            }),
            "answered" => Claim::Answered(KeptAnswer {
                head: replies.text()?,
                body: replies.text()?,
                is_cut: replies.count()? > 0,
            }),
            "running" => Claim::Running,
            _ => Claim::OtherRequest,
        })
    }
}

impl IdempotencyClaim {
    /// Renews the lease. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn renew(&self, redis: &impl Redis) -> Result<(), RedisError> {
        let args = [self.owner.as_str().into(), LEASE_MS.into()];
        let renewed = RENEW.run(redis, [self.name.as_str().into()], args);
        renewed.await.map(drop)
    }

    /// Keeps the answer for 24 hours. Of a body beyond 256 KiB only the fact is kept. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn keep(self, redis: &impl Redis, head: &str, body: &str) -> Result<(), RedisError> {
        let is_cut = head.len() + body.len() > MAX_ANSWER_BYTES;
        let body = if is_cut { "" } else { body };
        let args = [
            self.owner.as_str().into(),
            KEPT_MS.into(),
            head.into(),
            body.into(),
            u64::from(is_cut).into(),
        ];
        let kept = KEEP.run(redis, [self.name.as_str().into()], args);
        kept.await.map(drop)
    }

    /// Frees the key, so that the next request is carried out. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn free(self, redis: &impl Redis) -> Result<(), RedisError> {
        let args = [self.owner.as_str().into()];
        let freed = FREE.run(redis, [self.name.as_str().into()], args);
        freed.await.map(drop)
    }
}

/// The SHA-256 of several parts, each with its length, in hexadecimal.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }

    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(token: &str, key: &str) -> Option<String> {
        let key = IdempotencyKey::new(token, key.as_bytes(), &[b"request"]).ok()?;
        Some(key.name)
    }

    #[test]
    fn a_key_is_short_and_printable() {
        assert!(named("ada", "8e03978e-40d5-43dd-bc93-6894a57f9324").is_some());
        assert!(named("ada", &"k".repeat(255)).is_some());
        for bad in ["", "\"\"", "clé", "a\tb", &"k".repeat(256)] {
            assert!(named("ada", bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn quotes_around_a_key_do_not_count() {
        assert_eq!(named("ada", "\"order 7\""), named("ada", "order 7"));
    }

    #[test]
    fn each_token_has_its_own_keys() {
        assert_ne!(named("ada", "7"), named("bob", "7"));
        assert_ne!(named("ada7", "7"), named("ada", "77"));
    }
}
