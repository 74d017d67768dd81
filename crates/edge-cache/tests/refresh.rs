//! Loads of values that are still there: loaders that see the previous value, refreshing by force,
//! and loads after the answer.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LoadError, Loaded, LookupOutcome, Options, Previous, RedisClient};
use edge_cache_testing::{RedisServer, client};

type Native = Cache<RedisClient<TokioTransport>>;

fn cache(server: &RedisServer) -> Native {
    Cache::new(client(&server.url(0)))
}

/// Fresh for this time, and served for an hour more.
fn with_grace(milliseconds: u64) -> Options<'static> {
    Options {
        ttl: Some(Duration::from_millis(milliseconds)),
        grace: Duration::from_secs(3600),
        jitter: 0.0,
        early_refresh: 0.0,
        throttle: Duration::ZERO,
        ..Options::default()
    }
}

async fn pttl(cache: &Native, key: &str) -> u128 {
    let left = cache.ttl(key).await.unwrap();
    left.flatten().expect("a key that expires").as_millis()
}

#[tokio::test]
async fn a_loader_sees_the_value_that_it_replaces_and_its_validator() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = with_grace(1);
    let seen = async |key: &str| {
        let loader = async |previous: Option<&Previous<u32>>| {
            let seen = previous.map_or(0, |previous| previous.value);
            let validator = previous.and_then(|previous| previous.validator.clone());
            assert_eq!(validator.is_some(), previous.is_some());
            Ok::<_, String>(Loaded::new(seen + 1).validator("W/\"1\""))
        };
        cache
            .get_or_load(key, &options, loader)
            .await
            .unwrap()
            .value
    };

    assert_eq!(seen("k").await, 1);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(seen("k").await, 2);
    assert_eq!(seen("other").await, 1);
}

#[tokio::test]
async fn a_value_that_the_source_still_has_is_kept_and_fresh_again() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let first = async |_: Option<&Previous<String>>| {
        Ok::<_, String>(Loaded::new("value".to_owned()).validator("v1"))
    };
    cache.get_or_load("k", &with_grace(1), first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let unchanged = async |previous: Option<&Previous<String>>| {
        Ok::<_, String>(previous.unwrap().not_modified())
    };
    let kept = cache
        .get_or_load("k", &with_grace(60_000), unchanged)
        .await
        .unwrap();

    assert_eq!(kept.value, "value");
    assert_eq!(kept.outcome, LookupOutcome::Miss);
    let never = async || Err::<String, _>("fresh again");
    let hit = cache
        .get_or_set("k", &with_grace(60_000), never)
        .await
        .unwrap();
    assert_eq!(hit.outcome, LookupOutcome::Hit);
    assert_eq!(hit.value, "value");
}

#[tokio::test]
async fn keeping_a_value_that_there_is_not_is_an_error_and_releases_the_load() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let source = Cell::new(None);
    let options = with_grace(1);
    let first = async |_: Option<&Previous<u32>>| Ok::<_, String>(Loaded::new(1));
    cache.get_or_load("a", &options, first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let take = async |previous: Option<&Previous<u32>>| {
        source.set(previous.map(Previous::not_modified));
        Ok::<_, String>(Loaded::new(2))
    };
    cache.get_or_load("a", &options, take).await.unwrap();

    let of_another = async |_: Option<&Previous<u32>>| Ok::<_, String>(source.take().unwrap());
    let error = cache.get_or_load("b", &options, of_another).await;

    assert_eq!(error.unwrap_err(), LoadError::NothingKept);
    let loaded = cache
        .get_or_set("b", &options, async || Ok::<_, String>(3))
        .await;
    assert_eq!(loaded.unwrap().outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn a_loader_chooses_ttl_and_tags() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        tags: &["call"],
        jitter: 0.0,
        ..Options::default()
    };

    let loader = async |_: Option<&Previous<u32>>| {
        let loaded = Loaded::new(1).ttl(Duration::from_secs(7));
        Ok::<_, String>(loaded.tags(["loader"]))
    };
    cache.get_or_load("k", &options, loader).await.unwrap();

    let left = pttl(&cache, "k").await;
    assert!((6_000..=7_000).contains(&left), "{left}");
    let info = cache.key_info("k").await.unwrap().unwrap();
    assert_eq!(info.tags, ["call", "loader"]);
    assert_eq!(cache.invalidate_tag("loader").await.unwrap(), 1);
}

#[tokio::test]
async fn a_tag_of_the_loader_that_is_invalidated_during_the_load_wins() {
    let server = RedisServer::start();
    let cache = cache(&server);

    // Longer than the interval at which a load reads the fences.
    let loader = async |_: Option<&Previous<u32>>| {
        cache.invalidate_tag("loader").await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok::<_, String>(Loaded::new(1).tags(["loader"]))
    };
    let loaded = cache.get_or_load("k", &Options::default(), loader).await;

    assert_eq!(loaded.unwrap().value, 1);
    assert!(!cache.exists("k").await.unwrap());
}

