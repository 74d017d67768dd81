//! Recent rates: counters now, compared with the same counters a few minutes ago.
//!
//! Earlier counters are samples in a small stream of Redis (`cache:samples`, 32 entries), so any
//! instance, and the schedule, continues what another began. Each reader of statistics adds a
//! sample if the last is a twentieth of the window old, and at least 15 seconds.

use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::keyspace::key::{NONE, SAMPLES};
use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::script;
use edge_cache::units::{self, one_decimal};
use serde::Serialize;

use super::judgement::AlertStates;
use super::sample::{LookupCounts, MAX_SAMPLES, Sample, TimedSample};

/// Adds a sample.
static ADD_SAMPLE: Script = script!(once "stats/add_sample", []);

/// The fewest lookups on which a hit rate is judged.
pub(super) const MIN_LOOKUPS_TO_JUDGE: u64 = 1000;
/// How much older than the window the sample may be that begins it: a tenth of it.
const SLACK_SHARE: u64 = 10;
/// The least time between two samples, and their number in a window.
const MIN_SAMPLE_INTERVAL_MS: u64 = 15_000;
const SAMPLES_IN_WINDOW: u64 = 20;
/// The fewest figures that have a median.
const MIN_MEDIAN_FIGURES: usize = 3;
/// The least age of a sample for a rate per minute.
const MIN_RATE_AGE_MS: u64 = 10_000;
const MINUTE_MS: f64 = 60_000.0;

/// The source of the lookups of a hit rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LookupSource {
    /// The library: lookups of the services that use it.
    Services,
    /// The server: lookups of all clients in all databases, without own reads.
    Server,
}

/// The hit rate of the last minutes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HitRate {
    /// Share of the lookups that found their key, e.g. `87.3%`; null if there were none.
    pub rate: Option<String>,
    /// The same, from 0 to 1.
    pub ratio: Option<f64>,
    /// Lookups in the window.
    pub lookups: u64,
    /// The length of the window in seconds; less if less is known.
    pub seconds: u64,
    /// The source of the lookups.
    pub source: LookupSource,
}

/// The latency of the last minutes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LatencyWindow {
    /// The median of how long `PING` took, in milliseconds; of fewer than three figures the newest.
    pub median_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Number of figures.
    pub samples: usize,
}

/// The counters now, and the samples.
#[derive(Debug)]
pub(crate) struct Window {
    /// The length of the window.
    pub(super) length_ms: u64,
    pub(super) now_ms: u64,
    pub(super) now: Sample,
    /// Time since the server started, if it reports that.
    pub(super) uptime_ms: Option<u64>,
    /// Newest first.
    pub(super) samples: Vec<TimedSample>,
}

/// Lookups within a time.
#[derive(Debug, Clone, Copy)]
struct Lookups {
    counts: LookupCounts,
    during_ms: u64,
    source: LookupSource,
}

impl Window {
    /// Adds a sample if the last is old enough, or of another server process. One round trip then,
    /// else none. `alerts` says how alerts stand now.
    pub(super) async fn add_sample<R: Redis>(
        &self,
        redis: &R,
        alerts: AlertStates,
    ) -> Result<(), RedisError> {
        let interval_ms = (self.length_ms / SAMPLES_IN_WINDOW).max(MIN_SAMPLE_INTERVAL_MS);
        let is_recent = |last: &TimedSample| {
            last.sample.run_id == self.now.run_id && self.age_ms(last) < interval_ms
        };
        if self.samples.first().is_some_and(is_recent) {
            return Ok(());
        }

        let sample = Sample {
            alerts,
            ..self.now.clone()
        };
        let sample = serde_json::to_string(&sample).unwrap_or_default();
        let keys = [SAMPLES.into(), NONE.into()];
        let args = [MAX_SAMPLES.into(), sample.into()];
        ADD_SAMPLE.run(redis, keys, args).await.map(drop)
    }

    fn age_ms(&self, sample: &TimedSample) -> u64 {
        self.now_ms.saturating_sub(sample.at_ms)
    }

    /// How alerts stood at the newest sample of the window; `None` without one.
    pub(super) fn alerts_before(&self) -> Option<&AlertStates> {
        let newest = self.samples.first()?;
        self.has(newest).then_some(&newest.sample.alerts)
    }

