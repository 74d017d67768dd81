//! Callers that wait for a load get nothing from before an invalidation that had ended when they
//! asked.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use edge_cache::{Cache, Fetched, LookupOutcome, Options};
use edge_cache_testing::{RedisServer, client};
use futures_util::future::{Either, join, join_all, select};
use redis::Commands;
use tokio::sync::Notify;

use crate::{Native, cache, clear, invalidate, invalidate_by_a_foreign_tag};

/// A source whose value is its version.
#[derive(Default)]
struct Source {
    version: Cell<u32>,
    /// The version that the last finished invalidation announced.
    acknowledged: Cell<u32>,
    loads: Cell<u32>,
}

impl Source {
    async fn load(&self) -> Result<u32, String> {
        self.loads.set(self.loads.get() + 1);
        let version = self.version.get();
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok(version)
    }
}

/// Changes the source and invalidates `users:1` (tag `user-data`) in every way, over and over.
async fn invalidate_without_pause(server: &RedisServer, source: &Source) {
    let (admin, cache) = (client(&server.url(0)), cache(server));
    loop {
        for way in 0..6 {
            tokio::time::sleep(Duration::from_millis(6)).await;
            source.version.set(source.version.get() + 1);

            match way {
                0 => invalidate(&admin, r#"{"keys":["users:1"]}"#).await,
                1 => invalidate(&admin, r#"{"tags":["user-data"]}"#).await,
                2 => invalidate(&admin, r#"{"patterns":["users:*"]}"#).await,
                3 => clear(&admin, r#"{"confirm":true}"#).await,
                4 => cache.delete("users:1").await.map(drop).unwrap(),
                _ => invalidate_by_a_foreign_tag(server, &admin, "users:1").await,
            }
            source.acknowledged.set(source.version.get());
        }
    }
}

/// Looks `users:1` up ten times, and asserts that no value is older than the lookup's beginning
/// allows.
async fn look_up_ten_times(cache: &Cache<Native>, source: &Source) -> Vec<Fetched<u32>> {
    let options = Options {
        tags: &["user-data"],
        lock_wait: Duration::from_secs(60),
        ..Options::default()
    };
    let mut lookups = Vec::new();

    for _ in 0..10 {
        let oldest = source.acknowledged.get();
        let fetched = cache
            .get_or_set("users:1", &options, async || source.load().await)
            .await
            .unwrap();
        assert!(fetched.value >= oldest, "{fetched:?} after {oldest}");
        lookups.push(fetched);
    }

    lookups
}

/// Callers wait for no more than the load in flight and the next one, although no value is ever
/// kept.
#[tokio::test]
async fn under_constant_invalidation_callers_share_few_loads_and_get_no_outdated_value() {
    let server = RedisServer::start();
    let source = Source::default();
    let instances: Vec<_> = (0..4).map(|_| cache(&server)).collect();

    let calls = (0..200).map(|n| look_up_ten_times(&instances[n % 4], &source));
    let invalidating = pin!(invalidate_without_pause(&server, &source));
    let lookups = match select(invalidating, join_all(calls)).await {
        Either::Left(((), _)) => unreachable!("it never ends"),
        Either::Right((lookups, _)) => lookups.concat(),
    };

    let handed_over = lookups
        .iter()
        .filter(|lookup| lookup.outcome == LookupOutcome::Hit && lookup.age.is_none())
        .count();
    let loads = source.loads.get();
    println!("{loads} loads, {handed_over} handed over");
    assert!(
        handed_over > 1000,
        "{handed_over} of 2000 lookups got the value of a load that they waited for"
    );
    assert!(loads < 1000, "{loads} loads");
}

/// Removes `k` while an old load of it is in flight, and lets that load end while a new one is in
/// flight; returns the value of a caller that asks in between.
async fn value_of_a_waiter_after_a_removal(
    server: &RedisServer,
    before_removal: impl AsyncFnOnce(&Native),
) -> String {
    let cache = cache(server);
    let (loading, go_on) = (Notify::new(), Notify::new());
    let options = Options::default();
    let pause = |milliseconds| tokio::time::sleep(Duration::from_millis(milliseconds));

    let old_load = cache.get_or_set("k", &options, async || {
        loading.notify_one();
        go_on.notified().await;
        Ok::<_, String>("old".to_owned())
    });
    let after_removal = async {
        loading.notified().await;
        before_removal(&client(&server.url(0))).await;
        cache.delete("k").await.unwrap();

        let new_load = cache.get_or_set("k", &options, async || {
            pause(400).await;
            Ok::<_, String>("new".to_owned())
        });
        let waiter = async {
            pause(50).await;
            let unused = async || Err::<String, _>("another caller loads");
            cache.get_or_set("k", &options, unused).await
        };
        let end_old_load = async {
            pause(200).await;
            go_on.notify_one();
        };
        let ((new, waiter), ()) = join(join(new_load, waiter), end_old_load).await;

        assert_eq!(new.unwrap().outcome, LookupOutcome::Miss);
        waiter.unwrap().value
    };
    join(old_load, after_removal).await.1
}

#[tokio::test]
async fn a_caller_after_a_removal_does_not_get_the_value_of_a_load_from_before_it() {
    let server = RedisServer::start();

    let value = value_of_a_waiter_after_a_removal(&server, async |_| {}).await;

    assert_eq!(value, "new");
}

#[tokio::test]
async fn an_old_value_is_not_handed_over_after_a_failover_that_lost_the_last_turns() {
    let server = RedisServer::start();
    let rewind = async |_: &Native| {
        let mut redis = server.connection();
        let () = redis.del("cache:turns").unwrap();
        redis::cmd("XADD")
            .arg(&["cache:turns", "1-0", "turn", ""])
            .exec(&mut redis)
            .unwrap();
    };

    let value = value_of_a_waiter_after_a_removal(&server, rewind).await;

    assert_eq!(value, "new");
}

#[tokio::test]
async fn an_old_value_is_not_handed_over_after_a_clear_of_a_server_whose_clock_was_ahead() {
    let server = RedisServer::start();
    // In 2033.
    redis::cmd("XADD")
        .arg(&["cache:turns", "2000000000000-0", "turn", ""])
        .exec(&mut server.connection())
        .unwrap();
    let clear_all = async |admin: &Native| clear(admin, r#"{"confirm":true}"#).await;

    let value = value_of_a_waiter_after_a_removal(&server, clear_all).await;

    assert_eq!(value, "new");
}

#[tokio::test]
async fn a_foreign_key_in_place_of_the_turns_hands_no_old_value_over_and_leaves_no_lock() {
    let server = RedisServer::start();
    let mut other = server.connection();

    for (command, content) in [("SADD", "x"), ("SET", "-50"), ("SET", "1e300")] {
        let () = other.del("cache:turns").unwrap();
        redis::cmd(command)
            .arg(&["cache:turns", content])
            .exec(&mut other)
            .unwrap();

        let value = value_of_a_waiter_after_a_removal(&server, async |_| {}).await;

        assert_eq!(value, "new", "{command} {content}");
        let is_locked: bool = other.exists("lock:{k}").unwrap();
        assert!(!is_locked, "{command} {content}");
        let () = other.del("k").unwrap();
    }
}
