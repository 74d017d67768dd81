//! Recent rates: counters now, compared with the same counters a few minutes ago.
//!
//! Earlier counters are samples in a small stream of Redis (`cache:samples`, 32 entries), so any
//! instance, and the schedule, continues what another began. Each reader of statistics adds a
//! sample if the last is 15 seconds old.

use edge_cache::RedisError;
use edge_cache::keyspace::key::SAMPLES;
use edge_cache::redis::{Command, Redis};
use edge_cache::units::{self, one_decimal};
use serde::Serialize;

use super::sample::{LookupCounts, MAX_SAMPLES, Sample, TimedSample};

/// The fewest lookups on which a hit rate is judged.
pub(super) const MIN_LOOKUPS_TO_JUDGE: u64 = 1000;
/// The length of the window, and how much older the sample may be that begins it.
const WINDOW_MS: u64 = 300_000;
const WINDOW_SLACK_MS: u64 = 30_000;
/// The least time between two samples.
const SAMPLE_INTERVAL_MS: u64 = 15_000;
/// The least age of a sample for a rate per minute, and the preferred one.
const MIN_RATE_AGE_MS: u64 = 10_000;
const PREFERRED_RATE_AGE_MS: u64 = 60_000;
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
    /// The length of the window in seconds: 300, or less if less is known.
    pub seconds: u64,
    /// The source of the lookups.
    pub source: LookupSource,
}

/// The counters now, and the samples.
#[derive(Debug)]
pub(crate) struct Window {
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
    /// else none.
    pub(crate) async fn add_sample<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let is_recent = |last: &TimedSample| {
            last.sample.run_id == self.now.run_id && self.age_ms(last) < SAMPLE_INTERVAL_MS
        };
        if self.samples.first().is_some_and(is_recent) {
            return Ok(());
        }

