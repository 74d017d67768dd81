//! The server's own statistics, in an operator's terms, with alerts in plain words.
//!
//! A figure that the server does not report is null, never 0. `unknown` names it, with what cannot
//! be judged without it.
//!
//! On a Cluster the figures are those of all primaries: sums, and of other figures the worst.
//! `nodes` has each primary, and an alert names the worst.

mod alerts;
mod sample;
mod stored_counters;
mod window;

use std::sync::Arc;

use futures_util::future::join;
use serde::Serialize;

use crate::admin::alert;
pub use crate::admin::alert::{Alert, Thresholds};
use crate::admin::nodes::{self, ClusterReading, NodeReport};
use crate::admin::reading::{self, Reading};
use crate::admin::replication::Replication;
use crate::admin::unreported;
pub use crate::admin::unreported::UnreportedField;
use crate::error::Error;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::units;
use edge_cache::{RedisError, SlotMap};

pub(crate) use stored_counters::read as read_window;
pub(crate) use window::Window;
pub use window::{HitRate, LookupSource};

/// The statistics of `GET /stats`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatsReport {
    /// Memory used, e.g. `24.3M`.
    pub memory: Option<String>,
    /// Memory used, in bytes.
    pub memory_bytes: Option<u64>,
    /// Keys in this logical database.
    pub key_count: u64,
    /// Share of all lookups since the server started that found their key, e.g. `87.3%`; `0.0%`
    /// before the first.
    pub hit_rate: Option<String>,
    /// The same, from 0 to 1; null before the first lookup.
    pub hit_ratio: Option<f64>,
    /// The hit rate of the last 5 minutes; null while there is no earlier sample to compare with.
    pub hit_rate_window: Option<HitRate>,
    /// Time since the server started, e.g. `3d 5h 23m`.
    pub uptime: Option<String>,
    /// The same, in seconds.
    pub uptime_seconds: Option<u64>,
    /// Always true: without a connection there are no statistics.
    pub connected: bool,
    /// The server's version, with its name if it is not Redis.
    pub version: String,
    /// The server's replication.
    #[serde(flatten)]
    pub replication: Replication,
    /// Lookups that found their key, since the server started.
    pub hits: Option<u64>,
    /// Lookups that did not find their key.
    pub misses: Option<u64>,
    /// Keys evicted because memory was full.
    pub evicted_keys: Option<u64>,
    /// Keys evicted per minute, recently; null while there is no earlier sample to compare with.
    pub evictions_per_minute: Option<f64>,
    /// Keys removed because they expired.
    pub expired_keys: Option<u64>,
    /// Client connections.
    pub connected_clients: Option<u64>,
    /// Commands per second, now.
    pub ops_per_sec: Option<u64>,
    /// The memory limit; null if there is none.
    pub max_memory: Option<String>,
    /// The limit in bytes; 0 if there is none.
    pub max_memory_bytes: Option<u64>,
    /// Memory used in percent of the limit; null if there is none.
    pub usage_percent: Option<f64>,
    /// Memory of the process divided by memory used.
    pub fragmentation_ratio: Option<f64>,
    /// How long the server took to answer `PING`, e.g. `0.18ms`.
    pub latency: String,
    /// The same, in milliseconds.
    pub latency_ms: f64,
    /// Alerts, most urgent first.
    pub alerts: Vec<Alert>,
    /// Figures that the server does not report.
    pub unknown: Vec<UnreportedField>,
    /// On a Cluster: its primaries, in the order of their addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeReport>>,
    /// On a Cluster: slots that no node serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncovered_slots: Option<u32>,
}

/// A [`Reading`], the number of keys, and on a Cluster each node.
struct Figures {
    reading: Reading,
    keys: u64,
    cluster: Option<ClusterReading>,
}

