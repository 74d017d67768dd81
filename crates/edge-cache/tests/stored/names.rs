//! The longest name that is stored, and callers with longer ones.

use std::time::{Duration, Instant};

use edge_cache::{Cache, Error, LookupOutcome, RedisClient, SetItem, StoreErrorReason};
use edge_cache_testing::{RedisServer, transport};
use redis::{Commands, Connection};
use serde_json::json;

use crate::{cache, load, options};

/// The limit and one byte more.
const LIMIT: usize = 1024;
const TOO_LONG: usize = LIMIT + 1;

fn unstored_names(redis: &mut Connection) -> Option<u64> {
    redis
        .hget("cache:lookups", "overflow:unstored_name")
        .unwrap()
}

#[tokio::test]
async fn a_value_under_too_long_a_name_is_returned_and_not_stored() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let long = "x".repeat(TOO_LONG);

    let fetched = load(&cache, &long, json!(1)).await;

    assert_eq!(fetched.outcome, LookupOutcome::Bypass);
    assert_eq!(fetched.value, json!(1));
    let error = fetched.store_error.unwrap();
    assert_eq!(error.reason, StoreErrorReason::Name);
    assert!(error.message.contains("1025 bytes"), "{error}");
    assert!(error.message.contains("1024"), "{error}");
    let names: Vec<String> = other.keys("*").unwrap();
    assert!(names.iter().all(|name| name.len() < 100), "{names:?}");
}

#[tokio::test]
async fn the_longest_name_is_stored() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let longest = "x".repeat(LIMIT);

    let first = load(&cache, &longest, json!(2)).await;
    let second = load(&cache, &longest, json!(3)).await;

    assert_eq!(first.outcome, LookupOutcome::Miss);
    assert_eq!(second.outcome, LookupOutcome::Hit);
}

#[tokio::test]
async fn setting_and_tagging_refuse_too_long_a_name() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let long = "x".repeat(TOO_LONG);
    let item = SetItem::new(&long, &1);

    let results = [
        ("set", cache.set(&long, &1, &options()).await),
        ("set_many", cache.set_many(&[item]).await),
        ("tag", cache.tag(&long, &["t"]).await),
    ];

    for (operation, result) in results {
        assert!(
            matches!(result, Err(Error::Invalid { .. })),
            "{operation}: {result:?}"
        );
    }
    let names: Vec<String> = other.keys("*").unwrap();
    assert!(names.iter().all(|name| name.len() < 100), "{names:?}");
}

#[tokio::test]
async fn lookups_of_too_long_names_are_counted() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let long = "x".repeat(TOO_LONG);

    load(&cache, &long, json!(1)).await;
    load(&cache, &long[..LIMIT], json!(2)).await;
    load(&cache, &long[..LIMIT], json!(3)).await;
    let counted = unstored_names(&mut other);
    assert_eq!(counted, Some(1), "counted with the next lookups");

    for _ in 0..40 {
        load(&cache, &long, json!(1)).await;
    }
    // They are added to Redis with the first lookup after a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    load(&cache, &long, json!(1)).await;
    let counted = unstored_names(&mut other);
    assert!(counted >= Some(30), "{counted:?}");
}

#[tokio::test]
async fn lookups_of_too_long_names_do_not_wait_for_a_server_that_hangs() {
    let server = RedisServer::start();
    let transport = transport(&server.url(0));
    let cache = Cache::new(RedisClient::new(transport, Duration::from_millis(300)));
    load(&cache, "k", json!(1)).await;
    server.freeze();

    let started = Instant::now();
    for n in 0..200 {
        let fetched = load(&cache, &"x".repeat(2000), json!(n)).await;
        assert_eq!(fetched.outcome, LookupOutcome::Bypass);
        assert_eq!(fetched.value, json!(n));
    }

    // Three full batches of counters open the circuit. A command for each lookup would take a
    // minute.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    server.thaw();
}

/// Keys of edge-cache's own, with values of clients that do not know that.
fn own_keys(redis: &mut Connection) -> [&'static str; 3] {
    let keys = ["cache:meta", "cache:own:a", "lock:own"];
    for key in keys {
        let () = redis.set(key, "7").unwrap();
    }
    keys
}

#[tokio::test]
async fn edge_caches_own_keys_are_no_entries() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());

    for key in own_keys(&mut other) {
        let fetched = load(&cache, key, json!(1)).await;
        assert_eq!(fetched.outcome, LookupOutcome::Bypass, "{key}");
        assert_eq!(fetched.value, json!(1), "{key}");
        let error = fetched.store_error.unwrap();
        assert_eq!(error.reason, StoreErrorReason::Name, "{key}");
        assert_eq!(cache.get::<u32>(key).await.unwrap(), None, "{key}");
        let many = cache.get_many::<u32>(&["other", key]).await.unwrap();
        assert_eq!(many, [None, None], "{key}");
    }
}

#[tokio::test]
async fn edge_caches_own_keys_cannot_be_changed() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let minute = Some(Duration::from_secs(60));

    for key in own_keys(&mut other) {
        for refused in [
            cache.set(key, &1, &options()).await,
            cache.tag(key, &["t"]).await,
        ] {
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{key}");
        }
        assert!(!cache.expire(key, minute).await.unwrap(), "{key}");
        assert!(!cache.delete(key).await.unwrap(), "{key}");
        assert_eq!(cache.delete_many(&[key, "other"]).await.unwrap(), 0);

        assert_eq!(other.get::<_, String>(key).unwrap(), "7");
        assert_eq!(other.ttl::<_, i64>(key).unwrap(), -1);
    }
}
