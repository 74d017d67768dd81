//! Tags of entries: given, changed, and used to invalidate.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{
    Arg, Cache, Command, HostRuntime, LookupOutcome, Options, Redis, RedisClient, RedisError,
    Reply, forward_redis, forward_runtime,
};
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{cache, keys, tagged};

#[tokio::test]
async fn an_invalidated_entry_leaves_no_keys_of_its_own() {
    let server = RedisServer::start();
    let (cache, redis) = (cache(&server), client(&server.url(0)));

    for body in [
        r#"{"keys":["a"]}"#,
        r#"{"tags":["t"]}"#,
        r#"{"patterns":["a*"]}"#,
    ] {
        cache.set("a", &1, &tagged(&["t"])).await.unwrap();

        let request = InvalidateRequest::parse(body.as_bytes()).unwrap();
        let report = request.run(&redis).await.unwrap();

        assert_eq!(report.keys_invalidated(), 1, "{body}");
        let mut left = keys(&server);
        left.retain(|key| key.contains('{'));
        assert_eq!(left, [""; 0], "{body}");
    }
}

#[tokio::test]
async fn a_key_that_is_set_again_without_a_tag_is_no_longer_removed_by_it() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("a", &1, &tagged(&["old", "both"])).await.unwrap();
    cache.set("a", &2, &tagged(&["both"])).await.unwrap();

    assert_eq!(cache.invalidate_tag("old").await.unwrap(), 0);
    assert_eq!(cache.get::<u32>("a").await.unwrap(), Some(2));

    assert_eq!(cache.invalidate_tag("both").await.unwrap(), 1);
    let left = keys(&server);
    assert_eq!(left, ["cache:fences"], "nothing of a removed key");
}

#[tokio::test]
async fn tags_can_be_added_to_a_key_and_by_other_clients() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("a", &1, &tagged(&["first"])).await.unwrap();

    cache.tag("a", &["second"]).await.unwrap();
    let tags = cache.key_info("a").await.unwrap().unwrap().tags;
    assert_eq!(tags, ["first", "second"]);

    redis::pipe()
        .set("b", 1)
        .sadd("cache:tags:second", "b")
        .exec(&mut server.connection())
        .unwrap();
    assert_eq!(cache.invalidate_tag("second").await.unwrap(), 2);
}

#[tokio::test]
async fn a_tag_that_another_client_gives_an_entry_invalidates_it() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let load = async || Ok::<_, String>(2);
    cache.set("a", &1, &tagged(&["first"])).await.unwrap();
    cache.get_or_set("b", &tagged(&[]), load).await.unwrap();

    let () = other.sadd("cache:tags:theirs", &["a", "b"]).unwrap();

    assert_eq!(cache.invalidate_tag("theirs").await.unwrap(), 2);
    let read = cache.get_many::<u32>(&["a", "b"]).await.unwrap();
    assert_eq!(read, [None, None]);
}

#[tokio::test]
async fn an_entry_that_is_loaded_again_loses_the_tags_it_no_longer_has() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = |tags| Options {
        ttl: Some(Duration::from_millis(50)),
        grace: Duration::from_secs(60),
        ..tagged(tags)
    };
    let load = async || Ok::<_, String>(1);
    cache
        .get_or_set("a", &options(&["old", "both"]), load)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let refreshed = cache
        .get_or_set("a", &options(&["both", "new"]), load)
        .await
        .unwrap();

    assert_eq!(refreshed.outcome, LookupOutcome::Miss);
    assert_eq!(cache.invalidate_tag("old").await.unwrap(), 0);
    assert_eq!(cache.invalidate_tag("new").await.unwrap(), 1);
}

/// A connection on which something happens before the value of a key with the tag `t` is written.
struct Before<'a, F> {
    redis: RedisClient<TokioTransport>,
    is_done: Cell<bool>,
    act: &'a F,
}

/// True for the scripts that write: only they get the fences and the sets of tags.
fn writes_with_tag(command: &Command) -> bool {
    let has = |name: &[u8]| {
        let is_name = |arg: &Arg| matches!(arg, Arg::Bytes(bytes) if bytes == name);
        command.args.iter().any(is_name)
    };
    has(b"cache:fences") && has(b"cache:tags:t")
}

impl<F: Fn()> Redis for Before<'_, F> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        if writes_with_tag(&command) && !self.is_done.replace(true) {
            (self.act)();
        }
        self.redis.execute(command).await
    }

    forward_redis!(self => self.redis);
}

impl<F: Fn()> HostRuntime for Before<'_, F> {
    forward_runtime!(self => self.redis);
}

#[tokio::test]
async fn a_key_has_its_tags_although_another_client_removes_them_during_the_write() {
    let server = RedisServer::start();
    let times = Cell::new(0);
    let remove_tag = || {
        let removed: u32 = server.connection().srem("cache:tags:t", "a").unwrap();
        assert_eq!(removed, 1, "the key has the tag by now");
        times.set(times.get() + 1);
    };
    let watched = Cache::new(Before {
        redis: client(&server.url(0)),
        is_done: Cell::new(false),
        act: &remove_tag,
    });

    watched.set("a", &1, &tagged(&["t"])).await.unwrap();

    assert_eq!(cache(&server).invalidate_tag("t").await.unwrap(), 1);
    assert_eq!(times.get(), 1);
}

#[tokio::test]
async fn hits_use_a_tags_set_and_restore_one_that_the_server_evicted() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let load = async || Ok::<_, String>(1);
    cache.get_or_set("a", &tagged(&["t"]), load).await.unwrap();
    let idle = || -> u64 {
        redis::cmd("OBJECT")
            .arg(&["IDLETIME", "cache:tags:t"])
            .query(&mut server.connection())
            .unwrap()
    };
    // One hit in 32 uses the sets; that none of 1,000 does is out of the question.
    let hits = async || {
        for _ in 0..500 {
            let hit = cache.get_or_set("a", &tagged(&["t"]), load).await.unwrap();
            assert_eq!(hit.outcome, LookupOutcome::Hit);
            assert_eq!(cache.get::<u32>("a").await.unwrap(), Some(1));
        }
    };
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(idle() > 0);

    hits().await;
    assert!(idle() <= 1, "{}", idle());

    let () = other.del("cache:tags:t").unwrap();
    // The sets of a key's tags are touched at most once a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    hits().await;
    let left: i64 = other.ttl("cache:tags:t").unwrap();
    assert!((1..=60).contains(&left), "{left}");
    assert_eq!(cache.invalidate_tag("t").await.unwrap(), 1);
}

#[tokio::test]
async fn foreign_keys_under_names_of_the_library_stop_no_removal() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    redis::pipe()
        .set("cache:turns", "theirs")
        .hset("cache:waiting:{a:1}", "theirs", 1)
        .hset("lock:{b:1}", "theirs", 1)
        .exec(&mut other)
        .unwrap();
    for key in ["a:1", "a:2", "b:1"] {
        cache.set(key, &1, &tagged(&["t"])).await.unwrap();
    }
    cache.tag("a:1", &["u"]).await.unwrap();

    assert!(cache.delete("b:1").await.unwrap());
    assert_eq!(cache.invalidate_tag("u").await.unwrap(), 1);
    assert_eq!(cache.clear_by_pattern("a:*").await.unwrap(), 1);

    let theirs: String = other.get("cache:turns").unwrap();
    assert_eq!(theirs, "theirs");
}
