//! Every operation of the cache with the network and the server failing before, in and after each of its commands.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use edge_cache::{Cache, Client, Error, ErrorKind, Item, Options, Outcome};
use edge_cache_testing::{Fault, NativeTransport, Proxy, RedisServer};
use redis::Commands;

/// A command's time limit here.
const LIMIT: Duration = Duration::from_secs(1);
/// What an operation may take that meets a silent server: one command's limit and room for a busy machine, but not two limits.
const BOUND: Duration = Duration::from_secs(2);
const TAGS: &[&str] = &["t1", "t2"];

type TestCache = Cache<Client<NativeTransport>>;

/// Named once, so that none is forgotten in [`ALL`].
macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq)]
        enum Operation {
            $($name),*
        }

        const ALL: [Operation; [$(Operation::$name),*].len()] = [$(Operation::$name),*];
    };
}

operations! {
    Get,
    GetMany,
    Set,
    SetMany,
    Delete,
    DeleteMany,
    Exists,
    Expire,
    Ttl,
    Tag,
    KeysByTag,
    InvalidateTag,
    ClearByPattern,
    KeyInfo,
    GetOrSet,
    GetOrSetAbsent,
}

use Operation::*;

/// What every operation meets with an error of one kind.
const FAULTS: [(Fault, ErrorKind); 16] = [
    (Fault::Dropped, ErrorKind::Unreachable),
    (Fault::Lost, ErrorKind::Unreachable),
    (Fault::Cut, ErrorKind::Unreachable),
    (Fault::Garbage, ErrorKind::Unreachable),
    (Fault::Truncated, ErrorKind::Timeout),
    (Fault::Black, ErrorKind::Timeout),
    (Fault::Mute, ErrorKind::Timeout),
    (Fault::Drip(Duration::from_millis(1400)), ErrorKind::Timeout),
    (Fault::Slow(Duration::from_millis(1400)), ErrorKind::Timeout),
    (Fault::Error("LOADING Redis is loading the dataset in memory"), ErrorKind::Loading),
    (Fault::Error("BUSY Redis is busy running a script."), ErrorKind::Busy),
    (Fault::Error("MISCONF Redis is configured to save RDB snapshots"), ErrorKind::PersistenceFailed),
    (Fault::Error("OOM command not allowed when used memory > 'maxmemory'."), ErrorKind::OutOfMemory),
    (Fault::Error("NOPERM this user has no permissions"), ErrorKind::Permission),
    (Fault::Error("READONLY You can't write against a read only replica."), ErrorKind::ReadOnly),
    (Fault::Error("NOSCRIPT No matching script."), ErrorKind::NoScript),
];

/// What tells of attempts as well.
const COUNTS: [&str; 4] = ["cache:fences", "cache:lookups", "cache:loads", "cache:turns"];

impl Operation {
    /// Carries it out on what [`prepare`] made; what it answers, as text.
    async fn run(self, cache: &TestCache) -> Result<String, Error> {
        let ttl = Some(Duration::from_secs(600));
        let options = Options { ttl, tags: TAGS, early_refresh: 0.0, ..Options::default() };
        let item = |key| Item { key, value: &7, ttl, tags: TAGS };
        let load = async || Ok::<_, String>(1);
        Ok(match self {
            Get => format!("{:?}", cache.get::<u32>("a:1").await?),
            GetMany => format!("{:?}", cache.get_many::<u32>(&["a:1", "a:2", "absent"]).await?),
            Set => format!("{:?}", cache.set("b:1", &7, &options).await?),
            SetMany => format!("{:?}", cache.set_many(&[item("b:1"), item("b:2")]).await?),
            Delete => format!("{}", cache.delete("a:1").await?),
            DeleteMany => format!("{}", cache.delete_many(&["a:1", "a:2", "absent"]).await?),
            Exists => format!("{}", cache.exists("a:1").await?),
            Expire => format!("{}", cache.expire("a:1", ttl).await?),
            Ttl => format!("{}", cache.ttl("a:1").await?.flatten().is_some()),
            Tag => format!("{:?}", cache.tag("a:1", &["t3"]).await?),
            KeysByTag => format!("{}", cache.keys_by_tag("t1").await?.len()),
            InvalidateTag => format!("{}", cache.invalidate_tag("t1").await?),
            ClearByPattern => format!("{}", cache.clear_by_pattern("a:*").await?),
            KeyInfo => format!("{:?}", cache.key_info("a:1").await?.map(|info| info.value)),
            GetOrSet => value(cache.get_or_set("a:1", &options, load).await),
            GetOrSetAbsent => value(cache.get_or_set("b:1", &options, load).await),
        })
    }

