//! Jobs on a Cluster.

use std::time::Duration;

use edge_cache::redis::{Command, Redis, concurrently};
use edge_cache_admin::jobs::Waker;
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};

use crate::shared::{LONG, begin_clear, report, work};

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

    let moving = std::thread::spawn(move || {
        for _ in 0..2 {
            cluster.move_slots(0..800, 0, 1);
            cluster.move_slots(0..800, 1, 0);
        }
        cluster
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let url = redis_url(&redis).await;
    work(&url, &trail.url(1), "a", Waker::Request, LONG).await;
    let cluster = moving.join().unwrap();

    let done = report(&redis, &job.id).await;
    assert_eq!(count_left(&cluster, "users:*").await, 0, "{done:#}");
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["keysRemoved"], 20_000, "{done:#}");
    assert_eq!(done["keysFailed"], 0, "{done:#}");
}

/// The address of one node.
async fn redis_url<R: Redis>(redis: &R) -> String {
    let nodes = redis.newest_topology().await.unwrap().primaries();
    format!("redis://{}", nodes[0].as_ref().unwrap())
}
