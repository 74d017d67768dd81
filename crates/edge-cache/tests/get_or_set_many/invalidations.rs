//! Invalidations that come while keys are loaded.

use edge_cache::LookupOutcome::Miss;
use edge_cache::{LoadError, Options};
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::{Native, Source, cache, look_up, outcomes, ttl};

/// Returns which of `a:1`, `a:2` and `b:1` exist after a load of them during which `invalidate` ran.
async fn stored_after(invalidate: impl AsyncFn(&Native)) -> Vec<bool> {
    let server = RedisServer::start();
    let (loading, other, source) = (cache(&server), cache(&server), Source::default());
    let options = Options {
        tags: &["t"],
        ..ttl(60_000)
    };
    let keys = ["a:1", "a:2", "b:1"];
    let loader = async |missing| {
        invalidate(&other).await;
        source.load(missing).await
    };

    let loaded: Result<_, LoadError<String>> =
        loading.get_or_set_many(&keys, &options, loader).await;

    assert_eq!(outcomes(&loaded.unwrap()), [Miss, Miss, Miss]);
    let mut redis = server.connection();
    keys.map(|key| redis.exists(key).unwrap()).to_vec()
}

#[tokio::test]
async fn an_invalidation_during_the_load_wins_for_the_keys_that_it_covers() {
    let by_key = stored_after(async |cache| {
        cache.delete("a:2").await.unwrap();
    });
    let by_pattern = stored_after(async |cache| {
        cache.clear_by_pattern("a:*").await.unwrap();
    });
    let by_tag = stored_after(async |cache| {
        cache.invalidate_tag("t").await.unwrap();
    });
    let of_others = stored_after(async |cache| {
        cache.invalidate_tag("other").await.unwrap();
    });

    assert_eq!(by_key.await, [true, false, true]);
    assert_eq!(by_pattern.await, [false, false, true]);
    assert_eq!(by_tag.await, [false, false, false]);
    assert_eq!(of_others.await, [true, true, true]);
}

#[tokio::test]
async fn a_call_loads_what_was_invalidated_before_it() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let keys = ["a:1", "a:2", "b:1"];
    look_up(&cache, &keys, &ttl(60_000), &source).await;

    cache.clear_by_pattern("a:*").await.unwrap();
    look_up(&cache, &keys, &ttl(60_000), &source).await;

    let last = source.calls().pop().unwrap();
    assert_eq!(last, ["a:1", "a:2"]);
}
