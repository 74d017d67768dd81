//! What the server says of itself, in the terms an operator thinks in, with alerts in plain words.

use std::time::{Duration, SystemTime};

use futures_util::future::join;
use serde::{Deserialize, Serialize};

use crate::error::{Error, RedisError};
use crate::format::{self, one_decimal};
use crate::info::Info;
use crate::redis::{Command, Redis, Replies};

/// A hit rate is not judged on fewer lookups than this.
const LOOKUPS_TO_JUDGE: u64 = 1000;
/// Two samples of the eviction counter closer than this say nothing about a rate.
const SAMPLE_MIN: Duration = Duration::from_secs(10);
/// A sample older than this is replaced by the present one.
const SAMPLE_MAX: Duration = Duration::from_secs(60);

/// Where a value starts to be alarming.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Milliseconds a command may take.
    pub latency_ms: u64,
    /// Percent of `maxmemory`.
    pub memory_percent: f64,
    /// Percent of lookups that find their key.
    pub hit_rate_percent: f64,
    /// Keys evicted in a minute.
    pub evictions_per_minute: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { latency_ms: 100, memory_percent: 90.0, hit_rate_percent: 70.0, evictions_per_minute: 1000 }
    }
}

/// Something an operator should look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// `hit_rate`, `memory`, `latency` or `evictions`.
    pub kind: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// The value seen.
    pub value: f64,
    /// The threshold it passed.
    pub threshold: f64,
}

/// The statistics of `GET /stats`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Memory used, e.g. `24.3M`.
    pub memory: String,
    /// Memory used, in bytes.
    pub memory_bytes: u64,
    /// Keys in this logical database.
    pub key_count: u64,
    /// Share of lookups that found their key, e.g. `87.3%`; `0.0%` before the first.
    pub hit_rate: String,
    /// The same, from 0 to 1; null before the first lookup.
    pub hit_ratio: Option<f64>,
    /// Time since the server started, e.g. `3d 5h 23m`.
    pub uptime: String,
    /// The same, in seconds.
    pub uptime_seconds: u64,
    /// Always true: without a connection there are no statistics.
    pub connected: bool,
    /// The server's version, and its name where it is not Redis.
    pub version: String,
    /// Lookups that found their key, since the server started.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Keys removed because memory was full.
    pub evicted_keys: u64,
    /// Keys evicted a minute, of late; null while there is no earlier sample to compare with.
    pub evictions_per_minute: Option<f64>,
    /// Keys removed because their time was over.
    pub expired_keys: u64,
    /// Connections of clients.
    pub connected_clients: u64,
    /// Commands a second, now.
    pub ops_per_sec: u64,
    /// The limit on memory, null where there is none.
    pub max_memory: Option<String>,
    /// The limit in bytes, 0 where there is none.
    pub max_memory_bytes: u64,
    /// Memory used in percent of the limit, null where there is none.
    pub usage_percent: Option<f64>,
    /// Memory the process holds in relation to memory used.
    pub fragmentation_ratio: Option<f64>,
    /// How long the server took to answer `PING`, e.g. `2ms`.
    pub latency: String,
    /// The same, in milliseconds.
    pub latency_ms: u64,
    /// What an operator should look at, most urgent first.
    pub alerts: Vec<Alert>,
}

/// The eviction counter at an earlier time, kept between requests by the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    run_id: String,
    evicted: u64,
    at_ms: u64,
}

/// A reading of the server: `PING` and `INFO`.
pub(crate) struct Reading {
    pub(crate) info: Info,
    pub(crate) latency: Duration,
}

/// Pings and asks for `INFO`, overlapping: two commands, one round trip's time.
pub(crate) async fn read<R: Redis>(redis: &R, section: Option<&str>) -> Result<Reading, RedisError> {
    let (ping, info) =
        join(redis.measured(Command::read("PING")), redis.execute(Command::read("INFO").args(section))).await;
    let ((_, latency), info) = (ping?, Replies::new(info?).text()?);
    Ok(Reading { info: Info::new(info), latency })
}

