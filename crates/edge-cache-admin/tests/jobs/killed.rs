//! Workers that are killed at random moments: each key is still counted once.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_cache_admin::jobs::Waker;
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use tokio::time::sleep;

use crate::shared::{LONG, begin_clear, begin_expiry, execute, fill, report, trail, work, work_on};

/// The variable by which a process learns that it is a worker: the addresses of cache and trail.
const ADDRESSES: &str = "JOB_ADDRESSES";
/// How often a worker is killed.
const KILLS: usize = 50;
const KEYS: usize = 400_000;

pub fn random() -> u64 {
    // Each `RandomState` has a new random seed.
    RandomState::new().hash_one(0)
}

/// Starts this program again, as a worker.
fn start_worker(url: &str, audit: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::a_key_is_counted_once_wherever_a_worker_is_killed",
        ])
        .env(ADDRESSES, format!("{url} {audit}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills workers at random moments, then lets one complete the job. Returns how many died on it.
pub async fn kill_workers(
    url: &str,
    audit: &str,
    connection: &mut redis::Connection,
    lease: &str,
) -> usize {
    let mut kills = 0;
    for _ in 0..KILLS {
        let mut worker = start_worker(url, audit);

        // The worker has begun to advance the job once it has the lease.
        let has_lease = async {
            while !redis::Commands::exists::<_, bool>(connection, lease).unwrap() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(10), has_lease)
            .await
            .is_err()
        {
            worker.wait().unwrap();
            break;
        }

        sleep(Duration::from_micros(random() % 12_000)).await;
        let has_ended = worker.try_wait().unwrap().is_some();
        worker.kill().unwrap();
        worker.wait().unwrap();
        kills += usize::from(!has_ended);

        // The next worker does not wait for the end of its lease.
        let () = redis::Commands::del(connection, lease).unwrap();
    }

    work(url, audit, "last", Waker::Schedule, LONG).await;
    kills
}

#[tokio::test]
async fn a_key_is_counted_once_wherever_a_worker_is_killed() {
    if let Ok(addresses) = env::var(ADDRESSES) {
        let (url, audit) = addresses.split_once(' ').unwrap();
        let name = format!("worker-{:x}", random());
        return work(url, audit, &name, Waker::Schedule, LONG).await;
    }

    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", KEYS);
    fill(&mut other, "products", 1000);
    let redis = client(&server.url(0));
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    let kills = kill_workers(
        &server.url(0),
        &server.url(1),
        &mut other,
        "lock:cache:jobs",
    )
    .await;

    let done = report(&redis, &job.id).await;
    println!(
        "{kills} workers were killed; {} takeovers",
        done["takeovers"]
    );
    assert!(kills >= 10, "only {kills} workers were killed");
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], KEYS, "{done:#}");
    assert_eq!(done["keysMatched"], KEYS, "{done:#}");
    let left: usize = redis::cmd("EVAL")
        .arg("return #redis.call('KEYS', 'users:*')")
        .arg(0)
        .query(&mut other)
        .unwrap();
    assert_eq!(left, 0);

    let ends: Vec<_> = trail(&server)
        .into_iter()
        .filter(|(action, ..)| action == "job-end")
        .collect();
    assert_eq!(ends, [("job-end".into(), "ok".into(), KEYS as u64)]);
}

#[tokio::test]
async fn a_key_of_a_cluster_is_counted_once_wherever_a_worker_is_killed() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let keys = 60_000;
    let redis = client(&cluster.url());
    crate::cluster::fill_cluster(&redis, "users", keys).await;
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    let trail = RedisServer::start();
    let owner = cluster.owner_of_key("{cache}");
    let mut other = cluster.node(owner).connection();
    kill_workers(
        &cluster.url(),
        &trail.url(1),
        &mut other,
        "lock:{cache}:jobs",
    )
    .await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], keys, "{done:#}");
    assert_eq!(done["keysMatched"], keys, "{done:#}");
}