    /// True for a sample of the window.
    fn has(&self, sample: &TimedSample) -> bool {
        self.age_ms(sample) <= self.length_ms + self.length_ms / SLACK_SHARE
    }

    /// The latency of the window; `None` if now is unknown.
    pub(super) fn latency(&self) -> Option<LatencyWindow> {
        let now = self.now.latency_us?;
        let samples = self.samples.iter().filter(|sample| self.has(sample));
        let earlier = samples.filter_map(|timed| timed.sample.latency_us);
        let mut all: Vec<u64> = earlier.chain([now]).collect();
        all.sort_unstable();

        let is_enough = all.len() >= MIN_MEDIAN_FIGURES;
        let median = if is_enough { all[all.len() / 2] } else { now };
        let milliseconds = |us| units::latency_ms(Duration::from_micros(us));
        Some(LatencyWindow {
            median_ms: milliseconds(median),
            max_ms: milliseconds(all.last().copied().unwrap_or(now)),
            samples: all.len(),
        })
    }

    /// The hit rate of the window: of the services' lookups if the library counted enough of them
    /// to judge, else of the server's. `None` if nothing earlier is known.
    pub(crate) fn hit_rate(&self) -> Option<HitRate> {
        let lookups = self.lookups_to_judge()?;
        let all = lookups.counts.lookups();
        let ratio = (all > 0).then(|| lookups.counts.hits as f64 / all as f64);

        Some(HitRate {
            rate: ratio.map(units::percent),
            ratio: ratio.map(|ratio| (ratio * 10_000.0).round() / 10_000.0),
            lookups: all,
            seconds: lookups.during_ms.div_ceil(1000),
            source: lookups.source,
        })
    }

    fn lookups_to_judge(&self) -> Option<Lookups> {
        let services = self.services_lookups();
        let server = self.server_lookups();
        let at_least = |lookups: Option<Lookups>, min: u64| {
            lookups.filter(|lookups| lookups.counts.lookups() >= min)
        };

        at_least(services, MIN_LOOKUPS_TO_JUDGE)
            .or(at_least(server, MIN_LOOKUPS_TO_JUDGE))
            .or(at_least(services, 1))
            .or(server)
    }

    fn services_lookups(&self) -> Option<Lookups> {
        let begin = self.first_sample(|_| true)?;
        Some(Lookups {
            counts: self.now.services.since(begin.sample.services),
            during_ms: self.age_ms(begin),
            source: LookupSource::Services,
        })
    }

    fn server_lookups(&self) -> Option<Lookups> {
        let now = self.now.server?;
        let is_this_process = |sample: &Sample| sample.run_id == self.now.run_id;

        // The counters of a server that started within the window began with it.
        if let Some(uptime_ms) = self.uptime_ms.filter(|uptime| *uptime <= self.length_ms) {
            let mut samples = self.samples.iter();
            let own = match samples.find(|timed| !is_this_process(&timed.sample)) {
                Some(before) => self.now.own.since(before.sample.own),
                None => self.now.own,
            };
            return Some(Lookups {
                counts: now.without(own),
                during_ms: uptime_ms,
                source: LookupSource::Server,
            });
        }

        let begin =
            self.first_sample(|sample| is_this_process(sample) && sample.server.is_some())?;
        let own = self.now.own.since(begin.sample.own);
        let before = begin.sample.server.unwrap_or_default();
        Some(Lookups {
            counts: now.since(before).without(own),
            during_ms: self.age_ms(begin),
            source: LookupSource::Server,
        })
    }

    /// The oldest sample of the window that fits.
    fn first_sample(&self, fits: impl Fn(&Sample) -> bool) -> Option<&TimedSample> {
        self.samples
            .iter()
            .rfind(|timed| self.has(timed) && fits(&timed.sample))
    }

    /// Keys evicted per minute in the window; `None` without an earlier sample of the same server
    /// process.
    pub(crate) fn evictions_per_minute(&self) -> Option<f64> {
        let now = self.now.evicted?;
        let begin = self.first_sample(|sample| sample.run_id == self.now.run_id)?;
        if self.age_ms(begin) < MIN_RATE_AGE_MS {
            return None;
        }

        let evicted = now.checked_sub(begin.sample.evicted?)?;
        let rate = evicted as f64 * MINUTE_MS / self.age_ms(begin) as f64;
        Some(one_decimal(rate))
    }
}

#[cfg(test)]
mod tests;
