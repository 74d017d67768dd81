//! Warmups as jobs: paused, cancelled, and continued by another worker.

use std::time::Duration;

use edge_cache::keyspace::ttl::TtlTable;
use edge_cache_admin::jobs::{
    Job, JobChange, JobOrigin, JobReport, NewJob, Waker, WarmupTools, Worker, read_job,
};
use edge_cache_admin::warmup::{WarmupLimits, WarmupRequest, WarmupState, read_progress};
use edge_cache_testing::{RedisServer, client};
use futures_util::future::join;
use redis::Commands;
use serde_json::Value;

use super::{FixedSource, Native, read_plan};

const LONG: Duration = Duration::from_secs(60);
/// Three entries, the second of which the test holds.
const THREE: &str = r#"
    [[module]]
    name = "m"
    priority = 1
    entry = [
      { key = "m:first", query = "one", shape = "scalar" },
      { key = "m:{id}", query = "held", shape = "row" },
      { key = "m:last", query = "one", shape = "scalar" },
    ]"#;

async fn begin(redis: &Native, body: &str) -> Job {
    let request = WarmupRequest::parse(body.as_bytes(), &read_plan(THREE)).unwrap();
    let origin = JobOrigin {
        by: "deploy".to_owned(),
        ..JobOrigin::default()
    };
    let new = NewJob::of_warmup(&request);
    new.create(redis, origin, Duration::from_millis(50))
        .await
        .unwrap()
}

async fn work(server: &RedisServer, name: &str, source: &FixedSource, limit: Duration) {
    let (redis, audit) = (client(&server.url(0)), client(&server.url(1)));
    let worker = worker(&redis, &audit, name);
    let tools = WarmupTools {
        source,
        plan: &read_plan(THREE),
        ttl_table: &TtlTable::default(),
        limits: WarmupLimits::default(),
    };
    worker.work_on_warmups(&tools, limit).await.unwrap();
}

fn worker<'a>(redis: &'a Native, audit: &'a Native, name: &str) -> Worker<'a, Native, Native> {
    Worker {
        redis,
        audit,
        name: name.to_owned(),
        waker: Waker::Request,
        on_unwritten: &|record, error| panic!("{record:?} was not written: {error}"),
    }
}

async fn report(redis: &Native, job: &Job) -> Value {
    let job = read_job(redis, &job.id).await.unwrap();
    serde_json::to_value(JobReport::from(job)).unwrap()
}

/// Actions, outcomes and details of the trail, oldest first.
fn trail(server: &RedisServer) -> Vec<(String, String, String)> {
    let mut other = server.connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut other).unwrap();
    let mut records = Vec::new();
    for stream in ["cache:audit", "cache:audit:automatic"] {
        let range = redis::cmd("XRANGE")
            .arg(stream)
            .arg("-")
            .arg("+")
            .to_owned();
        let entries: Vec<(String, Vec<String>)> = range.query(&mut other).unwrap();
        for (_, fields) in entries {
            let record: Value = serde_json::from_str(&fields[1]).unwrap();
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            records.push((text("action"), text("outcome"), text("detail")));
        }
    }
    records
}

fn free_source() -> FixedSource {
    let source = FixedSource::default();
    source.go_on.notify_one();
    source
}

#[tokio::test]
async fn a_warmup_that_is_a_job_ends_with_counts_and_a_record() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin(&redis, "{}").await;
    let queued = report(&redis, &job).await;
    assert_eq!(queued["state"], "queued");
    assert_eq!(queued["kind"], "warmup");

    work(&server, "a", &free_source(), LONG).await;

    let done = report(&redis, &job).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["warmup"]["keysCreated"], 5);
    assert_eq!(done["progress"]["percent"], 100.0);
    let [(action, outcome, detail)] = &trail(&server)[..] else {
        panic!("{:?}", trail(&server));
    };
    assert_eq!([action.as_str(), outcome], ["job-end", "ok"]);
    assert!(
        detail.ends_with("5 keys written, 0 skipped, 0 errors"),
        "{detail}"
    );
    let status = read_progress(&redis).await.unwrap().unwrap();
    assert_eq!(
        (status.state, status.by.as_str()),
        (WarmupState::Done, "deploy")
    );
    assert!(
        !server
            .connection()
            .exists::<_, bool>("lock:cache:warmup")
            .unwrap()
    );
}

