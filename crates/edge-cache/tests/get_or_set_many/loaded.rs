//! `get_or_load_many`: options that only the loader knows, for each key.

use std::time::Duration;

use edge_cache::LookupOutcome::{Bypass, Hit, Miss};
use edge_cache::{Fetched, LoadError, Loaded, Options, Previous};
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::{Native, cache, outcomes, ttl};

/// Loads each missing key with a TTL and a tag of its own.
async fn look_up(
    cache: &Native,
    keys: &[&str],
    options: &Options<'_>,
) -> Vec<Fetched<Option<String>>> {
    let loader = |missing: Vec<&str>| {
        let loaded = |key: &str| {
            let seconds = if key == "short" { 10 } else { 1000 };
            let value = Loaded::new(format!("value of {key}"));
            let value = value.ttl(Duration::from_secs(seconds)).validator("v1");
            (key.to_owned(), value.tags([format!("only:{key}")]))
        };
        let pairs: Vec<(String, Loaded<String>)> = missing.into_iter().map(loaded).collect();
        async move { Ok::<_, String>(pairs) }
    };
    cache.get_or_load_many(keys, options, loader).await.unwrap()
}

#[tokio::test]
async fn each_key_has_the_options_that_its_loader_gives_it() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        tags: &["all"],
        grace: Duration::from_secs(60),
        ..ttl(60_000)
    };

    let fetched = look_up(&cache, &["short", "long"], &options).await;

    assert_eq!(outcomes(&fetched), [Miss, Miss]);
    let mut redis = server.connection();
    let mut left = |key: &str| redis.ttl::<_, i64>(key).unwrap();
    assert!((60..=70).contains(&left("short")), "{}", left("short"));
    assert!((1050..=1060).contains(&left("long")), "{}", left("long"));

    // The validator is there for a later refresh of one of the keys.
    let mut validator = None;
    let refresh = async |previous: Option<&Previous<String>>| {
        let previous = previous.expect("the stored value");
        validator.clone_from(&previous.validator);
        Ok::<_, String>(previous.not_modified())
    };
    cache.refresh("long", &options, refresh).await.unwrap();
    assert_eq!(validator.as_deref(), Some("v1"));

    assert_eq!(cache.invalidate_tag("only:short").await.unwrap(), 1);
    let again = look_up(&cache, &["short", "long"], &options).await;
    assert_eq!(outcomes(&again), [Miss, Hit]);
    assert_eq!(cache.invalidate_tag("all").await.unwrap(), 2);
}

#[tokio::test]
async fn options_count_for_nothing_while_redis_is_down() {
    let mut server = RedisServer::start();
    let cache = cache(&server);
    server.kill();

    let fetched = look_up(&cache, &["short"], &ttl(60_000)).await;

    assert_eq!(outcomes(&fetched), [Bypass]);
    assert_eq!(fetched[0].value.as_deref(), Some("value of short"));
}

#[tokio::test]
async fn a_value_that_the_loader_says_to_keep_is_an_error_and_not_a_negative_result() {
    let mut server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        negative_ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(60),
        ..ttl(60_000)
    };
    cache.set("other", &"x".to_owned(), &options).await.unwrap();

    let mut kept = None;
    let refresh = async |previous: Option<&Previous<String>>| {
        let not_modified = previous.expect("the stored value").not_modified();
        kept = Some(not_modified.clone());
        Ok::<_, String>(not_modified)
    };
    cache.refresh("other", &options, refresh).await.unwrap();
    let kept = kept.unwrap();

    let loader = async |_: Vec<&str>| Ok::<_, String>([("a", kept.clone())]);
    let loaded = cache.get_or_load_many(&["a"], &options, loader).await;
    assert!(matches!(loaded, Err(LoadError::NothingKept)), "{loaded:?}");
    let keys: Vec<String> = server.connection().keys("*{a}*").unwrap();
    assert!(!server.connection().exists::<_, bool>("a").unwrap());
    assert!(keys.iter().all(|key| !key.starts_with("lock:")), "{keys:?}");

    server.kill();
    let loaded = cache.get_or_load_many(&["a"], &options, loader).await;
    assert!(matches!(loaded, Err(LoadError::NothingKept)), "{loaded:?}");
}
