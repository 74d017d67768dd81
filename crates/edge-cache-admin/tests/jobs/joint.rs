//! Jobs that wait for the same kind of walk share one.

use std::time::Duration;

use edge_cache_admin::jobs::{Job, JobChange, Waker};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use serde_json::Value;
use tokio::time::sleep;

use crate::cluster::fill_cluster;
use crate::killed::{kill_workers, random};
use crate::shared::{begin_clear, fill, report, trail, work, work_on};

const LEASE: &str = "lock:cache:jobs";

async fn begin<R: edge_cache::HostRuntime + edge_cache::Redis>(redis: &R, pattern: &str) -> Job {
    begin_clear(redis, &format!(r#"{{"pattern":"{pattern}"}}"#)).await
}

/// How often the server has executed `SCAN` since its statistics were reset.
fn scans(connection: &mut redis::Connection) -> u64 {
    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(connection)
        .unwrap();
    let calls = info.split_once("cmdstat_scan:calls=").unwrap().1;
    calls.split(',').next().unwrap().parse().unwrap()
}

fn reset_statistics(connection: &mut redis::Connection) {
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(connection)
        .unwrap();
}

fn count_left(connection: &mut redis::Connection, pattern: &str) -> u64 {
    let keys: Vec<String> = redis::Commands::keys(connection, pattern).unwrap();
    keys.len() as u64
}

fn assert_counts(job: &Value, keys: u64) {
    assert_eq!(job["state"], "done", "{job:#}");
    assert_eq!(job["keysMatched"], keys, "{job:#}");
    assert_eq!(job["keysRemoved"], keys, "{job:#}");
    assert_eq!(job["keysFailed"], 0, "{job:#}");
}

#[tokio::test]
async fn jobs_that_wait_cost_one_walk() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "products", 30_000);
    let redis = client(&server.url(0));

    begin(&redis, "users:*").await;
    reset_statistics(&mut other);
    work_on(&server, "a").await;
    let of_one = scans(&mut other);

    let mut jobs = Vec::new();
    for number in 0..5 {
        fill(&mut other, &format!("users:{number}"), 10);
        jobs.push(begin(&redis, &format!("users:{number}:*")).await);
    }
    reset_statistics(&mut other);
    work_on(&server, "b").await;

    let of_five = scans(&mut other);
    assert!(of_one > 10, "{of_one}");
    assert!(
        of_five < 2 * of_one,
        "{of_five} of five jobs, {of_one} of one"
    );
    for job in jobs {
        assert_counts(&report(&redis, &job.id).await, 10);
    }
}

#[tokio::test]
async fn a_key_that_several_jobs_match_counts_for_each() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 2000);
    fill(&mut other, "products", 2000);
    let redis = client(&server.url(0));
    let all = begin(&redis, "users:*").await;
    let some = begin(&redis, "users:1*").await;
    let across = begin(&redis, "*:1").await;

    work_on(&server, "a").await;

    assert_counts(&report(&redis, &all.id).await, 2000);
    assert_counts(&report(&redis, &some.id).await, 1111);
    let last = report(&redis, &across.id).await;
    assert_counts(&last, 2);
    assert_eq!(last["nodes"][0]["keysRemoved"], 2);
    assert_eq!(count_left(&mut other, "users:*"), 0);
    assert_eq!(count_left(&mut other, "products:*"), 1999);
    let end = |keys| ("job-end".to_owned(), "ok".to_owned(), keys);
    assert_eq!(trail(&server), [end(2000), end(1111), end(2)]);
    // Its parts expire within an hour.
    let parts: Vec<String> = redis::Commands::keys(&mut other, "cache:job-part:*").unwrap();
    assert_eq!(parts.len(), 1);
    let life: i64 = redis::Commands::ttl(&mut other, &parts[0]).unwrap();
    assert!((1..=3600).contains(&life), "{life}");
}

