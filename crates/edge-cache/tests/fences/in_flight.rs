//! Each way to invalidate a key whose load is in flight.

use edge_cache::{Cache, Options};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{Native, cache, clear, invalidate, invalidate_by_a_foreign_tag, is_stored_after};

#[tokio::test]
async fn without_an_invalidation_the_loaded_value_is_stored() {
    let server = RedisServer::start();

    assert!(is_stored_after(&server, async |_, _| {}).await);
}

#[tokio::test]
async fn an_invalidation_by_key_wins_over_a_load_in_flight() {
    let server = RedisServer::start();
    let by_request = async |admin: &Native, _: &Cache<Native>| {
        invalidate(admin, r#"{"keys":["users:1"]}"#).await;
    };
    let by_delete = async |_: &Native, cache: &Cache<Native>| {
        assert!(!cache.delete("users:1").await.unwrap());
    };

    assert!(!is_stored_after(&server, by_request).await);
    assert!(!is_stored_after(&server, by_delete).await);
}

#[tokio::test]
async fn an_invalidation_by_pattern_wins_over_a_load_in_flight() {
    let server = RedisServer::start();
    let by_request = async |admin: &Native, _: &Cache<Native>| {
        invalidate(admin, r#"{"patterns":["users:*"]}"#).await;
    };
    let by_clear = async |admin: &Native, _: &Cache<Native>| {
        clear(admin, r#"{"pattern":"u*:[0-9]"}"#).await;
    };

    assert!(!is_stored_after(&server, by_request).await);
    assert!(!is_stored_after(&server, by_clear).await);
}

#[tokio::test]
async fn an_invalidation_by_tag_wins_over_a_load_in_flight() {
    let server = RedisServer::start();
    let by_request = async |admin: &Native, _: &Cache<Native>| {
        invalidate(admin, r#"{"tags":["user-data"]}"#).await;
    };
    let by_cache = async |_: &Native, cache: &Cache<Native>| {
        assert_eq!(cache.invalidate_tag("user-data").await.unwrap(), 0);
    };

    assert!(!is_stored_after(&server, by_request).await);
    assert!(!is_stored_after(&server, by_cache).await);
}

#[tokio::test]
async fn an_invalidation_by_another_clients_tag_wins_over_a_load_in_flight() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        invalidate_by_a_foreign_tag(&server, admin, "users:1").await;
    };

    assert!(!is_stored_after(&server, invalidation).await);
}

#[tokio::test]
async fn an_invalidation_by_another_clients_tag_leaves_thousands_of_other_loads_alone() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        let mut locks = redis::pipe();
        for n in 0..3000 {
            locks.set(format!("lock:{{other:{n}}}"), "owner");
        }
        locks.exec(&mut server.connection()).unwrap();

        invalidate_by_a_foreign_tag(&server, admin, "users:1").await;

        let goes_on: bool = server.connection().exists("lock:{other:1}").unwrap();
        assert!(goes_on, "loads of other keys go on");
    };

    assert!(!is_stored_after(&server, invalidation).await);
}

#[tokio::test]
async fn an_invalidation_wins_over_a_load_in_flight_after_management_keys_were_cleared() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        clear(admin, r#"{"pattern":"cache:*"}"#).await;
        invalidate_by_a_foreign_tag(&server, admin, "users:1").await;
    };

    assert!(!is_stored_after(&server, invalidation).await);
}

#[tokio::test]
async fn a_global_clear_wins_over_a_load_in_flight() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        clear(admin, r#"{"confirm":true}"#).await;
    };

    assert!(!is_stored_after(&server, invalidation).await);
}

#[tokio::test]
async fn a_value_that_is_set_wins_over_a_load_in_flight() {
    let server = RedisServer::start();
    let set = async |_: &Native, cache: &Cache<Native>| {
        cache
            .set("users:1", &"new", &Options::default())
            .await
            .unwrap();
    };

    assert!(is_stored_after(&server, set).await);

    let value: String = server.connection().get("users:1").unwrap();
    assert_eq!(value.trim_end(), "\"new\"");
}

#[tokio::test]
async fn invalidations_of_other_keys_do_not_keep_a_loaded_value_from_being_stored() {
    let server = RedisServer::start();
    let others = async |admin: &Native, _: &Cache<Native>| {
        let body = r#"{"patterns":["products:*"],"tags":["catalog"],"keys":["users:2"]}"#;
        invalidate(admin, body).await;
        clear(admin, r#"{"pattern":"user"}"#).await;
    };

    assert!(is_stored_after(&server, others).await);
}

#[tokio::test]
async fn a_very_large_value_that_is_not_stored_leaves_no_chunks() {
    let server = RedisServer::start();
    let (cache, admin) = (cache(&server), client(&server.url(0)));
    let options = Options::default();
    // Nothing in it repeats, so that compression leaves it as large.
    let huge: Vec<u64> = (0..600_000_u64)
        .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .collect();
    let load = async || Ok::<_, String>(huge.clone());
    let loaded = cache.get_or_set("other", &options, load).await.unwrap();
    assert_eq!(loaded.store_error, None);
    let elements: usize = server.connection().llen("other").unwrap();
    assert!(elements > 2, "{elements}");

    for body in [r#"{"keys":["k"]}"#, r#"{"patterns":["k*"]}"#] {
        let load = async || {
            invalidate(&admin, body).await;
            Ok::<_, String>(huge.clone())
        };
        cache.get_or_set("k", &options, load).await.unwrap();

        let left: Vec<String> = server.connection().keys("*k*").unwrap();
        let is_of_k = |name: &String| name.contains("{k}") || name == "k";
        assert!(!left.iter().any(is_of_k), "{body}: {left:?}");
    }
}
