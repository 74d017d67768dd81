//! Histories of random lookups, invalidations, delays and crashes, in two processes, one of which is
//! killed now and then. `bench/models` proves the protocol; this tests the code.
//!
//! `HISTORY_SECONDS` sets for how long (8). In 20 minutes about 100,000 invalidations pass.

mod slow;
mod source;

use std::cell::Cell;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use edge_cache::keyspace::scan;
use edge_cache::{Cache, Error, ErrorKind, Near, Options, Pattern};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use slow::Slow;
use source::Source;

/// The variable by which a process learns that it is the second one: the addresses of cache and source.
const ADDRESSES: &str = "HISTORY_ADDRESSES";
/// Readers and writers of each process.
const READERS: u32 = 8;
const WRITERS: u32 = 4;

const GROUPS: u64 = 16;
const KEYS: u64 = 3;
/// Names of tags, one for each group.
const TAGS: &str = "abcdefghijklmnop";

fn keys_of(group: u64) -> Vec<String> {
    (0..KEYS).map(|key| format!("g:{group}:{key}")).collect()
}

fn tag_of(group: u64) -> &'static str {
    let at = group as usize;
    &TAGS[at..=at]
}

fn random() -> u64 {
    // Each `RandomState` has a new random seed.
    RandomState::new().hash_one(0)
}

