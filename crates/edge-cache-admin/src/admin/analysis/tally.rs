//! Sums over the keys of a group.

use std::collections::BTreeMap;

use edge_cache::RedisError;
use edge_cache::keyspace::bulk_expiry::Lives;
use edge_cache::redis::Replies;
use serde::{Deserialize, Serialize};

/// Sums over the keys of a group that were visited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
    /// Sums over runs, by which the error of a sample is known.
    pub(super) runs: RunSums,
    /// Bytes of the largest key.
    pub(super) largest: u64,
    /// Seconds since the keys were used, together.
    pub(super) idle_seconds: u64,
    pub(super) types: BTreeMap<String, u64>,
    /// Keys by the time they have left, in the classes of [`Lives`].
    pub(super) left: [u64; 6],
}

/// Sums over runs: a run is a slice of the keyspace that was visited together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RunSums {
    /// Keys of the group, squared.
    pub(super) keys_keys: f64,
    /// Keys of the group, times all keys of the run.
    pub(super) keys_run: f64,
    /// Bytes of the group, squared.
    pub(super) bytes_bytes: f64,
    /// Bytes of the group, times all keys of the run.
    pub(super) bytes_run: f64,
    /// Bytes of the group, times all bytes of the run.
    pub(super) bytes_run_bytes: f64,
}

/// A key that was visited.
#[derive(Debug, Clone)]
pub(super) struct VisitedKey {
    pub(super) kind: String,
    pub(super) bytes: u64,
    /// Milliseconds left; negative without a TTL.
    pub(super) left_ms: i64,
    pub(super) idle_seconds: u64,
}

impl Tally {
    pub(super) const fn new() -> Self {
        Self {
            keys: 0,
            bytes: 0,
            runs: RunSums {
                keys_keys: 0.0,
                keys_run: 0.0,
                bytes_bytes: 0.0,
                bytes_run: 0.0,
                bytes_run_bytes: 0.0,
            },
            largest: 0,
            idle_seconds: 0,
            types: BTreeMap::new(),
            left: [0; 6],
        }
    }

    /// Reads a group of `analysis/tally_slice.lua`, behind its name and segments.
    pub(super) fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        let mut tally = Self {
            keys: replies.count()?,
            bytes: replies.count()?,
            runs: RunSums {
                keys_keys: replies.count()? as f64,
                keys_run: replies.count()? as f64,
                bytes_bytes: read_float(replies)?,
                bytes_run: read_float(replies)?,
                bytes_run_bytes: read_float(replies)?,
            },
            largest: replies.count()?,
            idle_seconds: replies.count()?,
            ..Self::default()
        };
        for keys in &mut tally.left {
            *keys = replies.count()?;
        }
        for _ in 0..replies.count()? {
            let kind = replies.text()?;
            tally.types.insert(kind, replies.count()?);
        }
        Ok(tally)
    }

    /// Adds a key of a run.
    pub(super) fn add_key(&mut self, key: &VisitedKey) {
        self.keys += 1;
        self.bytes = self.bytes.saturating_add(key.bytes);
        self.largest = self.largest.max(key.bytes);
        self.idle_seconds = self.idle_seconds.saturating_add(key.idle_seconds);
        *self.types.entry(key.kind.clone()).or_default() += 1;

        let class = Lives::class_of(u64::try_from(key.left_ms).ok());
        if let Some(keys) = self.left.get_mut(class) {
            *keys += 1;
        }
    }

    /// Ends the only run of this tally; `all` is the number of all keys of the run, and their bytes.
    pub(super) fn end_run(&mut self, all: (u64, u64)) {
        let (keys, bytes) = (self.keys as f64, self.bytes as f64);
        self.runs = RunSums {
            keys_keys: keys * keys,
            keys_run: keys * all.0 as f64,
            bytes_bytes: bytes * bytes,
            bytes_run: bytes * all.0 as f64,
            bytes_run_bytes: bytes * all.1 as f64,
        };
    }

    /// Adds another tally, of other runs.
    pub(super) fn add(&mut self, other: &Self) {
        self.keys = self.keys.saturating_add(other.keys);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.runs.add(&other.runs);
        self.largest = self.largest.max(other.largest);
        self.idle_seconds = self.idle_seconds.saturating_add(other.idle_seconds);
        for (kind, keys) in &other.types {
            let own = self.types.entry(kind.clone()).or_default();
            *own = own.saturating_add(*keys);
        }
        for (own, other) in self.left.iter_mut().zip(other.left) {
            *own = own.saturating_add(other);
        }
    }
}

impl RunSums {
    fn add(&mut self, other: &Self) {
        self.keys_keys += other.keys_keys;
        self.keys_run += other.keys_run;
        self.bytes_bytes += other.bytes_bytes;
        self.bytes_run += other.bytes_run;
        self.bytes_run_bytes += other.bytes_run_bytes;
    }
}

/// Sums that exceed the integers of MessagePack come as text.
fn read_float(replies: &mut Replies) -> Result<f64, RedisError> {
    let text = replies.text()?;
    text.parse().map_err(|_| {
        let problem = "expected a number in the sums of a group";
        RedisError::new(edge_cache::ErrorKind::Protocol, problem)
    })
}
