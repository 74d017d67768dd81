//! Warming up against a real server: what is written, what is left alone, and one warmup at a time.

use edge_cache::warmup::{Plan, Request, Rows, Source, State, Warmup, progress};
use edge_cache::{Client, Error};
use edge_cache_testing::{NativeTransport, RedisServer, client};
use redis::Commands;
use serde_json::json;

const PLAN: &str = r#"
    [[module]]
    name = "products"
    priority = 2
    entry = [
      { key = "products:{id}:details", query = "rows", shape = "row", tags = ["catalog"], ttl_seconds = 900 },
      { key = "products:all", query = "rows", shape = "zset" },
    ]
    [[module]]
    name = "config"
    priority = 1
    entry = [
      { key = "config:bad", query = "broken", shape = "scalar" },
      { key = "config:main", query = "one", shape = "scalar" },
    ]
"#;

/// Rows that need no database; the query's text chooses.
struct Fixed;

impl Source for Fixed {
    async fn query(&self, sql: &str) -> Result<Rows, String> {
        let columns = vec!["id".to_owned(), "score".to_owned()];
        match sql {
            "one" => Ok(Rows { columns, rows: vec![vec![json!(7), json!(1)]] }),
            "rows" => Ok(Rows { columns, rows: (0..2500).map(|n| vec![json!(n), json!(n * 2)]).collect() }),
            _ => Err("no such table".into()),
        }
    }
}

async fn run(redis: &Client<NativeTransport>, body: &str) -> Result<edge_cache::warmup::Status, Error> {
    let plan = Plan::read(&Plan::compile(PLAN).unwrap()).unwrap();
    let request = Request::parse(body.as_bytes(), &plan).unwrap();
    request.run(Warmup { redis, source: &Fixed, plan: &plan, by: "tester", owner: "unique" }).await
}

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
    assert_eq!((ttl, tagged), (900, 2500));
    let tag_ttl: i64 = other.ttl("cache:tags:catalog").unwrap();
    assert_eq!(tag_ttl, 900, "a tag's set lives as long as its keys");
    let score: f64 = other.zscore("products:all", "3").unwrap();
    assert_eq!(score, 6.0);
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
async fn one_warmup_at_a_time() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    assert_eq!(progress(&redis).await.unwrap(), None);
    let _: () = other.set_ex("lock:cache:warmup", "somebody else", 30).unwrap();
    assert!(matches!(run(&redis, "{}").await, Err(Error::Conflict(_))));
    let owner: String = other.get("lock:cache:warmup").unwrap();
    assert_eq!(owner, "somebody else", "a lock is released by its owner alone");
    let _: () = other.del("lock:cache:warmup").unwrap();
    run(&redis, "{}").await.unwrap();
    assert!(!other.exists::<_, bool>("lock:cache:warmup").unwrap());
    assert_eq!(progress(&redis).await.unwrap().unwrap().state, State::Done);
}

#[tokio::test]
async fn a_warmup_whose_instance_died_is_told_as_interrupted() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    run(&redis, "{}").await.unwrap();
    let stored: String = other.get("cache:warmup:status").unwrap();
    let _: () = other
        .set("cache:warmup:status", stored.replace(r#""state":"done","by""#, r#""state":"running","by""#))
        .unwrap();
    assert_eq!(progress(&redis).await.unwrap().unwrap().state, State::Interrupted);
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
