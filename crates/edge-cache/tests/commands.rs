//! The commands that operations send, and when Redis is asked for the time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{
    Arg, Cache, Command, HostRuntime, LookupOutcome, Options, Redis, RedisClient, RedisError,
    Reply, forward_redis, forward_runtime,
};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

/// A connection that records the names of its commands, without those that add counters. One that
/// asks for invalidations is `fences`.
struct Recording {
    redis: RedisClient<TokioTransport>,
    sent: Rc<RefCell<Vec<&'static str>>>,
}

impl Redis for Recording {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let has = |name: &[u8]| {
            let is_name = |arg: &Arg| matches!(arg, Arg::Bytes(bytes) if bytes == name);
            command.args.iter().any(is_name)
        };
        let asks_for_fences = has(b"cache:fences") && !has(b"cache:turns") && !has(b"lock:{k}");
        if asks_for_fences {
            self.sent.borrow_mut().push("fences");
        } else if !has(b"cache:lookups") {
            self.sent.borrow_mut().push(command.name);
        }
        self.redis.execute(command).await
    }

    forward_redis!(self => self.redis);
}

impl HostRuntime for Recording {
    forward_runtime!(self => self.redis);
}

/// A cache, and a function that takes what was sent since it was last called.
fn recorded(url: &str) -> (Cache<Recording>, impl Fn() -> Vec<&'static str> + use<>) {
    let sent = Rc::new(RefCell::default());
    let cache = Cache::new(Recording {
        redis: client(url),
        sent: Rc::clone(&sent),
    });
    // The longest: a hit is then mostly alone.
    let cache = cache.with_fence_interval(Duration::from_secs(1));
    (cache, move || sent.take())
}

/// Without early refreshes, which are random.
fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(60),
        early_refresh: 0.0,
        ..Options::default()
    }
}

fn times(sent: &[&str]) -> usize {
    sent.iter().filter(|name| **name == "TIME").count()
}

/// Returns 1 when this command was sent alone, 0 when beside a question for invalidations.
#[track_caller]
fn is_alone(sent: &[&str], command: &str) -> u32 {
    assert!(sent == [command] || sent == [command, "fences"], "{sent:?}");
    u32::from(sent.len() == 1)
}

#[tokio::test]
async fn a_hit_is_one_get() {
    let server = RedisServer::start();
    let (cache, sent) = recorded(&server.url(0));
    let load = async || Ok::<_, String>(1);
    cache.get_or_set("k", &options(), load).await.unwrap();
    assert_eq!(times(&sent()), 1, "with the first command");

    let mut alone = 0;
    for _ in 0..20 {
        assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(1));
        alone += is_alone(&sent(), "GET");

        let hit = cache.get_or_set("k", &options(), load).await.unwrap();
        assert_eq!(hit.outcome, LookupOutcome::Hit);
        alone += is_alone(&sent(), "GET");
    }
    assert!(alone >= 30, "{alone} of 40");
}

#[tokio::test]
async fn many_hits_are_one_mget() {
    let server = RedisServer::start();
    let (cache, sent) = recorded(&server.url(0));
    for key in ["a", "b"] {
        cache.set(key, &1, &options()).await.unwrap();
    }
    sent();

    let all = cache.get_many::<u32>(&["a", "b"]).await.unwrap();
    assert_eq!(all, [Some(1), Some(1)]);
    is_alone(&sent(), "MGET");

    let some = cache.get_many::<u32>(&["a", "none"]).await.unwrap();
    assert_eq!(some, [Some(1), None]);
    assert_eq!(sent()[0], "MGET");
}

#[tokio::test]
async fn the_first_read_of_a_connection_is_beside_the_questions_for_time_and_fences() {
    let server = RedisServer::start();
    let () = server.connection().set("k", 1).unwrap();

    let (cache, sent) = recorded(&server.url(0));
    assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(1));
    let mut first = sent();
    first.sort_unstable();
    assert_eq!(first, ["GET", "TIME", "fences"]);

    let (cache, sent) = recorded(&server.url(0));
    cache.get_many::<u32>(&["k"]).await.unwrap();
    let mut first = sent();
    first.sort_unstable();
    assert_eq!(first, ["MGET", "TIME", "fences"]);
}

#[tokio::test]
async fn the_time_is_asked_once_a_connection() {
    let server = RedisServer::start();
    let (cache, sent) = recorded(&server.url(0));
    let some_of_everything = async || {
        for n in 0..20 {
            let key = format!("k:{}", n % 7);
            let load = async || Ok::<_, String>(n);
            cache.get_or_set(&key, &options(), load).await.unwrap();
            cache.get::<u32>(&key).await.unwrap();
            cache.set(&key, &n, &options()).await.unwrap();
            cache.expire(&key, None).await.unwrap();
        }
    };

    some_of_everything().await;
    assert_eq!(times(&sent()), 1);

    redis::cmd("CLIENT")
        .arg(&["KILL", "TYPE", "normal"])
        .exec(&mut server.connection())
        .unwrap();
    some_of_everything().await;
    assert_eq!(
        times(&sent()),
        1,
        "the new connection may be to another server"
    );
}

/// The user that SECURITY.md describes may not run TIME.
#[tokio::test]
async fn without_the_right_to_ask_for_the_time_freshness_is_judged_all_the_same() {
    let server = RedisServer::start();
    let mut other = server.connection();
    redis::cmd("ACL")
        .arg(&["SETUSER", "edge", "on", ">pw", "~*", "&*", "+@all", "-time"])
        .exec(&mut other)
        .unwrap();
    let url = server.url(0).replace("redis://", "redis://edge:pw@");
    let (cache, sent) = recorded(&url);
    let short = Options {
        ttl: Some(Duration::from_millis(300)),
        jitter: 0.0,
        ..options()
    };

    for n in 0..5 {
        let load = async || Ok::<_, String>(n);
        let key = format!("k:{n}");
        cache.get_or_set(&key, &short, load).await.unwrap();
        assert_eq!(cache.get::<u32>(&key).await.unwrap(), Some(n));
        tokio::time::sleep(Duration::from_millis(320)).await;
        assert_eq!(cache.get::<u32>(&key).await.unwrap(), None);
    }

    let sent = sent();
    assert_eq!(times(&sent), 1, "it is refused once");
    let appended = sent.iter().filter(|name| **name == "XADD").count();
    assert_eq!(appended, 1, "the time is that of a stream entry");
    let refusals: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut other).unwrap();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
}
