//! Failed loads, stale values, and Redis away.

use std::time::Duration;

use edge_cache::LookupOutcome::{Bypass, Miss, Stale};
use edge_cache::{Cache, LoadError, Options};
use edge_cache_testing::{RedisServer, client, free_port};
use futures_util::future::{join, join_all};

use crate::{Source, cache, fail, look_up, outcomes, pause, ttl, values, with_grace};

#[tokio::test]
async fn a_failed_load_is_the_answer_of_the_call_and_of_those_that_follow() {
    let server = RedisServer::start();
    let (cache, source, options) = (cache(&server), Source::default(), ttl(60_000));
    look_up(&cache, &["a"], &options, &source).await;

    let first = fail(&cache, &["a", "b"], &options, &source).await;
    let next = fail(&cache, &["b", "c"], &options, &source).await;

    assert_eq!(first, Err(LoadError::Own("database down".to_owned())));
    assert_eq!(next, Err(LoadError::Shared("database down".to_owned())));
    assert_eq!(source.calls().len(), 2, "a, then b");
}

#[tokio::test]
async fn the_shared_failure_of_one_key_leaves_no_lock_of_the_others() {
    let server = RedisServer::start();
    let (cache, source, options) = (cache(&server), Source::default(), ttl(60_000));
    let failing = async || Err::<u32, _>("down");
    cache.get_or_set("b", &options, failing).await.unwrap_err();

    let failed = fail(&cache, &["a", "b"], &options, &source).await;
    assert_eq!(failed, Err(LoadError::Shared("down".to_owned())));
    assert!(source.calls().is_empty());

    let loaded = look_up(&cache, &["a"], &options, &source).await;
    assert_eq!(outcomes(&loaded), [Miss]);
}

#[tokio::test]
async fn stale_values_are_served_to_others_while_one_call_refreshes_them() {
    let server = RedisServer::start();
    let (cache, options) = (cache(&server), with_grace(&ttl(50)));
    let (first, slow) = (Source::default(), Source::slow(500));
    look_up(&cache, &["a", "b"], &options, &first).await;
    pause(100).await;

    let refresh = look_up(&cache, &["a", "b"], &options, &slow);
    let others = async {
        pause(100).await;
        let calls = (0..20).map(|_| look_up(&cache, &["b", "a"], &options, &first));
        join_all(calls).await
    };
    let (refreshed, served) = join(refresh, others).await;

    assert_eq!(outcomes(&refreshed), [Miss, Miss]);
    for stale in served {
        assert_eq!(outcomes(&stale), [Stale, Stale]);
        assert_eq!(values(&stale), [Some("b #1"), Some("a #1")]);
    }
    assert_eq!((first.calls().len(), slow.calls().len()), (1, 1));
}

#[tokio::test]
async fn a_failed_refresh_serves_the_stale_values_and_is_not_repeated_at_once() {
    let server = RedisServer::start();
    let (cache, source) = (cache(&server), Source::default());
    let options = with_grace(&ttl(50));
    look_up(&cache, &["a", "b"], &options, &source).await;
    pause(100).await;

    for _ in 0..3 {
        let served = fail(&cache, &["a", "b"], &options, &source).await.unwrap();
        assert_eq!(values(&served), [Some("a #1"), Some("b #1")]);
        assert_eq!(outcomes(&served), [Stale, Stale]);
    }

    assert_eq!(source.calls().len(), 2, "one load, and one that failed");
}

#[tokio::test]
async fn a_refresh_that_exceeds_its_time_limit_serves_the_stale_values() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        load_timeout: Duration::from_millis(50),
        ..with_grace(&ttl(50))
    };
    look_up(&cache, &["a", "b"], &options, &Source::default()).await;
    pause(100).await;

    let served = look_up(&cache, &["a", "b"], &options, &Source::slow(60_000)).await;

    assert_eq!(outcomes(&served), [Stale, Stale]);
}

#[tokio::test]
async fn while_redis_is_away_calls_of_an_instance_share_the_load_of_each_key() {
    let cache = Cache::new(client(&format!("redis://127.0.0.1:{}/0", free_port())));
    let source = Source::slow(300);
    let names: Vec<String> = (0..10).map(|n| format!("n:{n}")).collect();
    // Opens the circuit, so that the calls below begin together.
    for _ in 0..3 {
        look_up(&cache, &["other"], &ttl(60_000), &source).await;
    }

    let calls = (0..30).map(|call| {
        let (cache, source, names) = (&cache, &source, &names);
        async move {
            let mut keys: Vec<&str> = names.iter().skip(call % 5).map(String::as_str).collect();
            if call % 2 == 0 {
                keys.reverse();
            }
            let fetched = look_up(cache, &keys, &ttl(60_000), source).await;
            (
                fetched,
                keys.iter().map(|key| format!("{key} #1")).collect(),
            )
        }
    });
    let answers: Vec<(Vec<_>, Vec<String>)> = join_all(calls).await;

    for (fetched, expected) in answers {
        assert!(outcomes(&fetched).iter().all(|outcome| *outcome == Bypass));
        let values: Vec<String> = fetched
            .into_iter()
            .filter_map(|found| found.value)
            .collect();
        assert_eq!(values, expected);
    }
}

#[tokio::test]
async fn calls_of_an_instance_share_a_failure_while_redis_is_away() {
    let cache = Cache::new(client(&format!("redis://127.0.0.1:{}/0", free_port())));
    let source = Source::slow(300);
    for _ in 0..3 {
        look_up(&cache, &["other"], &ttl(60_000), &source).await;
    }
    source.calls.borrow_mut().clear();

    let options = ttl(60_000);
    let calls = (0..20).map(|_| fail(&cache, &["a", "b"], &options, &source));
    let answers = join_all(calls).await;

    assert_eq!(source.calls().len(), 1);
    let own = answers
        .iter()
        .filter(|answer| matches!(answer, Err(LoadError::Own(_))));
    assert_eq!(own.count(), 1);
    assert!(answers.iter().all(Result::is_err));
}
