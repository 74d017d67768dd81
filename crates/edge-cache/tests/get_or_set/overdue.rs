//! Waiters whose `lock_wait` is over while another caller still loads: they take turns.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::{LookupOutcome, Options};
use edge_cache_testing::RedisServer;
use futures_util::future::{join, join_all};
use redis::Commands;

use crate::{cache, look_up, slow, ttl};

fn impatient(lock_wait: u64) -> Options<'static> {
    Options {
        lock_wait: Duration::from_millis(lock_wait),
        ..ttl(60_000)
    }
}

/// Sets a key that outlives the test, as a caller of another instance would.
fn hold(server: &RedisServer, key: &str) {
    redis::cmd("SET")
        .arg(&[key, "somebody", "PX", "60000"])
        .exec(&mut server.connection())
        .unwrap();
}

#[tokio::test]
async fn a_load_that_outlasts_the_patience_of_many_instances_does_not_end_in_a_crowd() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), impatient(600));

    let calls = (0..40).map(|n| {
        let (cache, loads, options) = (&instances[n % 8], &loads, &options);
        async move {
            let loader = async || slow(loads, 1500).await;
            cache.get_or_set("k", options, loader).await.unwrap()
        }
    });
    let fetched = join_all(calls).await;

    // The first at once, and one after each 600 ms while it runs. Without turns there would be nine.
    let loads = loads.get();
    assert!((2..=4).contains(&loads), "{loads}");
    assert_eq!(fetched.len(), 40);
}

#[tokio::test]
async fn one_extra_load_serves_the_waiters_of_all_instances_while_the_first_one_hangs() {
    let server = RedisServer::start();
    hold(&server, "lock:{k}");
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), impatient(1000));

    let calls = (0..40).map(|n| look_up(&instances[n % 8], "k", &options, &loads));
    let fetched = join_all(calls).await;

    assert_eq!(loads.get(), 1);
    let is_own = |outcome| outcome == LookupOutcome::Bypass;
    let own = fetched.iter().filter(|fetched| is_own(fetched.outcome));
    assert!(own.count() <= 5, "those of one instance at most");
    let owner: String = server.connection().get("lock:{k}").unwrap();
    assert_eq!(owner, "somebody");
    assert!(!server.connection().exists::<_, bool>("k").unwrap());
}

#[tokio::test]
async fn a_failed_extra_load_is_not_the_answer_of_other_instances() {
    let server = RedisServer::start();
    let (first, second, third) = (cache(&server), cache(&server), cache(&server));
    let (loads, options) = (Cell::new(0), impatient(400));
    let patient = impatient(60_000);
    let fails = async || Err::<u32, _>("no connection to the database");

    let loading = first.get_or_set("k", &options, async || slow(&loads, 1200).await);
    let others = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let failing = second.get_or_set("k", &options, fails);
        join(failing, look_up(&third, "k", &patient, &loads)).await
    };
    let (loaded, (failed, waited)) = join(loading, others).await;

    assert_eq!(loaded.unwrap().outcome, LookupOutcome::Miss);
    assert!(failed.is_err());
    assert_eq!(waited.outcome, LookupOutcome::Hit);
    assert_eq!(loads.get(), 1);
}

#[tokio::test]
async fn who_asks_during_an_extra_load_does_not_get_its_value() {
    let server = RedisServer::start();
    hold(&server, "lock:{k}");
    let (early, late) = (cache(&server), cache(&server));
    let (version, options) = (Cell::new(1), impatient(300));
    let load = async || {
        let version = version.get();
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok::<_, String>(version)
    };

    let before = early.get_or_set("k", &options, load);
    let after = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        version.set(2);
        late.delete("k").await.unwrap();
        hold(&server, "lock:{k}");
        late.get_or_set("k", &options, load).await
    };
    let (before, after) = join(before, after).await;

    assert_eq!(before.unwrap().value, 1);
    assert_eq!(
        after.unwrap().value,
        2,
        "the invalidation came before it asked"
    );
}

#[tokio::test]
async fn after_four_times_its_lock_wait_a_caller_loads_in_any_case() {
    let server = RedisServer::start();
    hold(&server, "lock:{k}");
    hold(&server, "cache:waiting:extra:{k}");
    let loads = Cell::new(0);

    let (cache, options) = (cache(&server), impatient(200));
    let lookup = look_up(&cache, "k", &options, &loads);
    let loaded = tokio::time::timeout(Duration::from_secs(20), lookup).await;

    assert_eq!(loaded.unwrap().outcome, LookupOutcome::Bypass);
    assert_eq!(loads.get(), 1);
}

#[tokio::test]
async fn the_record_of_an_extra_load_expires_by_itself() {
    let server = RedisServer::start();
    hold(&server, "lock:{k}");
    let loads = Cell::new(0);

    look_up(&cache(&server), "k", &impatient(1000), &loads).await;

    let mut redis = server.connection();
    let left: i64 = redis.pttl("cache:waiting:extra:{k}").unwrap();
    assert!((1..=1000).contains(&left), "{left}");
}
