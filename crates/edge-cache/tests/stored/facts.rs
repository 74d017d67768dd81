//! Facts of a stored entry: its age, its tags and how long it is fresh.

use std::time::Duration;

use edge_cache::LookupOutcome;
use edge_cache_testing::RedisServer;
use serde_json::json;

use crate::{cache, load, options, run, tags};

#[tokio::test]
async fn a_hit_reports_the_age_of_the_entry() {
    let server = RedisServer::start();
    let cache = cache(&server);
    load(&cache, "k", json!(1)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    let hit = load(&cache, "k", json!(2)).await;

    assert_eq!(hit.outcome, LookupOutcome::Hit);
    assert_eq!(hit.value, json!(1));
    let age = hit.age.unwrap();
    assert!(age >= Duration::from_millis(250), "{age:?}");
}

#[tokio::test]
async fn an_entry_stays_fresh_and_keeps_its_tags_when_its_expiry_is_changed_or_removed() {
    let server = RedisServer::start();
    let cache = cache(&server);
    load(&cache, "k", json!(1)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    let is_changed = cache.expire("k", Some(Duration::from_secs(9))).await;
    assert!(is_changed.unwrap());
    assert_eq!(tags(&cache, "k").await, ["t"]);
    assert_eq!(load(&cache, "k", json!(3)).await.value, json!(1));

    let is_removed = cache.expire("k", None).await;
    assert!(is_removed.unwrap());
    assert_eq!(load(&cache, "k", json!(4)).await.value, json!(1));
}

#[tokio::test]
async fn a_value_that_is_set_has_its_tags() {
    let server = RedisServer::start();
    let cache = cache(&server);

    cache.set("s", &7, &options()).await.unwrap();

    assert_eq!(cache.get::<u64>("s").await.unwrap(), Some(7));
    assert_eq!(tags(&cache, "s").await, ["t"]);
}

#[tokio::test]
async fn an_entry_stays_fresh_for_its_ttl_whatever_expiry_another_client_sets() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    load(&cache, "k", json!(1)).await;

    for command in ["EXPIRE k 5000", "EXPIRE k 20", "PERSIST k"] {
        run(&mut other, command);

        let hit = load(&cache, "k", json!(2)).await;
        assert_eq!(hit.outcome, LookupOutcome::Hit, "{command}");
        assert_eq!(hit.value, json!(1), "{command}");
    }

    assert_eq!(tags(&cache, "k").await, ["t"]);
}
