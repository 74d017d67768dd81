//! Histories of random lookups, invalidations, delays and crashes. `bench/models` proves the
//! protocol; these test the code.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_cache::keyspace::scan;
use edge_cache::{
    Cache, Command, Error, Fetched, LookupOutcome, Near, Options, Pattern, Redis, RedisError,
    Reply, Runtime,
};
use edge_cache_testing::{RedisServer, client};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::Native;

/// A connection whose commands take a random time, before and after they are executed.
struct Slow {
    redis: Native,
    most: Duration,
    /// Called when a reply has arrived.
    on_reply: RefCell<Option<Box<dyn Fn()>>>,
}

impl Slow {
    fn new(url: &str, most: Duration) -> Self {
        Self {
            redis: client(url),
            most,
            on_reply: RefCell::default(),
        }
    }

    async fn pause(&self) {
        let part = (self.redis.random() % 1000) as u32;
        // Mostly short, sometimes long.
        if part < 300 {
            sleep(self.most * part / 300).await;
        }
    }
}

impl Redis for Slow {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.pause().await;
        let reply = self.redis.execute(command).await;
        if let Some(on_reply) = &*self.on_reply.borrow() {
            on_reply();
        }
        self.pause().await;
        reply
    }

    fn connection_number(&self) -> u64 {
        self.redis.connection_number()
    }
}

impl Runtime for Slow {
    async fn sleep(&self, duration: Duration) {
        self.redis.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.redis.random()
    }
}

/// The source of all values, and the promises for each key.
#[derive(Default)]
struct World {
    versions: RefCell<HashMap<String, u64>>,
    /// The oldest version that a lookup which begins now may be served.
    promised: RefCell<HashMap<String, u64>>,
    next: Cell<u64>,
    served: Cell<u64>,
    near: Cell<u64>,
    faults: RefCell<Vec<String>>,
}

impl World {
    fn version(&self, key: &str) -> u64 {
        self.versions.borrow().get(key).copied().unwrap_or(0)
    }

    /// Changes the source of these keys; returns their new version.
    fn change(&self, keys: &[String]) -> u64 {
        self.next.set(self.next.get() + 1);
        for key in keys {
            self.versions
                .borrow_mut()
                .insert(key.clone(), self.next.get());
        }
        self.next.get()
    }

    /// From now on, lookups of these keys may only be served this version or a later one.
    fn promise(&self, keys: &[String], version: u64) {
        for key in keys {
            let mut promised = self.promised.borrow_mut();
            let known = promised.entry(key.clone()).or_default();
            *known = version.max(*known);
        }
    }

    fn promised(&self, key: &str) -> u64 {
        self.promised.borrow().get(key).copied().unwrap_or(0)
    }

    fn record(&self, name: &str, promised: u64, fetched: &Fetched<u64>) {
        self.served.set(self.served.get() + 1);
        if fetched.outcome == LookupOutcome::Near {
            self.near.set(self.near.get() + 1);
        }
        if fetched.value < promised {
            let fault = format!("{name}: {fetched:?} although {promised} was promised");
            self.faults.borrow_mut().push(fault);
        }
    }
}

const GROUPS: u64 = 4;
const KEYS: u64 = 5;
const TAGS: [&[&str]; GROUPS as usize] = [&["g0"], &["g1"], &["g2"], &["g3"]];

fn keys_of(group: u64) -> Vec<String> {
    (0..KEYS).map(|key| format!("g:{group}:{key}")).collect()
}

fn random() -> u64 {
    // Each `RandomState` has a new random seed.
    RandomState::new().hash_one(0)
}