/// Percent of `maxmemory` in use, `None` where there is no limit.
pub(crate) fn usage_percent(info: &Info) -> Option<f64> {
    let limit = info.number("maxmemory");
    (limit > 0).then(|| one_decimal(info.number("used_memory") as f64 * 100.0 / limit as f64))
}

/// Reads the statistics: three commands, overlapping. `earlier` is the sample of an earlier call; what comes back
/// beside the report is the sample to keep for the next, when there is a new one.
///
/// # Errors
/// Those of the connection.
pub async fn run<R: Redis>(
    redis: &R,
    thresholds: &Thresholds,
    earlier: Option<Sample>,
) -> Result<(Report, Option<Sample>), Error> {
    let (reading, size) = join(read(redis, None), redis.execute(Command::read("DBSIZE"))).await;
    let (reading, keys) = (reading?, Replies::new(size?).count()?);
    let now = Sample::of(&reading.info);
    let rate = earlier.as_ref().and_then(|earlier| earlier.evictions_per_minute(&now));
    let keep = earlier.is_none_or(|earlier| earlier.is_outdated(&now)).then_some(now);
    Ok((Report::new(&reading, keys, rate, thresholds), keep))
}

impl Sample {
    fn of(info: &Info) -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            run_id: info.text("run_id").unwrap_or_default().to_owned(),
            evicted: info.number("evicted_keys"),
            at_ms: format::milliseconds(since_epoch),
        }
    }

    fn age_of(&self, now: &Self) -> Duration {
        Duration::from_millis(now.at_ms.saturating_sub(self.at_ms))
    }

    fn evictions_per_minute(&self, now: &Self) -> Option<f64> {
        let age = self.age_of(now);
        let comparable = self.run_id == now.run_id && age >= SAMPLE_MIN && now.evicted >= self.evicted;
        comparable.then(|| one_decimal((now.evicted - self.evicted) as f64 * 60.0 / age.as_secs_f64()))
    }

    fn is_outdated(&self, now: &Self) -> bool {
        self.run_id != now.run_id || self.age_of(now) > SAMPLE_MAX || now.at_ms < self.at_ms
    }
}

impl Report {
    fn new(reading: &Reading, key_count: u64, evictions_per_minute: Option<f64>, thresholds: &Thresholds) -> Self {
        let info = &reading.info;
        let (hits, misses) = (info.number("keyspace_hits"), info.number("keyspace_misses"));
        let hit_ratio = (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64);
        let (memory_bytes, max_memory_bytes) = (info.number("used_memory"), info.number("maxmemory"));
        let uptime_seconds = info.number("uptime_in_seconds");
        let mut report = Self {
            memory: format::size(memory_bytes),
            memory_bytes,
            key_count,
            hit_rate: format::percent(hit_ratio.unwrap_or(0.0)),
            hit_ratio: hit_ratio.map(|ratio| (ratio * 10_000.0).round() / 10_000.0),
            uptime: format::uptime(uptime_seconds),
            uptime_seconds,
            connected: true,
            version: version(info),
            hits,
            misses,
            evicted_keys: info.number("evicted_keys"),
            evictions_per_minute,
            expired_keys: info.number("expired_keys"),
            connected_clients: info.number("connected_clients"),
            ops_per_sec: info.number("instantaneous_ops_per_sec"),
            max_memory: (max_memory_bytes > 0).then(|| format::size(max_memory_bytes)),
            max_memory_bytes,
            usage_percent: usage_percent(info),
            fragmentation_ratio: info.decimal("mem_fragmentation_ratio"),
            latency: format::duration(reading.latency),
            latency_ms: format::milliseconds(reading.latency),
            alerts: Vec::new(),
        };
        report.alerts = report.judge(thresholds);
        report
    }

