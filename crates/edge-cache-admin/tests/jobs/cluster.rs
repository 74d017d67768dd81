//! Jobs on a Cluster.

use std::time::Duration;

use edge_cache::redis::{Command, Redis, concurrently};
use edge_cache_admin::jobs::Waker;
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};

use crate::shared::{LONG, begin_clear, begin_expiry, report, work};

/// Stores keys `<prefix>:0`, `<prefix>:1`, ... on all nodes.
pub async fn fill_cluster<R: Redis>(redis: &R, prefix: &str, count: usize) {
    let storing = (0..count).map(|number| async move {
        let set = Command::read("SET")
            .arg(format!("{prefix}:{number}"))
            .arg("1");
        redis.execute(set).await
    });
    concurrently(storing.collect()).await.unwrap();
}

async fn count_left(cluster: &Cluster, pattern: &str) -> usize {
    let count = |port: &u16| {
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(pattern)
            .query(&mut client.get_connection().unwrap())
            .unwrap();
        keys.len()
    };
    cluster.primary_ports().iter().map(count).sum()
}

#[tokio::test]
async fn a_clear_counts_the_keys_of_each_node() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let trail = RedisServer::start();
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", 5000).await;
    fill_cluster(&redis, "products", 100).await;

    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;
    work(&cluster.url(), &trail.url(1), "a", Waker::Request, LONG).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 5000);
    let nodes = done["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    let removed: u64 = nodes
        .iter()
        .map(|node| node["keysRemoved"].as_u64().unwrap())
        .sum();
    assert_eq!(removed, 5000);
    assert!(
        nodes
            .iter()
            .all(|node| node["keysRemoved"].as_u64().unwrap() > 1000)
    );

    assert_eq!(count_left(&cluster, "users:*").await, 0);
    assert_eq!(count_left(&cluster, "products:*").await, 100);
    // One of each node, which expires within an hour.
    assert_eq!(count_left(&cluster, "cache:job-part*").await, 3);
}

#[tokio::test]
async fn a_clear_counts_each_key_once_while_slots_move() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let trail = RedisServer::start();
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", 20_000).await;
    let job = begin_clear(&redis, r#"{"pattern":"users:*"}"#).await;

    let cluster = work_while_slots_move(cluster, 2, &redis, &trail).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(count_left(&cluster, "users:*").await, 0, "{done:#}");
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 20_000, "{done:#}");
    assert_eq!(done["keysFailed"], 0, "{done:#}");
}

/// Works on jobs while 800 slots move to another node and back so many times.
async fn work_while_slots_move<R: Redis>(
    cluster: Cluster,
    times: u32,
    redis: &R,
    trail: &RedisServer,
) -> Cluster {
    let moving = std::thread::spawn(move || {
        for _ in 0..times {
            cluster.move_slots(0..800, 0, 1);
            cluster.move_slots(0..800, 1, 0);
        }
        cluster
    });

    tokio::time::sleep(Duration::from_millis(50)).await;
    let url = redis_url(redis).await;
    work(&url, &trail.url(1), "a", Waker::Request, LONG).await;
    moving.join().unwrap()
}

/// The address of one node.
async fn redis_url<R: Redis>(redis: &R) -> String {
    let nodes = redis.newest_topology().await.unwrap().primaries();
    format!("redis://{}", nodes[0].as_ref().unwrap())
}

#[tokio::test]
async fn an_expiry_changes_each_key_once_while_slots_move() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let trail = RedisServer::start();
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", 10_000).await;
    let job = begin_expiry(&redis, r#"{"pattern":"users:*","onlyWithoutTtl":600}"#).await;

    let _cluster = work_while_slots_move(cluster, 1, &redis, &trail).await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysChanged"], 10_000, "{done:#}");
    assert_eq!(done["keysMatched"], 10_000, "{done:#}");
    assert_eq!(done["keysFailed"], 0, "{done:#}");
}

/// Begins jobs, kills a primary while they run, and checks their counts after its replica took over.
#[tokio::test]
async fn jobs_count_each_key_once_when_a_replica_takes_over() {
    let mut cluster = Cluster::start();
    let trail = RedisServer::start();
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", 4000).await;
    fill_cluster(&redis, "orders", 4000).await;
    let pace = r#""async":true,"maxKeysPerSecond":4000"#;
    let expiry = format!(r#"{{"pattern":"orders:*","onlyWithoutTtl":600,{pace}}}"#);
    let expiry = begin_expiry(&redis, &expiry).await;
    let clear = format!(r#"{{"pattern":"users:*",{pace}}}"#);
    let clear = begin_clear(&redis, &clear).await;

    let (url, audit) = (cluster.url(), trail.url(1));
    let killing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let owner = cluster.owner_of_key("{cache}");
        // Not the node of the records, nor that of the address.
        let mut primaries = cluster.primaries().into_iter();
        let other = primaries.find(|node| *node != owner && *node != 0);
        cluster.kill(other.unwrap());
    };
    tokio::join!(work(&url, &audit, "a", Waker::Request, LONG), killing);

    let changed = report(&redis, &expiry.id).await;
    assert_eq!(changed["state"], "done", "{changed:#}");
    assert_eq!(changed["keysChanged"], 4000, "{changed:#}");
    let removed = report(&redis, &clear.id).await;
    assert_eq!(removed["state"], "done", "{removed:#}");
    assert_eq!(removed["keysRemoved"], 4000, "{removed:#}");
}
