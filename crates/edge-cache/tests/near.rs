//! The near cache: reads from the instance's memory, and what ends them.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{
    Cache, Command, Fetched, HostRuntime, LookupOutcome, Near, Options, Redis, RedisClient,
    RedisError, Reply, forward_redis, forward_runtime,
};
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use tokio::time::sleep;

/// A connection that counts its commands.
struct Counted {
    redis: RedisClient<TokioTransport>,
    commands: Cell<u32>,
}

impl Redis for &Counted {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.commands.set(self.commands.get() + 1);
        self.redis.execute(command).await
    }

    forward_redis!(self => self.redis);
}

impl HostRuntime for &Counted {
    forward_runtime!(self => self.redis);
}

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(60),
        tags: &["t"],
        near: Some(Near::default()),
        ..Options::default()
    }
}

async fn load<C: Redis + HostRuntime>(cache: &Cache<C>, key: &str, value: u64) -> Fetched<u64> {
    let loader = async || Ok::<_, String>(value);
    cache.get_or_set(key, &options(), loader).await.unwrap()
}

/// Looks the key up until it is served from the near cache, and longer than the views are old.
async fn warm<C: Redis + HostRuntime>(cache: &Cache<C>, key: &str, value: u64) {
    for _ in 0..30 {
        load(cache, key, value).await;
        sleep(Duration::from_millis(5)).await;
    }
    let fetched = load(cache, key, value).await;
    assert_eq!(fetched.outcome, LookupOutcome::Near);
    assert_eq!(fetched.value, value);
}

#[tokio::test]
async fn a_near_hit_sends_no_command_but_for_the_fences_every_50_ms() {
    let server = RedisServer::start();
    let redis = Counted {
        redis: client(&server.url(0)),
        commands: Cell::new(0),
    };
    let cache = Cache::new(&redis);
    warm(&cache, "k", 1).await;

    redis.commands.set(0);
    let began = std::time::Instant::now();
    let mut hits = 0;
    while began.elapsed() < Duration::from_millis(500) {
        let fetched = load(&cache, "k", 2).await;
        assert_eq!(fetched.value, 1);
        hits += u32::from(fetched.outcome == LookupOutcome::Near);
    }

    assert!(hits > 1000, "{hits} near hits");
    // Two streams every 50 ms; the counters and the copy itself once a second.
    let commands = redis.commands.get();
    assert!(commands < 40, "{commands} commands");
}

#[tokio::test]
async fn what_is_written_or_invalidated_is_in_force_for_near_copies_when_it_is_answered() {
    let server = RedisServer::start();
    let admin = client(&server.url(0));
    let (near, other) = (
        Cache::new(client(&server.url(0))),
        Cache::new(client(&server.url(0))),
    );
    let mut version = 10;
    for change in [
        "set", "delete", "tag", "pattern", "keys", "patterns", "tags", "flush",
    ] {
        warm(&near, "k:1", version).await;
        version += 1;
        match change {
            "set" => other.set("k:1", &version, &options()).await.unwrap(),
            "delete" => assert!(other.delete("k:1").await.unwrap()),
            "tag" => assert_eq!(other.invalidate_tag("t").await.unwrap(), 1),
            "pattern" => assert_eq!(other.clear_by_pattern("k:*").await.unwrap(), 1),
            "flush" => {
                let clear = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
                clear.run(&admin, false).await.unwrap();
            }
            list => {
                let name = if list == "patterns" { "k:*" } else { "k:1" };
                let name = if list == "tags" { "t" } else { name };
                let body = format!(r#"{{"{list}":["{name}"],"confirm":true}}"#);
                let request = InvalidateRequest::parse(body.as_bytes()).unwrap();
                assert_eq!(request.run(&admin).await.unwrap().keys_invalidated(), 1);
            }
        }

        let fetched = load(&near, "k:1", version).await;

        assert_eq!(fetched.value, version, "{change}");
        assert_ne!(fetched.outcome, LookupOutcome::Near, "{change}");
    }
}

#[tokio::test]
async fn another_clients_write_is_noticed_after_the_maximum_age() {
    let server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));
    warm(&cache, "k", 1).await;

    let () = server.connection().set("k", 2).unwrap();
    sleep(Near::default().max_age).await;

    assert_eq!(load(&cache, "k", 3).await.value, 2);
}

