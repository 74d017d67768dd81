//! Values of other clients, under the caller's keys and under names of the library.

use std::time::{Duration, Instant};

use edge_cache::{LookupOutcome, Options, StoreErrorReason};
use edge_cache_testing::RedisServer;
use serde_json::{Value, json};

use crate::{cache, load, load_with, options, run, tags};

#[tokio::test]
async fn a_value_that_another_client_writes_over_an_entry_is_fresh_and_of_unknown_age() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    // The expiry is absent, shorter than the grace, longer, and the entry's own.
    let writes = [
        r#"SET k {"by":"other"}"#,
        r#"SET k {"by":"other"} EX 200"#,
        r#"SET k {"by":"other"} EX 5000"#,
        r#"SET k {"by":"other"} KEEPTTL"#,
        r#"SET k {"by":"us!!!"} EX 350"#,
        // Of the same length as the library's value.
        r#"SET k {"by":"another"}"#,
        r#"SET k {"by":"another"} EX 200"#,
        r#"SET k {"by":"another"} EX 5000"#,
    ];

    for write in writes {
        load(&cache, "k", json!({ "by": "library" })).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        run(&mut other, write);

        let many = cache.get_many::<Value>(&["k"]).await.unwrap();
        let fetched = load(&cache, "k", json!({ "by": "nobody" })).await;
        let got = cache.get::<Value>("k").await.unwrap();

        assert_eq!(fetched.outcome, LookupOutcome::Hit, "{write}");
        let writer = fetched.value["by"].as_str().unwrap();
        assert!(write.contains(writer), "{write}: {fetched:?}");
        assert_eq!(fetched.age, None, "{write}");
        assert_eq!(many[0].as_ref(), Some(&fetched.value), "{write}: get_many");
        assert_eq!(got.as_ref(), Some(&fetched.value), "{write}: get");
        assert_eq!(tags(&cache, "k").await, [""; 0], "{write}");

        run(&mut other, "FLUSHALL");
    }
}

#[tokio::test]
async fn an_unreadable_foreign_value_is_loaded_once_while_the_server_refuses_writes() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    load(&cache, "k", json!(1)).await;
    run(&mut other, "SET k hello-not-json EX 500");
    run(&mut other, "CONFIG SET min-replicas-to-write 3");

    let lookup = load(&cache, "k", json!(2));
    let fetched = tokio::time::timeout(Duration::from_secs(20), lookup)
        .await
        .unwrap();

    assert_eq!(fetched.outcome, LookupOutcome::Bypass);
    assert_eq!(fetched.value, json!(2));
    assert_eq!(fetched.store_error.unwrap().reason, StoreErrorReason::Redis);

    run(&mut other, "CONFIG SET min-replicas-to-write 0");
    let replaced = load(&cache, "k", json!(3)).await;
    assert_eq!(replaced.outcome, LookupOutcome::Miss);
    let hit = load(&cache, "k", json!(4)).await;
    assert_eq!(hit.value, json!(3));
}

/// Keys of other clients under names that the library uses for `k`.
const LEFTOVERS: [&str; 10] = [
    "SET lock:{k} somebody",
    "RPUSH lock:{k} a",
    "SET cache:fences x",
    "SET cache:turns x",
    "SET cache:ttl x",
    "RPUSH cache:waiting:{k} x",
    "RPUSH cache:negative:k x",
    "SET cache:negative:k x",
    "SET cache:negative:k 99999",
    "SET cache:negative:k 9223372036854775807 EX 500",
];

#[tokio::test]
async fn foreign_keys_under_names_of_the_library_do_not_delay_loads() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let negative = Options {
        negative_ttl: Some(Duration::from_secs(60)),
        ..options()
    };

    for leftover in LEFTOVERS {
        run(&mut other, leftover);
        let cache = cache(&server);
        let started = Instant::now();

        let first = load(&cache, "k", json!(1)).await;
        assert_eq!(first.outcome, LookupOutcome::Miss, "{leftover}");
        assert_eq!(first.store_error, None, "{leftover}");
        let second = load(&cache, "k", json!(2)).await;
        assert_eq!(second.outcome, LookupOutcome::Hit, "{leftover}");

        let first = load_with(&cache, "k:none", &negative, Value::Null).await;
        assert_eq!(first.outcome, LookupOutcome::Miss, "{leftover}: null");
        assert_eq!(first.store_error, None, "{leftover}: null");
        let second = load_with(&cache, "k:none", &negative, Value::Null).await;
        assert_eq!(second.outcome, LookupOutcome::Hit, "{leftover}: null");

        let took = started.elapsed();
        assert!(took < Duration::from_secs(4), "{leftover}: {took:?}");
        run(&mut other, "FLUSHALL");
    }
}

#[tokio::test]
async fn a_load_waits_for_a_lock_that_another_client_holds_with_an_expiry() {
    let server = RedisServer::start();
    run(&mut server.connection(), "SET lock:{k} somebody PX 700");

    let started = Instant::now();
    load(&cache(&server), "k", json!(1)).await;

    let took = started.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");
}
