//! The memory limit of a warmup: it stops before the memory alert would be raised.

use std::cell::Cell;

use super::outcome::StopReason;
use super::render::RenderedKey;
use crate::admin::nodes;
use edge_cache::RedisError;
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::units;

/// Estimated bytes that Redis needs for a key beside its name and value, its trailer included.
const OVERHEAD_BYTES: u64 = 300;

/// Memory in use, as last read from Redis, plus the estimated size of what was written since.
#[derive(Debug)]
pub(super) struct MemoryLimit {
    max_percent: f64,
    used_bytes: Cell<u64>,
    /// `maxmemory`; 0 while it is not known, and where there is none.
    limit_bytes: Cell<u64>,
}

impl MemoryLimit {
    pub(super) fn new(max_percent: f64) -> Self {
        Self {
            max_percent,
            used_bytes: Cell::new(0),
            limit_bytes: Cell::new(0),
        }
    }

    /// True if the server is known to have a limit.
    pub(super) fn is_set(&self) -> bool {
        self.limit_bytes.get() > 0
    }

    /// Reads both numbers from Redis; on a Cluster those of the fullest node. One round trip.
    ///
    /// Some servers report neither. A warmup then ends when the server refuses a key.
    pub(super) async fn refresh<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let info = match nodes::slots_of(redis).await? {
            Some(map) => match nodes::read(redis, &map).await.fullest() {
                Some(fullest) => fullest.info.clone(),
                None => Info::default(),
            },
            None => {
                let reply = redis.execute(Command::read("INFO").arg("memory")).await?;
                Info::new(Replies::new(reply).text()?)
            }
        };
        let numbers = info.number("used_memory").zip(info.number("maxmemory"));
        let (used, limit) = numbers.unwrap_or_default();
        self.used_bytes.set(used);
        self.limit_bytes.set(limit);
        Ok(())
    }

    /// Reserves the estimated size of a slice.
    ///
    /// # Errors
    /// [`StopReason::MemoryFull`] when the slice would exceed the limit.
    pub(super) fn reserve(&self, slice: &[RenderedKey]) -> Result<(), StopReason> {
        let limit = self.limit_bytes.get();
        if limit == 0 {
            return Ok(());
        }
        let used = self.used_bytes.get();
        let slice_bytes: u64 = slice
            .iter()
            .map(|rendered| rendered.bytes() as u64 + OVERHEAD_BYTES)
            .sum();

        let used_after = used + slice_bytes;
        if used_after as f64 * 100.0 / limit as f64 > self.max_percent {
            return Err(StopReason::MemoryFull(format!(
                "the warmup stopped: {} of memory is in use, and the next keys would exceed {} % \
                 of {}; clear keys, raise maxmemory or warm fewer modules",
                units::size(used),
                self.max_percent,
                units::size(limit)
            )));
        }
        self.used_bytes.set(used_after);
        Ok(())
    }
}
