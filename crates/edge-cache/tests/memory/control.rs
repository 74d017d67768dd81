//! The clock, failures and raw access.

use std::time::{Duration, Instant};

use edge_cache::testing::Memory;
use edge_cache::{Cache, Command, ErrorKind, HostRuntime, LookupOutcome, Options, Redis, Reply};
use futures_util::future::join;

fn is_shareable<T: Send + Sync + Clone + Default + 'static>(_: &T) {}

#[test]
fn it_can_be_shared_by_threads() {
    let memory = Memory::new();
    is_shareable(&memory);

    let other = memory.clone();
    let thread = std::thread::spawn(move || other.set_foreign("k", "1", None));

    thread.join().unwrap();
    assert_eq!(memory.keys(), ["k"]);
}

#[tokio::test]
async fn a_pause_ends_when_the_clock_is_turned_past_its_end() {
    let memory = Memory::new();
    let started = Instant::now();

    let turning = async {
        tokio::task::yield_now().await;
        memory.advance(Duration::from_secs(400));
        memory.advance(Duration::from_secs(400));
    };
    join(memory.sleep(Duration::from_secs(600)), turning).await;

    assert!(started.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let memory = Memory::new();
    let started = Instant::now();

    memory.sleep(Duration::from_millis(50)).await;

    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_lease_ends_when_the_clock_is_turned() {
    let memory = Memory::new();
    let lock = ["SET", "lock:{k}", "another instance", "PX", "600000"];
    memory.command(&lock).unwrap();
    memory.advance(Duration::from_secs(601));

    let cache = Cache::new(memory);
    let load = async || Ok::<_, String>(1);
    let loaded = cache.get_or_set("k", &Options::default(), load).await;

    assert_eq!(loaded.unwrap().outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn near_copies_are_served_and_end_when_the_clock_is_turned() {
    let memory = Memory::new();
    let cache = Cache::new(memory.clone());
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        near: Some(edge_cache::Near {
            max_age: Duration::from_secs(10),
        }),
        jitter: 0.0,
        ..Options::default()
    };
    let load = async || Ok::<_, String>(1);
    let mut outcome = LookupOutcome::Miss;
    for _ in 0..200 {
        let fetched = cache.get_or_set("k", &options, load).await.unwrap();
        outcome = fetched.outcome;
        if outcome == LookupOutcome::Near {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(outcome, LookupOutcome::Near);

    memory.advance(Duration::from_secs(61));
    let loaded = cache.get_or_set("k", &options, load).await.unwrap();

    assert_eq!(loaded.outcome, LookupOutcome::Miss);
}

#[tokio::test]
async fn every_kind_of_failure_is_that_of_the_commands() {
    let memory = Memory::new();
    for kind in [
        ErrorKind::Unreachable,
        ErrorKind::Timeout,
        ErrorKind::Loading,
        ErrorKind::Authentication,
        ErrorKind::OutOfMemory,
        ErrorKind::ReadOnly,
        ErrorKind::NotEnoughReplicas,
        ErrorKind::PersistenceFailed,
    ] {
        memory.fail_with(kind);
        let write = Command::new("SET").arg("k").arg("1");
        let error = memory.execute(write).await.unwrap_err();
        assert_eq!(error.kind, kind);
    }

    memory.start();
    assert_eq!(memory.keys(), [""; 0]);
}

#[test]
fn an_unknown_command_is_named() {
    let error = Memory::new().command(&["LOLWUT", "VERSION"]).unwrap_err();

    assert_eq!(error.kind, ErrorKind::Server);
    assert!(error.message.contains("'LOLWUT'"), "{error}");
}

#[tokio::test]
async fn a_key_of_another_type_is_named() {
    let memory = Memory::new();
    memory.set_foreign("cache:tags:t", "theirs", None);

    memory.set_foreign("k", "1", None);
    let refused = Cache::new(memory).tag("k", &["t"]).await.unwrap_err();

    let key = refused.redis().and_then(|error| error.key.as_deref());
    assert_eq!(key, Some("cache:tags:t"));
}

#[test]
fn values_are_shown_without_trailers_and_replies_are_flat() {
    let memory = Memory::new();
    memory
        .command(&["XADD", "s", "1-1", "field", "value"])
        .unwrap();

    let entries = memory.command(&["XRANGE", "s", "-", "+"]).unwrap();

    let bytes = |text: &str| Reply::Bytes(text.into());
    assert_eq!(entries, ["1-1", "field", "value"].map(bytes));
    assert_eq!(memory.value("s"), None);
}
