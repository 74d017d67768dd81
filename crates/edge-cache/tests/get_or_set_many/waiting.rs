//! Calls that wait for keys that others load.

use std::time::Duration;

use edge_cache::LookupOutcome::{Bypass, Hit, Miss};
use edge_cache::Options;
use edge_cache::tokio::TokioCache;
use edge_cache_testing::RedisServer;
use futures_util::future::{join, join_all};

use crate::{Source, cache, look_up, outcomes, pause, ttl, values};

#[tokio::test]
async fn overlapping_calls_on_several_instances_load_each_key_once() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let source = Source::slow(200);
    let options = Options {
        // Callers that wait longer load by themselves.
        lock_wait: Duration::from_secs(60),
        ..ttl(60_000)
    };
    let names: Vec<String> = (0..40).map(|n| format!("n:{n}")).collect();

    let calls = (0..160).map(|call| {
        let (cache, source, options) = (&instances[call % 8], &source, &options);
        let mut keys: Vec<&str> = (0..20).map(|n| names[(call + n) % 40].as_str()).collect();
        if call % 3 == 0 {
            keys.reverse();
        }
        async move {
            let fetched = look_up(cache, &keys, options, source).await;
            let expected: Vec<String> = keys.iter().map(|key| format!("{key} #1")).collect();
            let values: Vec<&str> = values(&fetched).into_iter().flatten().collect();
            assert_eq!(values, expected);
        }
    });
    join_all(calls).await;

    let loads = source.loads.borrow();
    assert_eq!(loads.len(), 40);
    assert!(loads.values().all(|loads| *loads == 1), "{loads:?}");
}

#[tokio::test]
async fn a_call_waits_for_a_key_that_another_caller_loads_and_loads_the_others_meanwhile() {
    let server = RedisServer::start();
    let (one, many) = (cache(&server), cache(&server));
    let (source, options) = (Source::default(), ttl(60_000));

    let single = one.get_or_set("b", &options, async || {
        pause(600).await;
        Ok::<_, String>("b by one".to_owned())
    });
    let batch = async {
        pause(200).await;
        look_up(&many, &["a", "b", "c"], &options, &source).await
    };
    let (single, batch) = join(single, batch).await;

    assert_eq!(single.unwrap().outcome, Miss);
    assert_eq!(outcomes(&batch), [Miss, Hit, Miss]);
    assert_eq!(values(&batch)[1], Some("b by one"));
    assert_eq!(source.calls(), [["a", "c"]]);
}

#[tokio::test]
async fn a_call_waits_for_a_negative_result_that_is_not_stored() {
    let server = RedisServer::start();
    let (one, many) = (cache(&server), cache(&server));
    let (source, options) = (Source::default(), ttl(60_000));

    let single = one.get_or_set("b", &options, async || {
        pause(600).await;
        Ok::<Option<String>, String>(None)
    });
    let batch = async {
        pause(200).await;
        look_up(&many, &["a", "b"], &options, &source).await
    };
    let (_, batch) = join(single, batch).await;

    assert_eq!(values(&batch), [Some("a #1"), None]);
    assert_eq!(source.calls(), [["a"]]);
}

#[tokio::test]
async fn keys_whose_load_takes_too_long_are_loaded_together_without_the_cache() {
    let server = RedisServer::start();
    for key in ["b", "c"] {
        let lock = format!("lock:{{{key}}}");
        redis::cmd("SET")
            .arg(&[&lock, "slow", "PX", "60000"])
            .exec(&mut server.connection())
            .unwrap();
    }
    let source = Source::default();
    let options = Options {
        lock_wait: Duration::from_millis(200),
        ..ttl(60_000)
    };

    let fetched = look_up(&cache(&server), &["a", "b", "c"], &options, &source).await;

    assert_eq!(outcomes(&fetched), [Miss, Bypass, Bypass]);
    assert_eq!(values(&fetched), [Some("a #1"), Some("b #1"), Some("c #1")]);
    assert_eq!(source.calls(), [vec!["a"], vec!["b", "c"]]);
}

#[tokio::test]
async fn a_key_that_another_caller_left_without_a_value_is_loaded_by_a_second_call_of_the_loader() {
    let server = RedisServer::start();
    redis::cmd("SET")
        .arg(&["lock:{b}", "dead", "PX", "300"])
        .exec(&mut server.connection())
        .unwrap();
    let source = Source::default();

    let fetched = look_up(&cache(&server), &["a", "b"], &ttl(60_000), &source).await;

    assert_eq!(outcomes(&fetched), [Miss, Miss]);
    assert_eq!(source.calls(), [["a"], ["b"]]);
}

#[tokio::test]
async fn calls_can_run_in_tasks() {
    let server = RedisServer::start();
    let cache = TokioCache::at(&server.url(0)).unwrap();

    let tasks = (0..20).map(|task| {
        let cache = cache.clone();
        tokio::spawn(async move {
            let names: Vec<String> = (0..5).map(|n| format!("n:{}", task + n)).collect();
            let keys: Vec<&str> = names.iter().map(String::as_str).collect();
            let load = async |missing: Vec<&str>| {
                let pairs = missing.into_iter().map(|key| (key.to_owned(), key.len()));
                Ok::<_, String>(pairs.collect::<Vec<_>>())
            };
            let fetched = cache.get_or_set_many(&keys, &ttl(60_000), load).await;
            fetched.unwrap().len()
        })
    });
    let answers = join_all(tasks).await;

    assert!(answers.into_iter().all(|count| count.unwrap() == 5));
}
