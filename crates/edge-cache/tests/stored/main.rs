//! Values that are stored, values that are not, and the reasons that callers get.

mod facts;
mod foreign;
mod names;
mod negative;
mod refusals;

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Fetched, Options, RedisClient};
use edge_cache_testing::{RedisServer, client};
use redis::Connection;
use serde_json::Value;

fn cache(server: &RedisServer) -> Cache<RedisClient<TokioTransport>> {
    Cache::new(client(&server.url(0)))
}

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(300),
        tags: &["t"],
        jitter: 0.0,
        ..Options::default()
    }
}

async fn load(
    cache: &Cache<RedisClient<TokioTransport>>,
    key: &str,
    value: Value,
) -> Fetched<Value> {
    load_with(cache, key, &options(), value).await
}

async fn load_with(
    cache: &Cache<RedisClient<TokioTransport>>,
    key: &str,
    options: &Options<'_>,
    value: Value,
) -> Fetched<Value> {
    cache
        .get_or_set(key, options, async || Ok::<_, String>(value))
        .await
        .unwrap()
}

/// The tags that the inspection of a key shows.
async fn tags(cache: &Cache<RedisClient<TokioTransport>>, key: &str) -> Vec<String> {
    cache.key_info(key).await.unwrap().unwrap().tags
}

/// Executes a command whose parts are separated by spaces.
fn run(redis: &mut Connection, command: &str) {
    let mut parts = command.split(' ');
    let mut command = redis::cmd(parts.next().unwrap());
    let () = command.arg(parts.collect::<Vec<_>>()).query(redis).unwrap();
}
