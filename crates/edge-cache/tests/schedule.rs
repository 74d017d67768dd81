//! A schedule against a real server: when it warms, and what it does when memory is short.

use std::time::Duration;

use edge_cache::warmup::schedule::{self, Reason, Settings};
use edge_cache::warmup::{Limits, Plan, Request, Rows, Source, Warmup};
use edge_cache::{Client, Pattern, clear};
use edge_cache_testing::{NativeTransport, RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

type Native = Client<NativeTransport>;

const PLAN: &str = r#"
    [[module]]
    name = "config"
    priority = 1
    entry = [{ key = "config:main", query = "one", shape = "scalar" }]
"#;

/// One value that needs no database.
struct One;

impl Source for One {
    async fn query(&self, _: &str) -> Result<Rows, String> {
        Ok(Rows { columns: vec!["value".to_owned()], rows: vec![vec![json!(7)]] })
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        Err(format!("nothing is asked for {path}"))
    }
}

async fn warm(redis: &Native) {
    let plan = Plan::read(&Plan::compile(PLAN).unwrap()).unwrap();
    let request = Request::parse(b"", &plan).unwrap();
    let warmup =
        Warmup { redis, source: &One, plan: &plan, limits: Limits::default(), by: "schedule", owner: "unique" };
    request.run(warmup).await.unwrap();
}

fn settings(relief: &[&str]) -> Settings {
    let relief = relief.iter().map(|pattern| Pattern::parse("relief", *pattern).unwrap()).collect();
    Settings { interval: Duration::from_secs(900), relief, memory_percent: 90.0 }
}

/// One wake-up of a schedule.
async fn wake(redis: &Native) -> Option<Reason> {
    let check = schedule::check(redis, &settings(&[])).await.unwrap();
    let reason = check.reason;
    if let Some(reason) = reason {
        schedule::starting(redis, &check, reason).await.unwrap();
        warm(redis).await;
    }
    schedule::sweep(redis, &check).await.unwrap();
    reason
}

#[tokio::test]
async fn a_sweep_comes_to_its_end_however_many_members_there_are() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    for tag in 0..20 {
        let keys: Vec<String> = (0..250).map(|n| format!("k:{tag}:{n}")).collect();
        let values: Vec<(&String, u32)> = keys.iter().map(|key| (key, 1)).collect();
        let _: () = redis::pipe().mset(&values).sadd(format!("cache:tags:{tag}"), &keys).query(&mut other).unwrap();
    }
    for _ in 0..3 {
        let check = schedule::check(&redis, &settings(&[])).await.unwrap();
        let swept = schedule::sweep(&redis, &check).await.unwrap();
        assert_eq!((swept.finished, swept.members, swept.removed), (true, 5000, 0), "each once");
    }
}

#[tokio::test]
async fn a_schedule_warms_at_first_and_after_a_flush_and_after_a_restart() {
    let mut server = RedisServer::start();
    let redis = client(&server.url(0));
    assert_eq!(wake(&redis).await, Some(Reason::Empty));
    assert_eq!(wake(&redis).await, None);
    clear::Request::parse(br#"{"confirm":true}"#).unwrap().run(&redis, false).await.unwrap();
    assert_eq!(wake(&redis).await, Some(Reason::Empty), "flushed");
    assert_eq!(wake(&redis).await, None);
    redis::cmd("SAVE").exec(&mut server.connection()).unwrap();
    server.kill();
    server.launch();
    let redis = client(&server.url(0));
    assert_eq!(wake(&redis).await, Some(Reason::Restarted));
    assert_eq!(wake(&redis).await, None);
    let _: () = server.connection().hset("cache:warmup:schedule", "last_at", 0).unwrap();
    assert_eq!(wake(&redis).await, Some(Reason::Due));
}

#[tokio::test]
async fn short_memory_is_relieved_by_the_patterns_in_their_order_and_not_all_the_time() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    for n in 0..100 {
        let _: () = other.set(format!("old:{n}"), vec![b'x'; 50_000]).unwrap();
        let _: () = other.set(format!("older:{n}"), "x").unwrap();
    }
    let settings = settings(&["old:*", "older:*"]);
    assert_eq!(schedule::check(&redis, &settings).await.unwrap().short_of_memory, None, "there is no limit");
    let memory: String = redis::cmd("INFO").arg("memory").query(&mut other).unwrap();
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse::<u64>().ok()).unwrap();
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", &(used * 20 / 19).to_string()]).exec(&mut other).unwrap();
    let short = schedule::check(&redis, &settings).await.unwrap().short_of_memory.unwrap();
    let relief = schedule::relieve(&redis, &settings, short).await.unwrap();
    assert_eq!((relief.keys_deleted, relief.patterns), (100, vec!["old:*".to_owned()]));
    assert!(relief.usage_percent.unwrap() < 90.0 && relief.usage_percent_before > 90.0);
    assert_eq!(other.keys::<_, Vec<String>>("older:*").unwrap().len(), 100, "enough was free before");
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", "1mb"]).exec(&mut other).unwrap();
    assert_eq!(schedule::check(&redis, &settings).await.unwrap().short_of_memory, None, "once a minute at most");
}
