//! What a warmup writes, and what it leaves alone.

use edge_cache::warmup::{Limits, State};
use edge_cache::{Cache, Error, ttl};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

use super::{Fixed, entry, run, run_plan};

#[tokio::test]
async fn modules_are_loaded_and_a_failing_entry_does_not_stop_the_rest() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let status = run(&redis, "{}").await.unwrap();
    assert_eq!((status.state, status.keys_created, status.errors), (State::Done, 2502, 1));
    assert_eq!(status.modules_warmed(), ["config", "products"]);
    assert!(status.modules[0].first_error.as_deref().unwrap().contains("config:bad: no such table"));
    let details: String = other.get("products:42:details").unwrap();
    assert_eq!(details, r#"{"id":42,"score":84}"#);
    let (ttl, tagged): (i64, usize) =
        (other.ttl("products:42:details").unwrap(), other.scard("cache:tags:catalog").unwrap());
    assert!((600..=900).contains(&ttl) && tagged == 2500, "{ttl} s, {tagged}");
    let tag_ttl: i64 = other.ttl("cache:tags:catalog").unwrap();
    assert!((ttl - 1..=900).contains(&tag_ttl), "a tag's set lives as long as its keys: {tag_ttl} s");
    let score: f64 = other.zscore("products:all", "3").unwrap();
    assert_eq!(score, 6.0);
}

#[tokio::test]
async fn rows_are_written_as_they_come_and_what_fails_half_way_is_one_error() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    for (sql, told) in [("broken half-way", "the connection was lost"), ("repeated", "several rows have the same key")]
    {
        let text = entry(&format!("key = \"{sql}:{{id}}\", query = \"{sql}\", shape = \"row\""));
        let status = run_plan(&redis, &text, Limits::default(), &Fixed::default(), "").await.unwrap();
        assert_eq!((status.state, status.keys_created, status.errors), (State::Done, 1000, 1), "{sql}");
        assert!(status.modules[0].first_error.as_deref().unwrap().contains(told), "{sql}");
    }
}

#[tokio::test]
async fn what_exists_is_left_alone_unless_forced() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let _: () = other.set("config:main", "mine").unwrap();
    let status = run(&redis, r#"{"modules":["config"]}"#).await.unwrap();
    assert_eq!((status.keys_created, status.keys_skipped), (0, 1));
    assert_eq!(other.get::<_, String>("config:main").unwrap(), "mine");
    let status = run(&redis, r#"{"modules":["config"],"force":true}"#).await.unwrap();
    assert_eq!((status.keys_created, status.keys_skipped), (1, 0));
    assert_eq!(other.get::<_, String>("config:main").unwrap(), "7");
}

#[tokio::test]
async fn keys_the_server_refuses_are_counted_with_the_reason() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    run(&redis, r#"{"modules":["config"]}"#).await.unwrap();
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", "1"]).exec(&mut other).unwrap();
    let failed = run(&redis, r#"{"force":true}"#).await;
    assert!(matches!(failed, Err(Error::Redis(error)) if error.kind == edge_cache::ErrorKind::OutOfMemory));
    assert_eq!(other.get::<_, String>("config:main").unwrap(), "7", "what was there is not lost");
}

#[tokio::test]
async fn an_entry_may_come_from_the_web() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let url = r#"url = "/products?top=2", items = "/data/items""#;
    let entries = [
        format!(r#"key = "p:{{id}}", {url}, shape = "row""#),
        format!(r#"key = "p:all", {url}, shape = "document""#),
        format!(r#"key = "p:best", {url}, shape = "zset", columns = ["id", "score"]"#),
        r#"key = "p:whole", url = "/products?top=2", shape = "document""#.to_owned(),
        r#"key = "p:gone", url = "/gone", shape = "document""#.to_owned(),
    ];
    let text = format!("[[module]]\nname = \"m\"\npriority = 1\nentry = [{{ {} }}]", entries.join(" }, { "));
    let status = run_plan(&redis, &text, Limits::default(), &Fixed::default(), "").await.unwrap();
    assert_eq!((status.keys_created, status.errors), (5, 1));
    assert!(status.modules[0].first_error.as_deref().unwrap().contains("p:gone: /gone answered with the status 404"));
    let get = |redis: &mut redis::Connection, key: &str| redis.get::<_, String>(key).unwrap();
    assert_eq!(get(&mut other, "p:b"), r#"{"id":"b","score":2}"#);
    assert_eq!(get(&mut other, "p:all"), r#"[{"id":"a","score":1},{"id":"b","score":2}]"#);
    assert_eq!(get(&mut other, "p:whole"), r#"{"data":{"items":[{"id":"a","score":1},{"id":"b","score":2}]}}"#);
    assert_eq!(other.zscore::<_, _, f64>("p:best", "b").unwrap(), 2.0);
}

#[tokio::test]
async fn the_ttl_table_of_the_operators_is_in_force() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    ttl::Change::put(br#"{"prefix":"config","ttl":4321}"#).unwrap().run(&redis).await.unwrap();
    run(&redis, r#"{"modules":["config"]}"#).await.unwrap();
    assert_eq!(other.ttl::<_, i64>("config:main").unwrap(), 4321);
}

#[tokio::test]
async fn a_large_document_is_stored_as_any_value_of_the_cache() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let text = entry(r#"key = "large", query = "large", shape = "document""#);
    run_plan(&redis, &text, Limits::default(), &Fixed::default(), "").await.unwrap();
    let stored: Vec<u8> = other.get("large").unwrap();
    assert!(stored.starts_with(&[0x04, 0x22, 0x4d, 0x18]), "compressed");
    let read: Vec<Value> = Cache::new(redis).get("large").await.unwrap().unwrap();
    assert_eq!((read.len(), &read[7]["id"]), (20_000, &json!(7)));
}

#[tokio::test]
async fn the_chunks_of_a_very_large_document_are_those_of_the_value_that_is_there() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let text = entry(r#"key = "huge", query = "huge", shape = "document""#);
    let mut chunks = async |body: &str| {
        run_plan(&redis, &text, Limits::default(), &Fixed::default(), body).await.unwrap();
        let mut chunks: Vec<String> = other.keys("cache:chunk:*").unwrap();
        chunks.sort();
        chunks
    };
    let first = chunks("").await;
    assert!(first.len() > 1, "{first:?}");
    assert_eq!(chunks("").await, first, "it was there already");
    let second = chunks(r#"{"force":true}"#).await;
    assert!(second.len() == first.len() && second != first, "{second:?}");
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let _: () = other.set("products:1:details", "mine").unwrap();
    let _: () = other.set("lock:cache:warmup", "somebody else, who does not matter").unwrap();
    let status = run(&redis, r#"{"dryRun":true}"#).await.unwrap();
    assert_eq!((status.keys_created, status.keys_skipped, status.errors), (2501, 1, 1));
    assert!(status.dry_run && status.bytes > 50_000);
    assert_eq!(redis::cmd("DBSIZE").query::<u64>(&mut other).unwrap(), 2);
    let forced = run(&redis, r#"{"dryRun":true,"force":true}"#).await.unwrap();
    assert_eq!((forced.keys_created, forced.keys_skipped), (2502, 0));
}
