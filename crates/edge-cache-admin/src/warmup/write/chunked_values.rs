//! Values that are too large for one key and are stored in chunks.

use crate::warmup::render::RenderedKey;
use edge_cache::HostRuntime;
use edge_cache::keyspace::chunks::StorableValue;
use edge_cache::keyspace::codec;
use edge_cache::keyspace::trailer::Facts;
use edge_cache::redis::Redis;
use edge_cache::{Error, ErrorKind, RedisError};
use std::collections::HashMap;

/// Values of a slice whose chunks are in Redis, by key. A slice that is written again uses them
/// again.
#[derive(Debug, Default)]
pub(super) struct ChunkedValues(HashMap<String, StorableValue>);

impl ChunkedValues {
    /// Encodes a string like any value of the cache, and writes its chunks unless that was done
    /// before.
    pub(super) async fn store<R: Redis + HostRuntime>(
        &mut self,
        redis: &R,
        rendered: &RenderedKey,
        facts: &Facts,
    ) -> Result<StorableValue, RedisError> {
        if let Some(stored) = self.0.get(&rendered.key) {
            return Ok(stored.clone());
        }
        let text = rendered.values.first().cloned().unwrap_or_default();
        let value = codec::compress(text.into_bytes())
            .map_err(|error| RedisError::new(ErrorKind::Protocol, error.to_string()))?;

        let key = rendered.key.as_bytes();
        let stored = StorableValue::prepare(redis, key, value, facts)
            .await
            .map_err(|error| match error {
                Error::Redis(error) => error,
                other => RedisError::new(ErrorKind::Protocol, other.to_string()),
            })?;
        if stored.list().is_some() {
            self.0.insert(rendered.key.clone(), stored.clone());
        }
        Ok(stored)
    }

    /// Removes all chunks that were not stored.
    pub(super) async fn discard_all<R: Redis>(&mut self, redis: &R) {
        self.discard_except(redis, &[]).await;
    }

    /// Removes the chunks of values that are not in `kept`, unless they were stored.
    pub(super) async fn discard_except<R: Redis>(&mut self, redis: &R, kept: &[&RenderedKey]) {
        let is_kept = |key: &str| kept.iter().any(|rendered| rendered.key == key);
        let discarded: Vec<_> = self.0.extract_if(|key, _| !is_kept(key)).collect();

        for (_, stored) in discarded {
            stored.discard(redis, None).await;
        }
    }
}
