//! Fences that are many, lost or another client's, and values that meet them at a bad moment.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_cache::keyspace::bulk_write::{WriteBatch, WriteConditions, WriteOutcome};
use edge_cache::keyspace::chunks::StorableValue;
use edge_cache::keyspace::key::KeyName;
use edge_cache::{
    Cache, Command, ErrorKind, HostRuntime, LookupOutcome, Options, Redis, RedisError, Reply,
    SetItem, forward_redis, forward_runtime,
};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use tokio::time::{sleep, timeout};

use crate::{IN_FORCE, Native, append};

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(60),
        ..Options::default()
    }
}

async fn load<C: Redis + HostRuntime>(cache: &Cache<C>, key: &str, value: u64) -> LookupOutcome {
    let loader = async || Ok::<_, String>(value);
    let fetched = cache.get_or_set(key, &options(), loader).await;
    fetched.unwrap().outcome
}

/// Called after each command with its number.
type AfterCommand = Box<dyn FnMut(usize)>;

/// A connection that counts commands, and calls a function after each of them.
struct Watched {
    redis: Native,
    commands: Cell<usize>,
    after: RefCell<Option<AfterCommand>>,
}

impl Watched {
    fn new(server: &RedisServer) -> Self {
        Self {
            redis: client(&server.url(0)),
            commands: Cell::new(0),
            after: RefCell::default(),
        }
    }
}

impl Redis for Watched {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let reply = self.redis.execute(command).await;
        self.commands.update(|count| count + 1);
        if let Some(after) = &mut *self.after.borrow_mut() {
            after(self.commands.get());
        }
        reply
    }

    forward_redis!(self => self.redis);
}

impl HostRuntime for Watched {
    forward_runtime!(self => self.redis);
}

#[tokio::test]
async fn invalidations_stay_cheap_while_thousands_of_fences_are_young() {
    let server = RedisServer::start();
    let (cache, mut redis) = (Cache::new(client(&server.url(0))), server.connection());
    for number in 0..2000 {
        let fence = append(&mut redis, "pattern", &format!("users:{number}:*"));
        append(&mut redis, "end", &fence);
    }

    let started = Instant::now();
    for number in 0..20 {
        cache.invalidate_tag(&format!("t{number}")).await.unwrap();
    }

    // Were each to look through the stream in quadratic time, these would take 10 s.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_reply_is_not_used_after_the_instance_was_suspended_for_long() {
    let server = RedisServer::start();
    let watched = Rc::new(Watched::new(&server));
    let cache = Cache::new(Rc::clone(&watched));
    load(&cache, "k", 1).await;
    assert_eq!(load(&cache, "k", 2).await, LookupOutcome::Hit);

    let suspended = Cell::new(false);
    *watched.after.borrow_mut() = Some(Box::new(move |_| {
        if !suspended.replace(true) {
            std::thread::sleep(Duration::from_secs(10));
        }
    }));
    let read = cache.get::<u64>("k").await;

    assert_eq!(read.unwrap_err().kind, ErrorKind::Timeout);
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));
}

#[tokio::test]
async fn another_clients_value_in_place_of_the_fences_stops_no_lookup() {
    let server = RedisServer::start();
    let (cache, mut redis) = (Cache::new(client(&server.url(0))), server.connection());
    load(&cache, "k", 1).await;
    sleep(IN_FORCE).await;
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));

    let () = redis.set("cache:fences", "x").unwrap();
    sleep(IN_FORCE).await;
    assert_eq!(cache.get::<u64>("k").await.unwrap(), None);
    assert_eq!(load(&cache, "k", 2).await, LookupOutcome::Miss);
    assert_eq!(load(&cache, "k", 3).await, LookupOutcome::Hit);
}

