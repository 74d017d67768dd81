//! A warmup while it runs: one at a time, cancelled, slowed, stopped, followed, and overtaken by invalidations.

use std::time::{Duration, Instant};

use edge_cache::warmup::{Limits, State, Status, cancel, follow, progress};
use edge_cache::{Error, clear, invalidate};
use edge_cache_testing::{RedisServer, client};
use futures_util::StreamExt;
use futures_util::future::join;
use redis::Commands;
use serde_json::{Value, json};

use super::{Fixed, Native, entry, run, run_plan};

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
async fn a_warmup_that_lost_its_lock_writes_nothing_and_leaves_the_other_alone() {
    // At once, before it looks for its lock again, and after it does.
    for pause in [0, 250] {
        let server = RedisServer::start();
        let (redis, source) = (client(&server.url(0)), Fixed::default());
        let text = entry(r#"key = "m:{id}", query = "held", shape = "row""#);
        let take_over = async {
            source.loading.notified().await;
            let mut other = server.connection();
            let _: () = other.set("lock:cache:warmup", "another").unwrap();
            let _: () = other.set("cache:warmup:status", "of the other").unwrap();
            tokio::time::sleep(Duration::from_millis(pause)).await;
            source.go_on.notify_one();
        };
        let (status, ()) = join(run_plan(&redis, &text, Limits::default(), &source, ""), take_over).await;
        assert!(matches!(status, Err(Error::Conflict(_))), "{status:?}");
        let mut other = server.connection();
        assert_eq!(other.get::<_, String>("lock:cache:warmup").unwrap(), "another");
        assert!(!other.exists::<_, bool>("m:0").unwrap(), "after {pause} ms");
    }
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
