//! Internal keys are protected from the requests of caches of other namespaces.

use std::time::Duration;

use edge_cache::keyspace::gathered;
use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::{Cache, LookupOutcome, Pattern};
use edge_cache_admin::admin::change_expiry::ChangeExpiryRequest;
use edge_cache_admin::admin::clear::{ClearMethod, ClearReport, ClearRequest};
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, Restricted, client};
use redis::Commands;

use crate::{Native, all_keys, client_of, load, options, shop};

async fn clear(redis: &Native, body: &str) -> (u64, ClearMethod) {
    let request = ClearRequest::parse(body.as_bytes()).unwrap();
    match request.run(redis, false).await.unwrap() {
        ClearReport::Cleared {
            keys_deleted,
            method,
            ..
        } => (keys_deleted, method),
        ClearReport::Matched { .. } => panic!("a dry run"),
    }
}

#[tokio::test]
async fn a_global_clear_spares_the_internal_keys_of_other_caches() {
    let server = RedisServer::start();
    let mut redis = server.connection();
    let (default, shop_client) = (client(&server.url(0)), client_of(&server.url(0), &shop()));
    let cache = Cache::new(&shop_client);
    let fill = async |redis: &mut redis::Connection| {
        cache.set("shop:a", &1, &options()).await.unwrap();
        let () = redis.hset("cache:@shop:ttl", "shop", 60).unwrap();
        let () = redis.hset("cache:ttl", "users", 60).unwrap();
    };
    fill(&mut redis).await;

    let dry_run = ClearRequest::parse(br#"{"dryRun":true}"#).unwrap();
    let report = format!("{:?}", dry_run.run(&default, false).await.unwrap());
    assert!(
        report.contains("method: Walk") && report.contains("keys_matched: 1"),
        "{report}"
    );
    assert_eq!(
        clear(&default, r#"{"confirm":true}"#).await,
        (1, ClearMethod::Walk)
    );
    assert!(
        redis
            .hexists::<_, _, bool>("cache:@shop:ttl", "shop")
            .unwrap()
    );

    fill(&mut redis).await;
    assert_eq!(
        clear(&shop_client, r#"{"confirm":true}"#).await,
        (1, ClearMethod::Walk)
    );
    assert!(redis.hexists::<_, _, bool>("cache:ttl", "users").unwrap());

    // Once no cache of another namespace is left, the database is flushed again.
    let mut names = all_keys(&mut [server.connection()]);
    names.retain(|name| name.contains('@') || name == "cache:namespaces");
    let () = redis.del(names).unwrap();
    let () = redis.set("users:1", 1).unwrap();
    assert_eq!(
        clear(&default, r#"{"confirm":true}"#).await,
        (1, ClearMethod::Flush)
    );
}

/// Checks that no request of one cache removes or changes an internal key of another one.
async fn check_protection(redis: &Native, url: &str) {
    let other = Cache::new(client_of(url, &shop()));
    other.set("shop:a", &1, &options()).await.unwrap();
    let before = other.keys_by_tag("t").await.unwrap();

    clear(redis, r#"{"pattern":"cache:*"}"#).await;
    clear(redis, r#"{"pattern":"lock:*"}"#).await;
    let pattern = Pattern::parse("pattern", "cache:*").unwrap();
    let turn = gathered::gather(redis, &[pattern], PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();
    gathered::run_turn(redis, turn, Duration::from_secs(60))
        .await
        .unwrap();
    let named = InvalidateRequest::parse(
        br#"{"keys":["cache:@shop:tags:t","cache:@shop:fences"],"patterns":["cache:@shop:*"],"confirm":true}"#,
    );
    let report = named.unwrap().run(redis).await.unwrap();
    assert_eq!(report.keys_invalidated(), 0, "{report:?}");
    let dry_run = InvalidateRequest::parse(
        br#"{"keys":["cache:@shop:tags:t"],"patterns":["cache:@shop:*"],"dryRun":true}"#,
    );
    let report = dry_run.unwrap().run(redis).await.unwrap();
    assert_eq!(report.keys_invalidated(), 0, "{report:?}");

    let change = br#"{"persist":true}"#;
    let change = ChangeExpiryRequest::parse(KeyName::new("cache:@shop:tags:t"), change);
    let error = change.unwrap().run(redis).await.unwrap_err().to_string();
    assert!(error.contains("another namespace"), "{error}");

    assert_eq!(before, [KeyName::new("shop:a")]);
    assert_eq!(other.keys_by_tag("t").await.unwrap(), before);
    assert_eq!(load(&other, "shop:a", 2).await, LookupOutcome::Hit);
}

#[tokio::test]
async fn no_request_removes_an_internal_key_of_another_cache() {
    let server = RedisServer::start();
    check_protection(&client(&server.url(0)), &server.url(0)).await;

    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    check_protection(&client(&cluster.url()), &cluster.url()).await;
}

#[tokio::test]
async fn no_request_removes_one_where_walks_use_plain_commands() {
    let restricted = Restricted::serverless();
    let url = restricted.server.url(0);
    // Written past the proxy: as by another service, with the names of a Cluster.
    let mut redis = restricted.server.connection();
    let names = [
        "cache:@shop:tags:t",
        "cache:@shop:{cache}:fences",
        "lock:@shop:{a}",
    ];
    for name in names {
        let () = redis.set(name, 1).unwrap();
    }

    for pattern in ["cache:*", "lock:*", "*a*"] {
        let body = format!(r#"{{"pattern":"{pattern}"}}"#);
        assert_eq!(clear(&restricted.redis, &body).await.0, 0, "{pattern}");
    }

    for name in names {
        assert!(redis.exists::<_, bool>(name).unwrap(), "{name} at {url}");
    }
}

#[tokio::test]
async fn no_request_removes_the_registration_of_the_namespaces() {
    let server = RedisServer::start();
    let url = server.url(0);
    let shop_client = client_of(&url, &shop());
    Cache::new(&shop_client)
        .set("shop:a", &1, &options())
        .await
        .unwrap();

    for redis in [&client(&url), &shop_client] {
        clear(redis, r#"{"pattern":"cache:*"}"#).await;
        let named = br#"{"keys":["cache:namespaces"]}"#;
        let report = InvalidateRequest::parse(named).unwrap().run(redis).await;
        assert_eq!(report.unwrap().keys_invalidated(), 0);
        let change = br#"{"ttl":1}"#;
        let change = ChangeExpiryRequest::parse(KeyName::new("cache:namespaces"), change);
        let error = change.unwrap().run(redis).await.unwrap_err().to_string();
        assert!(error.contains("another namespace"), "{error}");
    }

    let mut redis = server.connection();
    let registered: Vec<String> = redis.smembers("cache:namespaces").unwrap();
    assert_eq!(registered, ["shop"]);
}