#[tokio::test]
async fn nobody_waits_where_no_instance_keeps_near_copies() {
    let server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));
    cache.set("k", &1, &Options::default()).await.unwrap();

    cache.delete("k").await.unwrap();

    let mut redis = server.connection();
    assert!(!redis.exists::<_, bool>("cache:near-fences").unwrap());
    assert!(!redis.exists::<_, bool>("cache:near").unwrap());
}

#[tokio::test]
async fn near_copies_are_served_within_their_grace_while_redis_is_away() {
    let mut server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));
    warm(&cache, "k", 1).await;

    server.kill();
    sleep(2 * Near::default().max_age).await;
    let served = load(&cache, "k", 2).await;
    let other = load(&cache, "other", 3).await;

    assert_eq!(served.value, 1);
    assert_eq!(served.outcome, LookupOutcome::Stale);
    assert_eq!(other.outcome, LookupOutcome::Bypass);
}

#[tokio::test]
async fn a_value_above_64_kib_is_not_kept() {
    let server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));
    let large = "x".repeat(70_000);
    for _ in 0..30 {
        let loader = async || Ok::<_, String>(large.clone());
        let fetched = cache.get_or_set("k", &options(), loader).await.unwrap();
        assert_ne!(fetched.outcome, LookupOutcome::Near);
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn all_copies_go_when_near_fences_were_missed() {
    let server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));
    warm(&cache, "k", 1).await;

    let () = server.connection().del("cache:near-fences").unwrap();
    sleep(Duration::from_millis(60)).await;

    assert_eq!(load(&cache, "k", 2).await.outcome, LookupOutcome::Hit);
}

/// A copy that is older than `max_age`, of an entry that was removed and loaded anew since.
#[tokio::test]
async fn a_copy_of_a_removed_entry_is_not_served_while_redis_is_away() {
    for other_lookups in [0, 1] {
        let mut server = RedisServer::start();
        let near = Cache::new(client(&server.url(0)));
        let other = Cache::new(client(&server.url(0)));
        warm(&near, "k", 1).await;
        sleep(Near::default().max_age).await;

        other.delete("k").await.unwrap();
        if other_lookups == 0 {
            load(&near, "k", 2).await;
        } else {
            load(&near, "other", 2).await;
        }
        server.kill();

        let fetched = load(&near, "k", 3).await;
        assert_ne!(fetched.value, 1, "{fetched:?}");
    }
}

#[tokio::test]
async fn lookups_go_on_where_redis_refuses_a_registration() {
    let server = RedisServer::start();
    let mut redis = server.connection();
    let cache = Cache::new(client(&server.url(0)));
    load(&cache, "k", 1).await;
    let forbid = ["SETUSER", "default", "-xrevrange"];
    redis::cmd("ACL").arg(&forbid).exec(&mut redis).unwrap();

    for _ in 0..10 {
        let fetched = load(&cache, "k", 2).await;
        assert_eq!(fetched.outcome, LookupOutcome::Hit, "{fetched:?}");
        assert_eq!(fetched.value, 1);
    }
}

#[tokio::test]
async fn copies_are_kept_on_a_full_server() {
    let server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));
    load(&cache, "k", 1).await;
    let full = ["SET", "maxmemory", "1"];
    redis::cmd("CONFIG")
        .arg(&full)
        .exec(&mut server.connection())
        .unwrap();

    warm(&cache, "k", 1).await;
}

#[tokio::test]
async fn all_copies_go_when_the_registration_is_lost() {
    let server = RedisServer::start();
    let near = Cache::new(client(&server.url(0)));
    let other = Cache::new(client(&server.url(0)));
    warm(&near, "k", 1).await;
    let () = server.connection().del("cache:near").unwrap();

    other.set("k", &2, &options()).await.unwrap();
    sleep(Duration::from_millis(60)).await;

    assert_eq!(load(&near, "k", 3).await.value, 2);
}

#[tokio::test]
async fn a_change_of_tags_ends_copies() {
    let server = RedisServer::start();
    let near = Cache::new(client(&server.url(0)));
    let other = Cache::new(client(&server.url(0)));
    warm(&near, "k", 1).await;

    other.tag("k", &["late"]).await.unwrap();
    other.invalidate_tag("late").await.unwrap();

    assert_eq!(load(&near, "k", 2).await.value, 2);
}
