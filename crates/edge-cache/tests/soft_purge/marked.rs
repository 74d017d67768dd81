//! Entries that a soft purge has rewritten.

use std::time::Duration;

use edge_cache::keyspace::trailer;
use edge_cache::{Error, Options};
use edge_cache_testing::RedisServer;
use redis::{Commands, Connection};

use crate::{
    MINUTE, assert_refreshed_once, cache, hit, look_up, options, set, stale, without_grace,
};

/// Milliseconds until a key expires; -1 for never.
fn left(redis: &mut Connection, key: &str) -> i64 {
    redis.pttl(key).unwrap()
}

#[track_caller]
fn assert_between(left: i64, from: i64, to: i64) {
    assert!((from..=to).contains(&left), "{left}");
}

#[tokio::test]
async fn an_entry_is_marked_by_key_by_tag_and_by_pattern() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    for key in ["a:1", "b:1"] {
        set(&cache, key, &without_grace()).await;
    }
    set(
        &cache,
        "c:1",
        &Options {
            tags: &[],
            ..without_grace()
        },
    )
    .await;

    assert!(cache.mark_stale("a:1", MINUTE).await.unwrap());
    assert!(!cache.mark_stale("a:2", MINUTE).await.unwrap());
    assert_eq!(cache.mark_tag_stale("t", MINUTE).await.unwrap(), 2);
    assert_eq!(cache.mark_pattern_stale("c:*", MINUTE).await.unwrap(), 1);

    for key in ["a:1", "b:1", "c:1"] {
        assert_between(left(&mut redis, key), 55_000, 60_000);
        // An instance that has never seen the fence judges by the trailer.
        assert_eq!(
            look_up(&crate::cache(&server), key, &without_grace()).await,
            stale()
        );
        // Other clients read on.
        let stored: String = redis.get(key).unwrap();
        assert_eq!(stored.trim_end(), "\"old\"");
    }
    let members: usize = redis.scard("cache:tags:t").unwrap();
    assert_eq!(members, 2, "they keep their tag");

    assert_refreshed_once(&cache, "a:1").await;
}

#[tokio::test]
async fn no_key_lives_longer_than_before() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    let short = Options {
        ttl: Some(Duration::from_secs(20)),
        ..without_grace()
    };
    let in_grace = Options {
        ttl: Some(Duration::from_millis(1)),
        ..options(MINUTE)
    };
    set(&cache, "short", &short).await;
    set(&cache, "grace", &options(2 * MINUTE)).await;
    set(&cache, "stale", &in_grace).await;
    let () = redis.set("foreign", "1").unwrap();
    let () = redis.set_ex("foreign short", "1", 5).unwrap();
    let () = redis.rpush("list", "1").unwrap();

    assert_eq!(cache.mark_pattern_stale("*", MINUTE).await.unwrap(), 6);

    assert_between(left(&mut redis, "short"), 15_000, 20_000);
    assert_between(left(&mut redis, "grace"), 115_000, 120_000);
    assert_between(left(&mut redis, "stale"), 55_000, 60_001);
    assert_between(left(&mut redis, "foreign"), 55_000, 60_000);
    assert_between(left(&mut redis, "foreign short"), 1, 5_000);
    assert_between(left(&mut redis, "list"), 55_000, 60_000);
}

#[tokio::test]
async fn a_second_purge_prolongs_nothing() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;
    cache
        .mark_stale("a:1", Duration::from_secs(10))
        .await
        .unwrap();

    assert!(cache.mark_stale("a:1", MINUTE).await.unwrap());

    assert_between(left(&mut redis, "a:1"), 5_000, 10_000);
}

#[tokio::test]
async fn a_marked_entry_stays_stale_when_its_expiry_changes() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;
    cache.mark_stale("a:1", MINUTE).await.unwrap();

    assert!(cache.expire("a:1", Some(20 * MINUTE)).await.unwrap());
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, stale());
    assert!(cache.touch("a:1", &without_grace()).await.unwrap());
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, stale());
    assert_between(left(&mut redis, "a:1"), 590_000, 600_000);
}

#[tokio::test]
async fn the_keys_of_edge_cache_are_never_marked() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;
    let () = redis.hset("cache:ttl", "a:", 600).unwrap();

    assert!(!cache.mark_stale("cache:ttl", MINUTE).await.unwrap());
    assert_eq!(cache.mark_pattern_stale("*", MINUTE).await.unwrap(), 1);
    let own = cache.mark_pattern_stale("cache:*", MINUTE).await;
    assert!(matches!(own, Err(Error::Invalid { .. })), "{own:?}");

    assert_eq!(left(&mut redis, "cache:ttl"), -1);
}

#[tokio::test]
async fn a_soft_grace_has_a_range() {
    let server = RedisServer::start();
    let cache = cache(&server);
    for grace in [Duration::ZERO, Duration::from_secs(86_401)] {
        let marked = cache.mark_stale("a:1", grace).await;
        assert!(matches!(marked, Err(Error::Invalid { .. })), "{marked:?}");
    }
}

/// An entry of a golden file: marked stale at 1,800,000,000,000, by a version that wrote the mark first.
#[tokio::test]
async fn the_trailer_of_a_marked_entry_is_read_as_it_was_written() {
    const GOLDEN: &[u8] = include_bytes!("../golden/marked-stale.json");

    let (value, facts) = trailer::split(GOLDEN);

    assert_eq!(value, br#"{"name":"golden"}"#);
    let facts = facts.unwrap();
    assert_eq!(facts.marked_stale, Some(60_000));
    assert_eq!((facts.fresh_for, facts.grace), (Some(5_000), 60_000));
    assert_eq!(facts.tags().collect::<Vec<_>>(), ["t", "u"]);
    assert_eq!(facts.validator.as_deref(), Some("W/\"7\""));
    assert_eq!(trailer::append(value.to_vec(), &facts).unwrap(), GOLDEN);
}

#[tokio::test]
async fn a_purge_works_on_a_full_server() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;
    set(&cache, "b:1", &without_grace()).await;
    assert_eq!(look_up(&cache, "b:1", &without_grace()).await, hit());
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1"])
        .exec(&mut redis)
        .unwrap();

    assert!(cache.mark_stale("a:1", MINUTE).await.unwrap());
    assert_eq!(cache.mark_pattern_stale("b:*", MINUTE).await.unwrap(), 1);

    for key in ["a:1", "b:1"] {
        assert_between(left(&mut redis, key), 55_000, 60_000);
    }
}
