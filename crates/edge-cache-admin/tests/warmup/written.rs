//! Keys that a warmup writes, and keys that it leaves unchanged.

use edge_cache::Cache;
use edge_cache::keyspace::ttl::TtlTable;
use edge_cache_admin::admin::ttl_table::ChangeTtlRequest;
use edge_cache_admin::warmup::{WarmupLimits, WarmupState};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::Value;

use super::{FixedSource, first_error, plan_of, run, run_plan, run_with};

#[tokio::test]
async fn a_failing_entry_does_not_stop_the_rest() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let status = run(&redis, "{}").await.unwrap();

    assert_eq!(status.state, WarmupState::Done);
    assert_eq!(status.keys_created, 2502);
    assert_eq!(status.errors, 1);
    assert_eq!(status.modules_warmed(), ["config", "products"]);
    let error = first_error(&status);
    assert!(error.contains("config:bad: no such table"), "{error}");
}

#[tokio::test]
async fn keys_have_the_values_tags_and_ttl_of_the_plan() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();

    run(&redis, "{}").await.unwrap();

    let details: String = other.get("products:42:details").unwrap();
    assert_eq!(details.trim_end(), r#"{"id":42,"score":84}"#);
    let score: f64 = other.zscore("products:all", "3").unwrap();
    assert_eq!(score, 6.0);
    let tagged: usize = other.scard("cache:tags:catalog").unwrap();
    assert_eq!(tagged, 2500);
    let ttl: i64 = other.ttl("products:42:details").unwrap();
    assert!((600..=900).contains(&ttl), "{ttl} s");
    let tag_ttl: i64 = other.ttl("cache:tags:catalog").unwrap();
    assert!(
        (ttl - 1..=900).contains(&tag_ttl),
        "a tag's set lives as long as its keys: {tag_ttl} s"
    );
}

#[tokio::test]
async fn batches_before_a_failure_are_written() {
    let cases = [
        ("broken half-way", "the connection was lost"),
        ("repeated", "several rows have the same key"),
    ];
    for (sql, expected) in cases {
        let server = RedisServer::start();
        let redis = client(&server.url(0));
        let plan = plan_of(&format!(
            "key = \"k:{{id}}\", query = \"{sql}\", shape = \"row\""
        ));

        let status = run_plan(&redis, &plan).await.unwrap();

        assert_eq!(status.state, WarmupState::Done, "{sql}");
        assert_eq!(status.keys_created, 1000, "{sql}");
        assert_eq!(status.errors, 1, "{sql}");
        let error = first_error(&status);
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn existing_keys_are_kept_unless_force_is_set() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let _: () = other.set("config:main", "mine").unwrap();

    let kept = run(&redis, r#"{"modules":["config"]}"#).await.unwrap();
    let value_kept: String = other.get("config:main").unwrap();
    let forced = run(&redis, r#"{"modules":["config"],"force":true}"#)
        .await
        .unwrap();
    let value_forced: String = other.get("config:main").unwrap();

    assert_eq!(kept.keys_created, 0);
    assert_eq!(kept.keys_skipped, 1);
    assert_eq!(value_kept, "mine");
    assert_eq!(forced.keys_created, 1);
    assert_eq!(forced.keys_skipped, 0);
    assert_eq!(value_forced.trim_end(), "7");
}

#[tokio::test]
async fn entries_can_be_loaded_from_a_web_server() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let url = r#"url = "/products?top=2", items = "/data/items""#;
    let entries = [
        format!(r#"key = "p:{{id}}", {url}, shape = "row""#),
        format!(r#"key = "p:all", {url}, shape = "document""#),
        format!(r#"key = "p:best", {url}, shape = "zset", columns = ["id", "score"]"#),
        r#"key = "p:whole", url = "/products?top=2", shape = "document""#.to_owned(),
        r#"key = "p:gone", url = "/gone", shape = "document""#.to_owned(),
    ];

    let status = run_plan(&redis, &plan_of(&entries.join(" }, { ")))
        .await
        .unwrap();

    assert_eq!(status.keys_created, 5);
    assert_eq!(status.errors, 1);
    assert_eq!(first_error(&status), "p:gone: /gone returned status 404");
    let mut get = |key: &str| other.get::<_, String>(key).unwrap().trim_end().to_owned();
    assert_eq!(get("p:b"), r#"{"id":"b","score":2}"#);
    let all = r#"[{"id":"a","score":1},{"id":"b","score":2}]"#;
    assert_eq!(get("p:all"), all);
    assert_eq!(get("p:whole"), format!(r#"{{"data":{{"items":{all}}}}}"#));
    assert_eq!(other.zscore::<_, _, f64>("p:best", "b").unwrap(), 2.0);
}

#[tokio::test]
async fn an_override_of_the_ttl_table_applies() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let change = ChangeTtlRequest::parse_put(br#"{"prefix":"config","ttl":4321}"#).unwrap();
    change.run(&redis, &TtlTable::default()).await.unwrap();

    run(&redis, r#"{"modules":["config"]}"#).await.unwrap();

    assert_eq!(other.ttl::<_, i64>("config:main").unwrap(), 4321);
}

#[tokio::test]
async fn a_large_document_is_compressed_like_any_value_of_the_cache() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let plan = plan_of(r#"key = "large", query = "large", shape = "document""#);

    run_plan(&redis, &plan).await.unwrap();

    let stored: Vec<u8> = other.get("large").unwrap();
    assert!(stored.starts_with(&[0x04, 0x22, 0x4d, 0x18]), "compressed");
    let read: Vec<Value> = Cache::new(redis).get("large").await.unwrap().unwrap();
    assert_eq!(read.len(), 20_000);
    assert_eq!(read[7]["id"], 7);
}

#[tokio::test]
async fn only_the_chunks_of_the_stored_value_are_kept() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let source = FixedSource::default();
    let plan = plan_of(r#"key = "huge", query = "huge", shape = "document""#);
    // The first element of the list names the writing.
    let mut writing_after = async |body: &str| {
        let limits = WarmupLimits::default();
        run_with(&redis, &source, &plan, limits, body)
            .await
            .unwrap();
        let unstored: Vec<String> = other.keys("cache:chunk:*").unwrap();
        assert!(unstored.is_empty(), "{unstored:?}");
        let chunks: usize = other.llen("huge").unwrap();
        assert!(chunks > 2, "{chunks}");
        other.lindex::<_, String>("huge", 0).unwrap()
    };

    let first = writing_after("").await;
    let kept = writing_after("").await;
    let forced = writing_after(r#"{"force":true}"#).await;

    assert_eq!(kept, first, "the key existed");
    assert_ne!(forced, first);
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let _: () = other.set("products:1:details", "mine").unwrap();
    // A dry run needs no lock.
    let _: () = other.set("lock:cache:warmup", "somebody else").unwrap();

    let status = run(&redis, r#"{"dryRun":true}"#).await.unwrap();
    let forced = run(&redis, r#"{"dryRun":true,"force":true}"#)
        .await
        .unwrap();

    assert!(status.dry_run);
    assert_eq!(status.keys_created, 2501);
    assert_eq!(status.keys_skipped, 1);
    assert_eq!(status.errors, 1);
    assert!(status.bytes > 50_000, "{status:?}");
    assert_eq!(forced.keys_created, 2502);
    assert_eq!(forced.keys_skipped, 0);
    let keys: u64 = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(keys, 2);
}
