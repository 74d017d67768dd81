//! Jobs that mark keys stale.

use std::time::Duration;

use edge_cache::{Cache, LookupOutcome, Options};
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::jobs::{NewJob, Waker};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use redis::Commands;
use serde_json::json;

use crate::shared::{LONG, begin_clear, execute, fill, origin, report, trail, work, work_on};

/// Writes entries `a:0`, `a:1` and so on, which have the tag `t` and no grace.
async fn fill_entries(url: &str, count: usize) {
    let cache = Cache::new(client(url));
    let options = Options {
        ttl: Some(Duration::from_secs(600)),
        tags: &["t"],
        ..Options::default()
    };
    for n in 0..count {
        cache.set(&format!("a:{n}"), &n, &options).await.unwrap();
    }
}

async fn outcome(url: &str, key: &str) -> Option<LookupOutcome> {
    let cache = Cache::new(client(url));
    let options = Options {
        early_refresh: 0.0,
        ..Options::default()
    };
    let fail = async || Err::<u64, _>("the source is away");
    let fetched = cache.get_or_set(key, &options, fail).await.ok()?;
    Some(fetched.outcome)
}

#[tokio::test]
async fn a_soft_clear_marks_what_it_matches_and_removes_nothing() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "foreign", 3000);
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 200).await;

    let job = begin_clear(&redis, r#"{"pattern":"a:*","mode":"soft"}"#).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(
        outcome(&server.url(0), "a:1").await,
        Some(LookupOutcome::Stale),
        "in force"
    );
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(
        (&done["mode"], &done["softGraceSeconds"]),
        (&json!("soft"), &json!(60))
    );
    assert_eq!(done["keysMatched"], 200);
    assert_eq!(done["keysMarkedStale"], 200);
    assert_eq!(done["keysRemoved"], 0);
    assert_eq!(done["nodes"][0]["keysMarkedStale"], 200);
    assert!(other.pttl::<_, i64>("a:7").unwrap() <= 60_000);
    assert_eq!(
        outcome(&server.url(0), "a:7").await,
        Some(LookupOutcome::Stale)
    );
    assert_eq!(trail(&server), [("job-end".into(), "ok".into(), 0)]);
}

#[tokio::test]
async fn a_soft_invalidation_marks_keys_and_tags_at_once() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 20).await;
    let body = br#"{"keys":["a:1"],"tags":["t"],"patterns":["a:1?"],"mode":"soft"}"#;
    let request = InvalidateRequest::parse(body).unwrap();

    let new = NewJob::of_invalidation(&request).unwrap();
    let job = new
        .create(&redis, origin(), Duration::from_millis(50))
        .await
        .unwrap();
    assert_eq!(report(&redis, &job.id).await["keysMarkedStale"], 21);
    assert_eq!(
        outcome(&server.url(0), "a:2").await,
        Some(LookupOutcome::Stale)
    );
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(
        (&done["keysMarkedStale"], &done["keysRemoved"]),
        (&json!(31), &json!(0))
    );
}

#[tokio::test]
async fn a_dry_run_of_a_soft_clear_says_its_mode() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 20).await;

    let body = r#"{"pattern":"a:*","mode":"soft","softGraceSeconds":5,"dryRun":true}"#;
    let job = begin_clear(&redis, body).await;
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(
        (&done["mode"], &done["softGraceSeconds"]),
        (&json!("soft"), &json!(5))
    );
    assert_eq!(
        (&done["keysMatched"], &done["keysMarkedStale"]),
        (&json!(20), &json!(0))
    );
    assert_eq!(
        outcome(&server.url(0), "a:1").await,
        Some(LookupOutcome::Hit)
    );
}

#[tokio::test]
async fn a_soft_job_that_a_worker_left_counts_each_key_once() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 2500).await;
    let mut other = server.connection();
    let job = begin_clear(&redis, r#"{"pattern":"a:*","mode":"soft"}"#).await;

    // Each worker has time for a batch, and the last slice of each is lost with its cursor.
    for worker in ["a", "b"] {
        work(
            &server.url(0),
            &server.url(1),
            worker,
            Waker::Request,
            Duration::ZERO,
        )
        .await;
        let parts: Vec<String> = other.keys("cache:job-part:*").unwrap();
        for part in parts {
            let () = other.hset(part, "run_id", "of another process").unwrap();
        }
    }
    work(&server.url(0), &server.url(1), "c", Waker::Request, LONG).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(
        (&done["keysMatched"], &done["keysMarkedStale"]),
        (&json!(2500), &json!(2500))
    );
}

