//! Redis' clock decides, however far the clocks of instances are from it and from each other.

use std::cell::Cell;
use std::env;
use std::process::Command;
use std::time::Duration;

use edge_cache::{Cache, LookupOutcome, Options};
use edge_cache_testing::{RedisServer, client};

use crate::{cache, look_up, ttl, with_grace};

/// Set where this program runs again, with another clock: the address of Redis.
const ADDRESS: &str = "CLOCKS_REDIS";
const OFFSETS: [&str; 2] = ["+1h", "-1h"];

/// Fresh for a minute.
fn fresh() -> Options<'static> {
    ttl(60_000)
}

/// Stale after 50 ms, for an hour.
fn stale() -> Options<'static> {
    Options {
        grace: Duration::from_secs(3_600),
        ..with_grace(&ttl(50))
    }
}

/// Runs this program again, with a clock that is an hour off.
fn read_with_clock(offset: &'static str, address: &str) {
    let output = Command::new("faketime")
        .args(["--exclude-monotonic", "-f", offset])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "clocks::entries_are_as_old_as_redis_clock_says"])
        .env(ADDRESS, address)
        .output()
        .expect("faketime must be installed: scripts/setup --test does that");

    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{offset}: {shown}");
    assert!(shown.contains("1 passed"), "{offset}: {shown}");
}

/// Reads what another instance has stored, and stores an entry for it.
async fn read_and_store(address: &str) {
    let cache = Cache::new(client(address));
    let loads = Cell::new(100);

    let found = look_up(&cache, "fresh", &fresh(), &loads).await;
    let age = found.age.unwrap();
    assert_eq!(found.outcome, LookupOutcome::Hit);
    assert!(age < Duration::from_secs(30), "{age:?}");

    let failing = async || Err::<u32, _>("the source is down");
    let found = cache.get_or_set("stale", &stale(), failing).await.unwrap();
    assert_eq!(found.outcome, LookupOutcome::Stale);

    look_up(&cache, "from the other clock", &fresh(), &loads).await;
}

#[tokio::test]
async fn entries_are_as_old_as_redis_clock_says() {
    if let Ok(address) = env::var(ADDRESS) {
        return read_and_store(&address).await;
    }

    for offset in OFFSETS {
        let server = RedisServer::start();
        let cache = cache(&server);
        let loads = Cell::new(0);
        look_up(&cache, "fresh", &fresh(), &loads).await;
        look_up(&cache, "stale", &stale(), &loads).await;
        tokio::time::sleep(Duration::from_millis(100)).await;

        read_with_clock(offset, &server.url(0));

        let found = look_up(&cache, "from the other clock", &fresh(), &loads).await;
        let age = found.age.unwrap();
        assert_eq!(found.outcome, LookupOutcome::Hit, "{offset}");
        assert!(age < Duration::from_secs(30), "{offset}: {age:?}");
    }
}
