//! The server's own statistics, in an operator's terms, with alerts in plain words.
//!
//! A figure that the server does not report is null, never 0. `unknown` names it, with what cannot
//! be judged without it.
//!
//! On a Cluster the figures are those of all primaries: sums, and of other figures the worst.
//! `nodes` has each primary, and an alert names the worst.

mod alerts;
mod judgement;
mod sample;
mod stored_counters;
mod window;

use std::sync::Arc;

use futures_util::future::join;
use serde::Serialize;

use crate::admin::alert;
pub use crate::admin::alert::{Alert, AlertBasis, Thresholds};
use crate::admin::nodes::{self, ClusterReading, NodeReport};
use crate::admin::reading::{self, Reading};
use crate::admin::replication::Replication;
use crate::admin::unreported;
pub use crate::admin::unreported::UnreportedField;
use crate::error::Error;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::units;
use edge_cache::{RedisError, SlotMap};

use judgement::{AlertStates, Moment};
#[cfg(test)]
use stored_counters::StoredCounters;
pub(crate) use stored_counters::read as read_window;
pub(crate) use window::Window;
pub use window::{HitRate, LatencyWindow, LookupSource};

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
    /// The window over which hit rate, evictions and latency are judged, in seconds.
    pub alert_window_seconds: u64,
    /// The hit rate of the window; null while there is no earlier sample to compare with.
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
    /// Keys evicted per minute in the window; null while there is no earlier sample to compare with.
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
    /// The latency of the window; null if the samples cannot be read.
    pub latency_window: Option<LatencyWindow>,
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

    let window = stored.map(|stored| stored.with_reading(&figures.reading, thresholds.window));
    let mut report = StatsReport::new(&figures, window.as_ref().ok(), thresholds);
    report.alerts = report.judge_state(figures.cluster.as_ref());

    // A server that refuses writes takes no sample: only recent rates are unknown then.
    let sampled = match &window {
        Ok(window) => {
            let (alerts, states) = window.judge(&figures.reading, thresholds);
            report.add_alerts(alerts, figures.cluster.as_ref());
            window.add_sample(redis, states).await
        }
        Err(error) => {
            let alerts = judge_now(&figures.reading, thresholds);
            report.add_alerts(alerts, figures.cluster.as_ref());
            Err(error.clone())
        }
    };
    if let Err(error) = sampled {
        report.unknown.push(UnreportedField {
            field: "hitRateWindow",
            reason: format!("recent rates are not known or judged: {}", error.message),
        });
    }
    Ok(report)
}

/// Judges the figures of this moment alone.
fn judge_now(reading: &Reading, thresholds: &Thresholds) -> Vec<Alert> {
    let latency = alert::latency(units::latency_ms(reading.latency), thresholds);
    let memory = alert::memory(reading.usage_percent, thresholds);
    let alerts = memory.into_iter().chain([latency]);
    alerts.filter_map(Alert::if_above).collect()
}

impl Window {
    /// Judges the figures of the window. Returns the raised alerts, and how all stand.
    fn judge(&self, reading: &Reading, thresholds: &Thresholds) -> (Vec<Alert>, AlertStates) {
        let latency = self.latency();
        let hit_rate = self.hit_rate();
        let hit_rate = hit_rate.filter(|rate| rate.lookups >= window::MIN_LOOKUPS_TO_JUDGE);
        let figures = [
            alerts::memory(reading.usage_percent, thresholds),
            latency.map(|latency| alerts::latency(&latency, thresholds)),
            alerts::evictions(self.evictions_per_minute(), thresholds),
            hit_rate.and_then(|rate| alerts::hit_rate(&rate, thresholds)),
        ];

        let moment = Moment {
            now_ms: self.now_ms,
            before: self.alerts_before(),
            after_ms: units::milliseconds(thresholds.after),
        };
        moment.judge(figures.into_iter().flatten().collect())
    }

    /// Adds a sample if the last is old enough, with how alerts stand. One round trip then, else none.
    ///
    /// # Errors
    /// Those of the connection, and of a server that refuses the write.
    pub(crate) async fn record<R: Redis>(
        &self,
        redis: &R,
        reading: &Reading,
        thresholds: &Thresholds,
    ) -> Result<(), RedisError> {
        let (_, states) = self.judge(reading, thresholds);
        self.add_sample(redis, states).await
    }
}

impl StatsReport {
    fn new(figures: &Figures, window: Option<&Window>, thresholds: &Thresholds) -> Self {
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
            alert_window_seconds: thresholds.window.as_secs(),
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
            latency_window: window.and_then(Window::latency),
            alerts: Vec::new(),
            unknown: silent
                .into_iter()
                .chain(unreported::unreported_fields(info))
                .collect(),
            nodes: cluster.as_ref().map(ClusterReading::reports),
            uncovered_slots: cluster.as_ref().map(|cluster| cluster.uncovered_slots),
        }
    }

    /// The problems of this moment that have no figures: of nodes, and of replication.
    fn judge_state(&self, cluster: Option<&ClusterReading>) -> Vec<Alert> {
        let Some(cluster) = cluster else {
            let lag = self.replication.lag_seconds.unwrap_or(0) as f64;
            let problem = self.replication.problem();
            return problem
                .map(|message| Alert::new("replica", message, lag, 0.0))
                .into_iter()
                .collect();
        };
        alerts::cluster(cluster)
    }

    /// Adds alerts about figures; on a Cluster they name the node.
    fn add_alerts(&mut self, alerts: Vec<Alert>, cluster: Option<&ClusterReading>) {
        let named = alerts.into_iter().map(|alert| match cluster {
            Some(cluster) => cluster.name_node(alert),
            None => alert,
        });
        self.alerts.extend(named);
    }
}

#[cfg(test)]
mod tests;