#[tokio::test]
async fn jobs_of_other_kinds_walk_alone() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 100);
    let redis = client(&server.url(0));
    let bodies = [
        r#"{"pattern":"users:1*"}"#,
        r#"{"pattern":"users:1*","dryRun":true}"#,
        r#"{"pattern":"users:2*","mode":"soft"}"#,
        r#"{"pattern":"users:3*","async":true,"maxKeysPerSecond":1000}"#,
        r#"{"pattern":"users:*","type":"list"}"#,
    ];
    let mut jobs = Vec::new();
    for body in bodies {
        jobs.push(begin_clear(&redis, body).await);
    }

    work_on(&server, "a").await;

    let mut matched = Vec::new();
    for job in jobs {
        let done = report(&redis, &job.id).await;
        assert_eq!(done["state"], "done", "{done:#}");
        matched.push(done["keysMatched"].as_u64().unwrap());
    }
    assert_eq!(matched, [11, 0, 11, 11, 0]);
}

/// Three jobs of 100,000 keys each; a caller changes the state of one during their walk.
async fn change_during_walk(changed: usize, change: JobChange) {
    let server = RedisServer::start();
    let mut other = server.connection();
    let redis = client(&server.url(0));
    let mut jobs = Vec::new();
    for prefix in ["a", "b", "c"] {
        fill(&mut other, prefix, 100_000);
        jobs.push(begin(&redis, &format!("{prefix}:*")).await);
    }
    let removes = |prefix: &str| format!("{prefix}:*");
    let prefix = ["a", "b", "c"][changed];

    let changing = async {
        while count_left(&mut other, &removes(prefix)) == 100_000 {
            sleep(Duration::from_millis(1)).await;
        }
        change.run(&redis, &jobs[changed].id).await.unwrap();
    };
    tokio::join!(work_on(&server, "a"), changing);

    let others = jobs.iter().filter(|job| job.id != jobs[changed].id);
    for job in others {
        assert_counts(&report(&redis, &job.id).await, 100_000);
    }
    let left = count_left(&mut other, &removes(prefix));
    let ended = report(&redis, &jobs[changed].id).await;
    assert_eq!(ended["keysRemoved"], 100_000 - left, "{left}: {ended:#}");
    assert!(left > 0);
    if change == JobChange::Cancel {
        assert_eq!(ended["state"], "cancelled");
        return;
    }

    assert_eq!(ended["state"], "paused");
    JobChange::Resume
        .run(&redis, &jobs[changed].id)
        .await
        .unwrap();
    work_on(&server, "b").await;
    assert_counts(&report(&redis, &jobs[changed].id).await, 100_000);
    assert_eq!(count_left(&mut other, &removes(prefix)), 0);
}

#[tokio::test]
async fn a_cancelled_job_leaves_the_walk_and_the_others_go_on() {
    change_during_walk(1, JobChange::Cancel).await;
    change_during_walk(0, JobChange::Cancel).await;
}

#[tokio::test]
async fn a_paused_job_leaves_the_walk_and_walks_alone_once_it_is_resumed() {
    change_during_walk(2, JobChange::Pause).await;
    change_during_walk(0, JobChange::Pause).await;
}

#[tokio::test]
async fn a_job_that_comes_during_a_walk_has_its_own_afterwards() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 1000);
    let redis = client(&server.url(0));
    let first = [
        begin(&redis, "users:1*").await,
        begin(&redis, "users:2*").await,
    ];
    let (url, audit) = (server.url(0), server.url(1));
    // The walk is planned, and its jobs are stored.
    work(&url, &audit, "a", Waker::Request, Duration::ZERO).await;
    assert_eq!(report(&redis, &first[1].id).await["state"], "running");

    let late = begin(&redis, "users:*").await;
    work_on(&server, "b").await;

    for job in first {
        let done = report(&redis, &job.id).await;
        assert_counts(&done, 111);
        assert_eq!(done["takeovers"], 0);
    }
    assert_counts(&report(&redis, &late.id).await, 778);
}