#[tokio::test]
async fn another_clients_entry_among_the_fences_stops_no_lookup() {
    let server = RedisServer::start();
    let (cache, mut redis) = (Cache::new(client(&server.url(0))), server.connection());
    load(&cache, "k", 1).await;
    sleep(IN_FORCE).await;
    assert_eq!(cache.get::<u64>("k").await.unwrap(), Some(1));

    let () = redis::cmd("XADD")
        .arg(&["cache:fences", "*", "a", "1", "b", "2"])
        .query(&mut redis)
        .unwrap();
    for value in 2..4 {
        sleep(IN_FORCE).await;
        cache.get::<u64>("k").await.unwrap();
        load(&cache, "k", value).await;
        assert_eq!(load(&cache, "k", 9).await, LookupOutcome::Hit);
        append(&mut redis, "tag", "another");
    }
}

#[tokio::test]
async fn after_a_failed_load_an_invalidation_lets_callers_load_at_once() {
    let server = RedisServer::start();
    let (cache, mut redis) = (Cache::new(client(&server.url(0))), server.connection());
    let short = Options {
        ttl: Some(Duration::from_millis(1)),
        ..options()
    };
    cache.set("other", &1, &options()).await.unwrap();
    let loaded = cache.get_or_set("k", &short, async || Ok::<_, String>(1));
    loaded.await.unwrap();
    sleep(Duration::from_millis(5)).await;
    let failed = cache.get_or_set("k", &short, async || Err::<u64, _>("no"));
    assert_eq!(failed.await.unwrap().outcome, LookupOutcome::Stale);

    append(&mut redis, "pattern", "k*");
    sleep(IN_FORCE).await;
    let loading = load(&cache, "k", 2);

    let outcome = timeout(Duration::from_secs(2), loading).await;
    assert_eq!(outcome.unwrap(), LookupOutcome::Miss);
}

#[tokio::test]
async fn an_invalidation_while_a_value_is_set_wins_for_good() {
    let server = RedisServer::start();
    let (redis, mut other) = (Watched::new(&server), server.connection());
    let reader = Cache::new(client(&server.url(0)));
    reader.get::<u64>("k").await.unwrap();
    *redis.after.borrow_mut() = Some(Box::new(move |count| {
        // After stamp and time were taken, and before the value is written.
        if count == 2 {
            let fence = append(&mut other, "pattern", "k*");
            append(&mut other, "end", &fence);
        }
    }));
    let cache = Cache::new(redis);

    let of_before = [("k", 1_u64), ("other", 2)];
    let items = of_before.each_ref().map(|(key, value)| SetItem {
        ttl: Some(Duration::from_secs(60)),
        ..SetItem::new(key, value)
    });
    cache.set_many(&items).await.unwrap();

    sleep(IN_FORCE).await;
    assert_eq!(reader.get::<u64>("k").await.unwrap(), None);
    assert_eq!(reader.get::<u64>("other").await.unwrap(), Some(2));
    // Readers forget a fence 20 s after its removal.
    sleep(Duration::from_secs(21)).await;
    for _ in 0..2 {
        assert_eq!(reader.get::<u64>("k").await.unwrap(), None);
        sleep(IN_FORCE).await;
    }
    cache.set("k", &3, &options()).await.unwrap();
    assert_eq!(reader.get::<u64>("k").await.unwrap(), Some(3));
}

