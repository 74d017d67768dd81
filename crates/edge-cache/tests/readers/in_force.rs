//! Fences that are in force: until the removal has finished, and for which entries.

use edge_cache::{LoadError, LookupOutcome};
use edge_cache_testing::RedisServer;
use redis::Commands;
use tokio::time::sleep;

use crate::{IN_FORCE, append, cache, load, tagged};

#[tokio::test]
async fn a_fence_is_in_force_although_nothing_was_removed() {
    for (kind, covered) in [
        ("pattern", "users:1:*"),
        ("pattern", "*:ca?t"),
        ("tag", "t"),
    ] {
        let what = format!("{kind} {covered}");
        let server = RedisServer::start();
        let (one, other, mut redis) = (cache(&server), cache(&server), server.connection());
        load(&one, "users:1:cart", 1).await;
        assert_eq!(load(&other, "users:1:cart", 2).await, LookupOutcome::Hit);

        append(&mut redis, kind, covered);
        sleep(IN_FORCE).await;

        let read = other.get::<u64>("users:1:cart").await.unwrap();
        assert_eq!(read, None, "{what}: get");
        let read = other.get_many::<u64>(&["users:1:cart"]).await.unwrap();
        assert_eq!(read, [None], "{what}: get_many");

        let outcome = load(&other, "users:1:cart", 3).await;
        assert_eq!(outcome, LookupOutcome::Miss, "{what}");
        let outcome = load(&one, "users:1:cart", 4).await;
        assert_eq!(outcome, LookupOutcome::Hit, "{what}: loaded since");
        let read = one.get::<u64>("users:1:cart").await.unwrap();
        assert_eq!(read, Some(3), "{what}");
    }
}

#[tokio::test]
async fn an_invalidated_entry_does_not_stand_in_for_a_failed_load() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    load(&cache, "k", 1).await;

    append(&mut redis, "pattern", "k*");
    sleep(IN_FORCE).await;
    let failed = cache
        .get_or_set("k", &tagged(&[]), async || Err::<u64, _>("no"))
        .await;

    assert_eq!(failed.unwrap_err(), LoadError::Own("no"));
}

#[tokio::test]
async fn a_value_that_is_set_after_an_invalidation_is_read_at_once() {
    let server = RedisServer::start();
    let (one, other) = (cache(&server), cache(&server));
    for round in 0..200 {
        load(&one, "k", round).await;
        one.invalidate_tag("t").await.unwrap();
        one.set("k", &(round + 1000), &tagged(&["t"]))
            .await
            .unwrap();

        assert_eq!(other.get::<u64>("k").await.unwrap(), Some(round + 1000));
    }
}

#[tokio::test]
async fn another_clients_value_is_not_served_until_the_removal_that_covers_it_has_finished() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    load(&cache, "other", 1).await;
    let () = redis.set("k", 1).unwrap();
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));

    let fence = append(&mut redis, "pattern", "k*");
    sleep(IN_FORCE).await;
    assert_eq!(cache.get::<u64>("k").await.unwrap(), None);

    append(&mut redis, "end", &fence);
    sleep(2 * IN_FORCE).await;
    // The first lookup learns of the end beside its own GET, which may be older.
    cache.get::<u64>("k").await.unwrap();
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_removal_also_finishes_an_interrupted_one_of_the_same_kind() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    load(&cache, "other", 1).await;
    append(&mut redis, "pattern", "k*");

    cache.clear_by_pattern("k*").await.unwrap();
    let () = redis.set("k", 1).unwrap();
    sleep(IN_FORCE).await;

    // The first lookup learns of the end beside its own GET, which may be older.
    cache.get::<u64>("k").await.unwrap();
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));
    let late = crate::cache(&server);
    late.get::<u64>("k").await.unwrap();
    assert_eq!(late.get::<u64>("k").await.unwrap(), Some(1));
}
