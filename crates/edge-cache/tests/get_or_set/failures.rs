//! Loads that fail where no value can be served: one failure for all who ask.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LoadError, LookupOutcome, Options, RedisClient};
use edge_cache_testing::{RedisServer, client, free_port};
use futures_util::future::{join, join_all, select};
use redis::Commands;

use crate::{cache, look_up, ttl};

type Native = Cache<RedisClient<TokioTransport>>;

/// Keeps failures for long enough that a slow machine finds them.
fn patient() -> Options<'static> {
    Options {
        failure_ttl: Duration::from_secs(30),
        ..ttl(60_000)
    }
}

/// Asks with a source that takes 300 ms and fails.
async fn fail(cache: &Native, options: &Options<'_>, loads: &Cell<u32>) -> LoadError<&'static str> {
    let loader = async || {
        loads.set(loads.get() + 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        Err::<u32, _>("database down")
    };
    let failed = cache.get_or_set("k", options, loader).await;
    failed.unwrap_err()
}

#[tokio::test]
async fn all_who_wait_for_a_load_that_fails_get_its_error() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), patient());

    let calls = (0..200).map(|number| fail(&instances[number % 8], &options, &loads));
    let errors = join_all(calls).await;

    assert_eq!(loads.get(), 1);
    let own = |error: &&LoadError<_>| **error == LoadError::Own("database down");
    assert_eq!(errors.iter().filter(own).count(), 1);
    let shared = |error: &&LoadError<_>| **error == LoadError::Shared("database down".into());
    assert_eq!(errors.iter().filter(shared).count(), 199);
}

#[tokio::test]
async fn a_failure_is_kept_for_its_time() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let loads = Cell::new(0);
    let options = Options {
        failure_ttl: Duration::from_millis(400),
        ..ttl(60_000)
    };
    fail(&cache, &options, &loads).await;

    tokio::time::sleep(Duration::from_millis(600)).await;
    let loaded = look_up(&cache, "k", &options, &loads).await;

    assert_eq!(loaded.outcome, LookupOutcome::Miss);
    assert_eq!(loaded.value, 2);
}

#[tokio::test]
async fn without_a_failure_ttl_the_next_caller_loads() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let loads = Cell::new(0);
    let options = Options {
        failure_ttl: Duration::ZERO,
        ..ttl(60_000)
    };

    let error = fail(&cache, &options, &loads).await;
    assert_eq!(error, LoadError::Own("database down"));
    assert!(!server.connection().exists::<_, bool>("lock:{k}").unwrap());

    let loaded = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(loaded.outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn a_failure_ends_where_the_key_is_set_or_removed() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let (loads, options) = (Cell::new(0), patient());

    fail(&cache, &options, &loads).await;
    cache.set("k", &7, &options).await.unwrap();
    let found = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(found.outcome, LookupOutcome::Hit);
    assert_eq!(found.value, 7);

    cache.delete("k").await.unwrap();
    fail(&cache, &options, &loads).await;
    cache.delete("k").await.unwrap();
    let found = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(found.outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn a_long_error_is_cut_for_others() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let long = "é".repeat(1_000);
    let failing = async || Err::<u32, _>(long.clone());

    let own = cache.get_or_set("k", &patient(), failing).await;
    let shared = cache.get_or_set("k", &patient(), failing).await;

    assert_eq!(own.unwrap_err(), LoadError::Own(long.clone()));
    assert_eq!(shared.unwrap_err(), LoadError::Shared("é".repeat(512)));
}

/// A cache whose Redis cannot be reached.
fn without_redis() -> Native {
    Cache::new(client(&format!("redis://127.0.0.1:{}/0", free_port())))
}

#[tokio::test]
async fn without_redis_the_callers_of_an_instance_share_a_load() {
    let cache = without_redis();
    let (loads, options) = (Cell::new(0), ttl(60_000));
    for _ in 0..3 {
        look_up(&cache, "other", &options, &Cell::new(0)).await;
    }

    let loader = async || {
        loads.set(loads.get() + 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, String>(loads.get())
    };
    let calls = (0..200).map(|_| cache.get_or_set("k", &options, loader));
    for fetched in join_all(calls).await {
        let fetched = fetched.unwrap();
        assert_eq!(fetched.outcome, LookupOutcome::Bypass);
        assert_eq!(fetched.value, 1);
    }

    let later = cache.get_or_set("k", &options, loader).await.unwrap();
    assert_eq!(later.value, 2);
}

#[tokio::test]
async fn without_redis_the_callers_of_an_instance_share_a_failure() {
    let cache = without_redis();
    let (loads, options) = (Cell::new(0), ttl(60_000));
    for _ in 0..3 {
        look_up(&cache, "other", &options, &Cell::new(0)).await;
    }

    let errors = join_all((0..50).map(|_| fail(&cache, &options, &loads))).await;

    assert_eq!(loads.get(), 1);
    assert_eq!(errors[0], LoadError::Own("database down"));
    for error in &errors[1..] {
        assert_eq!(*error, LoadError::Shared("database down".into()));
    }
}

#[tokio::test]
async fn without_redis_a_caller_who_gives_up_leaves_its_load_to_the_next() {
    let cache = without_redis();
    let (loads, options) = (Cell::new(0), ttl(60_000));
    for _ in 0..3 {
        look_up(&cache, "other", &options, &Cell::new(0)).await;
    }

    let loader = async || {
        loads.set(loads.get() + 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok::<_, String>(loads.get())
    };
    let impatient = async {
        let asking = cache.get_or_set("k", &options, loader);
        let pause = tokio::time::sleep(Duration::from_millis(50));
        select(Box::pin(asking), Box::pin(pause)).await;
    };
    let ((), patient) = join(impatient, cache.get_or_set("k", &options, loader)).await;

    assert_eq!(patient.unwrap().value, 2);
}

#[tokio::test]
async fn on_a_full_server_a_caller_does_not_share_a_load_that_began_before_it_asked() {
    let server = RedisServer::start();
    let (cache, options) = (cache(&server), ttl(60_000));
    cache.get::<u32>("k").await.unwrap();
    redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1"])
        .exec(&mut server.connection())
        .unwrap();

    let loading = async |pause: u64, value: u32| {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let loader = async || {
            tokio::time::sleep(Duration::from_millis(2_000)).await;
            Ok::<_, String>(value)
        };
        cache.get_or_set("k", &options, loader).await.unwrap()
    };
    let (first, second) = join(loading(0, 1), loading(500, 2)).await;

    for (fetched, value) in [(first, 1), (second, 2)] {
        assert_eq!(fetched.outcome, LookupOutcome::Bypass);
        assert_eq!(fetched.value, value);
        assert!(fetched.store_error.is_some());
    }
}
