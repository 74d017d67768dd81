//! Jobs without interruption: removed keys and counts.

use std::time::Duration;

use edge_cache::Namespace;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::jobs::{NewJob, Waker, Worker};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::json;

use crate::shared::{LONG, begin_clear, fill, origin, report, trail, work, work_on};

#[tokio::test]
async fn a_clear_removes_what_it_matches_and_counts_each_key_once() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 20_000);
    fill(&mut other, "products", 5000);
    let redis = client(&server.url(0));

    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let queued = report(&redis, &job.id).await;
    assert_eq!(queued["state"], "queued");
    assert!(queued["inForceAt"].is_string(), "{queued:#}");
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysMatched"], 20_000, "{done:#}");
    assert_eq!(done["keysRemoved"], 20_000);
    assert_eq!(done["keysFailed"], 0);
    assert_eq!(done["progress"]["percent"], 100.0);
    assert_eq!(done["createdBy"], "deploy");
    assert_eq!(done["takeovers"], 0);
    assert!(done["endedAt"].is_string());

    let left: Vec<String> = redis::cmd("KEYS").arg("users:*").query(&mut other).unwrap();
    assert!(left.is_empty(), "{left:?}");
    let products: Vec<String> = redis::cmd("KEYS")
        .arg("products:*")
        .query(&mut other)
        .unwrap();
    assert_eq!(products.len(), 5000);
    let parts: Vec<String> = redis::cmd("KEYS")
        .arg("cache:job-part*")
        .query(&mut other)
        .unwrap();
    // The part expires within an hour.
    assert_eq!(parts.len(), 1);
    let left: i64 = other.ttl(&parts[0]).unwrap();
    assert!((1..=3600).contains(&left), "{left}");
    assert_eq!(trail(&server), [("job-end".into(), "ok".into(), 20_000)]);
}

#[tokio::test]
async fn a_job_in_a_namespace_keeps_its_records_there() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 3000);
    let namespace = Namespace::parse("shop").unwrap();
    let redis = client(&server.url(0)).in_namespace(namespace.clone());
    let audit = client(&server.url(1)).in_namespace(namespace);

    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let worker = Worker {
        redis: &redis,
        audit: &audit,
        name: "a".to_owned(),
        waker: Waker::Request,
        on_unwritten: &|record, error| panic!("{record:?} was not written: {error}"),
    };
    worker.work(LONG).await.unwrap();

    assert_eq!(report(&redis, &job.id).await["keysRemoved"], 3000);
    let internal: Vec<String> = redis::cmd("KEYS").arg("cache:*").query(&mut other).unwrap();
    let is_outside =
        |name: &&String| !name.starts_with("cache:@shop:") && *name != "cache:namespaces";
    assert_eq!(internal.iter().find(is_outside), None, "{internal:?}");
    let part = format!("cache:@shop:job-part:{{{}}}:1", job.id);
    let counted: u64 = other.hget(part, "removed").unwrap();
    assert_eq!(counted, 3000);
}

#[tokio::test]
async fn a_dry_run_counts_and_removes_nothing() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 3000);
    let redis = client(&server.url(0));

    let job = begin_clear(&redis, r#"{"pattern":"users:*1","dryRun":true}"#).await;
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done");
    assert_eq!(done["keysMatched"], 300);
    assert_eq!(done["keysRemoved"], 0);
    assert_eq!(done["inForceAt"], json!(null));
    assert!(server.connection().exists::<_, bool>("users:1").unwrap());
    assert!(trail(&server).is_empty());
}

#[tokio::test]
async fn an_invalidation_removes_names_and_tags_at_once_and_patterns_by_the_job() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 1500);
    fill(&mut other, "orders", 10);
    let () = other.set("named", 1).unwrap();
    let () = other.set("tagged", 1).unwrap();
    let () = other.sadd("cache:tags:t", "tagged").unwrap();
    let redis = client(&server.url(0));

    let body =
        r#"{"keys":["named","missing"],"tags":["t"],"patterns":["users:*","orders:*","users:1*"]}"#;
    let request = InvalidateRequest::parse(body.as_bytes()).unwrap();
    let new = NewJob::of_invalidation(&request).unwrap();
    let job = new.create(&redis, origin(), Duration::ZERO).await.unwrap();

    let queued = report(&redis, &job.id).await;
    assert_eq!(queued["keysRemoved"], 2, "{queued:#}");
    work_on(&server, "a").await;
    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done");
    assert_eq!(done["keysRemoved"], 1512, "{done:#}");
    assert_eq!(done["kind"], "invalidate");
}

