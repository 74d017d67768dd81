//! The slow log on real servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use edge_cache::tokio::TokioTransport;
use edge_cache::{Namespace, RedisClient};
use edge_cache_admin::admin::slowlog::{self, SlowlogPage, SlowlogRequest};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};

type Client = RedisClient<TokioTransport>;

/// Makes a server log every command.
const LOG_EVERYTHING: [&str; 2] = ["--slowlog-log-slower-than", "0"];

async fn page(redis: &Client, trail: &Client) -> SlowlogPage {
    let request = SlowlogRequest::parse("limit=100").unwrap();
    request.run(redis, trail).await.unwrap()
}

#[tokio::test]
async fn readers_at_the_same_time_keep_each_entry_once() {
    let server = RedisServer::with(&LOG_EVERYTHING);
    let mut other = server.connection();
    for number in 0..50 {
        let () = redis::cmd("SET")
            .arg(&[format!("k:{number}"), "v".into()])
            .query(&mut other)
            .unwrap();
    }

    let redis = client(&server.url(0));
    let trails = [client(&server.url(1)), client(&server.url(1))];
    let (one, two) = futures_util::future::join(
        slowlog::collect_entries(&redis, &trails[0]),
        slowlog::collect_entries(&redis, &trails[1]),
    )
    .await;
    assert!(one.unwrap().problem.is_none() && two.unwrap().problem.is_none());

    let page = page(&redis, &trails[0]).await;
    let of_keys = page
        .groups
        .iter()
        .filter(|group| group.prefix.as_deref() == Some("k:*"));
    assert_eq!(of_keys.map(|group| group.count).sum::<u64>(), 50);
}

#[tokio::test]
async fn entries_of_a_restarted_server_are_new() {
    let server = RedisServer::with(&LOG_EVERYTHING);
    let trail_server = RedisServer::start();
    let trail = client(&trail_server.url(0));
    let redis = client(&server.url(0));
    let before = page(&redis, &trail).await.pagination.total;
    assert!(before > 0);

    // Another server stands for the restarted one: its ids begin at 0 again.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let restarted = RedisServer::with(&LOG_EVERYTHING);
    let redis = client(&restarted.url(0));
    let after = page(&redis, &trail).await.pagination.total;

    assert!(after > before, "{before} {after}");
}

#[tokio::test]
async fn a_full_server_keeps_entries() {
    let server = RedisServer::with(&["--slowlog-log-slower-than", "0", "--maxmemory", "1mb"]);
    let redis = client(&server.url(0));
    let trail = client(&server.url(1));

    let page = page(&redis, &trail).await;

    assert_eq!(page.not_kept, None);
    assert!(page.pagination.total > 0);
}

#[tokio::test]
async fn scripts_in_a_namespace_have_their_names() {
    let server = RedisServer::with(&LOG_EVERYTHING);
    let redis = client(&server.url(0)).in_namespace(Namespace::parse("shop").unwrap());
    let trail = client(&server.url(1)).in_namespace(Namespace::parse("shop").unwrap());
    page(&redis, &trail).await;

    let scripts: Vec<_> = page(&redis, &trail)
        .await
        .groups
        .iter()
        .filter_map(|group| group.script)
        .collect();

    assert!(scripts.contains(&"slowlog/append"), "{scripts:?}");
}

#[tokio::test]
async fn each_node_of_a_cluster_has_its_entries() {
    let options = ClusterOptions::new()
        .without_replicas()
        .redis(&LOG_EVERYTHING);
    let cluster = Cluster::with(options);
    let trail = client(&cluster.url());
    let redis = client(&cluster.url());

    // The first reading is what the second finds.
    page(&redis, &trail).await;
    let first = page(&redis, &trail).await;

    // The commands of one node may fill a page.
    let mut entries = first.entries;
    let mut cursor = first.pagination.next_cursor;
    while let Some(from) = cursor {
        let request = SlowlogRequest::parse(&format!("limit=100&cursor={from}")).unwrap();
        let next = request.run(&redis, &trail).await.unwrap();
        entries.extend(next.entries);
        cursor = next.pagination.next_cursor;
    }

    assert_eq!(first.nodes.len(), 3);
    for node in &first.nodes {
        assert_eq!(node.refused, None);
        let is_listed = entries.iter().any(|entry| entry.node == node.node);
        assert!(is_listed, "{node:?}");
    }
}
