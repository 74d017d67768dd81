//! The counters and samples stored in Redis, read for a [`Window`].

use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::keyspace::key::{LOOKUPS, SAMPLES};
use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::script;
use edge_cache::units;

use super::judgement::AlertStates;
use super::sample::{LookupCounts, MAX_SAMPLES, Sample, TimedSample};
use super::window::Window;
use crate::admin::reading::Reading;

/// Reads the stored counters of lookups, and the samples.
static READ_WINDOW: Script = script!(repeatable "stats/read_window", []);

/// The counters and samples stored in Redis.
#[derive(Debug, Default)]
pub(crate) struct StoredCounters {
    services: LookupCounts,
    own: LookupCounts,
    samples: Vec<TimedSample>,
}

/// Reads the stored counters and samples. One round trip. `own_reads` is the number of keys that
/// the caller reads at the same time.
pub(crate) async fn read<R: Redis>(
    redis: &R,
    own_reads: u64,
) -> Result<StoredCounters, RedisError> {
    let keys = [LOOKUPS.into(), SAMPLES.into()];
    let args = [MAX_SAMPLES.into(), own_reads.into()];
    let mut replies = READ_WINDOW.run(redis, keys, args).await?;

    let services = LookupCounts {
        hits: replies.count()?,
        misses: replies.count()?,
    };
    let own = LookupCounts {
        hits: replies.count()?,
        misses: replies.count()?,
    };
    let mut samples = Vec::with_capacity(replies.remaining() / 2);
    while replies.remaining() > 0 {
        let id = replies.text()?;
        let json = replies.bytes()?;
        // Entries of other clients are skipped.
        samples.extend(TimedSample::parse(&id, &json));
    }
    Ok(StoredCounters {
        services,
        own,
        samples,
    })
}

impl StoredCounters {
    /// Adds the figures of a server, or of all nodes of a Cluster. Counters of nodes are compared with
    /// the time since the first of them started. The time is the server's, as that of the samples is, if
    /// it reports it.
    pub(crate) fn with_reading(self, reading: &Reading, length: Duration) -> Window {
        let info = &reading.info;
        let hits = info.number("keyspace_hits");
        let server = hits
            .zip(info.number("keyspace_misses"))
            .map(|(hits, misses)| LookupCounts { hits, misses });
        let now = Sample {
            run_id: info.text("run_id").unwrap_or_default().to_owned(),
            server,
            evicted: info.number("evicted_keys"),
            services: self.services,
            own: self.own,
            latency_us: Some(units::microseconds(reading.latency)),
            alerts: AlertStates::new(),
        };

        let server_ms = info.number("server_time_usec").map(|time| time / 1000);
        let uptime = reading.longest_uptime;
        Window {
            length_ms: units::milliseconds(length),
            now_ms: server_ms.unwrap_or_else(units::now_ms),
            now,
            uptime_ms: uptime.map(|seconds| seconds.saturating_mul(1000)),
            samples: self.samples,
        }
    }
}
