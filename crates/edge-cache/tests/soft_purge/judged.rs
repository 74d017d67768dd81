//! Entries that a soft purge covers, before its walk has rewritten them.

use std::time::Duration;

use edge_cache::{Cache, LookupOutcome, Near, Options};
use edge_cache_testing::RedisServer;
use redis::Commands;
use tokio::time::sleep;

use crate::{
    IN_FORCE, MINUTE, Native, append, assert_refreshed_once, cache, hit, look_up, options, set,
    stale, without_grace,
};

#[tokio::test]
async fn an_entry_that_the_walk_has_not_reached_is_stale() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    for key in ["a:1", "b:1", "c:1"] {
        set(&cache, key, &without_grace()).await;
        assert_eq!(look_up(&cache, key, &without_grace()).await, hit());
    }

    append(&mut redis, "stale 60000 pattern", "a:*");
    append(&mut redis, "stale 60000 key", "c:1");
    sleep(IN_FORCE).await;

    for key in ["a:1", "c:1"] {
        assert_eq!(
            look_up(&cache, key, &without_grace()).await,
            stale(),
            "{key}"
        );
        assert_eq!(cache.get::<String>(key).await.unwrap(), None, "{key}");
    }
    assert_eq!(look_up(&cache, "b:1", &without_grace()).await, hit());
    // Its expiry is as it was.
    let left: u64 = redis.pttl("a:1").unwrap();
    assert!(left > 500_000, "{left}");
}

#[tokio::test]
async fn one_caller_refreshes_an_entry_and_the_new_one_is_fresh() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;

    append(&mut redis, "stale 60000 tag", "t");
    sleep(IN_FORCE).await;

    assert_refreshed_once(&cache, "a:1").await;
}

#[tokio::test]
async fn the_soft_grace_counts_from_the_purge() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;

    append(&mut redis, "stale 1000 pattern", "a:*");
    sleep(IN_FORCE).await;
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, stale());

    sleep(Duration::from_secs(1)).await;
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, None);
}

#[tokio::test]
async fn an_entry_with_grace_is_served_to_callers_with_grace_only() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &options(MINUTE)).await;

    append(&mut redis, "stale 60000 pattern", "a:*");
    sleep(IN_FORCE).await;

    assert_eq!(look_up(&cache, "a:1", &options(MINUTE)).await, stale());
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, None);
}

#[tokio::test]
async fn a_hard_fence_outweighs_a_soft_one() {
    for order in [
        ["stale 60000 pattern", "pattern"],
        ["pattern", "stale 60000 pattern"],
    ] {
        let server = RedisServer::start();
        let (cache, mut redis) = (cache(&server), server.connection());
        set(&cache, "a:1", &options(MINUTE)).await;

        for kind in order {
            append(&mut redis, kind, "a:*");
        }
        sleep(IN_FORCE).await;

        assert_eq!(
            look_up(&cache, "a:1", &options(MINUTE)).await,
            None,
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn a_foreign_value_is_served_while_a_soft_purge_walks() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    let () = redis.set("a:1", "\"old\"").unwrap();

    append(&mut redis, "stale 60000 pattern", "a:*");
    sleep(IN_FORCE).await;

    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, hit());
}

async fn look_up_near(cache: &Cache<Native>, grace: Duration) -> Option<LookupOutcome> {
    let options = Options {
        near: Some(Near::default()),
        ..options(grace)
    };
    let outcome = look_up(cache, "a:1", &options).await;
    outcome.map(|(_, outcome)| outcome)
}

#[tokio::test]
async fn a_near_copy_that_a_soft_purge_covers_is_not_fresh() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &options(MINUTE)).await;
    look_up_near(&cache, MINUTE).await;
    sleep(IN_FORCE).await;
    look_up_near(&cache, MINUTE).await;
    assert_eq!(
        look_up_near(&cache, MINUTE).await,
        Some(LookupOutcome::Near)
    );

    append(&mut redis, "stale 60000 pattern", "a:*");
    sleep(IN_FORCE).await;

    assert_eq!(
        look_up_near(&cache, MINUTE).await,
        Some(LookupOutcome::Stale)
    );
    assert_eq!(
        look_up_near(&cache, MINUTE).await,
        Some(LookupOutcome::Stale)
    );
}

#[tokio::test]
async fn a_near_copy_that_a_soft_purge_covers_is_served_while_redis_is_away() {
    let mut server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &options(MINUTE)).await;
    look_up_near(&cache, MINUTE).await;
    sleep(IN_FORCE).await;
    look_up_near(&cache, MINUTE).await;
    append(&mut redis, "stale 60000 pattern", "a:*");
    sleep(IN_FORCE).await;
    look_up_near(&cache, MINUTE).await;

    server.kill();

    assert_eq!(
        look_up_near(&cache, MINUTE).await,
        Some(LookupOutcome::Stale)
    );
}