#[tokio::test]
async fn an_expiry_counts_each_key_once_wherever_a_worker_is_killed() {
    let keys = 100_000;
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", keys);
    let redis = client(&server.url(0));
    // The second change of a key would not count.
    let body = r#"{"pattern":"users:*","shortenTo":600,"jitter":10}"#;
    let job = begin_expiry(&redis, body).await;
    let (url, audit) = (server.url(0), server.url(1));
    let kills = kill_workers(&url, &audit, &mut other, "lock:cache:jobs").await;

    let done = report(&redis, &job.id).await;
    assert!(kills >= 10, "only {kills} workers were killed");
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysChanged"], keys, "{done:#}");
    assert_eq!(done["keysMatched"], keys, "{done:#}");
    assert_eq!(done["ttlAfter"]["from5To60Minutes"], keys, "{done:#}");
}

#[tokio::test]
async fn a_dry_run_and_its_execution_count_each_key_once_wherever_a_worker_is_killed() {
    let keys = 100_000;
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", keys);
    let redis = client(&server.url(0));
    let (url, audit) = (server.url(0), server.url(1));

    let dry = begin_clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await;
    kill_workers(&url, &audit, &mut other, "lock:cache:jobs").await;
    let counted = report(&redis, &dry.id).await;
    assert_eq!(counted["keysMatched"], keys, "{counted:#}");
    fill(&mut other, "users:new", 1000);

    let job = execute(&redis, &dry.id, "{}").await.unwrap();
    kill_workers(&url, &audit, &mut other, "lock:cache:jobs").await;
    let done = report(&redis, &job.id).await;
    assert_eq!(done["keysRemoved"], keys, "{done:#}");
    assert_eq!(done["keysMatched"], keys, "{done:#}");
    // They stay, so one that SCAN returns twice while the table shrinks is counted twice.
    let appeared = done["keysAppeared"].as_u64().unwrap();
    assert!((1000..1100).contains(&appeared), "{done:#}");
}

#[tokio::test]
async fn an_expiry_of_a_cluster_counts_each_key_once_wherever_a_worker_is_killed() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let keys = 20_000;
    let redis = client(&cluster.url());
    crate::cluster::fill_cluster(&redis, "users", keys).await;
    let body = r#"{"pattern":"users:*","onlyWithoutTtl":600}"#;
    let job = begin_expiry(&redis, body).await;

    let trail = RedisServer::start();
    let owner = cluster.owner_of_key("{cache}");
    let mut other = cluster.node(owner).connection();
    let (url, audit) = (cluster.url(), trail.url(1));
    kill_workers(&url, &audit, &mut other, "lock:{cache}:jobs").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysChanged"], keys, "{done:#}");
    assert_eq!(done["keysMatched"], keys, "{done:#}");
}

/// A dry run whose server is restarted counts all keys again.
#[tokio::test]
async fn a_dry_run_counts_right_after_redis_was_restarted() {
    let mut server = RedisServer::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    fill(&mut server.connection(), "users", 20_000);
    let redis = client(&server.url(0));
    let dry = begin_clear(
        &redis,
        r#"{"pattern":"users:*","dryRun":true,"async":true,"maxKeysPerSecond":2000}"#,
    )
    .await;
    let (url, audit) = (server.url(0), server.url(1));
    work(
        &url,
        &audit,
        "a",
        Waker::Request,
        Duration::from_millis(700),
    )
    .await;
    let before = report(&redis, &dry.id).await["keysMatched"]
        .as_u64()
        .unwrap();
    assert!(before > 0 && before < 20_000, "{before}");

    server.kill();
    server.launch();
    fill(&mut server.connection(), "users", 20_001);
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let record: String = redis::Commands::hget(&mut other, "cache:jobs", &dry.id).unwrap();
    let unpaced = record.replace(
        r#""maxKeysPerSecond":2000"#,
        r#""maxKeysPerSecond":1000000"#,
    );
    let () = redis::Commands::hset(&mut other, "cache:jobs", &dry.id, unpaced).unwrap();
    work_on(&server, "b").await;

    let done = report(&redis, &dry.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysMatched"], 20_001, "{done:#}");
    let job = execute(&redis, &dry.id, "{}").await.unwrap();
    work_on(&server, "c").await;
    assert_eq!(report(&redis, &job.id).await["keysRemoved"], 20_001);
}