    /// Whether it answers without Redis: with what was loaded.
    fn reads_through(self) -> bool {
        matches!(self, GetOrSet | GetOrSetAbsent)
    }

    /// How many keys it removes of those that [`prepare`] made.
    fn removes(self) -> usize {
        match self {
            Delete => 1,
            DeleteMany => 2,
            InvalidateTag | ClearByPattern => 3,
            _ => 0,
        }
    }
}

fn value(fetched: Result<edge_cache::Fetched<u32>, String>) -> String {
    let fetched = fetched.expect("the loader does not fail");
    // Stored values are 1 as well, so only the outcome may tell where it is from.
    assert_eq!(fetched.value, 1);
    format!("{:?}", fetched.outcome)
}

struct Setup {
    server: RedisServer,
    proxy: Proxy,
    /// Behind the proxy.
    cache: TestCache,
    /// Beside it.
    direct: TestCache,
}

impl Setup {
    fn new(limit: Duration) -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::before(server.port());
        let cache = Cache::new(Client::new(NativeTransport::new(proxy.url(0)), limit));
        let direct = Cache::new(Client::new(NativeTransport::new(server.url(0)), Duration::from_secs(30)));
        Self { server, proxy, cache, direct }
    }

    /// Three values with two tags.
    async fn prepare(&self) {
        let () = redis::cmd("FLUSHDB").query(&mut self.server.connection()).unwrap();
        let item = |key| Item { key, value: &1, ttl: Some(Duration::from_secs(300)), tags: TAGS };
        self.direct.set_many(&[item("a:1"), item("a:2"), item("a:3")]).await.unwrap();
    }

    /// What is stored: values and members; of what is known of values (their age among it) the names.
    fn stored(&self) -> BTreeMap<String, String> {
        let mut redis = self.server.connection();
        let names: Vec<String> = redis.keys("*").unwrap();
        let names = names.into_iter().filter(|name| !COUNTS.iter().any(|own| name.starts_with(own)));
        names
            .map(|name| {
                let shown = if name.starts_with("cache:tags:") {
                    let mut members: Vec<String> = redis.smembers(&name).unwrap();
                    members.sort();
                    members.join(" ")
                } else {
                    redis.get(&name).unwrap_or_default()
                };
                (name, shown)
            })
            .collect()
    }

    fn values_left(&self) -> usize {
        self.server.connection().keys::<_, Vec<String>>("a:*").unwrap().len()
    }
}

/// Meets each of them with an operation, on a server of its own.
async fn fail_each_way(operation: Operation) {
    let setup = Setup::new(LIMIT);
    setup.prepare().await;
    let expected = operation.run(&setup.cache).await.unwrap();
    for (fault, kind) in FAULTS {
        setup.prepare().await;
        setup.proxy.fail(fault);
        let started = Instant::now();
        let answer = operation.run(&setup.cache).await;
        let took = started.elapsed();
        setup.proxy.heal();
        let what = format!("{operation:?} with {fault:?}");
        match answer {
            Ok(answer) if operation.reads_through() => assert_eq!(answer, format!("{:?}", Outcome::Bypass), "{what}"),
            Err(Error::Redis(error)) => assert_eq!(error.kind, kind, "{what}: {error}"),
            other => panic!("{what}: {other:?}"),
        }
        assert!(took < BOUND, "{what} took {took:?}");
        if matches!(fault, Fault::Dropped | Fault::Black | Fault::Error(_)) {
            assert_eq!(setup.values_left(), 3, "{what}: removed and not told");
        }
        setup.prepare().await;
        assert_eq!(operation.run(&setup.cache).await.unwrap(), expected, "{what}, healed");
    }
}

