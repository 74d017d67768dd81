//! `get_or_set_many` against a real server.

mod failures;
mod invalidations;
mod load;
mod loaded;
mod waiting;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Fetched, LoadError, LookupOutcome, Options, RedisClient};
use edge_cache_testing::{RedisServer, client};

type Native = Cache<RedisClient<TokioTransport>>;

fn cache(server: &RedisServer) -> Native {
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

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// A source whose values name their key and its load, `users:1 #1`. It has nothing under keys that
/// begin with `absent`.
#[derive(Default)]
struct Source {
    calls: RefCell<Vec<Vec<String>>>,
    loads: RefCell<BTreeMap<String, u32>>,
    takes: Duration,
}

impl Source {
    fn slow(milliseconds: u64) -> Self {
        Self {
            takes: Duration::from_millis(milliseconds),
            ..Self::default()
        }
    }

    async fn load<'k>(&self, keys: Vec<&'k str>) -> Result<Vec<(&'k str, String)>, String> {
        self.note(&keys);
        tokio::time::sleep(self.takes).await;
        let there = keys.into_iter().filter(|key| !key.starts_with("absent"));
        // In another order than asked for.
        Ok(there.rev().map(|key| (key, self.value(key))).collect())
    }

    async fn fail<'k>(&self, keys: Vec<&'k str>) -> Result<Vec<(&'k str, String)>, String> {
        self.note(&keys);
        tokio::time::sleep(self.takes).await;
        Err("database down".to_owned())
    }

    fn note(&self, keys: &[&str]) {
        let names = keys.iter().copied().map(str::to_owned);
        self.calls.borrow_mut().push(names.collect());
        for key in keys {
            *self
                .loads
                .borrow_mut()
                .entry((*key).to_owned())
                .or_default() += 1;
        }
    }

    fn value(&self, key: &str) -> String {
        format!("{key} #{}", self.loads.borrow()[key])
    }

    /// The keys of each call of the loader.
    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.borrow().clone()
    }
}

async fn look_up(
    cache: &Native,
    keys: &[&str],
    options: &Options<'_>,
    source: &Source,
) -> Vec<Fetched<Option<String>>> {
    cache
        .get_or_set_many(keys, options, async |missing| source.load(missing).await)
        .await
        .unwrap()
}

/// A call whose loader fails.
async fn fail(
    cache: &Native,
    keys: &[&str],
    options: &Options<'_>,
    source: &Source,
) -> Result<Vec<Fetched<Option<String>>>, LoadError<String>> {
    let loader = async |missing| source.fail(missing).await;
    cache.get_or_set_many(keys, options, loader).await
}

fn values(fetched: &[Fetched<Option<String>>]) -> Vec<Option<&str>> {
    let values = fetched.iter().map(|fetched| fetched.value.as_deref());
    values.collect()
}

fn outcomes<T>(fetched: &[Fetched<T>]) -> Vec<LookupOutcome> {
    fetched.iter().map(|fetched| fetched.outcome).collect()
}
