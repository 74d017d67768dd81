//! `GET /hotkeys`: the keys with the most lookups in a time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::{KeyName, RedisError, script, units};
use futures_util::future::join;
use serde::Serialize;

use super::frequency::{self, KeyFrequency};
use super::record::read_live;
use super::row::{KeyCounts, MAX_KEYS, Row};
use super::summary::Summary;
use super::{HOUR_MS, HOURS, LIVE_MINUTES, MINUTE_MS, MINUTES};
use crate::admin::rows::read_rows;
use crate::error::Error;
use crate::input::Parameters;

/// Reads rows of minutes, or of hours and the minutes behind them.
static READ: Script = script!(repeatable "history/read", []);

const DEFAULT_MINUTES: u64 = 60;
const MAX_MINUTES: u64 = 1440;
const DEFAULT_LIMIT: u64 = 100;
/// Standard deviations within which a count is.
const DEVIATIONS: f64 = 3.0;

/// A checked `GET /hotkeys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HotKeysRequest {
    minutes: u64,
    limit: usize,
}

/// The keys with the most lookups.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HotKeysReport {
    /// The beginning of the time: that of a minute, or of an hour.
    pub from: String,
    /// The end of the time.
    pub to: String,
    /// The most instances of services that reported within one minute.
    pub instances: u64,
    /// Lookups of all keys.
    pub lookups: u64,
    /// The keys, most lookups first.
    pub keys: Vec<HotKey>,
    /// The modules of the counted keys, most lookups first.
    pub modules: Vec<HotModule>,
    /// How often keys are read by any client, most frequent first; null unless the server knows.
    pub frequencies: Option<Vec<KeyFrequency>>,
    /// Why the frequencies are null.
    pub frequencies_reason: Option<String>,
}

/// A key that is looked up often.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HotKey {
    /// Its name.
    pub key: String,
    /// The first segment of its name.
    pub module: String,
    /// Its lookups.
    pub lookups: u64,
    /// How far `lookups` may be from the true number.
    pub max_error: u64,
    /// Its share of all lookups, from 0 to 1.
    pub share: f64,
    /// Lookups that returned a cached value.
    pub hits: u64,
    /// Their share of its lookups; null without lookups.
    pub hit_share: Option<f64>,
    /// Its loads.
    pub loads: u64,
    /// How long a load takes on average; null without loads.
    pub load_ms: Option<f64>,
    /// The time that loads would have taken in place of the hits.
    pub time_saved_ms: u64,
    /// Bytes that Redis sent for its lookups.
    pub bytes_sent: u64,
}

/// The counted keys of a module.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HotModule {
    /// The first segment of their names.
    pub module: String,
    /// Their lookups.
    pub lookups: u64,
    /// Their share of all lookups, from 0 to 1.
    pub share: f64,
    /// The share of their lookups that returned a cached value; null without lookups.
    pub hit_share: Option<f64>,
    /// Their loads.
    pub loads: u64,
    /// The time that loads would have taken in place of the hits.
    pub time_saved_ms: u64,
    /// Bytes that Redis sent for their lookups.
    pub bytes_sent: u64,
}

impl HotKeysRequest {
    /// Reads `minutes` (1 to 1440, by default 60) and `limit` (1 to 200, by default 100).
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let minutes = parameters.number("minutes", MAX_MINUTES, DEFAULT_MINUTES)?;
        let limit = parameters.number("limit", MAX_KEYS as u64, DEFAULT_LIMIT)?;
        parameters.reject_unknown("minutes, limit")?;
        Ok(Self {
            minutes,
            limit: usize::try_from(limit).unwrap_or(MAX_KEYS),
        })
    }

    /// Reads the hot keys. Two round trips; on a server that evicts by frequency about ten more.
    ///
    /// # Errors
    /// Those of the connections.
    pub async fn run<R: Redis, A: Redis>(
        &self,
        redis: &R,
        trail: &A,
        now: SystemTime,
    ) -> Result<HotKeysReport, Error> {
        let now_ms = units::since_1970_ms(now);
        let step_ms = if self.minutes > DEFAULT_MINUTES {
            HOUR_MS
        } else {
            MINUTE_MS
        };
        let from_ms = now_ms.saturating_sub(self.minutes * MINUTE_MS);
        let from_ms = from_ms - from_ms % step_ms;

        let first_live_ms = now_ms.saturating_sub((LIVE_MINUTES - 1) * MINUTE_MS);
        // Redis' clock may be ahead of this one.
        let live = read_live(redis, first_live_ms.max(from_ms), now_ms + MINUTE_MS);
        let stored = read_stored(trail, from_ms, now_ms, step_ms);
        let (stored, live) = join(stored, live).await;
        let row = sum_up(stored?, live?, step_ms);

        let report = self.report(&row, from_ms, now_ms);
        Ok(self.with_frequencies(report, redis).await)
    }

    fn report(&self, row: &Row, from_ms: u64, to_ms: u64) -> HotKeysReport {
        let modules = modules_of(row);
        let keys = row.keys.iter().take(self.limit);
        let key = |(key, counts): &(String, KeyCounts)| HotKey::new(key, counts, row.lookups);
        HotKeysReport {
            from: units::timestamp_of_ms(from_ms),
            to: units::timestamp_of_ms(to_ms),
            instances: row.instances,
            lookups: row.lookups,
            keys: keys.map(key).collect(),
            modules,
            frequencies: None,
            frequencies_reason: None,
        }
    }

    async fn with_frequencies<R: Redis>(
        &self,
        mut report: HotKeysReport,
        redis: &R,
    ) -> HotKeysReport {
        let listed = report.keys.iter().map(|key| KeyName::new(key.key.as_str()));
        match frequency::read(redis, listed.collect()).await {
            Ok(mut frequencies) => {
                frequencies.truncate(self.limit);
                report.frequencies = Some(frequencies);
            }
            Err(reason) => report.frequencies_reason = Some(reason),
        }
        report
    }
}