#[tokio::test]
async fn jobs_that_walk_together_count_each_key_once_wherever_a_worker_is_killed() {
    let keys = 100_000;
    let server = RedisServer::start();
    let mut other = server.connection();
    let redis = client(&server.url(0));
    let mut jobs = Vec::new();
    for (prefix, pattern) in [
        ("users", "users:*"),
        ("orders", "orders:*"),
        ("products", "products:*"),
        ("products", "products:1*"),
    ] {
        fill(&mut other, prefix, keys);
        jobs.push(begin(&redis, pattern).await);
    }
    let paused = [&jobs[0].id, &jobs[1].id];

    let (url, audit) = (server.url(0), server.url(1));
    let mut locks = server.connection();
    let changing = async {
        for turn in 0..20 {
            let id = paused[turn % 2];
            sleep(Duration::from_millis(random() % 30)).await;
            let is_paused = JobChange::Pause.run(&redis, id).await.is_ok();
            sleep(Duration::from_millis(random() % 10)).await;
            if is_paused {
                JobChange::Resume.run(&redis, id).await.unwrap();
            }
        }
    };
    tokio::join!(kill_workers(&url, &audit, &mut locks, LEASE), changing);
    work_on(&server, "last of all").await;

    for (job, keys) in jobs.iter().zip([keys, keys, keys, 11_111]) {
        assert_counts(&report(&redis, &job.id).await, keys as u64);
    }
    let ends = trail(&server);
    let ends = ends.iter().filter(|(action, ..)| action == "job-end");
    assert_eq!(ends.count(), 4);
}

#[tokio::test]
async fn jobs_that_walk_a_cluster_together_count_each_key_once() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let keys = 20_000;
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", keys).await;
    let all = begin(&redis, "users:*").await;
    let some = begin(&redis, "users:1*").await;

    let trail = RedisServer::start();
    let owner = cluster.owner_of_key("{cache}");
    let mut other = cluster.node(owner).connection();
    let (url, audit) = (cluster.url(), trail.url(1));
    kill_workers(&url, &audit, &mut other, "lock:{cache}:jobs").await;

    let done = report(&redis, &all.id).await;
    assert_counts(&done, keys as u64);
    assert_eq!(done["nodes"].as_array().unwrap().len(), 3);
    assert_counts(&report(&redis, &some.id).await, 11_111);
}

/// Redis was slow: the job was stored when the walk had already ended.
#[tokio::test]
async fn a_job_that_was_stored_too_late_walks_alone() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 1000);
    let redis = client(&server.url(0));
    let first = begin(&redis, "users:1*").await;
    let late = begin(&redis, "users:2*").await;
    let (url, audit) = (server.url(0), server.url(1));
    work(&url, &audit, "a", Waker::Request, Duration::ZERO).await;
    let get = |other: &mut redis::Connection, key: &str, id: &str| -> String {
        redis::Commands::hget(other, key, id).unwrap()
    };
    let record = get(&mut other, "cache:jobs", &late.id);
    assert_eq!(get(&mut other, "cache:jobs:states", &late.id), "running");

    let put = |other: &mut redis::Connection, state: &str| {
        let () = redis::Commands::hset(other, "cache:jobs:states", &late.id, state).unwrap();
        let () = redis::Commands::hset(other, "cache:jobs", &late.id, &record).unwrap();
    };
    // It takes no part in the slices.
    put(&mut other, "paused");
    work_on(&server, "b").await;
    assert_counts(&report(&redis, &first.id).await, 111);
    assert_eq!(count_left(&mut other, "users:2*"), 111);
    put(&mut other, "running");
    work_on(&server, "c").await;

    assert_counts(&report(&redis, &late.id).await, 111);
    assert_eq!(count_left(&mut other, "users:2*"), 0);
}
