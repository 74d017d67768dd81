//! States of jobs: transitions, the queue, the lease.

use std::time::Duration;

use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::jobs::{
    JobChange, JobPageRequest, MAX_UNFINISHED_JOBS, NewJob, Waker, read_job, read_open_fences,
};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::shared::{LONG, begin_clear, fill, origin, report, trail, work, work_on};

#[tokio::test]
async fn a_paused_job_waits_until_it_is_resumed() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 100);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    JobChange::Pause.run(&redis, &job.id).await.unwrap();
    work_on(&server, "a").await;
    assert_eq!(report(&redis, &job.id).await["state"], "paused");
    let again = JobChange::Pause.run(&redis, &job.id).await;
    assert!(matches!(again, Err(Error::JobState(_))), "{again:?}");

    JobChange::Resume.run(&redis, &job.id).await.unwrap();
    work_on(&server, "a").await;
    assert_eq!(report(&redis, &job.id).await["keysRemoved"], 100);
}

#[tokio::test]
async fn a_cancelled_job_removes_nothing_more_and_is_in_the_trail() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 100);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    assert_eq!(read_open_fences(&redis).await.unwrap().len(), 1);

    JobChange::Cancel.run(&redis, &job.id).await.unwrap();
    assert_eq!(report(&redis, &job.id).await["state"], "cancelled");
    work_on(&server, "a").await;

    let ended = report(&redis, &job.id).await;
    assert_eq!(ended["state"], "cancelled");
    assert_eq!(ended["keysRemoved"], 0);
    assert!(server.connection().exists::<_, bool>("users:1").unwrap());
    assert_eq!(trail(&server), [("job-end".into(), "cancelled".into(), 0)]);
    assert!(read_open_fences(&redis).await.unwrap().is_empty());

    for change in [JobChange::Cancel, JobChange::Pause, JobChange::Resume] {
        let refused = change.run(&redis, &job.id).await;
        assert!(matches!(refused, Err(Error::JobState(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn unknown_jobs_are_not_found() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    for id in ["", "x", "0123456789abcdef0123", "cache:jobs"] {
        assert!(matches!(
            read_job(&redis, id).await,
            Err(Error::NotFound(_))
        ));
        let change = JobChange::Cancel.run(&redis, id).await;
        assert!(matches!(change, Err(Error::NotFound(_))), "{change:?}");
    }
}

#[tokio::test]
async fn jobs_are_worked_on_in_their_order_and_by_one_worker() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 100);
    let redis = client(&server.url(0));
    let first = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    // Jobs of one millisecond have no order.
    tokio::time::sleep(Duration::from_millis(2)).await;
    // Jobs with a pace walk alone.
    let body = r#"{"pattern":"users:1*","async":true,"maxKeysPerSecond":1000}"#;
    let second = begin_clear(&redis, body).await;
    let mut other = server.connection();
    let () = other.pset_ex("lock:cache:jobs", "another", 60_000).unwrap();

    work_on(&server, "a").await;
    assert_eq!(report(&redis, &first.id).await["state"], "queued");

    let () = other.del("lock:cache:jobs").unwrap();
    work_on(&server, "a").await;
    assert_eq!(report(&redis, &first.id).await["keysRemoved"], 100);
    assert_eq!(report(&redis, &second.id).await["keysRemoved"], 0);
    assert!(!other.exists::<_, bool>("lock:cache:jobs").unwrap());
}

#[tokio::test]
async fn the_schedule_takes_over_once_the_lease_of_another_worker_has_ended() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 100);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let mut other = server.connection();
    let record: String = other.hget("cache:jobs", &job.id).unwrap();
    let record = record.replace(r#""owner":"""#, r#""owner":"killed""#);
    let () = other.hset("cache:jobs", &job.id, record).unwrap();
    let () = other.hset("cache:jobs:states", &job.id, "running").unwrap();
    let () = other.pset_ex("lock:cache:jobs", "killed", 1500).unwrap();

    let (url, audit) = (server.url(0), server.url(1));
    work(&url, &audit, "b", Waker::Schedule, LONG).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done");
    assert_eq!(done["takeovers"], 1);
    let actions: Vec<String> = trail(&server)
        .into_iter()
        .map(|(action, ..)| action)
        .collect();
    assert_eq!(actions, ["job-takeover", "job-end"]);
}

#[tokio::test]
async fn an_end_that_is_not_in_the_trail_is_recorded_by_the_next_worker() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let mut other = server.connection();
    let () = other
        .hset("cache:jobs:states", &job.id, "finishing")
        .unwrap();
    assert_eq!(report(&redis, &job.id).await["state"], "done");

    work_on(&server, "b").await;
    work_on(&server, "c").await;

    assert_eq!(trail(&server), [("job-end".into(), "ok".into(), 0)]);
    let state: String = other.hget("cache:jobs:states", &job.id).unwrap();
    assert_eq!(state, "done");
}

#[tokio::test]
async fn too_many_unfinished_jobs_are_refused_without_a_fence() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    for _ in 0..MAX_UNFINISHED_JOBS {
        begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    }

    let request = ClearRequest::parse(br#"{"pattern":"orders:*"}"#).unwrap();
    let new = NewJob::of_clear(&request).unwrap();
    let refused = new.create(&redis, origin(), LONG).await;
    assert!(matches!(refused, Err(Error::TooManyJobs(_))), "{refused:?}");
    let last: Vec<(String, Vec<String>)> = redis::cmd("XREVRANGE")
        .arg(&["cache:fences", "+", "-", "COUNT", "1"])
        .query(&mut server.connection())
        .unwrap();
    assert_eq!(last[0].1, ["pattern", "users:*"]);
}