/// Reads a server (`PING`, `INFO` and `DBSIZE`) or each primary of a Cluster.
async fn read_figures<R: Redis>(
    redis: &R,
    slots: Option<&Arc<SlotMap>>,
) -> Result<Figures, RedisError> {
    if let Some(map) = slots {
        let cluster = nodes::read(redis, map).await;
        return Ok(Figures {
            reading: cluster.together()?,
            keys: cluster.keys()?,
            cluster: Some(cluster),
        });
    }

    let size = redis.execute(Command::read("DBSIZE"));
    let (reading, size) = join(reading::read(redis), size).await;
    Ok(Figures {
        reading: reading?,
        keys: Replies::new(size?).count()?,
        cluster: None,
    })
}

/// Reads the statistics. Four commands that overlap, on a new connection three and one; on a Cluster
/// four to each primary, and one. A further one, which adds a sample of the counters, at most every 15
/// seconds.
///
/// # Errors
/// Those of the connection; on a Cluster, when no primary answers.
pub async fn run<R: Redis>(redis: &R, thresholds: &Thresholds) -> Result<StatsReport, Error> {
    let slots = nodes::slots_of(redis).await?;
    let figures = read_figures(redis, slots.as_ref());
    let stored = read_window(redis, 0);
    // Redis counts what the window reads, so INFO must come first. While a connection is opened,
    // commands that overlap may be sent in any order.
    let (figures, stored) = if redis.connection_number() == 0 {
        (figures.await, stored.await)
    } else {
        join(figures, stored).await
    };
    let figures = figures?;

    let window = stored.map(|stored| stored.with_reading(&figures.reading));
    // A replica and a full server take no sample: only recent rates are unknown then.
    let sampled = match &window {
        Ok(window) => window.add_sample(redis).await,
        Err(error) => Err(error.clone()),
    };

    let mut report = StatsReport::new(&figures, window.as_ref().ok());
    if let Err(error) = sampled {
        report.unknown.push(UnreportedField {
            field: "hitRateWindow",
            reason: format!("recent rates are not known or judged: {}", error.message),
        });
    }
    report.alerts = report.judge(figures.cluster.as_ref(), thresholds);
    Ok(report)
}

impl StatsReport {
    fn new(figures: &Figures, window: Option<&Window>) -> Self {
        let Figures {
            reading,
            keys,
            cluster,
        } = figures;
        let info = &reading.info;
        let silent = cluster.as_ref().and_then(ClusterReading::unreported);
        let hits = info.number("keyspace_hits");
        let misses = info.number("keyspace_misses");
        let (hit_rate, hit_ratio) = reading::hit_rate(hits, misses);
        let memory_bytes = info.number("used_memory");
        let max_memory_bytes = info.number("maxmemory");
        let uptime_seconds = info.number("uptime_in_seconds");

        Self {
            memory: memory_bytes.map(units::size),
            memory_bytes,
            key_count: *keys,
            hit_rate,
            hit_ratio,
            hit_rate_window: window.and_then(Window::hit_rate),
            uptime: uptime_seconds.map(units::uptime),
            uptime_seconds,
            connected: true,
            version: reading::version(info).unwrap_or_else(|| "unknown".to_owned()),
            replication: Replication::of(info),
            hits,
            misses,
            evicted_keys: info.number("evicted_keys"),
            evictions_per_minute: window.and_then(Window::evictions_per_minute),
            expired_keys: info.number("expired_keys"),
            connected_clients: info.number("connected_clients"),
            ops_per_sec: info.number("instantaneous_ops_per_sec"),
            max_memory: max_memory_bytes.filter(|limit| *limit > 0).map(units::size),
            max_memory_bytes,
            usage_percent: reading.usage_percent,
            fragmentation_ratio: info.decimal("mem_fragmentation_ratio"),
            latency: units::latency(reading.latency),
            latency_ms: units::latency_ms(reading.latency),
            alerts: Vec::new(),
            unknown: silent
                .into_iter()
                .chain(unreported::unreported_fields(info))
                .collect(),
            nodes: cluster.as_ref().map(ClusterReading::reports),
            uncovered_slots: cluster.as_ref().map(|cluster| cluster.uncovered_slots),
        }
    }

    fn judge(&self, cluster: Option<&ClusterReading>, thresholds: &Thresholds) -> Vec<Alert> {
        let mut alerts = cluster.map(alerts::cluster).unwrap_or_default();
        let own = self.judge_figures(cluster.is_some(), thresholds);
        alerts.extend(own.into_iter().map(|alert| match cluster {
            Some(cluster) => cluster.name_node(alert),
            None => alert,
        }));
        alerts
    }