#[tokio::test]
async fn a_soft_job_walks_all_nodes_of_a_cluster() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let redis = client(&cluster.url());
    fill_entries(&cluster.url(), 100).await;

    let job = begin_clear(&redis, r#"{"pattern":"a:*","mode":"soft"}"#).await;
    work(&cluster.url(), &cluster.url(), "a", Waker::Request, LONG).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(
        (&done["keysMarkedStale"], &done["keysRemoved"]),
        (&json!(100), &json!(0))
    );
    assert_eq!(
        outcome(&cluster.url(), "a:7").await,
        Some(LookupOutcome::Stale)
    );
}

/// The mode of the job, its counts, and whether its invalidation has a time.
async fn assert_marked(url: &str, id: &str, keys: u64) {
    let done = report(&client(url), id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(
        (&done["keysMatched"], &done["keysMarkedStale"]),
        (&json!(keys), &json!(keys)),
        "{done:#}"
    );
    assert!(done["inForceAt"].is_string(), "{done:#}");
}

#[tokio::test]
async fn a_soft_clear_with_conditions_marks_only_keys_that_meet_them() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 2500).await;
    let mut other = server.connection();
    let () = other.rpush("a:list", "1").unwrap();
    let () = other.set("a:plain", "1").unwrap();

    let body = r#"{"pattern":"a:*","mode":"soft","type":"string","maxTtlSeconds":86400}"#;
    let job = begin_clear(&redis, body).await;
    work_on(&server, "a").await;

    assert_marked(&server.url(0), &job.id, 2500).await;
    assert_eq!(other.ttl::<_, i64>("a:list").unwrap(), -1);
    assert_eq!(other.ttl::<_, i64>("a:plain").unwrap(), -1);
    assert_eq!(
        outcome(&server.url(0), "a:7").await,
        Some(LookupOutcome::Stale)
    );
}

#[tokio::test]
async fn a_soft_dry_run_is_executed_for_the_keys_that_it_has_matched() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 20).await;
    let dry = begin_clear(&redis, r#"{"pattern":"a:*","mode":"soft","dryRun":true}"#).await;
    work_on(&server, "a").await;
    assert_eq!(report(&redis, &dry.id).await["executable"], "names");
    fill_entries(&server.url(0), 30).await;

    let job = execute(&redis, &dry.id, "{}").await.unwrap();
    work_on(&server, "b").await;

    assert_marked(&server.url(0), &job.id, 20).await;
    assert_eq!(report(&redis, &job.id).await["keysAppeared"], 10);
    assert_eq!(
        outcome(&server.url(0), "a:19").await,
        Some(LookupOutcome::Stale)
    );
    assert_eq!(
        outcome(&server.url(0), "a:20").await,
        Some(LookupOutcome::Hit)
    );
}

#[tokio::test]
async fn a_soft_job_by_name_counts_each_key_once_after_a_restart_of_redis() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    fill_entries(&server.url(0), 2500).await;
    let mut other = server.connection();
    let body = r#"{"pattern":"a:*","mode":"soft","maxTtlSeconds":86400}"#;
    let job = begin_clear(&redis, body).await;

    for worker in ["a", "b"] {
        let (url, audit) = (server.url(0), server.url(1));
        work(&url, &audit, worker, Waker::Request, Duration::ZERO).await;
        let parts: Vec<String> = other.keys("cache:job-part:*").unwrap();
        for part in parts {
            let () = other.hset(part, "run_id", "of another process").unwrap();
        }
    }
    work_on(&server, "c").await;

    assert_marked(&server.url(0), &job.id, 2500).await;
}

#[tokio::test]
async fn a_soft_clear_with_conditions_walks_all_nodes_of_a_cluster() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let redis = client(&cluster.url());
    fill_entries(&cluster.url(), 100).await;

    let body = r#"{"pattern":"a:*","mode":"soft","maxTtlSeconds":86400}"#;
    let job = begin_clear(&redis, body).await;
    work(&cluster.url(), &cluster.url(), "a", Waker::Request, LONG).await;

    assert_marked(&cluster.url(), &job.id, 100).await;
}
