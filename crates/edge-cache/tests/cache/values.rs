//! Single values and batches, their expiry and freshness.

use std::time::Duration;

use edge_cache::{LookupOutcome, Options, SetItem};
use edge_cache_testing::RedisServer;
use redis::Commands;
use serde_json::{Value, json};

use crate::{cache, tagged};

#[tokio::test]
async fn single_values_are_set_read_and_removed() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let value = json!({"value": 123});

    cache
        .set("test:key", &value, &Options::default())
        .await
        .unwrap();
    let read: Option<Value> = cache.get("test:key").await.unwrap();
    assert_eq!(read.as_ref(), Some(&value));
    assert!(cache.exists("test:key").await.unwrap());
    let info = cache.key_info("test:key").await.unwrap().unwrap();
    assert_eq!(info.value, value);

    let left = cache.ttl("test:key").await.unwrap().unwrap().unwrap();
    // 300 s by the TTL table, varied by 5 %.
    assert!((280..=315).contains(&left.as_secs()), "{left:?}");
    assert!(cache.expire("test:key", None).await.unwrap());
    assert_eq!(cache.ttl("test:key").await.unwrap(), Some(None));

    assert!(cache.delete("test:key").await.unwrap());
    assert!(!cache.delete("test:key").await.unwrap());
}

#[tokio::test]
async fn a_missing_key_has_neither_a_value_nor_an_expiry() {
    let server = RedisServer::start();
    let cache = cache(&server);

    assert_eq!(cache.get::<Value>("missing:key").await.unwrap(), None);
    assert!(!cache.expire("missing", None).await.unwrap());
    assert_eq!(cache.ttl("missing").await.unwrap(), None);
}

#[tokio::test]
async fn values_are_written_and_read_by_the_thousand() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let names: Vec<String> = (0..2500).map(|n| format!("n:{n}")).collect();
    let values: Vec<usize> = (0..2500).collect();
    let items: Vec<SetItem<'_, usize>> = names
        .iter()
        .zip(&values)
        .map(|(key, value)| SetItem {
            ttl: Some(Duration::from_secs(60 + *value as u64)),
            tags: &["numbers"],
            jitter: 0.0,
            ..SetItem::new(key, value)
        })
        .collect();
    let wanted: Vec<&str> = names.iter().map(String::as_str).chain(["absent"]).collect();

    cache.set_many(&items).await.unwrap();

    let read = cache.get_many::<usize>(&wanted).await.unwrap();
    let found: Vec<usize> = read[..2500].iter().copied().map(Option::unwrap).collect();
    assert_eq!(found, values);
    assert_eq!(read[2500], None);
    assert_eq!(cache.keys_by_tag("numbers").await.unwrap().len(), 2500);
    let left: i64 = server.connection().ttl("cache:tags:numbers").unwrap();
    assert!(
        left > 2500,
        "a tag's set lives as long as its longest-lived key, has {left} s"
    );
    assert_eq!(cache.delete_many(&wanted).await.unwrap(), 2500);
}

#[tokio::test]
async fn overrides_of_the_ttl_table_are_in_force_at_once() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let () = other.hset("cache:ttl", "stock:available", 7).unwrap();
    let options = Options {
        jitter: 0.0,
        ..Options::default()
    };

    cache
        .set("stock:available:1", &1, &Options::default())
        .await
        .unwrap();
    cache
        .get_or_set("stock:available:2", &options, async || Ok::<_, String>(1))
        .await
        .unwrap();

    for key in ["stock:available:1", "stock:available:2"] {
        assert_eq!(other.ttl::<_, i64>(key).unwrap(), 7, "{key}");
    }
}

#[tokio::test]
async fn keys_live_by_the_table_of_the_service_unless_it_is_overridden() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let cache = cache(&server).with_ttls([
        ("stock", Duration::from_secs(60)),
        ("stock:available", Duration::from_secs(20)),
    ]);
    let () = other.hset("cache:ttl", "stock:available", 7).unwrap();
    let exact = Options {
        jitter: 0.0,
        ..Options::default()
    };

    for key in ["stock:sold", "stock:available:1", "unknown"] {
        cache.set(key, &1, &exact).await.unwrap();
        let loaded = format!("{key}:loaded");
        cache
            .get_or_set(&loaded, &exact, async || Ok::<_, String>(1))
            .await
            .unwrap();
    }

    for (key, seconds) in [
        ("stock:sold", 60),
        ("stock:available:1", 7),
        ("unknown", 300),
    ] {
        let loaded = format!("{key}:loaded");
        assert_eq!(other.ttl::<_, i64>(key).unwrap(), seconds, "{key}");
        assert_eq!(other.ttl::<_, i64>(&loaded).unwrap(), seconds, "{loaded}");
    }
}

#[tokio::test]
async fn only_get_or_set_reads_an_entry_that_is_past_its_ttl() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        ttl: Some(Duration::from_millis(300)),
        grace: Duration::from_secs(60),
        jitter: 0.0,
        ..Options::default()
    };
    cache
        .get_or_set("k", &options, async || Ok::<_, String>(1))
        .await
        .unwrap();
    cache.set("whole", &2, &tagged(&[])).await.unwrap();
    assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(1));

    tokio::time::sleep(Duration::from_millis(350)).await;

    assert_eq!(cache.get::<u32>("k").await.unwrap(), None);
    let many = cache.get_many::<u32>(&["k", "whole", "none"]).await;
    assert_eq!(many.unwrap(), [None, Some(2), None]);
    let stale = cache
        .get_or_set("k", &options, async || Err::<u32, _>("no"))
        .await
        .unwrap();
    assert_eq!(stale.value, 1);
    assert_eq!(stale.outcome, LookupOutcome::Stale);
}
