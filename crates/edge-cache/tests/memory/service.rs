//! Tests of a service with a cache, as its authors write them.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::testing::Memory;
use edge_cache::{Cache, ErrorKind, Fetched, LoadError, LookupOutcome, Options, StoreErrorReason};
use futures_util::future::{join, join_all};
use tokio::sync::Notify;

/// A service that shows prices: an hour old at most, and a day old while their source fails.
struct Prices {
    cache: Cache<Memory>,
    source: Source,
}

#[derive(Default)]
struct Source {
    price: Cell<u32>,
    is_down: Cell<bool>,
    loads: Cell<u32>,
}

impl Prices {
    fn new(memory: &Memory) -> Self {
        Self {
            cache: Cache::new(memory.clone()),
            source: Source::default(),
        }
    }

    async fn find(&self) -> Result<Fetched<u32>, LoadError<&'static str>> {
        let options = Options {
            ttl: Some(Duration::from_secs(3600)),
            grace: Duration::from_secs(86_400),
            tags: &["prices"],
            early_refresh: 0.0,
            ..Options::default()
        };
        let load = async || self.source.read();
        self.cache.get_or_set("prices:1", &options, load).await
    }
}

impl Source {
    fn read(&self) -> Result<u32, &'static str> {
        self.loads.set(self.loads.get() + 1);
        if self.is_down.get() {
            return Err("the source is down");
        }
        Ok(self.price.get())
    }
}

const HOURS: fn(u64) -> Duration = |hours| Duration::from_secs(3600 * hours);

#[tokio::test]
async fn a_price_is_loaded_kept_and_loaded_again_after_its_time() {
    let memory = Memory::new();
    let prices = Prices::new(&memory);
    prices.source.price.set(1999);

    let first = prices.find().await.unwrap();
    assert_eq!(first.outcome, LookupOutcome::Miss);
    let second = prices.find().await.unwrap();
    assert_eq!(second.outcome, LookupOutcome::Hit);
    assert_eq!(second.value, 1999);
    assert_eq!(memory.value("prices:1").as_deref(), Some("1999"));

    prices.source.price.set(999);
    memory.advance(HOURS(2));
    let refreshed = prices.find().await.unwrap();
    assert_eq!(refreshed.outcome, LookupOutcome::Miss);
    assert_eq!(refreshed.value, 999);
}

#[tokio::test]
async fn an_old_price_is_shown_while_the_source_is_down_until_its_grace_is_over() {
    let memory = Memory::new();
    let prices = Prices::new(&memory);
    prices.find().await.unwrap();
    prices.source.is_down.set(true);

    memory.advance(HOURS(2));
    let stale = prices.find().await.unwrap();
    assert_eq!(stale.outcome, LookupOutcome::Stale);
    assert!(stale.age.unwrap() >= HOURS(2));

    memory.advance(HOURS(30));
    let failed = prices.find().await.unwrap_err();
    assert_eq!(failed, LoadError::Own("the source is down"));
    assert_eq!(memory.value("prices:1"), None);
}

#[tokio::test]
async fn a_failure_is_the_answer_of_all_for_a_second() {
    let memory = Memory::new();
    let prices = Prices::new(&memory);
    prices.source.is_down.set(true);

    prices.find().await.unwrap_err();
    let shared = prices.find().await.unwrap_err();
    assert_eq!(shared, LoadError::Shared("the source is down".into()));
    assert_eq!(prices.source.loads.get(), 1);

    prices.source.is_down.set(false);
    memory.advance(Duration::from_secs(2));
    assert_eq!(prices.find().await.unwrap().outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn without_redis_prices_come_from_the_source() {
    let memory = Memory::new();
    let prices = Prices::new(&memory);
    prices.find().await.unwrap();

    memory.stop();
    assert_eq!(prices.find().await.unwrap().outcome, LookupOutcome::Bypass);
    assert_eq!(prices.source.loads.get(), 2);

    memory.start();
    assert_eq!(prices.find().await.unwrap().outcome, LookupOutcome::Hit);
}

#[tokio::test]
async fn an_invalidation_during_a_load_wins() {
    let memory = Memory::new();
    let (loading, go_on) = (Notify::new(), Notify::new());
    let prices = Prices::new(&memory);
    let options = Options {
        tags: &["prices"],
        ..Options::default()
    };

    let load = prices.cache.get_or_set("prices:1", &options, async || {
        loading.notify_one();
        go_on.notified().await;
        Ok::<_, String>(1)
    });
    let other_instance = async {
        loading.notified().await;
        let other = Cache::new(memory.clone());
        other.invalidate_tag("prices").await.unwrap();
        go_on.notify_one();
    };
    let (loaded, ()) = join(load, other_instance).await;

    assert_eq!(loaded.unwrap().value, 1);
    assert_eq!(memory.value("prices:1"), None);
}

#[tokio::test]
async fn many_callers_of_two_instances_share_a_load() {
    let memory = Memory::new();
    let instances = [Cache::new(memory.clone()), Cache::new(memory)];
    let (loads, options) = (Cell::new(0), Options::default());
    let load = async || {
        loads.set(loads.get() + 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, String>(7)
    };

    let calls = (0..50).map(|n| instances[n % 2].get_or_set("k", &options, load));
    let answers = join_all(calls).await;

    assert!(answers.into_iter().all(|answer| answer.unwrap().value == 7));
    assert_eq!(loads.get(), 1);
}

#[tokio::test]
async fn on_a_full_server_prices_are_shown_and_not_stored() {
    let memory = Memory::new();
    let prices = Prices::new(&memory);
    memory.fail_with(ErrorKind::OutOfMemory);

    let loaded = prices.find().await.unwrap();
    let error = loaded.store_error.unwrap();
    assert_eq!(error.reason, StoreErrorReason::Full);

    memory.start();
    prices.find().await.unwrap();
    memory.fail_with(ErrorKind::ReadOnly);
    assert_eq!(prices.find().await.unwrap().outcome, LookupOutcome::Hit);
}
