//! The TTLs that a warmup gives the keys of plan entries without one.

use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::keyspace::ttl::{self, Overrides, TtlTable};
use edge_cache::redis::Redis;

/// The TTL table of the configuration, and its overrides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ttls {
    pub(crate) table: TtlTable,
    pub(crate) overrides: Overrides,
}

impl Ttls {
    /// Reads the overrides of a table. One round trip.
    pub(crate) async fn read<R: Redis>(redis: &R, table: &TtlTable) -> Result<Self, RedisError> {
        Ok(Self {
            table: table.clone(),
            overrides: ttl::read_overrides(redis).await?,
        })
    }

    /// The TTL of a key.
    pub(crate) fn for_key(&self, key: &str) -> Duration {
        self.table.for_key(key, &self.overrides)
    }
}
