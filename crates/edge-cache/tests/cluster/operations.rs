//! Every operation of the library.

use std::time::Duration;

use edge_cache::{LookupOutcome, Options, SetItem};
use edge_cache_testing::{Cluster, ClusterOptions};

use crate::{cache, spread_names};

fn start() -> Cluster {
    Cluster::with(ClusterOptions::new().without_replicas())
}

#[tokio::test]
async fn every_operation_works_over_keys_of_all_nodes() {
    let cluster = start();
    let cache = cache(&cluster);
    let names = spread_names("users", 60);
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let numbers: Vec<usize> = (0..60).collect();
    let items: Vec<SetItem<'_, usize>> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| SetItem {
            tags: &["users"],
            ..SetItem::new(key, &numbers[n])
        })
        .collect();

    cache.set_many(&items).await.unwrap();
    let read: Vec<Option<usize>> = cache.get_many(&keys).await.unwrap();
    assert_eq!(read, (0..60).map(Some).collect::<Vec<_>>());

    assert!(cache.exists("users:7").await.unwrap());
    let life = Some(Duration::from_secs(500));
    assert!(cache.expire("users:7", life).await.unwrap());
    let ttl = cache.ttl("users:7").await.unwrap().unwrap().unwrap();
    assert!((495..=500).contains(&ttl.as_secs()), "{ttl:?}");

    let mut tagged = cache.keys_by_tag("users").await.unwrap();
    tagged.sort();
    assert_eq!(tagged.len(), 60);

    assert_eq!(cache.delete_many(&keys[..20]).await.unwrap(), 20);
    assert!(!cache.delete("users:3").await.unwrap());
    assert_eq!(cache.invalidate_tag("users").await.unwrap(), 40);
    assert_eq!(cache.keys_by_tag("users").await.unwrap().len(), 0);
    let read: Vec<Option<usize>> = cache.get_many(&keys).await.unwrap();
    assert!(read.iter().all(Option::is_none), "{read:?}");
}

#[tokio::test]
async fn a_missing_value_is_loaded_once_and_found_afterwards() {
    let cluster = start();
    let (one, other) = (cache(&cluster), cache(&cluster));
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        tags: &["products"],
        ..Options::default()
    };
    for name in spread_names("products", 12) {
        let load = async || {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, std::io::Error>(7)
        };
        let (first, second) = tokio::join!(
            one.get_or_set(&name, &options, load),
            other.get_or_set(&name, &options, load),
        );

        let mut outcomes = [first.unwrap().outcome, second.unwrap().outcome];
        outcomes.sort_by_key(|outcome| *outcome == LookupOutcome::Miss);
        assert_eq!(outcomes[1], LookupOutcome::Miss, "{name}");
        assert_ne!(outcomes[0], LookupOutcome::Miss, "{name}");
        let again = other.get_or_set(&name, &options, load).await.unwrap();
        assert_eq!(again.outcome, LookupOutcome::Hit, "{name}");
        let key = one.key_info(&name).await.unwrap().unwrap();
        assert!(format!("{key:?}").contains("products"), "{key:?}");
    }

    assert_eq!(one.invalidate_tag("products").await.unwrap(), 12);
}

#[tokio::test]
async fn a_stored_value_lives_as_long_as_it_should_and_leaves_no_lock() {
    let cluster = start();
    let cache = cache(&cluster);
    let options = Options {
        ttl: Some(Duration::from_secs(600)),
        jitter: 0.0,
        ..Options::default()
    };
    cache
        .get_or_set("config:main", &options, async || Ok::<_, String>(1))
        .await
        .unwrap();
    cache.set("config:other", &2, &options).await.unwrap();

    for key in ["config:main", "config:other"] {
        let owner = cluster.node(cluster.owner_of_key(key));
        let left: i64 = redis::cmd("PTTL")
            .arg(key)
            .query(&mut owner.connection())
            .unwrap();
        assert!(left > 500_000, "{key}: {left}");
        let lock: i64 = redis::cmd("EXISTS")
            .arg(format!("lock:{{{key}}}"))
            .query(&mut owner.connection())
            .unwrap();
        assert_eq!(lock, 0, "{key}");
    }
}

#[tokio::test]
async fn names_with_braces_of_all_kinds_are_cached() {
    let cluster = start();
    let cache = cache(&cluster);
    for name in ["{u1}:cart", "a}b", "{}x", "}{", "{", "a{u1}b"] {
        let options = Options {
            tags: &["a}b", "{t}"],
            ..Options::default()
        };
        let fetched = cache
            .get_or_set(name, &options, async || Ok::<_, String>(name.len()))
            .await
            .unwrap();
        assert!(
            fetched.store_error.is_none(),
            "{name}: {:?}",
            fetched.store_error
        );
        assert_eq!(
            cache.get::<usize>(name).await.unwrap(),
            Some(name.len()),
            "{name}"
        );
    }

    assert_eq!(cache.invalidate_tag("{t}").await.unwrap(), 6);
    assert_eq!(cache.invalidate_tag("a}b").await.unwrap(), 0);
}

#[tokio::test]
async fn a_load_that_an_invalidation_overtakes_is_not_stored() {
    let cluster = start();
    let (loading, invalidating) = (cache(&cluster), cache(&cluster));
    let options = Options {
        tags: &["prices"],
        ..Options::default()
    };
    let by_key = async || assert!(invalidating.delete("prices:1").await.is_ok());
    let by_tag = async || assert!(invalidating.invalidate_tag("prices").await.is_ok());
    let by_pattern = async || assert!(invalidating.clear_by_pattern("prices:*").await.is_ok());

    // Readers would not be served it anyway while they know the fence, so the key itself is looked at.
    let is_stored = || {
        let owner = cluster.node(cluster.owner_of_key("prices:1"));
        owner.command(&["EXISTS", "prices:1"]) != redis::Value::Int(0)
    };
    for way in ["key", "tag", "pattern"] {
        let load = async || {
            match way {
                "key" => by_key().await,
                "tag" => by_tag().await,
                _ => by_pattern().await,
            }
            Ok::<_, String>(1)
        };
        let fetched = loading
            .get_or_set("prices:1", &options, load)
            .await
            .unwrap();

        assert_eq!(fetched.value, 1);
        assert!(!is_stored(), "by {way}");
    }
}

#[tokio::test]
async fn a_large_value_is_stored_in_chunks() {
    let cluster = start();
    let cache = cache(&cluster);
    let noise: Vec<u64> = (0..1_500_000_u64)
        .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .collect();
    let options = Options {
        tags: &["reports"],
        ..Options::default()
    };

    cache.set("report", &noise, &options).await.unwrap();

    assert_eq!(cache.get::<Vec<u64>>("report").await.unwrap(), Some(noise));
    assert_eq!(cache.invalidate_tag("reports").await.unwrap(), 1);
}

#[tokio::test]
async fn many_values_are_loaded_in_one_call() {
    let cluster = start();
    let cache = cache(&cluster);
    let names = spread_names("items", 30);
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    cache
        .set("items:3", &3_usize, &Options::default())
        .await
        .unwrap();

    let load = async |missing: Vec<&str>| {
        let pairs = missing.iter().map(|key| ((*key).to_owned(), key.len()));
        Ok::<_, String>(pairs.collect::<Vec<_>>())
    };
    let fetched = cache
        .get_or_set_many(&keys, &Options::default(), load)
        .await
        .unwrap();

    assert_eq!(fetched.len(), 30);
    let stored: Vec<Option<usize>> = cache.get_many(&keys).await.unwrap();
    assert!(stored.iter().all(Option::is_some), "{stored:?}");
}
