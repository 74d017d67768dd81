//! Stale values, served while a load runs and when it fails.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::{LookupOutcome, Options};
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{RedisServer, client};
use futures_util::future::{join, join_all};

use crate::{cache, look_up, slow, ttl, with_grace};

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

#[tokio::test]
async fn a_stale_value_is_served_at_once_while_one_caller_refreshes_it() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let (loads, options) = (Cell::new(0), with_grace(&ttl(50)));
    look_up(&cache, "k", &options, &loads).await;
    pause(100).await;

    let refresh = cache.get_or_set("k", &options, async || slow(&loads, 500).await);
    let others = async {
        pause(100).await;
        join_all((0..50).map(|_| look_up(&cache, "k", &options, &loads))).await
    };
    let (refreshed, served) = join(refresh, others).await;

    let refreshed = refreshed.unwrap();
    assert_eq!(refreshed.outcome, LookupOutcome::Miss);
    assert_eq!(refreshed.value, 2);
    for stale in served {
        assert_eq!(stale.outcome, LookupOutcome::Stale);
        assert_eq!(stale.value, 1);
    }
    assert_eq!(loads.get(), 2);
}

#[tokio::test]
async fn a_failed_load_serves_the_stale_value_and_is_not_repeated_at_once() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        throttle: Duration::from_millis(600),
        ..with_grace(&ttl(50))
    };
    let loads = Cell::new(0);
    let failing = async || {
        loads.set(loads.get() + 1);
        Err::<u32, _>("database down".to_owned())
    };
    look_up(&cache, "k", &options, &loads).await;
    pause(100).await;

    for _ in 0..5 {
        let served = cache.get_or_set("k", &options, failing).await.unwrap();
        assert_eq!(served.outcome, LookupOutcome::Stale);
        assert_eq!(served.value, 1);
    }
    assert_eq!(
        loads.get(),
        2,
        "one load at first, one that failed, and none while throttled"
    );

    pause(700).await;
    let loaded = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(loaded.outcome, LookupOutcome::Miss);
    assert_eq!(loaded.value, 3);
}

#[tokio::test]
async fn a_failed_early_refresh_is_repeated_at_once_when_the_value_is_gone() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        early_refresh: 1e9,
        ..ttl(400)
    };
    let loads = Cell::new(0);
    let failing = async || Err::<u32, _>("database down".to_owned());
    cache
        .get_or_set("k", &options, async || slow(&loads, 5).await)
        .await
        .unwrap();

    let hit = cache.get_or_set("k", &options, failing).await.unwrap();
    assert_eq!(hit.outcome, LookupOutcome::Hit);
    assert_eq!(hit.value, 1);

    pause(450).await;
    let loaded = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(
        loaded.outcome,
        LookupOutcome::Miss,
        "no caller waits for a lock that nobody uses"
    );
    assert_eq!(loaded.value, 2);
}

#[tokio::test]
async fn an_invalidation_by_pattern_ends_the_throttle_of_a_failed_load() {
    for is_clear in [true, false] {
        let server = RedisServer::start();
        let (cache, redis) = (cache(&server), client(&server.url(0)));
        let (options, loads) = (with_grace(&ttl(50)), Cell::new(0));
        let failing = async || Err::<u32, _>("database down".to_owned());
        look_up(&cache, "k:1", &options, &loads).await;
        pause(100).await;
        let stale = cache.get_or_set("k:1", &options, failing).await.unwrap();
        assert_eq!(stale.outcome, LookupOutcome::Stale);

        let removed = if is_clear {
            cache.clear_by_pattern("k:*").await.unwrap()
        } else {
            let request = InvalidateRequest::parse(br#"{"patterns":["k:*"]}"#).unwrap();
            request.run(&redis).await.unwrap().keys_invalidated()
        };
        assert_eq!(removed, 1, "clear: {is_clear}");

        let loaded = look_up(&cache, "k:1", &options, &loads).await;
        assert_eq!(loaded.outcome, LookupOutcome::Miss, "clear: {is_clear}");
        assert_eq!(loaded.value, 2, "clear: {is_clear}");
    }
}

#[tokio::test]
async fn a_load_that_exceeds_its_time_limit_serves_the_stale_value() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        load_timeout: Duration::from_millis(50),
        ..with_grace(&ttl(50))
    };
    let loads = Cell::new(0);
    look_up(&cache, "k", &options, &loads).await;
    pause(100).await;

    let served = cache
        .get_or_set("k", &options, async || slow(&loads, 60_000).await)
        .await
        .unwrap();

    assert_eq!(served.outcome, LookupOutcome::Stale);
    assert_eq!(served.value, 1);
}
