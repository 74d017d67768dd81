//! Existence of named keys.

use crate::error::RedisError;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis};
use crate::script;

static EXIST: Script = script!(repeatable "keys/exist", [shared::OWN_READS]);

/// Checks which keys exist, without counting lookups. One round trip, none without keys; at most
/// [`crate::keyspace::MAX_KEYS_PER_CALL`] keys.
///
/// # Errors
/// Those of the connection.
pub async fn check_each<R: Redis>(redis: &R, keys: Vec<Arg>) -> Result<Vec<bool>, RedisError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }

    let count = keys.len();
    let mut replies = EXIST.run(redis, keys, []).await?;
    (0..count).map(|_| Ok(replies.count()? > 0)).collect()
}
