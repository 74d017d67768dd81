//! Warmups that stop early: cancelled, interrupted, without their lock, or short of memory.

use std::time::Duration;

use edge_cache_admin::Error;
use edge_cache_admin::warmup::{WarmupLimits, WarmupState, cancel, read_progress};
use edge_cache_testing::{RedisServer, client};
use futures_util::future::join;
use redis::Commands;

use super::{FixedSource, plan_of, run, run_held, run_with};

/// Longer than the least time between two heartbeats.
const PAST_A_HEARTBEAT: Duration = Duration::from_millis(250);

#[tokio::test]
async fn cancelling_without_a_warmup_is_not_found() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let result = cancel(&redis).await;

    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
}

#[tokio::test]
async fn a_running_warmup_can_be_cancelled() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let admin = client(&server.url(0));
    let source = FixedSource::default();
    let plan = r#"
        [[module]]
        name = "m"
        priority = 1
        entry = [{ key = "m:{id}", query = "held", shape = "row" }]
        [[module]]
        name = "n"
        priority = 2
        entry = [{ key = "n:{id}", query = "rows", shape = "row" }]"#;
    let stop = async {
        source.loading.notified().await;
        let cancelled = cancel(&admin).await.unwrap();
        tokio::time::sleep(PAST_A_HEARTBEAT).await;
        source.go_on.notify_one();
        cancelled
    };

    let warmup = run_with(&redis, &source, plan, WarmupLimits::default(), "");
    let (status, cancelled) = join(warmup, stop).await;

    let status = status.unwrap();
    assert_eq!(cancelled.by, "tester");
    assert_eq!(status.state, WarmupState::Cancelled);
    assert_eq!(status.error, None);
    assert!(status.keys_created < 1000, "{status:?}");
    assert_eq!(read_progress(&admin).await.unwrap().unwrap(), status);
    let mut other = server.connection();
    assert!(!other.exists::<_, bool>("lock:cache:warmup").unwrap());
}

#[tokio::test]
async fn a_warmup_whose_instance_ended_is_interrupted() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    run(&redis, "{}").await.unwrap();
    let done: String = other.get("cache:warmup:status").unwrap();
    let running = done.replace(r#""state":"done","by""#, r#""state":"running","by""#);
    let _: () = other.set("cache:warmup:status", running).unwrap();

    let progress = read_progress(&redis).await.unwrap().unwrap();

    assert_eq!(progress.state, WarmupState::Interrupted);
}

#[tokio::test]
async fn a_warmup_without_its_lock_writes_nothing_and_leaves_the_new_owner_alone() {
    // Before the next heartbeat, which notices the loss, and after it.
    for pause in [Duration::ZERO, PAST_A_HEARTBEAT] {
        let server = RedisServer::start();
        let redis = client(&server.url(0));
        let source = FixedSource::default();
        let mut other = server.connection();
        let take_over = async {
            source.loading.notified().await;
            let _: () = other.set("lock:cache:warmup", "another").unwrap();
            let _: () = other.set("cache:warmup:status", "of the other").unwrap();
            tokio::time::sleep(pause).await;
            source.go_on.notify_one();
        };

        let (result, ()) = join(run_held(&redis, &source), take_over).await;

        assert!(matches!(result, Err(Error::Conflict(_))), "{result:?}");
        let owner: String = other.get("lock:cache:warmup").unwrap();
        assert_eq!(owner, "another", "after {pause:?}");
        assert!(!other.exists::<_, bool>("m:0").unwrap(), "after {pause:?}");
    }
}

#[tokio::test]
async fn a_warmup_stops_before_memory_passes_the_alert() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    set_maxmemory(&mut other, "6mb");
    let source = FixedSource::default();
    let plan = plan_of(r#"key = "large:{id}", query = "large", shape = "row""#);
    let limits = WarmupLimits {
        memory_percent: 50.0,
        ..WarmupLimits::default()
    };

    let result = run_with(&redis, &source, &plan, limits, "").await;

    let Err(Error::Full(problem)) = result else {
        panic!("{result:?}")
    };
    assert!(problem.contains("exceed 50 % of 6.0M"), "{problem}");
    assert!(problem.contains("keys were written before"), "{problem}");
    let status = read_progress(&redis).await.unwrap().unwrap();
    assert_eq!(status.state, WarmupState::Failed);
    assert!(status.keys_created < 20_000, "{status:?}");
    assert!(status.error.unwrap().contains("of memory is in use"));
    // The size of a slice is estimated; servers differ in what it takes.
    let used = used_memory(&mut other);
    assert!(used < (3 << 20) + (3 << 20) / 20, "{used}");
}

#[tokio::test]
async fn a_server_without_memory_ends_a_warmup_and_keeps_its_values() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    run(&redis, r#"{"modules":["config"]}"#).await.unwrap();
    set_maxmemory(&mut other, "1");

    let result = run(&redis, r#"{"force":true}"#).await;

    let Err(Error::Redis(error)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(error.kind, edge_cache::ErrorKind::OutOfMemory);
    let kept: String = other.get("config:main").unwrap();
    assert_eq!(kept.trim_end(), "7");
}

fn set_maxmemory(connection: &mut redis::Connection, value: &str) {
    redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", value])
        .exec(connection)
        .unwrap();
}

fn used_memory(connection: &mut redis::Connection) -> u64 {
    let info: String = redis::cmd("INFO").arg("memory").query(connection).unwrap();
    info.lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}