/// Looks keys up, one after the other, mostly those of one group. Some callers go away before the lookup
/// ends.
async fn read(
    source: Rc<Source>,
    cache: Cache<Slow>,
    favourite: u64,
    near: Option<Near>,
    ends: Instant,
) {
    while Instant::now() < ends {
        let random = random();
        let group = if (random / 128).is_multiple_of(8) {
            random % GROUPS
        } else {
            favourite
        };
        let key = random / 16 % KEYS;
        let name = format!("g:{group}:{key}");
        let options = Options {
            ttl: Some(Duration::from_millis(200 + random / 64 % 2000)),
            tags: &[tag_of(group)],
            lock_wait: Duration::from_millis(300),
            near,
            ..Options::default()
        };
        let patience = Duration::from_millis(if random.is_multiple_of(11) {
            random / 1024 % 30
        } else {
            5000
        });

        let promised = source.promised(&name).await;
        let loader = async || {
            let version = source.version(&name).await;
            sleep(Duration::from_millis(random / 512 % 40)).await;
            Ok::<_, String>(version)
        };
        let lookup = cache.get_or_set(&name, &options, loader);
        if let Ok(fetched) = timeout(patience, lookup).await {
            source.record(&name, promised, &fetched.unwrap()).await;
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Key,
    Tag,
    Pattern,
}

/// Marks the keys of a group stale. They may be served for the shortest soft grace, or not for long.
async fn mark_stale(redis: Slow, way: Way, group: u64) -> Result<u64, Error> {
    let (cache, grace) = (Cache::new(redis), Duration::from_secs(1));
    match way {
        Way::Key => {
            let keys = keys_of(group);
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            cache.mark_stale_many(&names, grace).await
        }
        Way::Tag => cache.mark_tag_stale(tag_of(group), grace).await,
        Way::Pattern => {
            let pattern = format!("g:{group}:*");
            cache.mark_pattern_stale(&pattern, grace).await
        }
    }
}

/// Removes the keys of a group.
async fn remove(redis: Slow, way: Way, group: u64) -> Result<u64, Error> {
    match way {
        Way::Key => {
            let keys = keys_of(group);
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            Cache::new(redis).delete_many(&names).await
        }
        Way::Tag => Cache::new(redis).invalidate_tag(tag_of(group)).await,
        Way::Pattern => {
            let pattern = Pattern::parse("pattern", format!("g:{group}:*")).unwrap();
            Ok(scan::delete_matching(&redis, &pattern).await?.keys)
        }
    }
}

/// Promises a version at the interval after the first reply, which acknowledges the fence.
fn promise_after_fence(
    source: &Rc<Source>,
    keys: &[String],
    version: u64,
    is_soft: bool,
) -> impl Fn() + 'static {
    let (source, keys, is_first) = (Rc::clone(source), keys.to_owned(), Cell::new(true));
    move || {
        if !is_first.replace(false) {
            return;
        }

        let (source, keys) = (Rc::clone(&source), keys.clone());
        spawn_local(async move {
            sleep(Duration::from_millis(50)).await;
            source.promise(&keys, version, is_soft).await;
        });
    }
}

/// Invalidates groups, one after the other. Each is promised as soon as it is in force: the interval
/// after its fence was acknowledged, and at the latest when the invalidation has ended.
async fn invalidate(source: Rc<Source>, url: String, ends: Instant) {
    while Instant::now() < ends {
        let random = random();
        let group = random % GROUPS;
        let keys = keys_of(group);
        let version = source.change(&keys).await;
        let way = match random / 8 % 8 {
            0 => Way::Pattern,
            1..4 => Way::Tag,
            _ => Way::Key,
        };
        let patience = Duration::from_millis(if random.is_multiple_of(7) { 30 } else { 10_000 });

        let is_soft = (random / 256).is_multiple_of(2);
        let redis = Slow::new(&url, Duration::from_millis(60));
        // The first command of a removal by tag or pattern is its fence.
        if way != Way::Key {
            let promise = promise_after_fence(&source, &keys, version, is_soft);
            *redis.on_reply.borrow_mut() = Some(Box::new(promise));
        }
        let invalidation = async {
            if is_soft {
                mark_stale(redis, way, group).await
            } else {
                remove(redis, way, group).await
            }
        };
        match timeout(patience, invalidation).await {
            Ok(Ok(_)) => source.promise(&keys, version, is_soft).await,
            // A slot was moving for too long, or the machine is slow: nothing is promised.
            Ok(Err(error)) => assert!(may_fail(&error), "{error}"),
            Err(_) => {}
        }
        sleep(Duration::from_millis(random / 32 % 60)).await;
    }
}

/// Returns whether an invalidation may have failed for a reason that is not a fault.
fn may_fail(error: &Error) -> bool {
    let error = error.redis();
    error.is_some_and(|error| error.kind == ErrorKind::Cluster || error.is_unavailable())
}

/// Keys that removals by pattern have to pass.
fn fill(server: &RedisServer) {
    let mut filler = redis::pipe();
    for number in 0..5000 {
        filler.set(format!("filler:{number}"), 1).ignore();
    }
    filler.exec(&mut server.connection()).unwrap();
}

/// Reads and invalidates in this process.
async fn take_part(cache: &str, source: &str, ends: Instant) {
    let tasks = LocalSet::new();
    let source = Rc::new(Source::new(source));
    for number in 0..READERS {
        // Half of them keep near copies.
        let near = number.is_multiple_of(2).then(Near::default);
        let slow = Slow::new(cache, Duration::from_millis(20));
        let favourite = random() % GROUPS;
        let reading = read(Rc::clone(&source), Cache::new(slow), favourite, near, ends);
        tasks.spawn_local(reading);
    }
    for _ in 0..WRITERS {
        tasks.spawn_local(invalidate(Rc::clone(&source), cache.to_owned(), ends));
    }
    tasks.await;
}

/// Starts this program again, as the second process. It runs until it is killed.
fn start_second(cache: &str, source: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "histories::no_reader_is_served_a_value_from_before_an_invalidation_in_force",
        ])
        .env(ADDRESSES, format!("{cache} {source}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the second process now and then, and starts it again.
async fn kill_second_repeatedly(cache: &str, source: &str, ends: Instant) {
    while Instant::now() < ends {
        let mut second = start_second(cache, source);
        sleep(Duration::from_millis(1000 + random() % 2000)).await;
        let ended = second.try_wait().unwrap();
        assert!(ended.is_none(), "the second process failed: {ended:?}");
        second.kill().unwrap();
        second.wait().unwrap();
    }
}

fn duration() -> Duration {
    let seconds = env::var("HISTORY_SECONDS").map(|seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds.unwrap_or(8))
}

#[tokio::test]
async fn no_reader_is_served_a_value_from_before_an_invalidation_in_force() {
    if let Ok(addresses) = env::var(ADDRESSES) {
        let (cache, source) = addresses.split_once(' ').unwrap();
        return take_part(cache, source, Instant::now() + Duration::from_secs(60)).await;
    }

    let server = RedisServer::start();
    fill(&server);
    run(&server.url(0)).await;
}

#[tokio::test]
async fn no_reader_of_a_cluster_is_served_a_value_from_before_an_invalidation_in_force() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    run(&cluster.url()).await;
}

#[tokio::test]
async fn no_reader_of_a_cluster_is_served_an_old_value_while_slots_move() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let url = cluster.url();
    let ends = Instant::now() + duration();

    let moving = thread::spawn(move || {
        let mut moves = 0;
        while Instant::now() < ends {
            cluster.move_slots(0..2000, 0, 1);
            cluster.move_slots(0..2000, 1, 0);
            moves += 2;
        }
        (cluster, moves)
    });
    run(&url).await;

    let (_cluster, moves) = moving.join().unwrap();
    assert!(moves > 0);
}

/// Runs a history over this cache.
async fn run(cache: &str) {
    let source_server = RedisServer::start();
    let source = source_server.url(0);
    let ends = Instant::now() + duration();
    tokio::join!(
        take_part(cache, &source, ends),
        kill_second_repeatedly(cache, &source, ends),
    );

    let source = Source::new(&source);
    let faults = source.faults().await;
    assert!(faults.is_empty(), "{faults:#?}");

    let (served, changes) = (source.count("served").await, source.count("changes").await);
    let near = source.count("near").await;
    let stale = source.count("stale").await;
    println!("{changes} invalidations; {served} lookups, {near} of near copies, {stale} stale");
    assert!(served > 1000, "{served} lookups");
    assert!(near > 50, "{near} lookups from near copies");
    assert!(changes > 100, "{changes} invalidations");
    assert!(stale > 10, "{stale} stale hits");
}
