//! Full analyses, which are jobs.

use std::time::Duration;

use edge_cache::redis::Redis;
use edge_cache_admin::admin::analysis::{AnalysisPageRequest, AnalysisRequest};
use edge_cache_admin::jobs::{self, Job, JobOrigin, JobReport, NewJob, Waker, Worker};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::sampled::fill_cluster;
use crate::shared::{Client, analyse, fill, group, prefixes, send};

pub async fn begin(redis: &Client, body: Value) -> Job {
    let request = AnalysisRequest::parse(body.to_string().as_bytes()).unwrap();
    let origin = JobOrigin {
        by: "ada".to_owned(),
        role: "admin".to_owned(),
        ..JobOrigin::default()
    };
    let job = NewJob::of_analysis(&request);
    let interval = Duration::from_millis(50);
    job.create(redis, origin, interval).await.unwrap()
}

pub async fn work(redis: &Client, trail: &Client, name: &str) {
    let worker = Worker {
        redis,
        audit: trail,
        name: name.to_owned(),
        waker: Waker::Request,
        on_unwritten: &|record, error| panic!("{record:?} was not written: {error}"),
    };
    worker.work(Duration::from_secs(60)).await.unwrap();
}

pub async fn newest(trail: &Client) -> Value {
    let request = AnalysisPageRequest::parse("").unwrap();
    json!(request.run(trail).await.unwrap())
}

async fn report<R: Redis>(redis: &R, id: &str) -> Value {
    json!(JobReport::from(jobs::read_job(redis, id).await.unwrap()))
}

/// Asserts that the services' groups have the same figures. Internal keys are those of the job, too.
#[track_caller]
fn assert_same_groups(found: &Value, expected: &Value, figures: &[&str]) {
    let services = |analysis| {
        let mut prefixes = prefixes(analysis);
        prefixes.retain(|prefix| !["cache:", "lock:"].contains(prefix));
        prefixes
    };
    assert_eq!(services(found), services(expected));
    for prefix in services(expected) {
        for figure in figures {
            let [found, expected] =
                [found, expected].map(|analysis| &group(analysis, prefix)[figure]);
            assert_eq!(found, expected, "{prefix} {figure}");
        }
    }
}

#[tokio::test]
async fn a_full_analysis_is_exact_wherever_workers_are_killed() {
    let server = RedisServer::start();
    fill(&server, 40_000, 20, |n| format!("m{}:{n}:page", n % 70));
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    let expected = analyse(&redis, &trail, json!({"sampleKeys": 100_000})).await;

    let job = begin(&redis, json!({"mode": "full"})).await;
    let mut takeovers = 0;
    for number in 0..6 {
        let name = format!("worker {number}");
        let killed = timeout(Duration::from_millis(230), work(&redis, &trail, &name)).await;
        takeovers += u64::from(killed.is_err());
        // The next one does not wait for the end of the lease.
        send(&server, &["DEL", "lock:cache:jobs"]);
    }
    work(&redis, &trail, "last").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["kind"], "analysis");
    assert!(done["keysMatched"].as_u64().unwrap() >= 40_000, "{done:#}");
    assert_eq!(done["keysRemoved"], 0);
    assert!(takeovers > 0, "no worker was killed");

    let found = newest(&trail).await;
    assert_eq!(found["mode"], "full");
    assert_eq!(found["by"], "ada");
    assert_same_groups(&found, &expected, &["keys", "bytes", "types", "ttl"]);
    assert_eq!(found["runs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_full_analysis_of_a_cluster_sums_up_the_nodes() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let trail = RedisServer::start();
    let (redis, trail) = (client(&cluster.url()), client(&trail.url(1)));
    fill_cluster(&redis, 6000).await;
    let expected = analyse(&redis, &trail, json!({})).await;

    let job = begin(&redis, json!({"mode": "full", "depth": 3})).await;
    work(&redis, &trail, "one").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    let found = newest(&trail).await;
    assert_eq!(group(&found, "{hot}:")["keys"]["value"], 2000);
    assert_same_groups(&found, &expected, &["keys", "bytes"]);
}

#[tokio::test]
async fn a_full_analysis_keeps_to_its_pace_and_can_be_cancelled() {
    let server = RedisServer::start();
    fill(&server, 5000, 20, |n| format!("users:{n}"));
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

    let job = begin(&redis, json!({"mode": "full", "maxKeysPerSecond": 1000})).await;
    let stopped = timeout(Duration::from_millis(900), work(&redis, &trail, "a")).await;
    assert!(stopped.is_err(), "5,000 keys take five seconds");
    let running = report(&redis, &job.id).await;
    let visited = running["keysMatched"].as_u64().unwrap();
    assert!((1..3000).contains(&visited), "{running:#}");

    jobs::JobChange::Cancel.run(&redis, &job.id).await.unwrap();
    send(&server, &["DEL", "lock:cache:jobs"]);
    work(&redis, &trail, "b").await;
    assert_eq!(report(&redis, &job.id).await["state"], "cancelled");
    let request = AnalysisPageRequest::parse("").unwrap();
    assert!(request.run(&trail).await.is_err(), "nothing was kept");
}
