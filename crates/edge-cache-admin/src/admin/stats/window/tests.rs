//! Tests of the window.

use super::*;

const NOW_MS: u64 = 1_000_000;
const LONG_UPTIME_MS: u64 = 10_000_000;
const NONE: LookupCounts = LookupCounts { hits: 0, misses: 0 };

fn counts(hits: u64, misses: u64) -> LookupCounts {
    LookupCounts { hits, misses }
}

fn sample(run_id: &str, server: LookupCounts, services: LookupCounts, own: LookupCounts) -> Sample {
    Sample {
        run_id: run_id.into(),
        server: Some(server),
        evicted: Some(0),
        services,
        own,
        ..Sample::default()
    }
}

fn aged(age_ms: u64, sample: Sample) -> TimedSample {
    TimedSample {
        at_ms: NOW_MS - age_ms,
        sample,
    }
}

fn window(now: Sample, uptime_ms: u64, samples: impl IntoIterator<Item = TimedSample>) -> Window {
    Window {
        length_ms: 300_000,
        now_ms: NOW_MS,
        now,
        uptime_ms: Some(uptime_ms),
        samples: samples.into_iter().collect(),
    }
}

#[test]
fn recent_misses_show_after_a_long_good_life() {
    let before = |age_ms, misses| aged(age_ms, sample("a", counts(1_000_000, misses), NONE, NONE));
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
fn evictions_are_measured_over_the_window() {
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
    assert_eq!(rate(&three), Some(227.6));
    assert_eq!(rate(&[(30_000, "b", 100)]), None, "another process");
    assert_eq!(rate(&[(5_000, "a", 100)]), None, "too recent");
    assert_eq!(rate(&[(30_000, "a", 2_000)]), None, "reset since");
}

#[test]
fn latency_is_the_median_of_the_window() {
    let pinged = |us| Sample {
        latency_us: Some(us),
        ..sample("a", NONE, NONE, NONE)
    };
    let latency = |earlier: &[(u64, u64)]| {
        let before = earlier
            .iter()
            .map(|(age_ms, us)| aged(*age_ms, pinged(*us)));
        window(pinged(900), LONG_UPTIME_MS, before)
            .latency()
            .unwrap()
    };

    let few = latency(&[(15_000, 100)]);
    assert_eq!((few.median_ms, few.max_ms, few.samples), (0.9, 0.9, 2));
    let spike = latency(&[
        (15_000, 200_000),
        (30_000, 300),
        (45_000, 200),
        (400_000, 1),
    ]);
    assert_eq!(
        (spike.median_ms, spike.max_ms, spike.samples),
        (0.9, 200.0, 4)
    );
}

#[test]
fn alerts_before_the_window_are_forgotten() {
    let recent = window(
        sample("a", NONE, NONE, NONE),
        1,
        [aged(320_000, Sample::default())],
    );
    assert!(recent.alerts_before().is_some());
    let old = window(
        sample("a", NONE, NONE, NONE),
        1,
        [aged(331_000, Sample::default())],
    );
    assert!(old.alerts_before().is_none());
}