    fn judge_figures(&self, is_cluster: bool, thresholds: &Thresholds) -> Vec<Alert> {
        let problem = self.replication.problem().filter(|_| !is_cluster);
        let replica = problem.map(|message| Alert {
            kind: "replica",
            message,
            value: self.replication.lag_seconds.unwrap_or(0) as f64,
            threshold: 0.0,
        });
        let window = self
            .hit_rate_window
            .as_ref()
            .filter(|window| window.lookups >= window::MIN_LOOKUPS_TO_JUDGE);

        let alerts = [
            replica,
            alert::memory(self.usage_percent, thresholds),
            alert::latency(self.latency_ms, thresholds),
            alerts::evictions(self.evictions_per_minute, thresholds),
            window.and_then(|window| alerts::hit_rate(window, thresholds)),
        ];
        alerts.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use edge_cache::redis::info::Info;

    use super::*;

    fn report(info: &str) -> StatsReport {
        let figures = Figures {
            reading: Reading::new(Info::new(info), Duration::from_millis(2)),
            keys: 7,
            cluster: None,
        };
        let mut report = StatsReport::new(&figures, None);
        report.alerts = report.judge(None, &Thresholds::default());
        report
    }

    fn with(info: &str, hits: f64, lookups: u64, evictions: f64) -> Vec<&'static str> {
        let window = HitRate {
            rate: None,
            ratio: Some(hits),
            lookups,
            seconds: 300,
            source: LookupSource::Services,
        };

        let report = StatsReport {
            hit_rate_window: Some(window),
            evictions_per_minute: Some(evictions),
            ..report(info)
        };

        report
            .judge(None, &Thresholds::default())
            .iter()
            .map(|alert| alert.kind)
            .collect()
    }

    #[test]
    fn each_alert_fires_past_its_threshold() {
        let bad = "role:slave\nused_memory:95\nmaxmemory:100\n";
        assert_eq!(
            with(bad, 0.699, 1000, 1001.0),
            ["replica", "memory", "evictions", "hit_rate"]
        );

        assert!(
            with(
                "role:master\nused_memory:90\nmaxmemory:100\n",
                0.7,
                1000,
                1000.0
            )
            .is_empty()
        );
    }

    #[test]
    fn a_hit_rate_is_judged_only_on_many_recent_lookups() {
        assert!(with("", 0.0, 999, 0.0).is_empty());
        let long_ago = report("keyspace_hits:0\nkeyspace_misses:99999\n");
        assert!(long_ago.alerts.is_empty() && long_ago.hit_rate.as_deref() == Some("0.0%"));
    }

    #[test]
    fn a_missing_figure_is_null_with_a_reason_and_never_zero() {
        let none = report("redis_version:7.0.0\n");
        let json = serde_json::to_value(&none).unwrap();
        let nulls = [
            "memory",
            "memoryBytes",
            "hitRate",
            "hitRatio",
            "uptime",
            "uptimeSeconds",
            "hits",
            "misses",
        ];

        let more = [
            "evictedKeys",
            "expiredKeys",
            "connectedClients",
            "opsPerSec",
            "maxMemory",
            "maxMemoryBytes",
            "role",
        ];

        for field in nulls.iter().chain(&more) {
            assert!(json[field].is_null(), "{field}: {json}");
        }

        for unreported::Figure { field, .. } in unreported::FIGURES {
            assert!(
                none.unknown.iter().any(|unknown| unknown.field == field),
                "{field}: {json}"
            );
        }
    }

    #[test]
    fn a_server_without_a_memory_limit_has_no_usage() {
        let report =
            report("used_memory:95\nmaxmemory:0\nredis_version:7.2.4\nvalkey_version:8.1.0\n");
        assert_eq!(
            (
                report.usage_percent,
                report.max_memory,
                report.max_memory_bytes
            ),
            (None, None, Some(0))
        );
        assert_eq!(report.version, "valkey 8.1.0");
    }
}