/// Looks keys up, one after the other. Some callers go away before the lookup ends.
async fn read(world: Rc<World>, cache: Cache<Slow>, near: Option<Near>, ends: Instant) {
    while Instant::now() < ends {
        let random = random();
        let (group, key) = (random % GROUPS, random / 8 % KEYS);
        let name = format!("g:{group}:{key}");
        let options = Options {
            ttl: Some(Duration::from_millis(200 + random / 64 % 2000)),
            tags: TAGS[group as usize],
            lock_wait: Duration::from_millis(300),
            near,
            ..Options::default()
        };
        let patience = Duration::from_millis(if random.is_multiple_of(11) {
            random / 1024 % 30
        } else {
            5000
        });

        let promised = world.promised(&name);
        let loader = async || {
            let version = world.version(&name);
            sleep(Duration::from_millis(random / 512 % 40)).await;
            Ok::<_, String>(version)
        };
        let lookup = cache.get_or_set(&name, &options, loader);
        if let Ok(fetched) = timeout(patience, lookup).await {
            world.record(&name, promised, &fetched.unwrap());
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Key,
    Tag,
    Pattern,
}

/// Removes the keys of a group.
async fn remove(redis: Slow, way: Way, group: u64) -> Result<u64, Error> {
    match way {
        Way::Key => {
            let keys = keys_of(group);
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            Cache::new(redis).delete_many(&names).await
        }
        Way::Tag => {
            let tag = TAGS[group as usize][0];
            Cache::new(redis).invalidate_tag(tag).await
        }
        Way::Pattern => {
            let pattern = Pattern::parse("pattern", format!("g:{group}:*")).unwrap();
            scan::delete_matching(&redis, &pattern).await
        }
    }
}

/// Promises a version at the interval after the first reply, which acknowledges the fence.
fn promise_after_fence(world: &Rc<World>, keys: &[String], version: u64) -> impl Fn() + 'static {
    let (world, keys, is_first) = (Rc::clone(world), keys.to_owned(), Cell::new(true));
    move || {
        if !is_first.replace(false) {
            return;
        }

        let (world, keys) = (Rc::clone(&world), keys.clone());
        spawn_local(async move {
            sleep(Duration::from_millis(50)).await;
            world.promise(&keys, version);
        });
    }
}

/// Invalidates groups, one after the other. Each is promised as soon as it is in force: the interval
/// after its fence was acknowledged, and at the latest when the invalidation has ended.
async fn invalidate(world: Rc<World>, url: String, ends: Instant) {
    while Instant::now() < ends {
        let random = random();
        let group = random % GROUPS;
        let keys = keys_of(group);
        let version = world.change(&keys);
        let way = match random / 8 % 4 {
            0 => Way::Key,
            1 => Way::Tag,
            _ => Way::Pattern,
        };
        let patience = Duration::from_millis(if random.is_multiple_of(7) { 30 } else { 10_000 });

        let redis = Slow::new(&url, Duration::from_millis(60));
        // The first command of a removal by tag or pattern is its fence.
        if way != Way::Key {
            let promise = promise_after_fence(&world, &keys, version);
            *redis.on_reply.borrow_mut() = Some(Box::new(promise));
        }
        if let Ok(removed) = timeout(patience, remove(redis, way, group)).await {
            removed.unwrap();
            world.promise(&keys, version);
        }
        sleep(Duration::from_millis(random / 32 % 60)).await;
    }
}

/// Keys that removals by pattern have to pass.
fn fill(server: &RedisServer) {
    let mut filler = redis::pipe();
    for number in 0..5000 {
        filler.set(format!("filler:{number}"), 1).ignore();
    }
    filler.exec(&mut server.connection()).unwrap();
}

#[tokio::test]
async fn no_reader_is_served_a_value_from_before_an_invalidation_in_force() {
    let server = RedisServer::start();
    fill(&server);
    let world = Rc::new(World::default());
    let ends = Instant::now() + Duration::from_secs(8);

    let tasks = LocalSet::new();
    for number in 0..16 {
        // Half of them keep near copies.
        let near = (number % 2 == 0).then(Near::default);
        let slow = Slow::new(&server.url(0), Duration::from_millis(20));
        tasks.spawn_local(read(Rc::clone(&world), Cache::new(slow), near, ends));
    }
    for _ in 0..3 {
        tasks.spawn_local(invalidate(Rc::clone(&world), server.url(0), ends));
    }
    tasks.await;

    let faults = world.faults.borrow();
    assert!(
        faults.is_empty(),
        "{} faults: {:#?}",
        faults.len(),
        faults.iter().take(5).collect::<Vec<_>>()
    );
    assert!(world.served.get() > 1000, "{} lookups", world.served.get());
    assert!(world.next.get() > 30, "{} invalidations", world.next.get());
}
