//! Kinds of values, and kinds of servers.

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LookupOutcome, RedisClient};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

use crate::{MINUTE, Native, cache, look_up, set, stale, without_grace};

/// A value of about this many bytes as JSON, which does not compress.
fn noise(bytes: usize) -> Value {
    let number = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    json!((0..bytes / 20).map(number).collect::<Vec<u64>>())
}

async fn assert_served_stale(cache: &Cache<Native>, key: &str, value: &Value) {
    let fail = async || Err::<Value, _>("the source is away");
    let fetched = cache.get_or_set(key, &without_grace(), fail).await.unwrap();
    assert_eq!(fetched.outcome, LookupOutcome::Stale, "{key}");
    assert!(&fetched.value == value, "{key}");
}

#[tokio::test]
async fn compressed_values_and_values_in_chunks_are_marked() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    let compressed = json!(vec!["again and again"; 20_000]);
    let chunked = noise(12 << 20);
    cache
        .set("compressed", &compressed, &without_grace())
        .await
        .unwrap();
    cache
        .set("chunked", &chunked, &without_grace())
        .await
        .unwrap();
    assert!(redis.llen::<_, usize>("chunked").unwrap() > 1);

    assert_eq!(cache.mark_pattern_stale("c*", MINUTE).await.unwrap(), 2);

    let other: Cache<RedisClient<TokioTransport>> = crate::cache(&server);
    assert_served_stale(&other, "compressed", &compressed).await;
    assert_served_stale(&other, "chunked", &chunked).await;
    for key in ["compressed", "chunked"] {
        assert!(redis.pttl::<_, i64>(key).unwrap() <= 60_000, "{key}");
    }
}

#[tokio::test]
async fn entries_of_a_cluster_are_marked() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let cache = Cache::new(client(&cluster.url()));
    let keys: Vec<String> = (0..60).map(|n| format!("a:{n}")).collect();
    for key in &keys {
        set(&cache, key, &without_grace()).await;
    }
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();

    assert_eq!(
        cache.mark_stale_many(&names[..20], MINUTE).await.unwrap(),
        20
    );
    assert_eq!(cache.mark_pattern_stale("a:2?", MINUTE).await.unwrap(), 10);
    assert_eq!(cache.mark_tag_stale("t", MINUTE).await.unwrap(), 60);

    let other = Cache::new(client(&cluster.url()));
    for key in names {
        assert_eq!(
            look_up(&other, key, &without_grace()).await,
            stale(),
            "{key}"
        );
    }
}
