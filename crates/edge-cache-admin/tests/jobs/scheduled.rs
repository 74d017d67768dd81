//! Jobs with a time.

use std::time::{Duration, SystemTime};

use edge_cache::units;
use edge_cache_admin::jobs::{JobChange, Waker, read_open_fences};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::shared::{LONG, begin_clear, begin_expiry, fences, fill, report, trail, work, work_on};

fn in_a_while(milliseconds: u64) -> String {
    units::timestamp(SystemTime::now() + Duration::from_millis(milliseconds))
}

#[tokio::test]
async fn a_job_begins_at_its_time_and_not_before() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 100);
    let redis = client(&server.url(0));
    let body = json!({ "pattern": "users:*", "async": true, "runAt": in_a_while(1500) });
    let job = begin_clear(&redis, &body.to_string()).await;

    work_on(&server, "a").await;
    let waiting = report(&redis, &job.id).await;
    assert_eq!(waiting["state"], "scheduled", "{waiting:#}");
    assert_eq!(waiting["runAt"], body["runAt"]);
    assert_eq!(waiting["inForceAt"], Value::Null);
    assert!(read_open_fences(&redis).await.unwrap().is_empty());
    assert_eq!(fences(&mut other), 0);
    let refused = JobChange::Pause.run(&redis, &job.id).await;
    assert!(refused.is_err(), "{refused:?}");

    sleep(Duration::from_millis(1500)).await;
    work_on(&server, "b").await;
    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 100);
    assert!(done["inForceAt"].as_str() >= body["runAt"].as_str());
    let expected = [
        ("job-begin".into(), "ok".into(), 0),
        ("job-end".into(), "ok".into(), 100),
    ];
    assert_eq!(trail(&server), expected);
}

#[tokio::test]
async fn a_due_job_is_in_force_while_another_is_running() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 100);
    let redis = client(&server.url(0));
    let body = json!({ "pattern": "users:*", "async": true, "runAt": in_a_while(300) });
    let job = begin_clear(&redis, &body.to_string()).await;
    let () = other.pset_ex("lock:cache:jobs", "another", 60_000).unwrap();

    sleep(Duration::from_millis(400)).await;
    let (url, audit) = (server.url(0), server.url(1));
    work(&url, &audit, "a", Waker::Request, LONG).await;

    let queued = report(&redis, &job.id).await;
    assert_eq!(queued["state"], "queued", "{queued:#}");
    assert!(queued["inForceAt"].is_string(), "{queued:#}");
    assert_eq!(read_open_fences(&redis).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_scheduled_job_is_cancelled() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let redis = client(&server.url(0));
    let body = json!({ "pattern": "users:*", "ttl": 5, "async": true, "runAt": in_a_while(100) });
    let job = begin_expiry(&redis, &body.to_string()).await;

    JobChange::Cancel.run(&redis, &job.id).await.unwrap();
    sleep(Duration::from_millis(150)).await;
    work_on(&server, "a").await;

    assert_eq!(report(&redis, &job.id).await["state"], "cancelled");
    assert_eq!(other.ttl::<_, i64>("users:1").unwrap(), -1);
    assert_eq!(trail(&server), [("job-end".into(), "cancelled".into(), 0)]);
}
