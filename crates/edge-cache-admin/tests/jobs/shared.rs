//! Helpers for the tests of jobs.

use std::time::Duration;

use edge_cache::{HostRuntime, Redis};
use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::expire::ExpireRequest;
use edge_cache_admin::jobs::{
    self, ExecuteRequest, Job, JobOrigin, JobReport, NewJob, Waker, Worker,
};
use edge_cache_testing::{RedisServer, client};
use serde_json::Value;

/// Longer than any job of these tests takes.
pub const LONG: Duration = Duration::from_secs(60);

pub fn origin() -> JobOrigin {
    JobOrigin {
        by: "deploy".to_owned(),
        role: "operator".to_owned(),
        ip: "192.0.2.7".to_owned(),
        request_id: "request-1".to_owned(),
        operation_id: Some("1763209860000-0-1-5f0c2a9e5f0c2a9e".to_owned()),
    }
}

pub async fn begin_clear<R: Redis + HostRuntime>(redis: &R, body: &str) -> Job {
    let request = ClearRequest::parse(body.as_bytes()).unwrap();
    create(redis, NewJob::of_clear(&request).unwrap()).await
}

pub async fn create<R: Redis + HostRuntime>(redis: &R, job: NewJob<'_>) -> Job {
    let created = job.create(redis, origin(), Duration::from_millis(50)).await;
    // Jobs of one millisecond have no order.
    tokio::time::sleep(Duration::from_millis(2)).await;
    created.unwrap()
}

pub async fn begin_expiry<R: Redis + HostRuntime>(redis: &R, body: &str) -> Job {
    let request = ExpireRequest::parse(body.as_bytes()).unwrap();
    create(redis, NewJob::of_expiry(&request).unwrap()).await
}

/// Begins the execution of a dry run.
pub async fn execute<R: Redis + HostRuntime>(
    redis: &R,
    id: &str,
    body: &str,
) -> Result<Job, Error> {
    let request = ExecuteRequest::parse(body.as_bytes())?;
    let execution = request.prepare(redis, id).await?;
    Ok(create(redis, execution.into_job()).await)
}

/// Works on the jobs at this address, with the audit trail at another.
pub async fn work(url: &str, audit_url: &str, name: &str, waker: Waker, limit: Duration) {
    let redis = client(url);
    let audit = client(audit_url);
    let worker = Worker {
        redis: &redis,
        audit: &audit,
        name: name.to_owned(),
        waker,
        on_unwritten: &|record, error| panic!("{record:?} was not written: {error}"),
    };
    worker.work(limit).await.unwrap();
}

pub async fn work_on(server: &RedisServer, name: &str) {
    work(&server.url(0), &server.url(1), name, Waker::Request, LONG).await;
}

pub async fn report<R: Redis>(redis: &R, id: &str) -> Value {
    let job = jobs::read_job(redis, id).await.unwrap();
    serde_json::to_value(JobReport::from(job)).unwrap()
}

/// The actions of the trail with their outcomes and counts, oldest first.
pub fn trail(server: &RedisServer) -> Vec<(String, String, u64)> {
    let mut other = server.connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut other).unwrap();
    let mut records = Vec::new();
    for stream in ["cache:audit", "cache:audit:automatic"] {
        let entries: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
            .arg(stream)
            .arg("-")
            .arg("+")
            .query(&mut other)
            .unwrap();
        records.extend(
            entries
                .into_iter()
                .map(|(id, fields)| (id, fields[1].clone())),
        );
    }
    records.sort();

    let read = |(_, json): (String, String)| {
        let record: Value = serde_json::from_str(&json).unwrap();
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        let deleted = record["keysDeleted"].as_u64().unwrap();
        (text("action"), text("outcome"), deleted)
    };
    records.into_iter().map(read).collect()
}

/// Stores keys `<prefix>:0`, `<prefix>:1`, ...
pub fn fill(connection: &mut redis::Connection, prefix: &str, count: usize) {
    for first in (0..count).step_by(10_000) {
        let mut filling = redis::pipe();
        for number in first..count.min(first + 10_000) {
            filling.set(format!("{prefix}:{number}"), 1).ignore();
        }
        filling.exec(connection).unwrap();
    }
}

/// The number of recorded fences.
pub fn fences(connection: &mut redis::Connection) -> u64 {
    let count = redis::cmd("XLEN").arg("cache:fences").query(connection);
    count.unwrap()
}
