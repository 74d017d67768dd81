//! `get_or_set` against a real server.

mod clocks;
mod counters;
mod failures;
mod grace;
mod lacking_tags;
mod load;
mod outage;
mod overdue;
mod waiting;

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Fetched, HostRuntime, Options, Redis, RedisClient};
use edge_cache_testing::{RedisServer, client};

fn cache(server: &RedisServer) -> Cache<RedisClient<TokioTransport>> {
    Cache::new(client(&server.url(0)))
}

fn ttl(milliseconds: u64) -> Options<'static> {
    Options {
        ttl: Some(Duration::from_millis(milliseconds)),
        jitter: 0.0,
        early_refresh: 0.0,
        ..Options::default()
    }
}

fn with_grace(options: &Options<'static>) -> Options<'static> {
    Options {
        grace: Duration::from_secs(60),
        ..options.clone()
    }
}

/// A loader that takes this time; the value is the number of its loads.
async fn slow(loads: &Cell<u32>, milliseconds: u64) -> Result<u32, String> {
    loads.set(loads.get() + 1);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(loads.get())
}

/// A lookup whose loader takes no time; the loaded value is the number of its loads.
async fn look_up<R: Redis + HostRuntime>(
    cache: &Cache<R>,
    key: &str,
    options: &Options<'_>,
    loads: &Cell<u32>,
) -> Fetched<u32> {
    cache
        .get_or_set(key, options, async || slow(loads, 0).await)
        .await
        .unwrap()
}
