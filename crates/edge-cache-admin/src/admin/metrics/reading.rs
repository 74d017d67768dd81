//! Everything that a scrape reads.

use std::collections::BTreeMap;

use edge_cache::RedisError;
use edge_cache::keyspace::gathered;
use edge_cache::keyspace::key::{COUNTERS, EVENTS, LOOKUPS, WARMUP_STATUS};
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, Redis, Replies};
use futures_util::future::join;

use crate::admin::nodes::{self, ClusterReading};
use crate::admin::reading;
use crate::admin::stats::{Thresholds, Window, read_window};
use crate::warmup::WarmupStatus;

/// Keys that a scrape reads besides the window's.
const OWN_READS: u64 = 5;

/// The counters of a hash, by name.
pub(super) type CounterHash = BTreeMap<String, u64>;

/// The counters that could be read.
#[derive(Default)]
pub(super) struct Reading {
    /// `INFO`, and how long it took; of a Cluster that of all primaries together.
    pub(super) server: Option<reading::Reading>,
    /// On a Cluster: its primaries.
    pub(super) cluster: Option<ClusterReading>,
    pub(super) window: Option<Window>,
    pub(super) lookups: Option<CounterHash>,
    pub(super) changes: Option<CounterHash>,
    pub(super) events: Option<CounterHash>,
    /// The gathered removals that wait.
    pub(super) removals: Option<gathered::Waiting>,
    pub(super) warmup: Option<WarmupStatus>,
    /// Commands that failed.
    pub(super) errors: u32,
}

impl Reading {
    pub(super) async fn read<R: Redis, A: Redis>(
        redis: &R,
        audit: &A,
        thresholds: &Thresholds,
    ) -> Result<Self, RedisError> {
        let hashes = join(
            read_hash(redis, LOOKUPS),
            join(
                read_hash(audit, COUNTERS),
                join(read_hash(redis, EVENTS), gathered::read_waiting(redis)),
            ),
        );
        let own_reads = join(read_warmup(redis), read_window(redis, OWN_READS));
        let (server, ((warmup, samples), (lookups, (changes, (events, removals))))) =
            join(read_servers(redis), join(own_reads, hashes)).await;
        if let Some(error) = server.as_ref().err().filter(|error| error.is_unsupported()) {
            return Err(error.clone());
        }

        let mut reading = Self::default();
        if let Some((server, cluster)) = reading.keep(server) {
            reading.server = reading.keep(server);
            reading.errors += cluster.iter().flat_map(ClusterReading::silent).count() as u32;
            reading.cluster = cluster;
        }
        reading.lookups = reading.keep(lookups);
        reading.changes = reading.keep(changes);
        reading.events = reading.keep(events);
        reading.removals = reading.keep(removals);
        reading.warmup = reading.keep(warmup).flatten();
        let samples = reading.keep(samples);
        if let (Some(samples), Some(server)) = (samples, &reading.server) {
            let window = samples.with_reading(server, thresholds.window);
            // A server that refuses writes takes no sample; its own metrics show that.
            let _ = window.record(redis, server, thresholds).await;
            reading.window = Some(window);
        }
        Ok(reading)
    }

    /// Returns what one command read; counts a failure.
    fn keep<T>(&mut self, read: Result<T, RedisError>) -> Option<T> {
        if read.is_err() {
            self.errors += 1;
        }
        read.ok()
    }
}

/// Reads a server, or the primaries of a Cluster with all of them together.
async fn read_servers<R: Redis>(
    redis: &R,
) -> Result<(Result<reading::Reading, RedisError>, Option<ClusterReading>), RedisError> {
    if let Some(map) = nodes::slots_of(redis).await? {
        let cluster = nodes::read(redis, &map).await;
        return match cluster.together() {
            Err(error) if error.is_unsupported() => Err(error),
            together => Ok((together, Some(cluster))),
        };
    }

    let (reply, latency) = redis.execute_timed(Command::read("INFO")).await?;
    let info = Info::new(Replies::new(reply).text()?);
    Ok((Ok(reading::Reading::new(info, latency)), None))
}

async fn read_warmup<R: Redis>(redis: &R) -> Result<Option<WarmupStatus>, RedisError> {
    let get = Command::read("GET").arg(WARMUP_STATUS);
    let json = Replies::new(redis.execute(get).await?).optional_bytes()?;
    Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
}

async fn read_hash<R: Redis>(redis: &R, key: &str) -> Result<CounterHash, RedisError> {
    let get = Command::read("HGETALL").arg(key);
    let parts = Replies::new(redis.execute(get).await?).rest()?;
    let (pairs, _) = parts.as_chunks::<2>();
    Ok(pairs.iter().filter_map(read_counter).collect())
}

fn read_counter([name, value]: &[Vec<u8>; 2]) -> Option<(String, u64)> {
    let name = str::from_utf8(name).ok()?;
    let value = str::from_utf8(value).ok()?;
    Some((name.to_owned(), value.parse().ok()?))
}
