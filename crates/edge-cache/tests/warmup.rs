//! Warming up against a real server: what is written, what is left alone, and one warmup at a time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use edge_cache::warmup::{Limits, Plan, Request, Rows, Source, State, Status, Warmup, cancel, follow, progress};
use edge_cache::{Cache, Client, Error, clear, invalidate, ttl};
use edge_cache_testing::{NativeTransport, RedisServer, client};
use futures_util::future::join;
use futures_util::stream::{self, LocalBoxStream, StreamExt};
use redis::Commands;
use serde_json::{Value, json};
use tokio::sync::Notify;

type Native = Client<NativeTransport>;

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

/// Rows that need no database; the query's text chooses. Web addresses echo a document.
#[derive(Default)]
struct Fixed {
    asked: Cell<usize>,
    loading: Notify,
    go_on: Notify,
}

impl Source for Fixed {
    async fn query(&self, sql: &str) -> Result<Rows, String> {
        self.asked.set(self.asked.get() + 1);
        let columns = vec!["id".to_owned(), "score".to_owned()];
        match sql {
            "one" => Ok(Rows { columns, rows: vec![vec![json!(7), json!(1)]] }),
            "held" => {
                self.loading.notify_one();
                self.go_on.notified().await;
                Ok(Rows { columns, rows: (0..3).map(|n| vec![json!(n), json!(1)]).collect() })
            }
            "rows" => Ok(Rows { columns, rows: (0..2500).map(|n| vec![json!(n), json!(n * 2)]).collect() }),
            "large" => Ok(Rows { columns, rows: (0..20_000).map(|n| vec![json!(n), json!("x".repeat(20))]).collect() }),
            "huge" => {
                // Nothing in it repeats, so that compression leaves it as large.
                let noise = |n: u64| {
                    json!(format!("{:032x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
                };
                Ok(Rows { columns, rows: (0..400_000).map(|n| vec![json!(n), noise(n)]).collect() })
            }
            _ => Err("no such table".into()),
        }
    }

    fn batches<'a>(&'a self, sql: &'a str) -> LocalBoxStream<'a, Result<Rows, String>> {
        let batch = |ids: std::ops::Range<u32>| {
            Ok(Rows { columns: vec!["id".to_owned()], rows: ids.map(|id| vec![json!(id)]).collect() })
        };
        match sql {
            "broken half-way" => stream::iter([batch(0..1000), Err("the connection was lost".into())]).boxed_local(),
            "repeated" => stream::iter([batch(0..1000), batch(999..2000), batch(3000..4000)]).boxed_local(),
            _ => stream::once(self.query(sql)).boxed_local(),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        match path {
            "/products?top=2" => {
                Ok(json!({ "data": { "items": [{ "id": "a", "score": 1 }, { "id": "b", "score": 2 }] } }))
            }
            _ => Err(format!("{path} answered with the status 404")),
        }
    }
}

fn plan(text: &str) -> Plan {
    Plan::read(&Plan::compile(text).unwrap()).unwrap()
}

async fn run_plan(redis: &Native, text: &str, limits: Limits, source: &Fixed, body: &str) -> Result<Status, Error> {
    let plan = plan(text);
    let request = Request::parse(body.as_bytes(), &plan).unwrap();
    request.run(Warmup { redis, source, plan: &plan, limits, by: "tester", owner: "unique" }).await
}

async fn run(redis: &Native, body: &str) -> Result<Status, Error> {
    run_plan(redis, PLAN, Limits::default(), &Fixed::default(), body).await
}

/// A plan of one entry.
fn entry(entry: &str) -> String {
    format!("[[module]]\nname = \"m\"\npriority = 1\nentry = [{{ {entry} }}]")
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

/// Holds the load of `m:0`, `m:1`, `m:2` (tag `t`) open, runs the invalidation, lets the load end; the keys then there.
async fn stored_after(invalidation: impl AsyncFnOnce(&Native)) -> (Vec<String>, Status) {
    let server = RedisServer::start();
    let (redis, admin, source) = (client(&server.url(0)), client(&server.url(0)), Fixed::default());
    let text = entry(r#"key = "m:{id}", query = "held", shape = "row", tags = ["t"]"#);
    let invalidate = async {
        source.loading.notified().await;
        invalidation(&admin).await;
        source.go_on.notify_one();
    };
    let (status, ()) = join(run_plan(&redis, &text, Limits::default(), &source, ""), invalidate).await;
    let mut keys: Vec<String> = server.connection().keys("m:*").unwrap();
    keys.sort();
    (keys, status.unwrap())
}

#[tokio::test]
async fn an_invalidation_wins_over_a_warmup_in_flight() {
    let invalidated = async |admin: &Native, body: &str| {
        invalidate::Request::parse(body.as_bytes()).unwrap().run(admin).await.unwrap();
    };
    let (keys, status) = stored_after(async |_| ()).await;
    assert_eq!((keys.len(), status.keys_created), (3, 3));
    let (keys, status) = stored_after(async |admin| invalidated(admin, r#"{"keys":["m:1"]}"#).await).await;
    assert_eq!((keys, status.keys_created, status.keys_skipped), (vec!["m:0".into(), "m:2".into()], 2, 1));
    let (keys, _) = stored_after(async |admin| invalidated(admin, r#"{"patterns":["m:[02]"]}"#).await).await;
    assert_eq!(keys, ["m:1"]);
    let (keys, _) = stored_after(async |admin| invalidated(admin, r#"{"tags":["t"]}"#).await).await;
    assert!(keys.is_empty());
    let (keys, _) = stored_after(async |admin| invalidated(admin, r#"{"tags":["other"]}"#).await).await;
    assert_eq!(keys.len(), 3);
    let (keys, _) = stored_after(async |admin| {
        clear::Request::parse(br#"{"confirm":true}"#).unwrap().run(admin, false).await.unwrap();
    })
    .await;
    assert!(keys.is_empty(), "a global clear: {keys:?}");
}

#[tokio::test]
async fn a_running_warmup_can_be_cancelled() {
    let server = RedisServer::start();
    let (redis, admin, source) = (client(&server.url(0)), client(&server.url(0)), Fixed::default());
    assert!(matches!(cancel(&admin).await, Err(Error::NotFound(_))));
    let text = format!(
        "{}\n{}",
        entry(r#"key = "m:{id}", query = "held", shape = "row""#),
        r#"[[module]]
        name = "n"
        priority = 2
        entry = [{ key = "n:{id}", query = "rows", shape = "row" }]"#
    );
    let stop = async {
        source.loading.notified().await;
        assert_eq!(cancel(&admin).await.unwrap().by, "tester");
        // Longer than the time between two looks.
        tokio::time::sleep(Duration::from_millis(250)).await;
        source.go_on.notify_one();
    };
    let (status, ()) = join(run_plan(&redis, &text, Limits::default(), &source, ""), stop).await;
    let status = status.unwrap();
    assert_eq!((status.state, status.error.as_deref()), (State::Cancelled, None));
    assert!(status.keys_created < 1000, "{status:?}");
    assert_eq!(progress(&admin).await.unwrap().unwrap(), status);
    assert!(!server.connection().exists::<_, bool>("lock:cache:warmup").unwrap());
}

#[tokio::test]
async fn a_slow_source_does_not_cost_the_lock() {
    let server = RedisServer::start();
    let (redis, source) = (client(&server.url(0)), Fixed::default());
    let text = entry(r#"key = "m:{id}", query = "held", shape = "row""#);
    let watch = async {
        source.loading.notified().await;
        let mut other = server.connection();
        let _: () = other.pexpire("lock:cache:warmup", 10_000).unwrap();
        let before: String = other.get("cache:warmup:status").unwrap();
        while other.pttl::<_, i64>("lock:cache:warmup").unwrap() <= 10_000 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_ne!(other.get::<_, String>("cache:warmup:status").unwrap(), before, "it shows that it lives");
        source.go_on.notify_one();
    };
    let (status, ()) = join(run_plan(&redis, &text, Limits::default(), &source, ""), watch).await;
    assert_eq!(status.unwrap().keys_created, 3);
}

#[tokio::test]
async fn a_warmup_that_lost_its_lock_leaves_the_other_alone() {
    let server = RedisServer::start();
    let (redis, source) = (client(&server.url(0)), Fixed::default());
    let text = entry(r#"key = "m:{id}", query = "held", shape = "row""#);
    let take_over = async {
        source.loading.notified().await;
        let mut other = server.connection();
        let _: () = other.set("lock:cache:warmup", "another").unwrap();
        let _: () = other.set("cache:warmup:status", "of the other").unwrap();
        tokio::time::sleep(Duration::from_millis(250)).await;
        source.go_on.notify_one();
    };
    let (status, ()) = join(run_plan(&redis, &text, Limits::default(), &source, ""), take_over).await;
    assert!(matches!(status, Err(Error::Conflict(_))), "{status:?}");
    let mut other = server.connection();
    assert_eq!(other.get::<_, String>("lock:cache:warmup").unwrap(), "another");
}

#[tokio::test]
async fn a_warmup_stops_before_memory_passes_the_alert() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", "6mb"]).exec(&mut other).unwrap();
    let text = entry(r#"key = "large:{id}", query = "large", shape = "row""#);
    let limits = Limits { memory_percent: 50.0, ..Limits::default() };
    let failed = run_plan(&redis, &text, limits, &Fixed::default(), "").await;
    let Err(Error::Full(problem)) = failed else { panic!("{failed:?}") };
    assert!(problem.contains("past 50 % of 6.0M") && problem.contains("keys had been written before"), "{problem}");
    let status = progress(&redis).await.unwrap().unwrap();
    assert_eq!(status.state, State::Failed);
    assert!(status.keys_created < 20_000 && status.error.unwrap().contains("of memory are in use"));
    let used: String = redis::cmd("INFO").arg("memory").query(&mut other).unwrap();
    let used: u64 = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap();
    // What a slice takes is estimated; how far that is off differs between servers.
    assert!(used < (3 << 20) + (3 << 20) / 20, "{used}");
}

#[tokio::test]
async fn a_rate_is_not_exceeded() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let text = entry(r#"key = "m:{id}", query = "rows", shape = "row""#);
    let limits = Limits { keys_per_second: 2000, ..Limits::default() };
    let started = Instant::now();
    let status = run_plan(&redis, &text, limits, &Fixed::default(), "").await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(1250), "2,500 keys take 1.25 s: {:?}", started.elapsed());
    assert!(status.keys_per_second <= 2000, "{status:?}");
}

#[tokio::test]
async fn progress_can_be_followed() {
    let server = RedisServer::start();
    let (redis, other, source) = (client(&server.url(0)), client(&server.url(0)), Fixed::default());
    let none: Vec<_> = follow(&other).collect().await;
    assert_eq!(none, [("progress", Value::Null)]);
    let text = entry(r#"key = "m:{id}", query = "held", shape = "row""#);
    let watch = async {
        source.loading.notified().await;
        let mut events = std::pin::pin!(follow(&other));
        let first = events.next().await.unwrap().1;
        source.go_on.notify_one();
        (first, events.collect::<Vec<_>>().await)
    };
    let (status, (first, rest)) = join(run_plan(&redis, &text, Limits::default(), &source, ""), watch).await;
    assert_eq!((&first["state"], &first["modules"][0]["state"]), (&json!("running"), &json!("running")));
    assert_eq!(rest.last().unwrap().1, serde_json::to_value(status.unwrap()).unwrap());
}
