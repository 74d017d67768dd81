//! Entries that one side stored, as the other side sees them.

use std::time::Duration;

use edge_cache::{LookupOutcome, Options};
use edge_cache_testing::RedisServer;
use redis::Commands;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::former::{Entry, Former};
use crate::{BY_OLD, by, exists, load, look_up, new_instance, options, store_golden_chunks};

const OWN_FRAME: &[u8] = include_bytes!("../golden/own-frame.lz4");

const MINUTE: Duration = Duration::from_secs(60);

/// Options of entries that are soon past their TTL, and then have a grace of a minute.
fn brief() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_millis(50)),
        grace: MINUTE,
        ..options()
    }
}

/// A value above 100 KB, which is stored compressed.
fn large() -> Value {
    json!(vec!["a fairly repetitive element of a list"; 20_000])
}

/// A value above 8 MiB, which is stored in chunks. Nothing in it repeats, so that compression does
/// not help.
fn huge() -> Vec<u64> {
    let noise = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..600_000).map(noise).collect()
}

#[tokio::test]
async fn a_new_entry_is_a_foreign_value_for_an_old_instance() {
    let server = RedisServer::start();
    let former = Former::of(&server);
    load(&new_instance(&server), "k", &options()).await;

    let found = former.look_up("k");

    assert_eq!(found.value, Some(by("new")));
    assert_eq!(found.age, None);
    assert_eq!(found.load_time, None, "it is never refreshed early");
    assert_eq!(former.get("k"), Some(by("new")));
}

#[tokio::test]
async fn an_old_entry_is_a_foreign_value_for_a_new_instance() {
    let server = RedisServer::start();
    Former::of(&server).store_entry("k", &Entry::of(BY_OLD));

    let fetched = look_up(&new_instance(&server), "k", &options()).await;

    assert_eq!(fetched.outcome, LookupOutcome::Hit);
    assert_eq!(fetched.value, by("old"));
    assert_eq!(fetched.age, None);
}

#[tokio::test]
async fn a_new_entry_in_its_grace_is_fresh_for_an_old_instance() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    load(&new, "k", &brief()).await;
    sleep(Duration::from_millis(100)).await;

    let own = new.get::<Value>("k").await.unwrap();
    assert_eq!(own, None, "it is past its TTL");

    assert_eq!(former.get("k"), Some(by("new")));
}

#[tokio::test]
async fn an_old_entry_in_its_grace_is_fresh_for_a_new_instance() {
    let server = RedisServer::start();
    let former = Former::of(&server);
    let entry = Entry {
        ttl: Duration::from_millis(50),
        grace: MINUTE,
        ..Entry::of(BY_OLD)
    };
    former.store_entry("k", &entry);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(former.get("k"), None, "it is past its TTL");

    let fetched = look_up(&new_instance(&server), "k", &options()).await;

    assert_eq!(fetched.outcome, LookupOutcome::Hit);
    assert_eq!(fetched.value, by("old"));
}

#[tokio::test]
async fn an_old_entry_whose_load_was_slow_is_not_refreshed_early_by_a_new_instance() {
    let server = RedisServer::start();
    let entry = Entry {
        load_time: 60 * MINUTE,
        ..Entry::of(BY_OLD)
    };
    Former::of(&server).store_entry("k", &entry);
    let new = new_instance(&server);
    let eager = Options {
        early_refresh: 100.0,
        ..options()
    };

    for _ in 0..20 {
        let fetched = look_up(&new, "k", &eager).await;
        assert_eq!(fetched.outcome, LookupOutcome::Hit);
    }
}

#[tokio::test]
async fn an_old_instance_reads_a_compressed_new_entry() {
    let server = RedisServer::start();
    let new = new_instance(&server);
    new.set("k", &large(), &options()).await.unwrap();
    let stored: Vec<u8> = server.connection().get("k").unwrap();
    assert!(stored.starts_with(&OWN_FRAME[..4]), "it is compressed");

    let read = Former::of(&server).get("k");

    assert!(read == Some(large()));
}

