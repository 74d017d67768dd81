//! Negative results: `null` values of keys that the source does not have.

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Fetched, Options, RedisClient, StoreErrorReason};
use edge_cache_testing::RedisServer;
use redis::{Commands, Connection};
use serde_json::{Value, json};

use crate::{cache, load_with, options, run};

/// At most ten negative results for each module.
fn bounded() -> Options<'static> {
    Options {
        negative_ttl: Some(Duration::from_secs(60)),
        max_negative: 10,
        jitter: 0.0,
        tags: &["pages"],
        ..Options::default()
    }
}

async fn look_up(
    cache: &Cache<RedisClient<TokioTransport>>,
    key: &str,
    found: Value,
) -> Fetched<Value> {
    load_with(cache, key, &bounded(), found).await
}

/// Stores as many negative results of `seo` as one module may have.
async fn fill_module(cache: &Cache<RedisClient<TokioTransport>>) {
    for n in 0..10 {
        let fetched = look_up(cache, &format!("seo:page:{n}"), Value::Null).await;
        assert_eq!(fetched.store_error, None, "{n}");
    }
}

/// The number of scripts that the server has run by their digest.
fn script_calls(redis: &mut Connection) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query(redis).unwrap();
    let calls = stats
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="))
        .unwrap();
    calls.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_module_keeps_no_more_negative_results_than_its_limit() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    fill_module(&cache).await;

    for n in 10..25 {
        let fetched = look_up(&cache, &format!("seo:page:{n}"), Value::Null).await;
        let reason = fetched.store_error.map(|error| error.reason);
        assert_eq!(reason, Some(StoreErrorReason::Negative), "{n}");
    }

    let mut kept: Vec<String> = other.keys("seo:*").unwrap();
    kept.sort();
    assert_eq!(kept.len(), 10);
    let mut tagged: Vec<String> = other.smembers("cache:tags:pages").unwrap();
    tagged.sort();
    assert_eq!(tagged, kept, "keys that are not stored have no tags");
}

#[tokio::test]
async fn a_negative_result_above_the_limit_takes_few_scripts_and_leaves_no_lock() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    fill_module(&cache).await;
    look_up(&cache, "seo:page:24", Value::Null).await;

    run(&mut other, "CONFIG RESETSTAT");
    let refused = look_up(&cache, "seo:page:25", Value::Null).await;

    let reason = refused.store_error.map(|error| error.reason);
    assert_eq!(reason, Some(StoreErrorReason::Negative));
    let scripts = script_calls(&mut other);
    assert!(
        scripts <= 6,
        "{scripts}: those of the load and its counters"
    );
    assert!(!other.exists::<_, bool>("lock:{seo:page:24}").unwrap());
}

#[tokio::test]
async fn the_limit_of_negative_results_covers_neither_values_nor_other_modules() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    fill_module(&cache).await;

    let value = look_up(&cache, "seo:page:real", json!(1)).await;
    let other_module = look_up(&cache, "users:1", Value::Null).await;

    assert_eq!(value.store_error, None);
    assert_eq!(other_module.store_error, None);
    let window: i64 = other.pttl("cache:negative:seo").unwrap();
    assert!(
        (1..=60_000).contains(&window),
        "{window}: the window is the life of one negative result"
    );
}

#[tokio::test]
async fn a_stale_value_is_removed_when_its_key_is_absent_now_and_the_limit_is_reached() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    fill_module(&cache).await;
    let brief = Options {
        ttl: Some(Duration::from_millis(20)),
        grace: Duration::from_secs(60),
        ..bounded()
    };
    let old = load_with(&cache, "seo:page:old", &brief, json!(1)).await;
    assert_eq!(old.store_error, None);
    tokio::time::sleep(Duration::from_millis(40)).await;

    let absent = load_with(&cache, "seo:page:old", &brief, Value::Null).await;

    assert_eq!(absent.value, Value::Null);
    let reason = absent.store_error.map(|error| error.reason);
    assert_eq!(reason, Some(StoreErrorReason::Negative));
    assert!(!other.exists::<_, bool>("seo:page:old").unwrap());
}

#[tokio::test]
async fn a_negative_result_is_not_stored_when_a_foreign_key_stands_in_for_its_tags_set() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    run(&mut other, "SET cache:tags:t x");
    let negative = Options {
        negative_ttl: Some(Duration::from_secs(60)),
        ..options()
    };

    let fetched = load_with(&cache, "k", &negative, Value::Null).await;

    let error = fetched.store_error.unwrap();
    assert_eq!(error.reason, StoreErrorReason::Redis);
    assert!(error.message.contains("cache:tags:t"), "{error}");
    for key in ["k", "lock:{k}", "cache:negative:k"] {
        assert!(!other.exists::<_, bool>(key).unwrap(), "{key}");
    }
}
