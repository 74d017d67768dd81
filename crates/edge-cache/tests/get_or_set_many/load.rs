//! Hits, loads and stores.

use std::collections::HashMap;
use std::time::Duration;

use edge_cache::LookupOutcome::{Bypass, Hit, Miss, Near};
use edge_cache::{Options, StoreErrorReason};
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::{Source, cache, look_up, outcomes, pause, ttl, values};

#[tokio::test]
async fn missing_keys_are_loaded_together_and_returned_in_order() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    look_up(&cache, &["a", "c"], &ttl(60_000), &source).await;

    let fetched = look_up(&cache, &["d", "a", "b", "c"], &ttl(60_000), &source).await;

    let expected = [Some("d #1"), Some("a #1"), Some("b #1"), Some("c #1")];
    assert_eq!(values(&fetched), expected);
    assert_eq!(outcomes(&fetched), [Miss, Hit, Miss, Hit]);
    assert_eq!(source.calls(), [["a", "c"], ["d", "b"]]);
    assert!(fetched.iter().all(|fetched| fetched.store_error.is_none()));
    let locks: Vec<String> = server.connection().keys("lock:*").unwrap();
    assert!(locks.is_empty(), "{locks:?}");
}

#[tokio::test]
async fn a_key_that_is_asked_for_twice_is_loaded_once() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());

    let fetched = look_up(&cache, &["a", "b", "a"], &ttl(60_000), &source).await;

    let expected = [Some("a #1"), Some("b #1"), Some("a #1")];
    assert_eq!(values(&fetched), expected);
    assert_eq!(source.calls(), [["a", "b"]]);
}

#[tokio::test]
async fn without_keys_nothing_is_loaded() {
    let server = RedisServer::start();
    let source = Source::default();

    let fetched = look_up(&cache(&server), &[], &ttl(60_000), &source).await;

    assert!(fetched.is_empty());
    assert!(source.calls().is_empty());
}

#[tokio::test]
async fn entries_are_those_of_get_or_set() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let options = Options {
        tags: &["t"],
        ..ttl(60_000)
    };
    let load = async || Ok::<_, String>("a by one".to_owned());
    cache.get_or_set("a", &options, load).await.unwrap();

    let both = look_up(&cache, &["a", "b"], &options, &source).await;
    let other = cache.get_or_set("b", &options, async || Err::<String, _>("not called"));

    assert_eq!(values(&both), [Some("a by one"), Some("b #1")]);
    assert_eq!(other.await.unwrap().value, "b #1");
    assert_eq!(cache.invalidate_tag("t").await.unwrap(), 2);
}

#[tokio::test]
async fn a_key_without_a_value_is_a_negative_result() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let kept = Options {
        negative_ttl: Some(Duration::from_secs(60)),
        ..ttl(60_000)
    };

    for _ in 0..2 {
        let fetched = look_up(&cache, &["absent:1", "a"], &ttl(60_000), &source).await;
        assert_eq!(values(&fetched), [None, Some("a #1")]);
    }
    assert_eq!(source.loads.borrow()["absent:1"], 2);

    for _ in 0..2 {
        let fetched = look_up(&cache, &["absent:2", "a"], &kept, &source).await;
        assert_eq!(values(&fetched), [None, Some("a #1")]);
    }
    assert_eq!(source.loads.borrow()["absent:2"], 1);
}

#[tokio::test]
async fn a_number_that_is_not_finite_is_not_stored_as_a_negative_result() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        negative_ttl: Some(Duration::from_secs(60)),
        ..ttl(60_000)
    };
    let load = async |_: Vec<&str>| Ok::<_, String>([("nan", f64::NAN), ("two", 2.0)]);

    let fetched = cache.get_or_set_many(&["nan", "two"], &options, load).await;

    let fetched = fetched.unwrap();
    assert!(fetched[0].value.is_some_and(f64::is_nan));
    let error = fetched[0].store_error.as_ref().unwrap();
    assert_eq!(error.reason, StoreErrorReason::Value);
    assert_eq!(fetched[1].store_error, None);
    assert!(!server.connection().exists::<_, bool>("nan").unwrap());
}

