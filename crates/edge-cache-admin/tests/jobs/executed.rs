//! Dry runs that are executed: what was seen is what is done.

use edge_cache_admin::Error;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::jobs::{JobChange, NewJob, Waker};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use redis::Commands;
use serde_json::Value;

use crate::cluster::fill_cluster;
use crate::shared::{
    LONG, begin_clear, begin_expiry, create, execute, fill, report, trail, work, work_on,
};

#[tokio::test]
async fn only_keys_that_the_dry_run_has_matched_are_removed() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 5000);
    let redis = client(&server.url(0));
    let dry = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    work_on(&server, "a").await;
    assert_eq!(report(&redis, &dry.id).await["executable"], "names");

    fill(&mut other, "users:new", 300);
    let () = other.del(&["users:1", "users:2"]).unwrap();
    let job = execute(&redis, &dry.id, "{}").await.unwrap();
    assert_eq!(report(&redis, &job.id).await["inForceAt"], Value::Null);
    work_on(&server, "b").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 4998, "{done:#}");
    assert_eq!(done["keysMatched"], 4998);
    assert_eq!(done["keysAppeared"], 300);
    assert_eq!(done["dryRunJob"], dry.id);
    assert!(done["inForceAt"].is_string());
    let left: Vec<String> = redis::cmd("KEYS").arg("users:*").query(&mut other).unwrap();
    assert_eq!(left.len(), 300);
    assert!(left.iter().all(|name| name.starts_with("users:new:")));
    assert_eq!(trail(&server), [("job-end".into(), "ok".into(), 4998)]);

    let again = execute(&redis, &dry.id, r#"{"by":"pattern"}"#)
        .await
        .unwrap();
    work_on(&server, "c").await;
    assert_eq!(report(&redis, &again.id).await["keysRemoved"], 300);
}

