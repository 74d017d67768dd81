//! Reasons why a value is not stored, and options that are never a reason.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use edge_cache::{Cache, Observer, Options, StoreError, StoreErrorReason};
use edge_cache_admin::admin::metrics;
use edge_cache_admin::admin::stats::Thresholds;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

use crate::{cache, load, load_with, run};

#[tokio::test]
async fn the_reason_why_a_value_is_not_stored_is_reported_and_counted() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let defaults = Options::default();
    let bad_tag = Options {
        tags: &["bad\ntag"],
        ..Options::default()
    };
    let pairs = BTreeMap::from([((1, 2), 3)]);

    let tagged = load_with(&cache, "a:1", &bad_tag, json!(1)).await;
    let nan = cache
        .get_or_set("b:1", &defaults, async || Ok::<_, String>(f64::NAN))
        .await
        .unwrap();
    let map = cache
        .get_or_set("c:1", &defaults, async || Ok::<_, String>(pairs))
        .await
        .unwrap();
    run(&mut other, "CONFIG SET maxmemory 1");
    let full = load(&cache, "d:1", json!(1)).await;

    assert_eq!(tagged.store_error.unwrap().reason, StoreErrorReason::Tag);
    assert!(nan.value.is_nan());
    assert_eq!(nan.store_error.unwrap().reason, StoreErrorReason::Value);
    assert_eq!(map.store_error.unwrap().reason, StoreErrorReason::Value);
    assert_eq!(full.store_error.unwrap().reason, StoreErrorReason::Full);
    let lookups: BTreeMap<String, u64> = other.hgetall("cache:lookups").unwrap();
    assert_eq!(lookups.get("a:unstored_tag"), Some(&1), "{lookups:?}");
    assert_eq!(lookups.get("b:unstored_value"), Some(&1), "{lookups:?}");
    assert_eq!(lookups.get("c:unstored_value"), Some(&1), "{lookups:?}");
    assert_eq!(lookups.get("d:unstored_full"), Some(&1), "{lookups:?}");
}

#[tokio::test]
async fn the_metrics_have_the_reasons_why_values_are_not_stored() {
    let server = RedisServer::start();
    run(&mut server.connection(), "CONFIG SET maxmemory 1");
    load(&cache(&server), "d:1", json!(1)).await;

    let page = metrics_of(&server).await;

    let metric = "edge_cache_store_errors_total{module=\"d\",reason=\"full\"} 1";
    assert!(page.contains(metric), "{page}");
}

async fn metrics_of(server: &RedisServer) -> String {
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    metrics::run(&redis, &trail, &Thresholds::default())
        .await
        .unwrap()
}

/// The stores that failed: their keys and reasons.
#[derive(Default)]
struct FailedStores(RefCell<Vec<(String, StoreErrorReason)>>);

impl Observer for FailedStores {
    fn store_failed(&self, key: &str, error: &StoreError) {
        self.0.borrow_mut().push((key.to_owned(), error.reason));
    }
}

#[tokio::test]
async fn every_reason_reaches_the_observer_and_the_metrics() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let failed = FailedStores::default();
    let cache = Cache::with_observer(client(&server.url(0)), &failed);
    let store = async |key: &str, options: &Options<'_>, value: Value| {
        let loaded = cache.get_or_set(key, options, async || Ok::<_, String>(value));
        loaded.await.unwrap()
    };
    let defaults = Options::default();
    let tagged = |tags| Options {
        tags,
        ..Options::default()
    };
    let no_negative = Options {
        negative_ttl: Some(Duration::from_secs(60)),
        max_negative: 0,
        ..Options::default()
    };

    // The module of each key is the name of the reason.
    let long = format!("name:{}", "x".repeat(1024));
    store(&long, &defaults, json!(1)).await;
    run(&mut other, "SET cache:tags:t x");
    store("redis:1", &tagged(&["t"]), json!(1)).await;
    store("tag:1", &tagged(&["bad\ntag"]), json!(1)).await;
    let nan = cache.get_or_set("value:1", &defaults, async || Ok::<_, String>(f64::NAN));
    nan.await.unwrap();
    store("negative:1", &no_negative, Value::Null).await;
    run(&mut other, "CONFIG SET maxmemory 1");
    store("full:1", &defaults, json!(1)).await;
    run(&mut other, "CONFIG SET maxmemory 0");

    let page = metrics_of(&server).await;
    for reason in StoreErrorReason::ALL {
        let name = reason.name();
        let failed = failed.0.borrow();
        let failed: Vec<_> = failed
            .iter()
            .filter(|(_, found)| *found == reason)
            .collect();
        assert_eq!(failed.len(), 1, "{name}: {failed:?}");
        assert!(failed[0].0.starts_with(&format!("{name}:")), "{failed:?}");

        let metric =
            format!("edge_cache_store_errors_total{{module=\"{name}\",reason=\"{name}\"}} 1");
        assert!(page.lines().any(|line| line == metric), "{metric}\n{page}");
    }
}

#[tokio::test]
async fn no_option_makes_a_call_fail() {
    let server = RedisServer::start();
    let cache = cache(&server);

    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -3.0, 1e300] {
        for time in [Duration::ZERO, Duration::MAX] {
            let options = Options {
                ttl: Some(time),
                grace: time,
                jitter: number,
                lock_wait: time,
                load_timeout: time,
                throttle: time,
                early_refresh: number,
                negative_ttl: Some(time),
                ..Options::default()
            };

            for value in [json!(1), Value::Null] {
                let fetched = load_with(&cache, "k", &options, value).await;
                assert!(fetched.store_error.is_none(), "{number} {time:?}");
            }
        }
    }
}
