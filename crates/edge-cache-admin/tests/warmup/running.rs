//! Warmups while they run: one at a time, followed, and overtaken by invalidations.

use std::time::{Duration, Instant};

use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::warmup::{WarmupLimits, WarmupState, WarmupStatus, follow, read_progress};
use edge_cache_testing::{RedisServer, client};
use futures_util::StreamExt;
use futures_util::future::join;
use redis::Commands;
use serde_json::Value;

use super::{FixedSource, Native, plan_of, run, run_held, run_with};

#[tokio::test]
async fn one_warmup_runs_at_a_time() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let _: () = other
        .set_ex("lock:cache:warmup", "somebody else", 30)
        .unwrap();

    let refused = run(&redis, "{}").await;

    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let owner: String = other.get("lock:cache:warmup").unwrap();
    assert_eq!(owner, "somebody else", "only its owner releases a lock");

    let _: () = other.del("lock:cache:warmup").unwrap();
    run(&redis, "{}").await.unwrap();

    assert!(!other.exists::<_, bool>("lock:cache:warmup").unwrap());
}

#[tokio::test]
async fn the_result_is_shown_as_progress() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    assert_eq!(read_progress(&redis).await.unwrap(), None);
    run(&redis, "{}").await.unwrap();

    let progress = read_progress(&redis).await.unwrap().unwrap();
    assert_eq!(progress.state, WarmupState::Done);
}

/// Holds the load of `m:0`, `m:1` and `m:2` open, runs the invalidation, lets the load end, and
/// returns the keys that exist then.
async fn stored_after(invalidation: impl AsyncFnOnce(&Native)) -> (Vec<String>, WarmupStatus) {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let admin = client(&server.url(0));
    let source = FixedSource::default();
    let invalidate = async {
        source.loading.notified().await;
        invalidation(&admin).await;
        source.go_on.notify_one();
    };

    let (status, ()) = join(run_held(&redis, &source), invalidate).await;

    let mut keys: Vec<String> = server.connection().keys("m:*").unwrap();
    keys.sort();
    (keys, status.unwrap())
}

async fn stored_after_invalidation(body: &str) -> (Vec<String>, WarmupStatus) {
    stored_after(async |admin| {
        let request = InvalidateRequest::parse(body.as_bytes()).unwrap();
        request.run(admin).await.unwrap();
    })
    .await
}

#[tokio::test]
async fn without_an_invalidation_all_loaded_keys_are_written() {
    let (keys, status) = stored_after(async |_| ()).await;

    assert_eq!(keys.len(), 3);
    assert_eq!(status.keys_created, 3);
}

#[tokio::test]
async fn an_invalidation_by_key_wins_over_a_load_in_flight() {
    let (keys, status) = stored_after_invalidation(r#"{"keys":["m:1"]}"#).await;

    assert_eq!(keys, ["m:0", "m:2"]);
    assert_eq!(status.keys_created, 2);
    assert_eq!(status.keys_skipped, 1);
}

#[tokio::test]
async fn an_invalidation_by_pattern_wins_over_a_load_in_flight() {
    let (keys, _) = stored_after_invalidation(r#"{"patterns":["m:[02]"]}"#).await;

    assert_eq!(keys, ["m:1"]);
}

#[tokio::test]
async fn an_invalidation_by_tag_wins_over_a_load_in_flight() {
    let (same_tag, _) = stored_after_invalidation(r#"{"tags":["t"]}"#).await;
    let (other_tag, _) = stored_after_invalidation(r#"{"tags":["other"]}"#).await;

    assert!(same_tag.is_empty(), "{same_tag:?}");
    assert_eq!(other_tag.len(), 3);
}

#[tokio::test]
async fn a_global_clear_wins_over_a_load_in_flight() {
    let (keys, _) = stored_after(async |admin| {
        let request = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
        request.run(admin, false).await.unwrap();
    })
    .await;

    assert!(keys.is_empty(), "{keys:?}");
}

#[tokio::test]
async fn a_slow_source_does_not_cost_the_lock() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let source = FixedSource::default();
    let watch = async {
        source.loading.notified().await;
        let mut other = server.connection();
        let _: () = other.pexpire("lock:cache:warmup", 10_000).unwrap();
        let before: String = other.get("cache:warmup:status").unwrap();
        while other.pttl::<_, i64>("lock:cache:warmup").unwrap() <= 10_000 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let after: String = other.get("cache:warmup:status").unwrap();
        source.go_on.notify_one();
        (before, after)
    };

    let (status, (before, after)) = join(run_held(&redis, &source), watch).await;

    assert_ne!(before, after, "the heartbeat stores the progress");
    assert_eq!(status.unwrap().keys_created, 3);
}

#[tokio::test]
async fn a_warmup_does_not_exceed_its_rate() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let source = FixedSource::default();
    let plan = plan_of(r#"key = "m:{id}", query = "rows", shape = "row""#);
    let limits = WarmupLimits {
        keys_per_second: 2000,
        ..WarmupLimits::default()
    };
    let started = Instant::now();

    let status = run_with(&redis, &source, &plan, limits, "").await.unwrap();

    let elapsed = started.elapsed();
    assert!(
        elapsed >= Duration::from_millis(1250),
        "2,500 keys took {elapsed:?}"
    );
    assert!(status.keys_per_second <= 2000, "{status:?}");
}

#[tokio::test]
async fn following_without_a_warmup_is_one_event() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let events: Vec<_> = follow(&redis).collect().await;

    assert_eq!(events, [("progress", Value::Null)]);
}

#[tokio::test]
async fn a_running_warmup_is_followed_until_its_end() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let other = client(&server.url(0));
    let source = FixedSource::default();
    let watch = async {
        source.loading.notified().await;
        let mut events = std::pin::pin!(follow(&other));
        let first = events.next().await.unwrap().1;
        source.go_on.notify_one();
        (first, events.collect::<Vec<_>>().await)
    };

    let (status, (first, rest)) = join(run_held(&redis, &source), watch).await;

    assert_eq!(first["state"], "running");
    assert_eq!(first["modules"][0]["state"], "running");
    let (_, last) = rest.last().unwrap();
    assert_eq!(*last, serde_json::to_value(status.unwrap()).unwrap());
}