/// One round trip.
async fn read_stored<A: Redis>(
    trail: &A,
    from_ms: u64,
    to_ms: u64,
    step_ms: u64,
) -> Result<Vec<(u64, Row)>, RedisError> {
    let reads_hours = u64::from(step_ms == HOUR_MS);
    let args = [
        from_ms.into(),
        to_ms.into(),
        reads_hours.into(),
        HOUR_MS.into(),
    ];
    let mut replies = READ
        .run(trail, [MINUTES.into(), HOURS.into()], args)
        .await?;
    read_rows(&mut replies, Row::unpack)
}

/// Sums up the stored rows, and the minutes that none of them has.
fn sum_up(stored: Vec<(u64, Row)>, live: Vec<(u64, Row)>, step_ms: u64) -> Row {
    let has_row = |at_ms: u64| {
        let covers = |row_ms: &u64| {
            *row_ms == at_ms || step_ms == HOUR_MS && *row_ms == at_ms - at_ms % HOUR_MS
        };
        stored.iter().any(|(row_ms, _)| covers(row_ms))
    };
    let live: Vec<(u64, Row)> = live
        .into_iter()
        .filter(|(at_ms, _)| !has_row(*at_ms))
        .collect();

    let rows = stored.into_iter().chain(live).map(|(_, row)| row);
    let mut row = Summary::of(rows).into_row();
    row.keys.sort_by(|(one, counts), (other, others)| {
        others.lookups.cmp(&counts.lookups).then(one.cmp(other))
    });
    row
}

fn modules_of(row: &Row) -> Vec<HotModule> {
    let mut modules: BTreeMap<&str, KeyCounts> = BTreeMap::new();
    for (key, counts) in &row.keys {
        modules.entry(module_of(key)).or_default().add(counts);
    }

    let mut modules: Vec<HotModule> = modules
        .into_iter()
        .map(|(module, counts)| HotModule {
            module: module.to_owned(),
            lookups: counts.lookups,
            share: share(counts.lookups, row.lookups).unwrap_or(0.0),
            hit_share: share(counts.hits, counts.lookups),
            loads: counts.loads,
            time_saved_ms: counts.saved_ms,
            bytes_sent: counts.bytes,
        })
        .collect();
    modules.sort_by_key(|module| std::cmp::Reverse(module.lookups));
    modules
}

impl HotKey {
    fn new(key: &str, counts: &KeyCounts, all_lookups: u64) -> Self {
        let deviation = DEVIATIONS * (counts.variance as f64).sqrt();
        let load_ms = counts.load_us as f64 / counts.loads as f64 / 1000.0;
        Self {
            key: key.to_owned(),
            module: module_of(key).to_owned(),
            lookups: counts.lookups,
            max_error: counts.missing.saturating_add(deviation.ceil() as u64),
            share: share(counts.lookups, all_lookups).unwrap_or(0.0),
            hits: counts.hits,
            hit_share: share(counts.hits, counts.lookups),
            loads: counts.loads,
            load_ms: (counts.loads > 0).then(|| (load_ms * 100.0).round() / 100.0),
            time_saved_ms: counts.saved_ms,
            bytes_sent: counts.bytes,
        }
    }
}

fn module_of(key: &str) -> &str {
    key.split(':').next().unwrap_or(key)
}

/// A share from 0 to 1 with four decimals; `None` of nothing.
fn share(part: u64, all: u64) -> Option<f64> {
    let ratio = part as f64 / all as f64;
    (all > 0).then(|| (ratio.min(1.0) * 10_000.0).round() / 10_000.0)
}
