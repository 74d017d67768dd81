//! Tags that an entry lacks: those of a release that tags more.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LookupOutcome, Near, Options, RedisClient};
use edge_cache_testing::{Fault, Proxy, RedisServer, client};
use redis::Commands;

use crate::{cache, look_up, slow, ttl, with_grace};

fn tagged(tags: &'static [&'static str]) -> Options<'static> {
    Options {
        tags,
        ..ttl(60_000)
    }
}

/// The tags among the facts of an entry, sorted.
async fn tags(cache: &Cache<RedisClient<TokioTransport>>, key: &str) -> Vec<String> {
    let info = cache.key_info(key).await.unwrap().unwrap();
    let mut tags = info.tags;
    tags.sort();
    tags
}

#[tokio::test]
async fn a_hit_adds_the_tags_that_the_entry_lacks() {
    let server = RedisServer::start();
    let (cache, loads) = (cache(&server), Cell::new(0));
    look_up(&cache, "k", &tagged(&["old", "gone"]), &loads).await;

    let hit = look_up(&cache, "k", &tagged(&["old", "new", "newer"]), &loads).await;
    assert_eq!(hit.outcome, LookupOutcome::Hit);

    let expected = ["gone", "new", "newer", "old"];
    assert_eq!(tags(&cache, "k").await, expected, "and keeps the others");
    assert_eq!(cache.invalidate_tag("newer").await.unwrap(), 1);
    let loaded = look_up(&cache, "k", &tagged(&["old"]), &loads).await;
    assert_eq!(loaded.outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn an_entry_gets_its_tags_once() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    let (cache, loads) = (Cache::new(client(&proxy.url(0))), Cell::new(0));
    look_up(&cache, "k", &tagged(&[]), &loads).await;
    look_up(&cache, "k", &tagged(&["new"]), &loads).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    let before = count_script_calls(&proxy);

    for _ in 0..20 {
        look_up(&cache, "k", &tagged(&["new"]), &loads).await;
    }

    // A hit in 32 touches the tags' sets, and invalidations are asked for every 50 ms.
    let calls = count_script_calls(&proxy) - before;
    assert!(calls < 15, "{calls} script calls in 20 hits");
    assert_eq!(tags(&cache, "k").await, ["new"]);
}

fn count_script_calls(proxy: &Proxy) -> usize {
    let commands = proxy.commands();
    commands
        .iter()
        .filter(|name| name.starts_with("EVAL"))
        .count()
}

#[tokio::test]
async fn a_stale_value_that_is_served_gets_its_tags_too() {
    let server = RedisServer::start();
    let (cache, loads) = (cache(&server), Cell::new(0));
    let (untagged, tagged) = (with_grace(&ttl(50)), with_grace(&tagged(&["new"])));
    let failing = async || Err::<u32, _>("down");
    look_up(&cache, "k", &untagged, &loads).await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    for _ in 0..2 {
        let served = cache.get_or_set("k", &tagged, failing).await.unwrap();
        assert_eq!(served.outcome, LookupOutcome::Stale);
    }

    assert_eq!(cache.invalidate_tag("new").await.unwrap(), 1);
    cache.get_or_set("k", &tagged, failing).await.unwrap_err();
}

#[tokio::test]
async fn a_foreign_value_gets_no_tags() {
    let server = RedisServer::start();
    let (cache, loads) = (cache(&server), Cell::new(0));
    let () = server.connection().set("k", 7).unwrap();

    let hit = look_up(&cache, "k", &tagged(&["new"]), &loads).await;

    assert_eq!(hit.outcome, LookupOutcome::Hit);
    assert!(cache.keys_by_tag("new").await.unwrap().is_empty());
}

#[tokio::test]
async fn near_copies_end_with_an_added_tag() {
    let server = RedisServer::start();
    let (near, other, loads) = (cache(&server), cache(&server), Cell::new(0));
    let copying = Options {
        near: Some(Near {
            max_age: Duration::from_secs(10),
        }),
        ..tagged(&[])
    };
    // Copies are kept once the instance has asked for invalidations after its registration.
    for _ in 0..3 {
        look_up(&near, "k", &copying, &loads).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let copy = look_up(&near, "k", &copying, &loads).await;
    assert_eq!(copy.outcome, LookupOutcome::Near);

    look_up(&other, "k", &tagged(&["new"]), &loads).await;
    other.invalidate_tag("new").await.unwrap();
    let loaded = look_up(&near, "k", &copying, &loads).await;

    assert_eq!(loaded.outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn an_entry_is_served_although_its_tags_cannot_be_added() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    let (cache, loads) = (Cache::new(client(&proxy.url(0))), Cell::new(0));
    look_up(&cache, "k", &tagged(&[]), &loads).await;

    proxy.fail_named(Fault::Error("ERR no"), |name| name == "PTTL");
    let load = async || slow(&loads, 0).await;
    let hit = cache.get_or_set("k", &tagged(&["new"]), load).await;
    proxy.heal();

    assert_eq!(hit.unwrap().outcome, LookupOutcome::Hit);
    tokio::time::sleep(Duration::from_millis(150)).await;
    look_up(&cache, "k", &tagged(&["new"]), &loads).await;
    assert_eq!(tags(&cache, "k").await, ["new"]);
}