#[tokio::test]
async fn a_bad_tag_of_a_loader_is_told_and_the_value_served() {
    let server = RedisServer::start();
    let cache = cache(&server);

    let loader = async |_: Option<&Previous<u32>>| Ok::<_, String>(Loaded::new(1).tags(["a\nb"]));
    let fetched = cache
        .get_or_load("k", &Options::default(), loader)
        .await
        .unwrap();

    assert_eq!(fetched.value, 1);
    assert!(fetched.store_error.is_some());
    assert!(!cache.exists("k").await.unwrap());
}

#[tokio::test]
async fn a_refresh_replaces_a_fresh_value_which_others_are_served_meanwhile() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("k", &1, &Options::default()).await.unwrap();

    let loader = async |previous: Option<&Previous<u32>>| {
        let never = async || Err::<u32, _>("there is a value");
        let other = cache
            .get_or_set("k", &Options::default(), never)
            .await
            .unwrap();
        assert_eq!((other.value, other.outcome), (1, LookupOutcome::Hit));
        Ok::<_, String>(Loaded::new(previous.unwrap().value + 1))
    };
    let refreshed = cache
        .refresh("k", &Options::default(), loader)
        .await
        .unwrap();

    assert_eq!(refreshed.value, 2);
    assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(2));
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_value_and_says_so() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("k", &1, &Options::default()).await.unwrap();

    let loader = async |_: Option<&Previous<u32>>| Err("no source");
    let error = cache.refresh("k", &Options::default(), loader).await;

    assert_eq!(error.unwrap_err(), LoadError::Own("no source"));
    assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_refresh_waits_for_another_load_and_loads_after_it() {
    let server = RedisServer::start();
    let (one, two) = (cache(&server), cache(&server));
    let options = Options::default();

    let slow = async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, String>(1)
    };
    let loading = one.get_or_set("k", &options, slow);
    let refreshing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let loader = async |previous: Option<&Previous<u32>>| {
            Ok::<_, String>(Loaded::new(previous.unwrap().value + 1))
        };
        two.refresh("k", &options, loader).await.unwrap().value
    };
    let (loaded, refreshed) = tokio::join!(loading, refreshing);

    assert_eq!(loaded.unwrap().value, 1);
    assert_eq!(refreshed, 2);
}

#[tokio::test]
async fn a_stale_value_is_served_before_its_refresh_has_begun() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = with_grace(1);
    cache
        .get_or_set("k", &options, async || Ok::<_, String>(1))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let loader = async || Ok::<_, String>(2);
    let (served, refresh) = cache.get_or_set_later("k", &options, loader).await.unwrap();
    let (other, none) = cache.get_or_set_later("k", &options, loader).await.unwrap();

    assert_eq!((served.value, served.outcome), (1, LookupOutcome::Stale));
    assert_eq!((other.value, other.outcome), (1, LookupOutcome::Stale));
    assert!(none.is_none(), "one caller refreshes");

    refresh.unwrap().await;
    let fresh = with_grace(60_000);
    let fetched = cache
        .get_or_set("k", &fresh, async || Err::<u32, _>("stored"))
        .await;
    assert_eq!(fetched.unwrap().value, 2);
}

#[tokio::test]
async fn a_refresh_after_the_answer_that_fails_is_not_tried_again_at_once() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        throttle: Duration::from_secs(30),
        ..with_grace(1)
    };
    cache
        .get_or_set("k", &options, async || Ok::<_, String>(1))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let failing = async || Err::<u32, _>("no source");
    let (_, refresh) = cache
        .get_or_set_later("k", &options, failing)
        .await
        .unwrap();
    refresh.unwrap().await;
    let (served, none) = cache
        .get_or_set_later("k", &options, failing)
        .await
        .unwrap();

    assert_eq!(served.value, 1);
    assert!(none.is_none());
}

#[tokio::test]
async fn a_value_that_is_missing_is_loaded_before_the_answer() {
    let server = RedisServer::start();
    let cache = cache(&server);

    let loader = async || Ok::<_, String>(1);
    let options = with_grace(60_000);
    let (loaded, none) = cache.get_or_set_later("k", &options, loader).await.unwrap();

    assert_eq!((loaded.value, loaded.outcome), (1, LookupOutcome::Miss));
    assert!(none.is_none());
}

#[tokio::test]
async fn a_touched_entry_lives_anew_with_the_options_of_the_call() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("k", &1, &with_grace(100)).await.unwrap();

    assert!(cache.touch("k", &with_grace(60_000)).await.unwrap());
    tokio::time::sleep(Duration::from_millis(150)).await;

    let never = async || Err::<u32, _>("fresh");
    let hit = cache
        .get_or_set("k", &with_grace(60_000), never)
        .await
        .unwrap();
    assert_eq!(hit.outcome, LookupOutcome::Hit);
    let left = pttl(&cache, "k").await;
    assert!((3_600_000..=3_660_000).contains(&left), "{left}");
    assert!(!cache.touch("missing", &with_grace(60_000)).await.unwrap());
}
