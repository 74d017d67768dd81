//! The cache in a service on Tokio, whose tasks run on several threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use edge_cache::tokio::TokioCache;
use edge_cache::{ErrorKind, Near, Options};
use edge_cache_testing::RedisServer;
use tokio::task::JoinSet;

fn assert_usable_as_state<T: Clone + Send + Sync + 'static>(_: &T) {}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_several_threads_share_one_load() {
    let server = RedisServer::start();
    let cache = TokioCache::at(&server.url(0)).unwrap();
    assert_usable_as_state(&cache);
    let loads = Arc::new(AtomicU64::new(0));

    let mut callers = JoinSet::new();
    for _ in 0..200 {
        let (cache, loads) = (cache.clone(), Arc::clone(&loads));
        callers.spawn(async move {
            let loader = async || {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok::<_, String>(loads.fetch_add(1, Ordering::SeqCst))
            };
            let fetched = cache.get_or_set("k", &Options::default(), loader).await;
            fetched.unwrap().value
        });
    }
    let values = callers.join_all().await;

    assert!(values.iter().all(|value| *value == 0), "{values:?}");
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_operation_can_run_in_a_task() {
    let server = RedisServer::start();
    let cache = TokioCache::at(&server.url(0)).unwrap();

    let task = tokio::spawn(async move {
        let options = Options {
            tags: &["t"],
            ..Options::default()
        };
        cache.set("a:1", &1, &options).await.unwrap();
        let value: Option<u64> = cache.get("a:1").await.unwrap();
        let values: Vec<Option<u64>> = cache.get_many(&["a:1", "a:2"]).await.unwrap();
        let minute = Some(Duration::from_secs(60));
        cache.expire("a:1", minute).await.unwrap();
        let removed = cache.invalidate_tag("t").await.unwrap();
        let cleared = cache.clear_by_pattern("a:*").await.unwrap();
        let deleted = cache.delete("a:1").await.unwrap();
        (value, values, removed, cleared, deleted)
    });

    let (value, values, removed, cleared, deleted) = task.await.unwrap();
    assert_eq!(value, Some(1));
    assert_eq!(values, [Some(1), None]);
    assert_eq!(removed, 1);
    assert_eq!(cleared, 0);
    assert!(!deleted);
}

/// One thread writes growing numbers; readers, half of them with near copies, never see a number
/// below one whose writing was answered before their lookup.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn readers_on_several_threads_never_see_what_was_overwritten() {
    let server = RedisServer::start();
    let writer = TokioCache::at(&server.url(0)).unwrap();
    let shared = TokioCache::at(&server.url(0)).unwrap();
    let answered = Arc::new(AtomicU64::new(0));
    writer.set("k", &0_u64, &Options::default()).await.unwrap();

    let mut readers = JoinSet::new();
    for number in 0..16 {
        let (cache, answered) = (shared.clone(), Arc::clone(&answered));
        readers.spawn(async move {
            let options = Options {
                near: (number % 2 == 0).then(Near::default),
                ..Options::default()
            };
            let mut lookups = 0;
            loop {
                let least = answered.load(Ordering::SeqCst);
                if least == u64::MAX {
                    return lookups;
                }
                let loader = async || Err::<u64, _>("the key is always there");
                let fetched = cache.get_or_set("k", &options, loader).await.unwrap();
                assert!(fetched.value >= least, "{} < {least}", fetched.value);
                lookups += 1;
            }
        });
    }
    for value in 1..=40_u64 {
        writer.set("k", &value, &Options::default()).await.unwrap();
        answered.store(value, Ordering::SeqCst);
    }
    answered.store(u64::MAX, Ordering::SeqCst);

    let lookups = readers.join_all().await;
    assert!(lookups.iter().all(|count| *count > 0), "{lookups:?}");
}

#[test]
fn an_address_that_cannot_be_read_is_told_before_the_first_command() {
    let error = TokioCache::at("redis//no-address").map(drop).unwrap_err();

    assert_eq!(error.kind, ErrorKind::AddressForbidden);
}

#[test]
fn the_futures_of_lookups_are_small() {
    let cache = TokioCache::at("redis://127.0.0.1:6379/0").unwrap();
    let options = Options::default();
    let load = async || Ok::<_, String>(1);

    let lookup = cache.get_or_set("k", &options, load);
    let with_later_refresh = cache.get_or_set_later("k", &options, load);

    // Each function that awaits them moves them, so they are a part of what a hit costs. So is the
    // room for a refresh, which few hits return.
    assert!(size_of_val(&lookup) < 4_600, "{}", size_of_val(&lookup));
    let later = size_of_val(&with_later_refresh);
    assert!(later < 4_600, "{later}");
    assert!(size_of_output(&with_later_refresh) < 256);
}

fn size_of_output<F: Future>(_: &F) -> usize {
    size_of::<F::Output>()
}