#[tokio::test]
async fn values_of_unstorable_keys_are_loaded_with_the_others_and_not_stored() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let long = "x".repeat(1025);
    let keys = ["cache:meta", "a", &long];

    let fetched = look_up(&cache, &keys, &ttl(60_000), &source).await;

    assert_eq!(outcomes(&fetched), [Bypass, Miss, Bypass]);
    assert_eq!(source.calls().len(), 1);
    for unstorable in [&fetched[0], &fetched[2]] {
        assert!(unstorable.value.is_some());
        let error = unstorable.store_error.as_ref().unwrap();
        assert_eq!(error.reason, StoreErrorReason::Name);
    }
    assert!(!server.connection().exists::<_, bool>("cache:meta").unwrap());
}

#[tokio::test]
async fn near_copies_are_served_without_redis() {
    let mut server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let near = Options {
        near: Some(edge_cache::Near::default()),
        ..ttl(60_000)
    };
    // Copies are kept once the instance has asked for invalidations after its registration.
    for _ in 0..3 {
        look_up(&cache, &["a", "b"], &near, &source).await;
        pause(60).await;
    }

    let copies = look_up(&cache, &["b", "a"], &near, &source).await;
    server.kill();
    let without_redis = look_up(&cache, &["b", "a"], &near, &source).await;

    assert_eq!(outcomes(&copies), [Near, Near]);
    assert_eq!(values(&without_redis), [Some("b #1"), Some("a #1")]);
    assert_eq!(source.calls().len(), 1);
}

#[tokio::test]
async fn thousands_of_keys_are_one_load() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let names: Vec<String> = (0..2500).map(|n| format!("n:{n}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();

    let loaded = look_up(&cache, &keys, &ttl(60_000), &source).await;
    let read = look_up(&cache, &keys, &ttl(60_000), &source).await;

    assert_eq!(source.calls().len(), 1);
    assert!(outcomes(&loaded).iter().all(|outcome| *outcome == Miss));
    assert!(outcomes(&read).iter().all(|outcome| *outcome == Hit));
    assert_eq!(values(&read), values(&loaded));
    assert_eq!(read[2499].value.as_deref(), Some("n:2499 #1"));
}

#[tokio::test]
async fn a_value_in_chunks_and_one_of_another_type_are_read_as_by_get_or_set() {
    let server = RedisServer::start();
    let cache = cache(&server);
    // Nothing in it repeats, so that compression leaves it as large.
    let huge: Vec<u64> = (0..600_000_u64)
        .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .collect();
    cache.set("huge", &huge, &ttl(60_000)).await.unwrap();
    let () = server.connection().hset("hash", "field", 1).unwrap();
    let load = async |missing: Vec<&str>| {
        assert_eq!(missing, ["hash"]);
        Ok::<_, String>(HashMap::from([("hash", vec![7])]))
    };

    let options = ttl(60_000);
    let fetched = cache.get_or_set_many(&["huge", "hash"], &options, load);

    let fetched = fetched.await.unwrap();
    assert_eq!(outcomes(&fetched), [Hit, Miss]);
    assert_eq!(fetched[0].value.as_ref(), Some(&huge));
    assert_eq!(fetched[1].value, Some(vec![7]));
}

#[tokio::test]
async fn lookups_and_loads_are_counted_for_each_key() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::slow(30));
    let keys = ["users:1", "users:2", "pages:1", "users:1"];
    let count =
        |name: &str| -> Option<u64> { server.connection().hget("cache:lookups", name).unwrap() };

    look_up(&cache, &keys, &ttl(60_000), &source).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    look_up(&cache, &keys, &ttl(60_000), &source).await;

    assert_eq!(count("users:miss"), Some(2));
    assert_eq!(count("users:hit"), Some(2));
    assert_eq!(count("pages:miss"), Some(1));
    assert_eq!(count("users:loads"), Some(2));
    let load_us = count("pages:load_us").unwrap();
    assert!(load_us >= 29_000, "{load_us}");
}