#[tokio::test]
async fn what_left_the_stream_counts_as_an_invalidation_of_every_key() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let cache = Cache::new(client(&server.url(0)));
    // A minute ago: the removal of one fence never finished, those of many others did.
    let (now, _): (u64, u64) = redis::cmd("TIME").query(&mut other).unwrap();
    let old = (now - 60) * 1000;
    let mut fences = redis::pipe();
    let mut add = |nth: u64, kind: &str, covered: &str| {
        let id = format!("{old}-{nth}");
        let parts = ["cache:fences", id.as_str(), kind, covered];
        fences.cmd("XADD").arg(&parts).ignore();
        id
    };
    add(1, "begin", "");
    let stamp = add(2, "pattern", "unfinished:*");
    for nth in 0..1000 {
        let fence = add(3 + 2 * nth, "pattern", "k*");
        add(4 + 2 * nth, "end", &fence);
    }
    fences.exec(&mut other).unwrap();
    for _ in 0..60 {
        cache.invalidate_tag("another").await.unwrap();
    }
    let length: usize = redis::cmd("XLEN")
        .arg("cache:fences")
        .query(&mut other)
        .unwrap();
    assert!(length < 1200, "{length}");

    let mut batch = WriteBatch::with_capacity(1);
    let value = StorableValue::Whole(b"1".to_vec());
    batch.push_value(KeyName::new("k"), &value, 1, Duration::from_secs(60), &[]);
    let conditions = WriteConditions {
        stamp: stamp.as_bytes(),
        ..WriteConditions::default()
    };

    match batch.write(&redis, conditions).await.unwrap() {
        WriteOutcome::Fenced { fences, .. } => {
            assert!(fences.cover(&KeyName::new("k"), &[]));
            assert!(fences.cover(&KeyName::new("any"), &[]));
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn another_clients_list_that_looks_like_chunks_is_loaded_over() {
    let server = RedisServer::start();
    let (cache, mut redis) = (Cache::new(client(&server.url(0))), server.connection());
    for first in ["edge-cache chunks 2 x", "edge-cache chunks ", "x", ""] {
        let () = redis.del("k").unwrap();
        let () = redis.rpush("k", first).unwrap();

        let loading = timeout(Duration::from_secs(2), load(&cache, "k", 1));
        assert_eq!(loading.await.unwrap(), LookupOutcome::Miss, "{first}");
        assert_eq!(load(&cache, "k", 2).await, LookupOutcome::Hit, "{first}");
    }
}

#[tokio::test]
async fn a_key_stays_in_the_set_of_a_tag_from_which_another_writer_removes_it_meanwhile() {
    let server = RedisServer::start();
    let (redis, mut other) = (Watched::new(&server), server.connection());
    Cache::new(client(&server.url(0)))
        .set("k", &1, &options())
        .await
        .unwrap();
    *redis.after.borrow_mut() = Some(Box::new(move |count| {
        // After PTTL and SADD: a writer whose value does not have the tag.
        if count == 2 {
            let () = other.srem("cache:tags:t", "k").unwrap();
        }
    }));

    let cache = Cache::new(redis);
    cache.tag("k", &["t"]).await.unwrap();

    assert_eq!(cache.invalidate_tag("t").await.unwrap(), 1);
}

#[tokio::test]
async fn many_entries_of_a_lost_stream_are_judged_by_one_further_command() {
    let server = RedisServer::start();
    let other = Cache::new(client(&server.url(0)));
    let names: Vec<String> = (0..100).map(|number| format!("k{number}")).collect();
    for name in &names {
        other.set(name, &1, &options()).await.unwrap();
    }
    let () = server.connection().del("cache:fences").unwrap();
    load(&other, "new", 1).await;

    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let watched = Watched::new(&server);
    let commands = Rc::new(Cell::new(0));
    let counted = Rc::clone(&commands);
    *watched.after.borrow_mut() = Some(Box::new(move |count| counted.set(count)));
    let cache = Cache::new(watched);
    let values = cache.get_many::<u64>(&keys).await.unwrap();

    assert_eq!(values, vec![None; 100]);
    assert!(commands.get() < 10, "{} commands", commands.get());
}

#[tokio::test]
async fn a_full_server_records_that_a_removal_has_finished() {
    let server = RedisServer::start();
    let (cache, mut redis) = (Cache::new(client(&server.url(0))), server.connection());
    load(&cache, "k", 1).await;
    for (name, value) in [("maxmemory", "1"), ("maxmemory-policy", "noeviction")] {
        let set = redis::cmd("CONFIG")
            .arg(&["SET", name, value])
            .exec(&mut redis);
        set.unwrap();
    }

    cache.clear_by_pattern("k*").await.unwrap();

    let newest: Vec<(String, Vec<(String, String)>)> = redis::cmd("XREVRANGE")
        .arg(&["cache:fences", "+", "-", "COUNT", "1"])
        .query(&mut redis)
        .unwrap();
    assert_eq!(newest[0].1[0].0, "end");
}