    fn judge(&self, thresholds: &Thresholds) -> Vec<Alert> {
        let mut alerts = Vec::new();
        alerts.extend(memory_alert(self.usage_percent, thresholds));
        alerts.extend(latency_alert(self.latency_ms, thresholds));
        if let Some(rate) = self.evictions_per_minute.filter(|rate| *rate > thresholds.evictions_per_minute as f64) {
            let message =
                format!("{rate:.0} keys a minute are evicted because memory is full: raise maxmemory or shorten TTLs");
            alerts.push(Alert {
                kind: "evictions",
                message,
                value: rate,
                threshold: thresholds.evictions_per_minute as f64,
            });
        }
        let judged = self.hits + self.misses >= LOOKUPS_TO_JUDGE;
        let percent = self.hit_ratio.map(|ratio| one_decimal(ratio * 100.0));
        if let Some(percent) = percent.filter(|percent| judged && *percent < thresholds.hit_rate_percent) {
            let message = format!(
                "only {percent}% of lookups find their key: raise TTLs, warm the cache up, or review what is cached"
            );
            alerts.push(Alert { kind: "hit_rate", message, value: percent, threshold: thresholds.hit_rate_percent });
        }
        alerts
    }
}

/// Judges memory in use.
pub(crate) fn memory_alert(usage_percent: Option<f64>, thresholds: &Thresholds) -> Option<Alert> {
    let value = usage_percent.filter(|percent| *percent > thresholds.memory_percent)?;
    let message = format!("{value}% of maxmemory is in use: clear what is old, or raise maxmemory");
    Some(Alert { kind: "memory", message, value, threshold: thresholds.memory_percent })
}

/// Judges the time `PING` took.
pub(crate) fn latency_alert(latency_ms: u64, thresholds: &Thresholds) -> Option<Alert> {
    let message =
        format!("Redis took {latency_ms} ms to answer PING: check the network, and SLOWLOG for slow commands");
    let (value, threshold) = (latency_ms as f64, thresholds.latency_ms as f64);
    (latency_ms > thresholds.latency_ms).then_some(Alert { kind: "latency", message, value, threshold })
}

/// `7.0.12`; for Valkey, whose `redis_version` is one it is compatible with, `valkey 8.1.0`.
fn version(info: &Info) -> String {
    match info.text("valkey_version") {
        Some(valkey) => format!("valkey {valkey}"),
        None => info.text("redis_version").unwrap_or("unknown").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(info: &str, rate: Option<f64>) -> Report {
        let reading = Reading { info: Info::new(info), latency: Duration::from_millis(2) };
        Report::new(&reading, 7, rate, &Thresholds::default())
    }

    fn kinds(report: &Report) -> Vec<&'static str> {
        report.alerts.iter().map(|alert| alert.kind).collect()
    }

    #[test]
    fn each_alert_fires_past_its_threshold() {
        let bad = "used_memory:95\nmaxmemory:100\nkeyspace_hits:600\nkeyspace_misses:400\n";
        assert_eq!(kinds(&report(bad, Some(1001.0))), ["memory", "evictions", "hit_rate"]);
        let good = "used_memory:90\nmaxmemory:100\nkeyspace_hits:700\nkeyspace_misses:300\n";
        assert!(kinds(&report(good, Some(1000.0))).is_empty());
    }

    #[test]
    fn a_hit_rate_is_not_judged_on_few_lookups() {
        let few = report("keyspace_hits:0\nkeyspace_misses:999\n", None);
        assert!(few.alerts.is_empty() && few.hit_rate == "0.0%");
        assert_eq!(report("", None).hit_ratio, None);
    }

    #[test]
    fn a_rate_needs_two_samples_of_the_same_server() {
        let sample = |run_id: &str, evicted, at_ms| Sample { run_id: run_id.into(), evicted, at_ms };
        let earlier = sample("a", 100, 0);
        assert_eq!(earlier.evictions_per_minute(&sample("a", 1100, 30_000)), Some(2000.0));
        assert_eq!(earlier.evictions_per_minute(&sample("b", 1100, 30_000)), None);
        assert_eq!(earlier.evictions_per_minute(&sample("a", 1100, 500)), None);
        assert!(earlier.is_outdated(&sample("a", 100, 61_000)) && !earlier.is_outdated(&sample("a", 100, 59_000)));
    }

    #[test]
    fn a_server_without_a_memory_limit_has_no_usage() {
        let report = report("used_memory:95\nmaxmemory:0\nredis_version:7.2.4\nvalkey_version:8.1.0\n", None);
        assert_eq!((report.usage_percent, report.max_memory), (None, None));
        assert_eq!(report.version, "valkey 8.1.0");
    }
}
