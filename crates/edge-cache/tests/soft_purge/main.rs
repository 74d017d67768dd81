//! Soft purges: entries are marked stale, and served while one caller refreshes them.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod in_flight;
mod judged;
mod kinds;
mod marked;
mod walked;

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Fetched, LookupOutcome, Options, RedisClient};
use edge_cache_testing::{RedisServer, client};
use redis::Connection;

type Native = RedisClient<TokioTransport>;

const MINUTE: Duration = Duration::from_secs(60);
/// A little more than the interval at which instances read new fences.
const IN_FORCE: Duration = Duration::from_millis(60);

fn cache(server: &RedisServer) -> Cache<Native> {
    Cache::new(client(&server.url(0)))
}

/// Entries that are fresh for 10 minutes, with the tag `t` and this grace.
fn options(grace: Duration) -> Options<'static> {
    Options {
        ttl: Some(10 * MINUTE),
        jitter: 0.0,
        early_refresh: 0.0,
        grace,
        tags: &["t"],
        ..Options::default()
    }
}

fn without_grace() -> Options<'static> {
    options(Duration::ZERO)
}

async fn set(cache: &Cache<Native>, key: &str, options: &Options<'_>) {
    cache.set(key, &"old".to_owned(), options).await.unwrap();
}

/// Looks a key up whose source fails: the value and the outcome; `None` if nothing was served.
async fn look_up(
    cache: &Cache<Native>,
    key: &str,
    options: &Options<'_>,
) -> Option<(String, LookupOutcome)> {
    let options = Options {
        // The next lookup tries again.
        throttle: Duration::ZERO,
        failure_ttl: Duration::ZERO,
        ..options.clone()
    };
    let fail = async || Err::<String, _>("the source is away");
    let fetched: Fetched<String> = cache.get_or_set(key, &options, fail).await.ok()?;
    Some((fetched.value, fetched.outcome))
}

async fn load(cache: &Cache<Native>, key: &str, options: &Options<'_>) -> LookupOutcome {
    let loader = async || Ok::<_, String>("new".to_owned());
    let fetched = cache.get_or_set(key, options, loader).await;
    fetched.unwrap().outcome
}

async fn assert_refreshed_once(cache: &Cache<Native>, key: &str) {
    let options = without_grace();
    assert_eq!(load(cache, key, &options).await, LookupOutcome::Miss);
    assert_eq!(load(cache, key, &options).await, LookupOutcome::Hit);
}

fn stale() -> Option<(String, LookupOutcome)> {
    Some(("old".to_owned(), LookupOutcome::Stale))
}

fn hit() -> Option<(String, LookupOutcome)> {
    Some(("old".to_owned(), LookupOutcome::Hit))
}

/// Records an invalidation whose walk does not begin.
fn append(redis: &mut Connection, kind: &str, covered: &str) {
    let append = redis::cmd("XADD")
        .arg(&["cache:fences", "*", kind, covered])
        .query::<String>(redis);
    append.unwrap();
}