/// Does something with each operation at the same time: most of the time is spent waiting for time limits.
fn for_each_operation<T: Send>(test: impl AsyncFn(Operation) -> T + Sync) -> Vec<T> {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| {
        let run = |operation| {
            scope.spawn({
                let test = &test;
                move || runtime().block_on(test(operation))
            })
        };
        let running: Vec<_> = ALL.into_iter().map(run).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn every_operation_ends_in_time_with_the_servers_words_and_works_again() {
    for_each_operation(fail_each_way);
}

/// How many keys a failure says were removed.
fn told(error: &Error) -> usize {
    match error {
        Error::Partial { deleted, .. } => usize::try_from(*deleted).unwrap(),
        _ => 0,
    }
}

/// Lets each command of an operation fail in each way that is its own; how many did.
async fn strike(operation: Operation) -> usize {
    let setup = Setup::new(LIMIT);
    setup.prepare().await;
    operation.run(&setup.cache).await.unwrap();
    let (done, mut struck) = (setup.stored(), 0);
    for fault in [Fault::Dropped, Fault::Error("ERR this one failed"), Fault::Lost, Fault::Mute] {
        for nth in 0.. {
            setup.prepare().await;
            setup.proxy.fail_once(fault, nth);
            let answer = operation.run(&setup.cache).await;
            let commands = setup.proxy.commands();
            setup.proxy.heal();
            let what = format!("{operation:?} with {fault:?} at {nth} of {commands:?}");
            let gone = 3 - setup.values_left();
            match &answer {
                Ok(_) => assert_eq!(gone, operation.removes(), "{what}"),
                Err(error) if operation.reads_through() => panic!("{what}: {error}"),
                Err(error) if matches!(fault, Fault::Lost | Fault::Mute) => {
                    assert!(told(error) <= gone, "{what}: {error}");
                }
                Err(error) => assert_eq!(told(error), gone, "{what}: {error}"),
            }
            if commands.len() <= nth {
                break;
            }
            struck += 1;
            if fault == Fault::Mute {
                // A lock may be taken and nobody know; it ends with its lease.
                let () = setup.server.connection().del("lock:{b:1}").unwrap();
            }
            operation.run(&setup.cache).await.unwrap_or_else(|error| panic!("{what}, repeated: {error}"));
            assert_eq!(setup.stored(), done, "{what}, repeated");
        }
    }
    struck
}

#[test]
fn every_command_may_fail_and_repeating_the_operation_does_the_rest() {
    let struck: usize = for_each_operation(strike).into_iter().sum();
    assert!(struck > 100, "only {struck} commands were struck");
}

#[tokio::test]
async fn a_large_value_is_read_whole_or_not_at_all_whichever_chunk_failed() {
    // Megabytes take their time on a busy machine.
    let setup = Setup::new(Duration::from_secs(30));
    // Of random bytes, which do not compress: three chunks.
    let value = |seed: u64| {
        let mut state = seed;
        let next = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{state:016x}")
        });
        next.take(1_300_000).collect::<String>()
    };
    let options = Options { ttl: Some(Duration::from_secs(60)), ..Options::default() };
    let (old, new) = (value(1), value(2));
    setup.cache.set("large", &old, &options).await.unwrap();
    for nth in 0.. {
        setup.proxy.fail_once(Fault::Dropped, nth);
        let written = setup.cache.set("large", &new, &options).await;
        let commands = setup.proxy.commands();
        setup.proxy.heal();
        let read: Option<String> = setup.cache.get("large").await.unwrap();
        let expected = if written.is_ok() { &new } else { &old };
        assert!(read.as_ref() == Some(expected), "{nth} of {commands:?}: {written:?}");
        if commands.len() <= nth {
            assert!(nth > 4, "{commands:?}");
            break;
        }
        setup.cache.set("large", &old, &options).await.unwrap();
    }
}
