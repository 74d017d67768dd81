//! Rows of the key list: what a browser shows of each key.

use edge_cache::keyspace::expiry::{self, RemainingLife};
use edge_cache::keyspace::trailer;
use edge_cache::redis::{Redis, Replies};
use edge_cache::{KeyName, RedisError, units};
use serde::Serialize;

use crate::input;

/// Replies of the script for each key.
const REPLIES_PER_KEY: usize = 6;

/// One key of the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRow {
    /// The name; see [`KeyName::display`].
    pub key: String,
    /// The name in base64, if `key` shows it escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// The rest of its address below `/api/cache/keys/`.
    pub path: String,
    /// `string`, `list`, `set`, `zset`, `hash`, `stream`, or a module's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds left, -1 for a key that does not expire.
    pub ttl: i64,
    /// The same as text if it is past 2^53, which some readers of JSON round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_text: Option<String>,
    /// Seconds for which the value is fresh; `None` if it does not expire.
    pub fresh_for: Option<i64>,
    /// True if it is past its TTL and within its grace.
    pub stale: bool,
    /// Memory used; null if the server does not report it.
    pub size: Option<String>,
    /// Memory used, in bytes.
    pub size_bytes: Option<u64>,
}

/// A page of a node's keys.
pub(super) struct Page {
    /// Redis' cursor after the page, `0` at the end.
    pub(super) scan: Vec<u8>,
    /// How many of the last keys are of that cursor's step, which has more; 0 for none.
    pub(super) unfinished: usize,
    /// Keys of the node's database; `None` where they were not counted.
    pub(super) database_keys: Option<u64>,
    pub(super) rows: Vec<(KeyName, KeyRow)>,
}

impl Page {
    /// Reads the reply of `list_keys/read_page.lua`. A round trip for each key whose PTTL exceeds 2^53, otherwise none.
    pub(super) async fn read<R: Redis>(
        redis: &R,
        mut replies: Replies,
    ) -> Result<Self, RedisError> {
        Ok(Self {
            scan: replies.bytes()?,
            unfinished: replies.count()? as usize,
            database_keys: Some(replies.count()?),
            rows: read_rows(redis, replies.packed()?).await?,
        })
    }
}

async fn read_rows<R: Redis>(
    redis: &R,
    mut replies: Replies,
) -> Result<Vec<(KeyName, KeyRow)>, RedisError> {
    let mut rows = Vec::with_capacity(replies.remaining() / REPLIES_PER_KEY);
    while replies.remaining() > 0 {
        let key = KeyName::new(replies.bytes()?);
        let kind = replies.text()?;
        let left = expiry::exact_pttl(redis, &key, replies.int()?).await?;
        let size_bytes = u64::try_from(replies.int()?).ok();
        let trailer = replies.bytes()?;
        let grace = match replies.count()? as usize {
            0 => trailer::grace_in(&trailer),
            length => trailer::read(&trailer, length).map(|facts| facts.grace),
        };
        let life = RemainingLife::new(left, grace.unwrap_or(0));

        let row = KeyRow::new(&key, kind, life, size_bytes);
        rows.push((key, row));
    }
    Ok(rows)
}

impl KeyRow {
    pub(super) fn new(
        key: &KeyName,
        kind: String,
        life: RemainingLife,
        size_bytes: Option<u64>,
    ) -> Self {
        let RemainingLife {
            ttl,
            ttl_text,
            fresh_for,
            stale,
        } = life;

        Self {
            key: key.display(),
            key_base64: key.base64(),
            path: input::key::address(key),
            kind,
            ttl,
            ttl_text,
            fresh_for,
            stale,
            size: size_bytes.map(units::size),
            size_bytes,
        }
    }
}
