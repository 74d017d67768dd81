//! The library on a real Cluster: every operation, and what keeps its promises there.

mod operations;
mod redirections;
mod walks;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, RedisClient};
use edge_cache_testing::Cluster;

type ClusterCache = Cache<RedisClient<TokioTransport>>;

/// A cache on a cluster. Any node leads to it.
fn cache(cluster: &Cluster) -> ClusterCache {
    Cache::new(edge_cache_testing::client(&cluster.url()))
}

/// Names that lie in slots of all primaries.
fn spread_names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}:{n}")).collect()
}
