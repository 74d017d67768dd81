//! Loads and invalidations of keys whose names have braces: their load locks have names of their own,
//! so that they share the key's slot of a cluster.

use edge_cache::Cache;
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::{Native, invalidate_by_a_foreign_tag, is_key_stored_after};

const KEYS: [&str; 13] = [
    "{u1}:cart",
    "a{u1}",
    "a{b",
    "a}b",
    "{}x",
    "{}{u1}",
    "{{}}",
    "}{",
    "{",
    "}",
    "{}",
    "}}",
    "",
];

#[tokio::test]
async fn a_loaded_value_is_stored_under_a_name_with_braces() {
    let server = RedisServer::start();

    for key in KEYS {
        let is_stored = is_key_stored_after(&server, key, async |_, _| {}).await;
        assert!(is_stored, "{key}");
    }
}

#[tokio::test]
async fn each_invalidation_wins_over_a_load_in_flight_of_a_name_with_braces() {
    let server = RedisServer::start();

    for key in KEYS {
        let by_tag = async |_: &Native, cache: &Cache<Native>| {
            cache.invalidate_tag("user-data").await.unwrap();
        };
        let by_foreign_tag = async |admin: &Native, _: &Cache<Native>| {
            invalidate_by_a_foreign_tag(&server, admin, key).await;
        };
        let by_key = async |_: &Native, cache: &Cache<Native>| {
            cache.delete(key).await.unwrap();
        };
        let by_pattern = async |_: &Native, cache: &Cache<Native>| {
            cache.clear_by_pattern("*").await.unwrap();
        };

        let is_stored = is_key_stored_after(&server, key, by_tag).await;
        assert!(!is_stored, "{key}: by tag");
        let is_stored = is_key_stored_after(&server, key, by_foreign_tag).await;
        assert!(!is_stored, "{key}: by another client's tag");
        let is_stored = is_key_stored_after(&server, key, by_key).await;
        assert!(!is_stored, "{key}: by key");
        let is_stored = is_key_stored_after(&server, key, by_pattern).await;
        assert!(!is_stored, "{key}: by pattern");

        let locks: Vec<String> = server.connection().keys("lock:*").unwrap();
        assert_eq!(locks, [""; 0], "{key}");
    }
}