        let sample = serde_json::to_string(&self.now).unwrap_or_default();
        let add = Command::new("XADD")
            .arg(SAMPLES)
            .arg("MAXLEN")
            .arg(MAX_SAMPLES)
            .arg("*")
            .arg("sample")
            .arg(sample);
        redis.execute(add).await.map(drop)
    }

    fn age_ms(&self, sample: &TimedSample) -> u64 {
        self.now_ms.saturating_sub(sample.at_ms)
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
        if let Some(uptime_ms) = self.uptime_ms.filter(|uptime| *uptime <= WINDOW_MS) {
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
            .rfind(|timed| self.age_ms(timed) <= WINDOW_MS + WINDOW_SLACK_MS && fits(&timed.sample))
    }

    /// Keys evicted per minute, over about the last minute; `None` without an earlier sample of the
    /// same server process.
    pub(crate) fn evictions_per_minute(&self) -> Option<f64> {
        let now = self.now.evicted?;
        let usable: Vec<&TimedSample> = self
            .samples
            .iter()
            .filter(|timed| timed.sample.run_id == self.now.run_id)
            .filter(|timed| (MIN_RATE_AGE_MS..=WINDOW_MS).contains(&self.age_ms(timed)))
            .collect();
        let preferred = usable
            .iter()
            .find(|timed| self.age_ms(timed) >= PREFERRED_RATE_AGE_MS);

        let begin = preferred.or(usable.last())?;
        let evicted = now.checked_sub(begin.sample.evicted?)?;
        let rate = evicted as f64 * MINUTE_MS / self.age_ms(begin) as f64;
        Some(one_decimal(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_000_000;
    const LONG_UPTIME_MS: u64 = 10_000_000;
    const NONE: LookupCounts = LookupCounts { hits: 0, misses: 0 };

    fn counts(hits: u64, misses: u64) -> LookupCounts {
        LookupCounts { hits, misses }
    }

    fn sample(
        run_id: &str,
        server: LookupCounts,
        services: LookupCounts,
        own: LookupCounts,
    ) -> Sample {
        Sample {
            run_id: run_id.into(),
            server: Some(server),
            evicted: Some(0),
            services,
            own,
        }
    }

    fn aged(age_ms: u64, sample: Sample) -> TimedSample {
        TimedSample {
            at_ms: NOW_MS - age_ms,
            sample,
        }
    }

    fn window(
        now: Sample,
        uptime_ms: u64,
        samples: impl IntoIterator<Item = TimedSample>,
    ) -> Window {
        Window {
            now_ms: NOW_MS,
            now,
            uptime_ms: Some(uptime_ms),
            samples: samples.into_iter().collect(),
        }
    }

    #[test]
    fn recent_misses_show_after_a_long_good_life() {
        let before =
            |age_ms, misses| aged(age_ms, sample("a", counts(1_000_000, misses), NONE, NONE));
        let now = sample("a", counts(1_000_000, 20_500), NONE, NONE);
        let samples = [
            before(20_000, 10_000),
            before(290_000, 500),
            before(600_000, 0),
        ];

        let rate = window(now, LONG_UPTIME_MS, samples).hit_rate().unwrap();

        assert_eq!(rate.ratio, Some(0.0));
        assert_eq!(rate.lookups, 20_000);
        assert_eq!(rate.seconds, 290);
        assert_eq!(rate.source, LookupSource::Server);
    }

    #[test]
    fn own_reads_are_not_lookups() {
        let before = sample("a", counts(100, 2_000), NONE, counts(100, 0));
        let now = sample("a", counts(50_100, 4_000), NONE, counts(50_100, 0));

        let window = window(now, LONG_UPTIME_MS, [aged(100_000, before)]);
        let rate = window.hit_rate().unwrap();

        assert_eq!(rate.ratio, Some(0.0));
        assert_eq!(rate.lookups, 2_000);
    }

    #[test]
    fn services_lookups_are_preferred_if_they_can_be_judged() {
        let rate = |services| {
            let before = sample("a", NONE, counts(10, 10), NONE);
            let now = sample("a", counts(0, 5_000), services, NONE);
            let window = window(now, LONG_UPTIME_MS, [aged(100_000, before)]);
            window.hit_rate().unwrap()
        };

        let many = rate(counts(2_010, 10));
        assert_eq!(many.ratio, Some(1.0));
        assert_eq!(many.source, LookupSource::Services);

        assert_eq!(rate(counts(20, 10)).source, LookupSource::Server);
        assert_eq!(rate(counts(10, 10)).source, LookupSource::Server);
    }

    #[test]
    fn a_server_that_just_started_is_measured_from_its_start() {
        let now = || sample("b", counts(5, 1_500), NONE, counts(2, 0));
        let before = || {
            aged(
                200_000,
                sample("a", counts(1_000_000, 0), NONE, counts(2, 0)),
            )
        };

        let alone = window(now(), 60_000, []).hit_rate().unwrap();
        assert_eq!(alone.lookups, 1_503);

        let after_another = window(now(), 60_000, [before()]).hit_rate().unwrap();
        assert_eq!(after_another.lookups, 1_505);
        assert_eq!(after_another.seconds, 60);
    }

    #[test]
    fn counters_of_two_server_processes_are_not_compared() {
        let now = sample("b", counts(5, 1_500), NONE, NONE);
        let before = aged(200_000, sample("a", counts(1_000_000, 0), NONE, NONE));

        assert!(
            window(now, LONG_UPTIME_MS, [before])
                .server_lookups()
                .is_none()
        );
    }

    #[test]
    fn counters_that_were_reset_count_from_there() {
        let before = sample("a", counts(9_000, 0), counts(500, 0), NONE);
        let now = sample("a", counts(0, 1_200), NONE, NONE);

        let window = window(now, LONG_UPTIME_MS, [aged(100_000, before)]);
        let rate = window.hit_rate().unwrap();

        assert_eq!(rate.ratio, Some(0.0));
        assert_eq!(rate.lookups, 1_200);
    }

    #[test]
    fn without_a_sample_there_is_no_hit_rate() {
        let now = sample("a", NONE, NONE, NONE);
        assert_eq!(window(now, LONG_UPTIME_MS, []).hit_rate(), None);
    }

    #[test]
    fn evictions_are_measured_over_about_a_minute() {
        let evicted = |run_id: &str, evicted| Sample {
            evicted: Some(evicted),
            ..sample(run_id, NONE, NONE, NONE)
        };
        let rate = |samples: &[(u64, &str, u64)]| {
            let before = samples
                .iter()
                .map(|(age_ms, run_id, keys)| aged(*age_ms, evicted(run_id, *keys)));
            window(evicted("a", 1_100), LONG_UPTIME_MS, before).evictions_per_minute()
        };

        assert_eq!(rate(&[(30_000, "a", 100)]), Some(2_000.0));
        let three = [(5_000, "a", 1_090), (60_000, "a", 1_000), (290_000, "a", 0)];
        assert_eq!(rate(&three), Some(100.0));
        assert_eq!(rate(&[(30_000, "b", 100)]), None, "another process");
        assert_eq!(rate(&[(5_000, "a", 100)]), None, "too recent");
        assert_eq!(rate(&[(30_000, "a", 2_000)]), None, "reset since");
    }
}