#[tokio::test]
async fn workers_without_sources_leave_a_warmup_alone() {
    let server = RedisServer::start();
    let (redis, audit) = (client(&server.url(0)), client(&server.url(1)));
    let job = begin(&redis, "{}").await;

    worker(&redis, &audit, "walker").work(LONG).await.unwrap();
    assert_eq!(report(&redis, &job).await["state"], "queued");
    work(&server, "a", &free_source(), LONG).await;
    assert_eq!(report(&redis, &job).await["state"], "done");
}

#[tokio::test]
async fn a_dry_run_that_is_a_job_writes_nothing() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin(&redis, r#"{"dryRun":true}"#).await;

    work(&server, "a", &free_source(), LONG).await;

    let done = report(&redis, &job).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["dryRun"], true);
    assert_eq!(done["executable"], Value::Null);
    assert_eq!(done["warmup"]["keysCreated"], 5);
    assert!(!server.connection().exists::<_, bool>("m:first").unwrap());
    assert!(trail(&server).is_empty());
}

#[tokio::test]
async fn a_paused_warmup_continues_after_the_last_entry_that_it_has_finished() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin(&redis, "{}").await;

    let source = FixedSource::default();
    let pause = async {
        source.loading.notified().await;
        JobChange::Pause.run(&redis, &job.id).await.unwrap();
    };
    join(work(&server, "a", &source, LONG), pause).await;
    let paused = report(&redis, &job).await;
    assert_eq!(paused["state"], "paused", "{paused:#}");
    assert_eq!(paused["warmup"]["modules"][0]["entriesDone"], 1);
    assert!(
        !server
            .connection()
            .exists::<_, bool>("lock:cache:warmup")
            .unwrap()
    );

    JobChange::Resume.run(&redis, &job.id).await.unwrap();
    work(&server, "b", &free_source(), LONG).await;
    let done = report(&redis, &job).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["warmup"]["keysCreated"], 5);
    assert_eq!(done["warmup"]["keysSkipped"], 0);
    assert_eq!(done["takeovers"], 0);
}

#[tokio::test]
async fn a_cancelled_warmup_is_in_the_trail_with_its_counts() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin(&redis, "{}").await;

    let source = FixedSource::default();
    let cancel = async {
        source.loading.notified().await;
        JobChange::Cancel.run(&redis, &job.id).await.unwrap();
    };
    join(work(&server, "a", &source, LONG), cancel).await;

    let ended = report(&redis, &job).await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    assert_eq!(ended["warmup"]["state"], "cancelled");
    assert_eq!(ended["warmup"]["keysCreated"], 1);
    let [(action, outcome, _)] = &trail(&server)[..] else {
        panic!("{:?}", trail(&server));
    };
    assert_eq!([action.as_str(), outcome], ["job-end", "cancelled"]);
}

#[tokio::test]
async fn another_worker_takes_over_after_the_last_entry_that_was_finished() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin(&redis, r#"{"force":true}"#).await;
    let source = FixedSource::default();
    let killed = work(&server, "a", &source, LONG);
    // Its progress is stored while the source takes long.
    let is_killed = tokio::time::timeout(Duration::from_millis(3500), killed).await;
    assert!(is_killed.is_err());
    assert_eq!(report(&redis, &job).await["state"], "running");

    let mut other = server.connection();
    let () = other.del("lock:cache:warmup").unwrap();
    let () = other.set("m:first", "changed by another client").unwrap();
    work(&server, "b", &free_source(), LONG).await;

    let done = report(&redis, &job).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["takeovers"], 1);
    assert_eq!(done["warmup"]["keysCreated"], 5);
    assert_eq!(done["warmup"]["modules"][0]["entriesDone"], 3);
    let first: String = other.get("m:first").unwrap();
    assert_eq!(first, "changed by another client");
    let actions: Vec<String> = trail(&server)
        .into_iter()
        .map(|(action, ..)| action)
        .collect();
    assert_eq!(actions, ["job-end", "job-takeover"]);
}

#[tokio::test]
async fn a_worker_whose_time_is_over_leaves_the_rest_to_another() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin(&redis, "{}").await;

    work(&server, "a", &free_source(), Duration::ZERO).await;
    let left = report(&redis, &job).await;
    assert_eq!(left["state"], "queued", "{left:#}");
    assert_eq!(left["warmup"]["modules"][0]["entriesDone"], 1);

    work(&server, "b", &free_source(), LONG).await;
    let done = report(&redis, &job).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["warmup"]["keysCreated"], 5);
    assert_eq!(done["takeovers"], 0);
}