#[tokio::test]
async fn an_invalidation_and_an_expiry_are_executed() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 500);
    fill(&mut other, "orders", 500);
    let redis = client(&server.url(0));
    let body = br#"{"patterns":["users:*","orders:1*"],"dryRun":true}"#;
    let request = InvalidateRequest::parse(body).unwrap();
    let invalidation = create(&redis, NewJob::of_invalidation(&request).unwrap()).await;
    let body = r#"{"pattern":"orders:*","shortenTo":60,"dryRun":true}"#;
    let expiry = begin_expiry(&redis, body).await;
    work_on(&server, "a").await;

    let () = other.set("orders:new", 1).unwrap();
    let expiry = execute(&redis, &expiry.id, r#"{"confirm":true}"#)
        .await
        .unwrap();
    work_on(&server, "b").await;
    let invalidation = execute(&redis, &invalidation.id, r#"{"by":"names"}"#)
        .await
        .unwrap();
    work_on(&server, "c").await;

    let changed = report(&redis, &expiry.id).await;
    assert_eq!(changed["keysChanged"], 500, "{changed:#}");
    assert_eq!(changed["keysAppeared"], 1);
    assert_eq!(other.ttl::<_, i64>("orders:new").unwrap(), -1);
    let removed = report(&redis, &invalidation.id).await;
    assert_eq!(removed["keysRemoved"], 611, "{removed:#}");
}

#[tokio::test]
async fn jobs_that_cannot_be_executed_say_why() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let redis = client(&server.url(0));
    let refusal = async |id: &str, body: &str| match execute(&redis, id, body).await {
        Err(Error::JobState(problem) | Error::ConfirmationRequired(problem)) => problem,
        other => panic!("{other:?}"),
    };

    let dry = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    let everything = begin_clear(&redis, r#"{"dryRun":true}"#).await;
    let cancelled = begin_clear(&redis, r#"{"pattern":"a:*","dryRun":true}"#).await;
    JobChange::Cancel.run(&redis, &cancelled.id).await.unwrap();
    assert!(refusal(&dry.id, "{}").await.contains("is queued"));
    work_on(&server, "a").await;
    let clear = begin_clear(&redis, r#"{"pattern":"users:1"}"#).await;
    work_on(&server, "b").await;

    assert!(refusal(&clear.id, "{}").await.contains("not a dry run"));
    assert!(refusal(&cancelled.id, "{}").await.contains("is cancelled"));
    assert!(refusal(&everything.id, "{}").await.contains("confirm"));
    let names = format!("cache:job-names:{{{}}}:1", dry.id);
    let left: i64 = other.pttl(&names).unwrap();
    assert!((1..=7 * 86_400_000).contains(&left), "{left}");
    let () = other.del(&names).unwrap();
    assert!(
        refusal(&dry.id, "{}")
            .await
            .contains("no longer has the names")
    );
    let unknown = execute(&redis, &dry.id, r#"{"by":"luck"}"#).await;
    assert!(matches!(unknown, Err(Error::Invalid { .. })), "{unknown:?}");
    let missing = execute(&redis, "0123456789abcdef0123", "{}").await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
}

#[tokio::test]
async fn names_that_are_lost_during_an_execution_fail_it() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let redis = client(&server.url(0));
    let dry = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    work_on(&server, "a").await;
    let job = execute(&redis, &dry.id, "{}").await.unwrap();

    let () = other
        .del(format!("cache:job-names:{{{}}}:1", dry.id))
        .unwrap();
    work_on(&server, "b").await;

    let failed = report(&redis, &job.id).await;
    assert_eq!(failed["state"], "failed", "{failed:#}");
    assert_eq!(failed["keysRemoved"], 0);
    assert!(other.exists::<_, bool>("users:1").unwrap());
}

#[tokio::test]
async fn a_remembered_name_takes_about_ten_bytes() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 200_000);
    let redis = client(&server.url(0));
    let dry = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    work_on(&server, "a").await;

    let names = format!("cache:job-names:{{{}}}:1", dry.id);
    let bytes: u64 = redis::cmd("MEMORY")
        .arg("USAGE")
        .arg(names)
        .arg("SAMPLES")
        .arg(0)
        .query(&mut other)
        .unwrap();
    assert!((1_600_000..2_600_000).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_dry_run_of_a_cluster_is_executed_after_slots_have_moved() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let trail = RedisServer::start();
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", 3000).await;
    let dry = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    work(&cluster.url(), &trail.url(1), "a", Waker::Request, LONG).await;

    fill_cluster(&redis, "users:new", 100).await;
    cluster.move_slots(0..300, 0, 1);
    let job = execute(&redis, &dry.id, r#"{"confirm":true}"#)
        .await
        .unwrap();
    work(&cluster.url(), &trail.url(1), "b", Waker::Request, LONG).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 3000, "{done:#}");
    assert_eq!(done["keysAppeared"], 100, "{done:#}");
}

#[tokio::test]
async fn the_names_of_the_oldest_dry_runs_make_room_for_newer_ones() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let redis = client(&server.url(0));
    let mut dry_runs = Vec::new();
    for _ in 0..3 {
        dry_runs.push(
            begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#)
                .await
                .id,
        );
        work_on(&server, "a").await;
    }
    // As if they had matched almost as many keys as all dry runs together may remember.
    for id in &dry_runs[..2] {
        let record: String = other.hget("cache:jobs", id).unwrap();
        let large = record.replace(r#""matched":10"#, r#""matched":4999990"#);
        let () = other.hset("cache:jobs", id, large).unwrap();
    }
    let names = |id: &String| format!("cache:job-names:{{{id}}}:1");

    let newest = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#)
        .await
        .id;
    work_on(&server, "b").await;
    for id in dry_runs.iter().chain([&newest]) {
        assert_eq!(report(&redis, id).await["executable"], "names");
    }
    fill(&mut other, "users", 20);
    begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    work_on(&server, "c").await;

    assert_eq!(report(&redis, &dry_runs[0]).await["executable"], "pattern");
    assert!(!other.exists::<_, bool>(names(&dry_runs[0])).unwrap());
    for id in &dry_runs[1..] {
        assert_eq!(report(&redis, id).await["executable"], "names");
        assert!(other.exists::<_, bool>(names(id)).unwrap());
    }
    match execute(&redis, &dry_runs[0], "{}").await {
        Err(Error::Invalid { problem, .. }) => assert!(problem.contains("newer ones"), "{problem}"),
        other => panic!("{other:?}"),
    }
    let by_pattern = execute(&redis, &dry_runs[0], r#"{"by":"pattern"}"#).await;
    assert!(by_pattern.is_ok(), "{by_pattern:?}");
}
