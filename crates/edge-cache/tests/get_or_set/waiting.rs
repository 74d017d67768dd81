//! Stampedes: one load at a time, and callers that wait for it.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{
    Cache, Command, Fetched, HostRuntime, LookupOutcome, Options, Redis, RedisClient, RedisError,
    Reply, forward_redis, forward_runtime,
};
use edge_cache_testing::{RedisServer, client};
use futures_util::future::join_all;
use redis::Commands;

use crate::{cache, look_up, slow, ttl};

/// A connection on which another client writes the entry before each command.
struct Meddled {
    redis: RedisClient<TokioTransport>,
    server: RedisServer,
    commands: Cell<u32>,
}

impl Redis for &Meddled {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.commands.set(self.commands.get() + 1);
        let () = self
            .server
            .connection()
            .set("k", format!("not JSON {}", self.commands.get()))
            .unwrap();
        self.redis.execute(command).await
    }

    forward_redis!(self => self.redis);
}

impl HostRuntime for &Meddled {
    forward_runtime!(self => self.redis);
}

fn count<T>(fetched: &[Fetched<T>], outcome: LookupOutcome) -> usize {
    fetched
        .iter()
        .filter(|fetched| fetched.outcome == outcome)
        .count()
}

#[tokio::test]
async fn a_thousand_callers_on_several_instances_cause_one_load() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), ttl(60_000));

    let calls = (0..1000).map(|n| {
        let (cache, loads, options) = (&instances[n % 8], &loads, &options);
        async move {
            cache
                .get_or_set("cold", options, async || slow(loads, 200).await)
                .await
                .unwrap()
        }
    });
    let fetched = join_all(calls).await;

    assert_eq!(loads.get(), 1);
    assert!(fetched.iter().all(|fetched| fetched.value == 1));
    assert_eq!(count(&fetched, LookupOutcome::Miss), 1);
}

#[tokio::test]
async fn the_lock_of_a_dead_caller_delays_others_by_at_most_its_lease() {
    let server = RedisServer::start();
    redis::cmd("SET")
        .arg(&["lock:{k}", "dead", "PX", "300"])
        .exec(&mut server.connection())
        .unwrap();
    let loads = Cell::new(0);

    let loaded = look_up(&cache(&server), "k", &ttl(60_000), &loads).await;

    assert_eq!(loaded.outcome, LookupOutcome::Miss);
    assert_eq!(loads.get(), 1);
}

#[tokio::test]
async fn a_caller_waits_for_another_load_no_longer_than_its_lock_wait() {
    let server = RedisServer::start();
    redis::cmd("SET")
        .arg(&["lock:{k}", "slow", "PX", "60000"])
        .exec(&mut server.connection())
        .unwrap();
    let options = Options {
        lock_wait: Duration::from_millis(100),
        ..ttl(60_000)
    };
    let loads = Cell::new(0);

    let loaded = look_up(&cache(&server), "k", &options, &loads).await;

    assert_eq!(loaded.outcome, LookupOutcome::Bypass);
    assert_eq!(loads.get(), 1);
    let owner: String = server.connection().get("lock:{k}").unwrap();
    assert_eq!(owner, "slow", "only its owner releases a lock");
}

#[tokio::test]
async fn callers_who_waited_too_long_share_a_load_of_their_instance() {
    let server = RedisServer::start();
    redis::cmd("SET")
        .arg(&["lock:{k}", "slow", "PX", "60000"])
        .exec(&mut server.connection())
        .unwrap();
    let options = Options {
        lock_wait: Duration::from_millis(500),
        ..ttl(60_000)
    };
    let (cache, loads) = (cache(&server), Cell::new(0));

    let calls = (0..100).map(|_| {
        let loader = async || slow(&loads, 2_000).await;
        cache.get_or_set("k", &options, loader)
    });
    let fetched = join_all(calls).await;

    assert_eq!(loads.get(), 1);
    for fetched in fetched {
        assert_eq!(fetched.unwrap().outcome, LookupOutcome::Bypass);
    }
}

#[tokio::test]
async fn the_wait_for_an_unreadable_entry_that_is_rewritten_all_the_time_is_bounded() {
    let server = RedisServer::start();
    let meddled = Meddled {
        redis: client(&server.url(0)),
        server,
        commands: Cell::new(0),
    };
    let cache = Cache::new(&meddled);
    let options = Options {
        lock_wait: Duration::from_millis(500),
        ..ttl(60_000)
    };

    let lookup = cache.get_or_set("k", &options, async || Ok::<_, String>(2));
    let loaded = tokio::time::timeout(Duration::from_secs(20), lookup)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(loaded.outcome, LookupOutcome::Bypass);
    assert_eq!(loaded.value, 2);
    let commands = meddled.commands.get();
    assert!(commands < 100, "{commands} commands");
}

#[tokio::test]
async fn waiters_get_a_value_that_is_not_stored() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), ttl(60_000));
    // Half of the default `lock_wait`, so that late callers ask before it ends, too.
    let none = async || slow(&loads, 2500).await.map(|_| None::<u32>);

    let calls = (0..400).map(|n| {
        let (cache, options) = (&instances[n % 8], &options);
        async move { cache.get_or_set("absent", options, none).await.unwrap() }
    });
    let fetched = join_all(calls).await;

    assert!(fetched.iter().all(|fetched| fetched.value.is_none()));
    assert_eq!(loads.get(), 1);
    assert_eq!(count(&fetched, LookupOutcome::Hit), 399);

    // Later callers do not get it.
    let later = instances[0].get_or_set("absent", &options, none).await;
    assert_eq!(later.unwrap().outcome, LookupOutcome::Miss);
    let left: i64 = server.connection().pttl("cache:waiting:{absent}").unwrap();
    assert!((1..=3000).contains(&left), "{left}");
}

#[tokio::test]
async fn waiters_get_a_compressed_value() {
    let server = RedisServer::start();
    let instances = [cache(&server), cache(&server)];
    let (loads, options) = (Cell::new(0), ttl(60_000));
    let large = async || {
        loads.set(loads.get() + 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, String>(vec!["element"; 50_000].join(" "))
    };

    let calls = (0..20).map(|n| {
        let (cache, options) = (&instances[n % 2], &options);
        async move { cache.get_or_set("large", options, large).await.unwrap() }
    });
    let answers = join_all(calls).await;

    assert!(answers.iter().all(|answer| answer.value.len() == 399_999));
    assert_eq!(loads.get(), 1);
}
