//! The cache's single operations against a real server.

mod chunks;
mod formats;
mod patterns;
mod tags;
mod values;
mod writing;

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Options, RedisClient};
use edge_cache_testing::{RedisServer, client};

fn cache(server: &RedisServer) -> Cache<RedisClient<TokioTransport>> {
    Cache::new(client(&server.url(0)))
}

fn tagged(tags: &'static [&'static str]) -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        tags,
        jitter: 0.0,
        ..Options::default()
    }
}

/// The names of all keys, sorted.
fn keys(server: &RedisServer) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query(&mut server.connection())
        .unwrap();
    keys.sort();
    keys
}

/// Returns a source of random numbers that are the same in each run.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}
