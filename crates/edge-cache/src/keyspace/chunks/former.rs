//! Values in chunks as version 0.1 stored them: each chunk in a key of its own, and a manifest that
//! begins with a zero byte under the value's key. They are read, and never written.

use crate::error::RedisError;
use crate::redis::{Command, Redis, Replies};

const MANIFEST_PREFIX: &[u8] = b"\0edge-cache-chunks 1 ";

/// Names the chunks of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    bytes: usize,
    id: String,
    count: usize,
}

impl Manifest {
    /// Reads a manifest; `None` where the stored bytes are another value.
    pub(crate) fn read(stored: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(stored.strip_prefix(MANIFEST_PREFIX)?).ok()?;
        let mut parts = text.split(' ');
        Some(Self {
            bytes: parts.next()?.parse().ok()?,
            id: parts.next()?.to_owned(),
            count: parts.next()?.parse().ok()?,
        })
    }

    fn keys(&self, key: &str) -> impl Iterator<Item = String> {
        (1..=self.count).map(move |n| format!("cache:chunk:{{{key}}}:{}:{n}", self.id))
    }
}

/// Replaces a manifest by the value whose chunks it names; other values come back unchanged, `None`
/// when a chunk is missing. One round trip a chunk.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn gather<R: Redis>(
    redis: &R,
    key: &str,
    stored: Vec<u8>,
) -> Result<Option<Vec<u8>>, RedisError> {
    match Manifest::read(&stored) {
        None => Ok(Some(stored)),
        Some(manifest) => Box::pin(gather_chunks(redis, key, manifest)).await,
    }
}

async fn gather_chunks<R: Redis>(
    redis: &R,
    key: &str,
    manifest: Manifest,
) -> Result<Option<Vec<u8>>, RedisError> {
    // Any client may have written the manifest, so its size is not reserved in advance.
    let mut value = Vec::new();
    for name in manifest.keys(key) {
        let reply = redis.execute(Command::read("GET").arg(name)).await?;
        let missing = manifest.bytes - value.len();
        match Replies::new(reply).optional_bytes()? {
            Some(chunk) if chunk.len() <= missing => value.extend_from_slice(&chunk),
            _ => return Ok(None),
        }
    }
    Ok((value.len() == manifest.bytes).then_some(value))
}
