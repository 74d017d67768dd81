//! Tests of whether a value may be served.

use super::*;

fn found(fresh_left: i64, load_time: f64) -> FoundValue<()> {
    FoundValue {
        value: (),
        fresh_left: Some(fresh_left),
        grace: 60_000,
        marked_stale: None,
        age: None,
        load_time,
        validator: None,
    }
}

fn with_grace(seconds: u64) -> Options<'static> {
    Options {
        grace: Duration::from_secs(seconds),
        ..Options::default()
    }
}

#[test]
fn early_refresh_is_likelier_near_the_expiry_and_after_a_slow_load() {
    let freshness = |left, load, random| found(left, load).freshness(&Options::default(), random);

    assert_eq!(freshness(1000, 100.0, 0.5), Freshness::Fresh);
    assert_eq!(freshness(1000, 100.0, 0.00001), Freshness::EarlyRefresh);
    assert_eq!(freshness(10, 100.0, 0.5), Freshness::EarlyRefresh);
    assert_eq!(freshness(10, 0.0, 0.5), Freshness::Fresh);
}

#[test]
fn early_refresh_can_be_switched_off() {
    let never = Options {
        early_refresh: 0.0,
        ..Options::default()
    };

    let freshness = found(1, 10_000.0).freshness(&never, 0.00001);

    assert_eq!(freshness, Freshness::Fresh);
}

#[test]
fn a_value_stands_in_no_longer_than_its_own_and_the_calls_grace_allow() {
    let servable = |left, grace| {
        let stand_in = found(left, 0.0).stand_in(&with_grace(grace), LookupOutcome::Stale);
        stand_in.servable.as_millis()
    };

    assert_eq!(servable(400, 0), 400);
    assert_eq!(servable(400, 60), 60_400);
    assert_eq!(servable(-400, 3600), 59_600);
    assert_eq!(servable(-400, 0), 0);
}

#[test]
fn a_value_that_was_marked_stale_is_served_to_every_call_for_its_soft_grace() {
    let freshness = |left, for_every_caller, own, grace| {
        let found = FoundValue {
            grace: own,
            marked_stale: Some(for_every_caller),
            ..found(left, 0.0)
        };
        found.freshness(&with_grace(grace), 0.5)
    };

    // Without grace of its own.
    assert_eq!(freshness(-5, 9_000, 9_000, 0), Freshness::Stale);
    assert_eq!(freshness(-9_001, 9_000, 9_000, 60), Freshness::TooOld);
    // With grace of its own.
    assert_eq!(freshness(-5, 0, 9_000, 60), Freshness::Stale);
    assert_eq!(freshness(-5, 0, 9_000, 0), Freshness::TooOld);
    assert_eq!(freshness(-9_001, 0, 9_000, 60), Freshness::TooOld);
}

#[test]
fn a_stale_value_is_served_only_to_a_call_with_enough_grace() {
    let freshness = |left, grace| found(left, 0.0).freshness(&with_grace(grace), 0.5);

    assert_eq!(freshness(-5, 60), Freshness::Stale);
    assert_eq!(freshness(-60_001, 60), Freshness::TooOld);
    assert_eq!(freshness(-5, 0), Freshness::TooOld);
}
