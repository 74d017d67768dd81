//! Invalidations are in force for readers before their keys are removed.

mod faults;
mod histories;
mod in_force;
mod stream;

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LookupOutcome, Options, RedisClient};
use edge_cache_testing::{RedisServer, client};
use redis::Connection;

type Native = RedisClient<TokioTransport>;

/// A little more than the interval at which instances read new fences.
const IN_FORCE: Duration = Duration::from_millis(60);

fn cache(server: &RedisServer) -> Cache<Native> {
    Cache::new(client(&server.url(0)))
}

fn tagged(tags: &'static [&'static str]) -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(60),
        tags,
        ..Options::default()
    }
}

async fn load(cache: &Cache<Native>, key: &str, value: u64) -> LookupOutcome {
    let loader = async || Ok::<_, String>(value);
    let fetched = cache.get_or_set(key, &tagged(&["t"]), loader).await;
    fetched.unwrap().outcome
}

/// Records an invalidation whose removal does not begin.
fn append(redis: &mut Connection, kind: &str, covered: &str) -> String {
    let append = redis::cmd("XADD")
        .arg(&["cache:fences", "*", kind, covered])
        .query(redis);
    append.unwrap()
}
