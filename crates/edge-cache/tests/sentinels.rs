//! A primary that Sentinels watch.

use std::time::{Duration, Instant};

use edge_cache::tokio::TokioCache;
use edge_cache::{ErrorKind, Options};
use edge_cache_testing::Sentinels;

/// A cache that knows only the Sentinels.
fn cache(sentinels: &Sentinels, primary: &str) -> TokioCache {
    let urls: Vec<String> = sentinels
        .addresses()
        .iter()
        .map(|address| format!("redis://{address}"))
        .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    TokioCache::through_sentinels("redis://unused:1/0", &urls, primary).unwrap()
}

#[tokio::test]
async fn after_a_failover_the_next_calls_reach_the_new_primary() {
    let mut sentinels = Sentinels::start();
    let cache = cache(&sentinels, sentinels.master_name());
    let options = Options::default();
    cache.set("a", &1, &options).await.unwrap();
    let before = sentinels.primary_port();

    sentinels.kill_primary();
    sentinels.wait_for_failover();

    let began = Instant::now();
    while cache.set("a", &2, &options).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "no new primary");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(cache.get::<u32>("a").await.unwrap(), Some(2));
    assert_ne!(sentinels.primary_port(), before);
}

#[tokio::test]
async fn a_sentinel_that_is_gone_is_passed_over() {
    let mut sentinels = Sentinels::start();
    let cache = cache(&sentinels, sentinels.master_name());
    sentinels.kill_sentinel(0);

    cache.set("a", &1, &Options::default()).await.unwrap();

    assert_eq!(cache.get::<u32>("a").await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_said() {
    let sentinels = Sentinels::start();
    let cache = cache(&sentinels, "nobody");

    let error = cache.get::<u32>("a").await.unwrap_err();

    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.message.contains("`nobody`"), "{error}");
}
