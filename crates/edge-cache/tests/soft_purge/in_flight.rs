//! Loads that are in flight while their keys are marked stale.

use edge_cache::Cache;
use edge_cache_testing::RedisServer;
use futures_util::future::join;
use redis::Commands;
use tokio::sync::Notify;

use crate::{MINUTE, Native, cache, look_up, options, set, stale, without_grace};

/// Purges while a load of `a:1` is in flight; returns what is stored after it.
async fn stored_after(
    server: &RedisServer,
    purge: impl AsyncFnOnce(&Cache<Native>),
) -> Option<String> {
    let loading_cache = cache(server);
    let (loading, go_on) = (Notify::new(), Notify::new());
    let options = without_grace();
    let load = loading_cache.get_or_set("a:1", &options, async || {
        loading.notify_one();
        go_on.notified().await;
        Ok::<_, String>("read before the purge".to_owned())
    });
    let purging = async {
        loading.notified().await;
        purge(&cache(server)).await;
        go_on.notify_one();
    };

    let (loaded, ()) = join(load, purging).await;
    assert_eq!(loaded.unwrap().value, "read before the purge");
    let stored: Option<String> = server.connection().get("a:1").unwrap();
    stored.map(|stored| stored.trim_end().to_owned())
}

#[tokio::test]
async fn a_load_that_began_before_a_purge_is_not_stored() {
    let server = RedisServer::start();
    let by_key = async |cache: &Cache<Native>| {
        assert!(!cache.mark_stale("a:1", MINUTE).await.unwrap());
    };
    let by_tag = async |cache: &Cache<Native>| {
        assert_eq!(cache.mark_tag_stale("t", MINUTE).await.unwrap(), 0);
    };
    let by_pattern = async |cache: &Cache<Native>| {
        assert_eq!(cache.mark_pattern_stale("a:*", MINUTE).await.unwrap(), 0);
    };
    let by_foreign_tag = async |cache: &Cache<Native>| {
        let () = server
            .connection()
            .sadd("cache:tags:foreign", "a:1")
            .unwrap();
        cache.mark_tag_stale("foreign", MINUTE).await.unwrap();
    };

    assert_eq!(stored_after(&server, by_key).await, None);
    assert_eq!(stored_after(&server, by_tag).await, None);
    assert_eq!(stored_after(&server, by_pattern).await, None);
    assert_eq!(stored_after(&server, by_foreign_tag).await, None);
}

#[tokio::test]
async fn the_old_entry_is_served_after_a_refresh_that_a_purge_has_overtaken() {
    let server = RedisServer::start();
    let purger = cache(&server);
    set(&purger, "a:1", &options(MINUTE)).await;
    purger.mark_stale("a:1", MINUTE).await.unwrap();

    let stored = stored_after(&server, async |cache: &Cache<Native>| {
        assert_eq!(cache.mark_pattern_stale("a:*", MINUTE).await.unwrap(), 1);
    });

    assert_eq!(stored.await.as_deref(), Some("\"old\""));
    assert_eq!(look_up(&purger, "a:1", &options(MINUTE)).await, stale());
}

#[tokio::test]
async fn a_purge_of_other_keys_lets_a_load_be_stored() {
    let server = RedisServer::start();

    let stored = stored_after(&server, async |cache: &Cache<Native>| {
        cache.mark_pattern_stale("b:*", MINUTE).await.unwrap();
        cache.mark_tag_stale("u", MINUTE).await.unwrap();
        cache.mark_stale("b:1", MINUTE).await.unwrap();
    });

    assert!(stored.await.is_some());
}

#[tokio::test]
async fn while_a_warmup_runs_a_purge_by_key_leaves_a_fence() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    set(&cache, "a:1", &without_grace()).await;
    let () = redis.set("lock:cache:warmup", "owner").unwrap();

    assert!(cache.mark_stale("a:1", MINUTE).await.unwrap());

    let fences: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
        .arg(&["cache:fences", "-", "+"])
        .query(&mut redis)
        .unwrap();
    let kinds: Vec<&str> = fences
        .iter()
        .map(|(_, fields)| fields[0].as_str())
        .collect();
    assert!(kinds.contains(&"stale 60000 key"), "{kinds:?}");
    // Readers know it, and serve the entry as a stale one.
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, stale());
}