#[tokio::test]
async fn an_invalidation_of_tags_says_since_when_it_is_in_force() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let () = other.set("tagged", 1).unwrap();
    let () = other.sadd("cache:tags:t", "tagged").unwrap();
    let redis = client(&server.url(0));
    let request = InvalidateRequest::parse(br#"{"tags":["t"]}"#).unwrap();

    let before = edge_cache::units::now();
    let new = NewJob::of_invalidation(&request).unwrap();
    let job = new.create(&redis, origin(), Duration::from_millis(50));
    let job = job.await.unwrap();

    let queued = report(&redis, &job.id).await;
    let in_force = queued["inForceAt"].as_str().unwrap();
    assert!(in_force > before.as_str(), "{in_force}, begun at {before}");
    assert_eq!(queued["keysRemoved"], 1);
}

#[tokio::test]
async fn a_job_without_patterns_is_done_by_the_next_worker() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let request = InvalidateRequest::parse(br#"{"keys":["a"]}"#).unwrap();
    let new = NewJob::of_invalidation(&request).unwrap();
    let job = new.create(&redis, origin(), Duration::ZERO).await.unwrap();

    work_on(&server, "a").await;

    assert_eq!(report(&redis, &job.id).await["state"], "done");
}

#[test]
fn a_job_does_not_remove_its_own_record() {
    let request = ClearRequest::parse(br#"{"pattern":"cache:*"}"#).unwrap();
    let problem = NewJob::of_clear(&request).unwrap_err().to_string();
    assert!(problem.starts_with("`async`"), "{problem}");
}

#[tokio::test]
async fn a_pace_bounds_what_is_removed_at_once() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 1000);
    let redis = client(&server.url(0));
    let body = r#"{"pattern":"users:*","async":true,"maxKeysPerSecond":100}"#;
    let job = begin_clear(&redis, body).await;

    // No batch removes more than the keys of one slice, a fifth of the pace; then the worker rests.
    let (url, audit) = (server.url(0), server.url(1));
    work(&url, &audit, "a", Waker::Request, Duration::ZERO).await;
    let paused = report(&redis, &job.id).await;
    assert_eq!(paused["keysRemoved"], 0, "the first step only plans");
    work(&url, &audit, "a", Waker::Request, Duration::ZERO).await;
    let removed = report(&redis, &job.id).await["keysRemoved"]
        .as_u64()
        .unwrap();
    assert!((1..=60).contains(&removed), "{removed} keys in one batch");

    let fast = r#"{"pattern":"users:*","async":true,"maxKeysPerSecond":1000000}"#;
    let fast = begin_clear(&redis, fast).await;
    edge_cache_admin::jobs::JobChange::Cancel
        .run(&redis, &job.id)
        .await
        .unwrap();
    work_on(&server, "b").await;
    let left = report(&redis, &fast.id).await;
    assert_eq!(
        left["keysRemoved"].as_u64().unwrap() + removed,
        1000,
        "{left:#}"
    );
}

#[tokio::test]
async fn a_full_server_does_not_stop_a_clear() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10_000);
    let redis = client(&server.url(0));
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1mb"])
        .query(&mut other)
        .unwrap();

    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    work_on(&server, "a").await;

    assert_eq!(report(&redis, &job.id).await["keysRemoved"], 10_000);
}

#[tokio::test]
async fn jobs_outlive_a_global_clear() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 10);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    let clear = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
    clear.run(&redis, false).await.unwrap();
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 0);
}

#[tokio::test]
async fn a_worker_without_time_leaves_the_rest_to_the_next() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 5000);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    let (url, audit) = (server.url(0), server.url(1));
    work(&url, &audit, "a", Waker::Request, Duration::ZERO).await;
    assert_eq!(report(&redis, &job.id).await["state"], "queued");
    work(&url, &audit, "b", Waker::Request, LONG).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done");
    assert_eq!(done["keysRemoved"], 5000);
    assert_eq!(done["takeovers"], 0);
}
