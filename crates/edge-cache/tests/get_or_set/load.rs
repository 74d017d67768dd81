//! Loading and storing: hits and misses, negative results, values of another type.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::{Cache, LookupOutcome, Options};
use edge_cache_testing::{RedisServer, client};
use futures_util::future::join_all;
use redis::Commands;

use crate::{cache, look_up, slow, ttl, with_grace};

#[tokio::test]
async fn the_first_lookup_loads_and_the_next_one_is_a_hit() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let options = Options {
        tags: &["t"],
        ..ttl(60_000)
    };
    let loads = Cell::new(0);

    let first = look_up(&cache, "k:1", &options, &loads).await;
    let second = look_up(&cache, "k:1", &options, &loads).await;

    assert_eq!(first.outcome, LookupOutcome::Miss);
    assert_eq!(second.outcome, LookupOutcome::Hit);
    assert_eq!(second.value, 1);
    assert_eq!(loads.get(), 1);
    assert!(second.age.unwrap() < Duration::from_secs(10));
    let stored: String = other.get("k:1").unwrap();
    assert_eq!(stored.trim_end(), "1", "the value is JSON");
    let members: Vec<String> = other.smembers("cache:tags:t").unwrap();
    assert_eq!(members, ["k:1"]);
    assert!(!other.exists::<_, bool>("lock:{k:1}").unwrap());
}

#[tokio::test]
async fn a_negative_result_is_stored_only_on_request() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let default = ttl(60_000);
    let negative = Options {
        negative_ttl: Some(Duration::from_secs(2)),
        ..ttl(60_000)
    };
    let loads = Cell::new(0);
    let none = async || {
        loads.set(loads.get() + 1);
        Ok::<Option<u32>, String>(None)
    };

    for _ in 0..3 {
        cache.get_or_set("absent", &default, none).await.unwrap();
    }
    assert_eq!(loads.get(), 3);

    for _ in 0..3 {
        let fetched = cache.get_or_set("absent", &negative, none).await;
        assert_eq!(fetched.unwrap().value, None);
    }
    assert_eq!(loads.get(), 4);
    let left: i64 = server.connection().ttl("absent").unwrap();
    assert!((1..=2).contains(&left), "{left}");
}

#[tokio::test]
async fn a_value_of_another_type_is_replaced() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let () = other.set("k", "not json").unwrap();
    let () = other.rpush("list", 1).unwrap();

    for key in ["k", "list"] {
        let loaded = cache
            .get_or_set(key, &ttl(60_000), async || Ok::<_, String>(7))
            .await
            .unwrap();
        assert_eq!(loaded.outcome, LookupOutcome::Miss, "{key}");
        assert_eq!(loaded.value, 7, "{key}");
    }

    assert_eq!(cache.get::<u32>("list").await.unwrap(), Some(7));
}

#[tokio::test]
async fn an_entry_that_its_source_no_longer_has_is_removed() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let options = with_grace(&ttl(50));
    cache
        .get_or_set("k", &options, async || Ok::<_, String>(Some(1)))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(80)).await;

    let gone = cache
        .get_or_set("k", &options, async || Ok::<Option<u32>, String>(None))
        .await
        .unwrap();

    assert_eq!(gone.value, None);
    assert_eq!(gone.outcome, LookupOutcome::Miss);
    for key in ["k", "lock:{k}"] {
        assert!(!other.exists::<_, bool>(key).unwrap(), "{key}");
    }
}

/// The `ACL SETUSER` rules that the documentation gives, as far as this server knows them.
fn documented_rights() -> String {
    let rule = include_str!("../../../../SECURITY.md")
        .lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("ACL SETUSER edge-cache on >PASSWORD ")
        })
        .unwrap();

    if RedisServer::is_6() {
        rule.replace("-function -script|flush -script|kill", "-script")
    } else {
        rule.to_owned()
    }
}

/// On a server where nothing has been written yet.
#[tokio::test]
async fn the_documented_rights_of_the_redis_user_are_enough() {
    let server = RedisServer::start();
    redis::cmd("ACL")
        .arg(&["SETUSER", "edge", "on", ">pw"])
        .arg(documented_rights().split(' ').collect::<Vec<_>>())
        .exec(&mut server.connection())
        .unwrap();
    let url = server.url(0).replace("redis://", "redis://edge:pw@");
    let cache = Cache::new(client(&url));
    let (loads, options) = (Cell::new(0), ttl(60_000));

    let first = look_up(&cache, "k", &options, &loads).await;
    let second = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(first.outcome, LookupOutcome::Miss);
    assert_eq!(second.outcome, LookupOutcome::Hit);

    let none = async || slow(&loads, 300).await.map(|_| None::<u32>);
    let results = join_all((0..50).map(|_| cache.get_or_set("absent", &options, none))).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(loads.get(), 2, "one load for all waiters");

    // Nothing but the time is refused, and that once. The driver's own CLIENT SETINFO does not count.
    let mut other = server.connection();
    let refusals: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut other).unwrap();
    let mut shown: Vec<String> = refusals.iter().map(|entry| format!("{entry:?}")).collect();
    shown.retain(|entry| !entry.contains("\"client\"") && !entry.contains("\"client|setinfo\""));
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert!(shown[0].contains("\"time\""), "{shown:#?}");
}

#[tokio::test]
async fn a_value_without_a_ttl_is_loaded_each_time_and_the_old_entry_removed() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let loads = Cell::new(0);
    look_up(&cache, "k", &ttl(50), &loads).await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    for value in 2..=3 {
        let loaded = look_up(&cache, "k", &ttl(0), &loads).await;
        assert_eq!(loaded.outcome, LookupOutcome::Miss);
        assert_eq!(loaded.value, value);
    }

    let keys: usize = server.connection().exists(&["k", "lock:{k}"]).unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn a_value_that_is_set_without_a_ttl_is_not_stored() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("k", &1, &ttl(60_000)).await.unwrap();

    cache.set("k", &2, &ttl(0)).await.unwrap();

    assert!(!cache.exists("k").await.unwrap());
}
