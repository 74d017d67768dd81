//! The observer of a cache: which loads it hears of, and how they ended.

use std::sync::Mutex;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LoadOutcome, LookupOutcome, Observer, Options, RedisClient};
use edge_cache_testing::{RedisServer, client, free_port};
use tokio::time::sleep;

/// Notes each report as one line.
#[derive(Default)]
struct Reports(Mutex<Vec<String>>);

impl Observer for Reports {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        self.note(format!("{key}: {}", outcome.name()));
    }

    fn load_ended(&self, key: &str, took: Duration, outcome: LoadOutcome) {
        assert!(took < Duration::from_secs(60), "{took:?}");
        self.note(format!("{key}: load {}", outcome.name()));
    }
}

impl Reports {
    fn note(&self, report: String) {
        self.0.lock().unwrap().push(report);
    }

    /// Takes the reports so far.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

type Observed<'a> = Cache<RedisClient<TokioTransport>, &'a Reports>;

fn observed<'a>(server: &RedisServer, reports: &'a Reports) -> Observed<'a> {
    Cache::with_observer(client(&server.url(0)), reports)
}

/// Fresh for 1 ms, and served for an hour more.
fn soon_stale() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_millis(1)),
        grace: Duration::from_secs(3600),
        throttle: Duration::ZERO,
        ..Options::default()
    }
}

/// Stores a value, and waits until it is stale.
async fn store_stale(cache: &Observed<'_>, reports: &Reports, key: &str) {
    let loader = async || Ok::<_, String>(1);
    cache.get_or_set(key, &soon_stale(), loader).await.unwrap();
    sleep(Duration::from_millis(20)).await;
    reports.take();
}

#[tokio::test]
async fn a_load_is_reported_and_a_hit_has_none() {
    let server = RedisServer::start();
    let reports = Reports::default();
    let cache = observed(&server, &reports);
    let options = Options::default();

    for _ in 0..2 {
        let loader = async || Ok::<_, String>(1);
        cache.get_or_set("k", &options, loader).await.unwrap();
    }

    assert_eq!(reports.take(), ["k: load loaded", "k: miss", "k: hit"]);
}

#[tokio::test]
async fn a_failed_load_is_reported_once_for_all_who_share_it() {
    let server = RedisServer::start();
    let reports = Reports::default();
    let cache = observed(&server, &reports);
    let options = Options::default();

    for _ in 0..3 {
        let loader = async || Err::<u32, _>("the source is away");
        cache.get_or_set("k", &options, loader).await.unwrap_err();
    }

    assert_eq!(reports.take(), ["k: load failed"]);
}

#[tokio::test]
async fn a_load_behind_a_stale_value_is_reported_with_its_failure() {
    let server = RedisServer::start();
    let reports = Reports::default();
    let cache = observed(&server, &reports);
    store_stale(&cache, &reports, "failing").await;
    store_stale(&cache, &reports, "slow").await;

    let failing = async || Err::<u32, _>("the source is away");
    let stale = cache.get_or_set("failing", &soon_stale(), failing).await;
    assert_eq!(stale.unwrap().outcome, LookupOutcome::Stale);
    let limited = Options {
        load_timeout: Duration::from_millis(50),
        ..soon_stale()
    };
    let slow = async || std::future::pending::<Result<u32, String>>().await;
    cache.get_or_set("slow", &limited, slow).await.unwrap();

    let expected = [
        "failing: load failed",
        "failing: stale",
        "slow: load timed_out",
        "slow: stale",
    ];
    assert_eq!(reports.take(), expected);
}

#[tokio::test]
async fn refreshes_and_loads_after_the_answer_are_reported() {
    let server = RedisServer::start();
    let reports = Reports::default();
    let cache = observed(&server, &reports);
    store_stale(&cache, &reports, "k").await;

    let loader = async || Ok::<_, String>(2);
    let later = cache.get_or_set_later("k", &soon_stale(), loader).await;
    later.unwrap().1.expect("a refresh").await;
    assert_eq!(reports.take(), ["k: stale", "k: load loaded"]);

    let loader = async |_: Option<&_>| Ok::<_, String>(3.into());
    let refreshed = cache.refresh("k", &soon_stale(), loader).await.unwrap();
    assert_eq!(refreshed.value, 3);
    assert_eq!(reports.take(), ["k: load loaded"]);
}

#[tokio::test]
async fn loads_without_the_cache_are_reported() {
    let reports = Reports::default();
    let away = format!("redis://127.0.0.1:{}/0", free_port());
    let cache = Cache::with_observer(client(&away), &reports);
    let options = Options::default();
    let loader = async || Ok::<_, String>(1);

    cache.get_or_set("k", &options, loader).await.unwrap();
    cache.get_or_set("lock:k", &options, loader).await.unwrap();

    let expected = [
        "k: load loaded",
        "k: bypass",
        "lock:k: load loaded",
        "lock:k: bypass",
    ];
    assert_eq!(reports.take(), expected);
}
