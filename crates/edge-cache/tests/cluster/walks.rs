//! Walks visit every node.

use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::scan;
use edge_cache::{Command, Options, Pattern, Redis};
use edge_cache_testing::{Cluster, ClusterOptions, client};

use crate::{cache, spread_names};

/// Fills a cluster with foreign values.
async fn fill(cluster: &Cluster, prefix: &str, count: usize) {
    let redis = client(&cluster.url());
    for name in spread_names(prefix, count) {
        let set = Command::read("SET").arg(name).arg("1");
        redis.execute(set).await.unwrap();
    }
}

#[tokio::test]
async fn a_pattern_is_counted_and_removed_on_all_nodes() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    fill(&cluster, "users", 3000).await;
    fill(&cluster, "products", 500).await;
    let redis = client(&cluster.url());
    let users = Pattern::parse("pattern", "users:*").unwrap();

    let found = scan::count_removable(&redis, &users, &Conditions::default(), 20)
        .await
        .unwrap();
    let removed = cache(&cluster).clear_by_pattern("users:*").await.unwrap();

    assert_eq!(found.matched, 3000);
    assert_eq!(found.names.len(), 20);
    assert_eq!(removed, 3000);
    let products = Pattern::parse("pattern", "products:*").unwrap();
    let left = scan::count_all(&redis, &products, &Conditions::default())
        .await
        .unwrap();
    assert_eq!(left, 500);
}

#[tokio::test]
async fn scripts_of_others_still_run_after_every_operation() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let cache = cache(&cluster);
    fill(&cluster, "users", 200).await;
    let options = Options {
        tags: &["t"],
        ..Options::default()
    };
    cache.set("a", &1, &options).await.unwrap();
    cache.invalidate_tag("t").await.unwrap();
    cache.clear_by_pattern("users:*").await.unwrap();
    cache.delete_many(&["a", "b", "c"]).await.unwrap();

    // On Valkey 9 one command over keys of several slots within a script keeps all scripts from running.
    for number in cluster.primaries() {
        let mut connection = cluster.node(number).connection();
        let time: Vec<i64> = redis::cmd("EVAL")
            .arg("return { #redis.call('TIME') }")
            .arg(0)
            .query(&mut connection)
            .unwrap();
        assert_eq!(time, [2]);
    }
}
