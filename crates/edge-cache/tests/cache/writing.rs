//! The options that concern writing: TTL, grace, jitter and tags, in `set` and `set_many`.

use std::collections::BTreeSet;
use std::time::Duration;

use edge_cache::{LookupOutcome, Options, SetItem};
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::cache;

fn brief() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_millis(50)),
        grace: Duration::from_secs(60),
        jitter: 0.0,
        ..Options::default()
    }
}

#[tokio::test]
async fn values_that_were_set_have_a_grace() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let failing = async || Err::<u32, _>("the source is down");
    let item = SetItem::with_options("many", &1, &brief());

    cache.set("one", &1, &brief()).await.unwrap();
    cache.set_many(&[item]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    for key in ["one", "many"] {
        assert_eq!(cache.get::<u32>(key).await.unwrap(), None, "{key}");
        let stale = cache.get_or_set(key, &brief(), failing).await.unwrap();
        assert_eq!(stale.outcome, LookupOutcome::Stale, "{key}");
        let left: i64 = server.connection().pttl(key).unwrap();
        assert!((50_000..=60_050).contains(&left), "{key}: {left}");
    }
}

#[tokio::test]
async fn a_value_without_a_ttl_and_with_a_grace_is_stored_stale() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        ttl: Some(Duration::ZERO),
        ..brief()
    };
    let failing = async || Err::<u32, _>("the source is down");

    cache.set("k", &1, &options).await.unwrap();
    let stale = cache.get_or_set("k", &options, failing).await.unwrap();

    assert_eq!(stale.outcome, LookupOutcome::Stale);
    assert_eq!(stale.value, 1);
}

#[tokio::test]
async fn values_that_are_set_together_do_not_expire_together() {
    let server = RedisServer::start();
    let (cache, mut redis) = (cache(&server), server.connection());
    let names: Vec<String> = (0..500).map(|n| format!("k:{n}")).collect();
    let items: Vec<SetItem<'_, u32>> = names
        .iter()
        .map(|key| SetItem {
            ttl: Some(Duration::from_secs(1000)),
            jitter: 0.2,
            tags: &["t"],
            ..SetItem::new(key, &1)
        })
        .collect();

    cache.set_many(&items).await.unwrap();
    let set: i64 = redis.ttl("cache:tags:t").unwrap();

    let expiries = names.iter().map(|key| redis.ttl(key).unwrap());
    let expiries: BTreeSet<i64> = expiries.collect();
    assert!(expiries.len() > 100, "{expiries:?}");
    let (first, last) = (*expiries.first().unwrap(), *expiries.last().unwrap());
    assert!(first >= 790 && last <= 1200, "{first} to {last}");
    assert_eq!(cache.keys_by_tag("t").await.unwrap().len(), 500);
    assert!(set >= last, "{set} for {last}");
}

#[tokio::test]
async fn an_option_out_of_its_range_is_corrected_when_a_value_is_set() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let item = SetItem {
        ttl: Some(Duration::MAX),
        grace: Duration::MAX,
        jitter: f64::NAN,
        ..SetItem::new("k", &1)
    };

    cache.set_many(&[item]).await.unwrap();

    assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(1));
    let years = server.connection().ttl::<_, i64>("k").unwrap() / (365 * 86_400);
    assert!((18..=20).contains(&years), "{years}");
}