#[tokio::test]
async fn pages_lead_through_all_jobs_newest_first() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(begin_clear(&redis, r#"{"pattern":"users:*"}"#).await.id);
    }
    ids.sort();
    ids.reverse();
    JobChange::Cancel.run(&redis, &ids[2]).await.unwrap();

    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = JobPageRequest::parse(&query)
            .unwrap()
            .run(&redis)
            .await
            .unwrap();
        let page = serde_json::to_value(page).unwrap();
        assert_eq!(page["pagination"]["total"], 5);
        let jobs = page["jobs"].as_array().unwrap();
        seen.extend(
            jobs.iter()
                .map(|job| job["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["pagination"]["nextCursor"].as_str() else {
            break;
        };
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);

    let cancelled = JobPageRequest::parse("state=cancelled").unwrap();
    let cancelled = cancelled.run(&redis).await.unwrap();
    assert_eq!(cancelled.pagination.total, 1);
    for bad in ["limit=0", "cursor=x", "state=cancelling", "sort=up"] {
        assert!(JobPageRequest::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn ended_jobs_are_let_go_after_a_week() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let record: String = other.hget("cache:jobs", &job.id).unwrap();
    // One that ended in 2001, and one of then that has not.
    for (id, state) in [
        ("00e8d4a5100000000001", "done"),
        ("00e8d4a5100000000002", "paused"),
    ] {
        let () = other.hset("cache:jobs", id, &record).unwrap();
        let () = other.hset("cache:jobs:states", id, state).unwrap();
    }

    let page = JobPageRequest::parse("")
        .unwrap()
        .run(&redis)
        .await
        .unwrap();
    assert_eq!(page.pagination.total, 2, "it is not shown any more");
    begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    let kept: Vec<String> = other.hkeys("cache:jobs").unwrap();
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert!(kept.contains(&"00e8d4a5100000000002".to_owned()));
}

#[tokio::test]
async fn cancelling_a_job_keeps_the_fence_of_another_one_for_the_same_pattern() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let first = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    JobChange::Pause.run(&redis, &first.id).await.unwrap();
    let second = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    JobChange::Cancel.run(&redis, &second.id).await.unwrap();
    work_on(&server, "a").await;

    let mut other = server.connection();
    assert_eq!(ends_of_fences(&mut other), 0);
    JobChange::Cancel.run(&redis, &first.id).await.unwrap();
    work_on(&server, "a").await;
    assert_eq!(ends_of_fences(&mut other), 1);
}

/// How many fences have ended.
fn ends_of_fences(redis: &mut redis::Connection) -> usize {
    let entries: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
        .arg("cache:fences")
        .arg("-")
        .arg("+")
        .query(redis)
        .unwrap();
    let ends = entries.iter().filter(|(_, fields)| fields[0] == "end");
    ends.count()
}

#[tokio::test]
async fn a_record_that_cannot_be_read_holds_up_no_other_job() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 100);
    let redis = client(&server.url(0));
    let odd = begin_clear(&redis, r#"{"pattern":"seo:*"}"#).await;
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let () = other
        .hset("cache:jobs", &odd.id, r#"{"later":true}"#)
        .unwrap();

    work_on(&server, "a").await;

    assert_eq!(report(&redis, &job.id).await["keysRemoved"], 100);
    let state: String = other.hget("cache:jobs:states", &odd.id).unwrap();
    assert_eq!(state, "failed");
    assert_eq!(read_open_fences(&redis).await.unwrap().len(), 0);
    let page = JobPageRequest::parse("").unwrap();
    assert_eq!(page.run(&redis).await.unwrap().jobs.len(), 1);
}

#[tokio::test]
async fn a_failing_job_can_no_longer_be_paused_and_fails() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let () = other.hset("cache:jobs:states", &job.id, "failing").unwrap();

    for change in [JobChange::Pause, JobChange::Resume, JobChange::Cancel] {
        let refused = change.run(&redis, &job.id).await;
        assert!(matches!(refused, Err(Error::JobState(_))), "{refused:?}");
    }
    work_on(&server, "a").await;

    assert_eq!(report(&redis, &job.id).await["state"], "failed");
    assert_eq!(trail(&server), [("job-end".into(), "failed".into(), 0)]);
}

#[tokio::test]
async fn a_job_slows_down_while_redis_is_slow() {
    let server = RedisServer::with(RedisServer::debuggable());
    fill(&mut server.connection(), "users", 50_000);
    let redis = client(&server.url(0));
    let body = r#"{"pattern":"users:*","async":true,"maxLatencyMs":20,"maxKeysPerSecond":20000}"#;
    let job = begin_clear(&redis, body).await;

    let mut blocking = server.connection();
    let blocked = std::thread::spawn(move || {
        for _ in 0..12 {
            let () = redis::cmd("DEBUG")
                .arg(&["SLEEP", "0.15"])
                .query(&mut blocking)
                .unwrap();
        }
    });
    let (url, audit) = (server.url(0), server.url(1));
    work(&url, &audit, "a", Waker::Request, Duration::from_secs(1)).await;
    let slow = report(&redis, &job.id).await;
    blocked.join().unwrap();
    assert!(slow["restMs"].as_u64().unwrap() > 0, "{slow:#}");
    assert!(slow["latencyMs"].as_f64().unwrap() > 20.0, "{slow:#}");

    work_on(&server, "b").await;
    assert_eq!(report(&redis, &job.id).await["keysRemoved"], 50_000);
}