#[tokio::test]
async fn an_old_instance_misses_a_new_entry_in_chunks_and_replaces_it() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    new.set("k", &huge(), &options()).await.unwrap();
    let elements: usize = server.connection().llen("k").unwrap();
    assert!(elements > 2, "{elements}");

    assert_eq!(former.look_up("k").value, None);

    former.store_entry("k", &Entry::of(BY_OLD));
    assert_eq!(new.get::<Value>("k").await.unwrap(), Some(by("old")));
}

#[tokio::test]
async fn a_new_instance_reads_a_compressed_old_entry() {
    let server = RedisServer::start();
    Former::of(&server).store_entry("k", &Entry::of(OWN_FRAME));

    let fetched = look_up(&new_instance(&server), "k", &options()).await;

    assert_eq!(fetched.outcome, LookupOutcome::Hit);
    assert_eq!(fetched.value["name"], json!("golden"));
}

#[tokio::test]
async fn a_new_instance_reads_an_old_entry_in_chunks() {
    let server = RedisServer::start();
    store_golden_chunks(&Former::of(&server));

    let fetched = look_up(&new_instance(&server), "chunked", &options()).await;

    assert_eq!(fetched.outcome, LookupOutcome::Hit);
    assert_eq!(fetched.value["name"], json!("golden"));
}

#[tokio::test]
async fn tags_of_an_old_entry_are_in_their_sets_only_for_a_new_instance() {
    let server = RedisServer::start();
    let new = new_instance(&server);
    let entry = Entry {
        tags: &["t"],
        ..Entry::of(BY_OLD)
    };
    Former::of(&server).store_entry("k", &entry);

    let info = new.key_info("k").await.unwrap().unwrap();
    assert_eq!(info.tags, [""; 0]);

    assert_eq!(new.invalidate_tag("t").await.unwrap(), 1);
}

#[tokio::test]
async fn tags_of_a_new_entry_are_in_their_sets_only_for_an_old_instance() {
    let server = RedisServer::start();
    let tagged = Options {
        tags: &["t"],
        ..options()
    };
    load(&new_instance(&server), "k", &tagged).await;

    assert!(!exists(&server, "cache:meta:{k}"), "it has no companion");

    assert_eq!(Former::of(&server).invalidate_tag("t"), 1);
}

/// Stores an old entry, lets a new instance change its expiry, and returns for how long the old one
/// then takes it to be fresh.
async fn fresh_left_after_expire(entry: &Entry<'_>, expiry: Duration) -> i64 {
    let server = RedisServer::start();
    let former = Former::of(&server);
    former.store_entry("k", entry);

    let changed = new_instance(&server).expire("k", Some(expiry)).await;

    assert!(changed.unwrap());
    former.look_up("k").fresh_left.unwrap()
}

#[tokio::test]
async fn an_old_entry_without_grace_is_fresh_until_the_expiry_that_a_new_instance_sets() {
    for minutes in [10, 30] {
        let left = fresh_left_after_expire(&Entry::of(BY_OLD), minutes * MINUTE).await;

        let expiry = i64::from(minutes) * 60_000;
        assert!((expiry - 60_000..=expiry).contains(&left), "{left}");
    }
}

/// The companion keeps its grace, which then is longer than the new life.
#[tokio::test]
async fn an_old_entry_with_grace_is_stale_for_old_instances_when_a_new_one_shortens_its_life() {
    let entry = Entry {
        grace: 10 * MINUTE,
        ..Entry::of(BY_OLD)
    };

    let left = fresh_left_after_expire(&entry, 5 * MINUTE).await;

    assert!(left < 0, "{left}");
}

#[tokio::test]
async fn a_new_entry_whose_life_an_old_instance_prolongs_is_fresh_until_its_own_end() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let options = Options {
        ttl: Some(Duration::from_secs(2)),
        ..options()
    };
    load(&new, "k", &options).await;

    former.expire("k", 10 * MINUTE);
    sleep(Duration::from_millis(2100)).await;

    assert!(exists(&server, "k"));
    assert_eq!(new.get::<Value>("k").await.unwrap(), None);
}
