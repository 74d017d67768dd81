//! The leftovers of old instances: companions, chunks, and keys to delete in the end.

use std::time::Duration;

use edge_cache::LookupOutcome;
use edge_cache_testing::RedisServer;
use redis::Commands;
use serde_json::Value;

use crate::former::{Entry, Former};
use crate::{BY_OLD, by, load, look_up, new_instance, options, store_golden_chunks};

#[tokio::test]
async fn companion_and_chunks_of_an_old_entry_that_a_new_instance_removed_expire_when_it_would() {
    let server = RedisServer::start();
    store_golden_chunks(&Former::of(&server));

    assert!(new_instance(&server).delete("chunked").await.unwrap());

    for leftover in [
        "cache:meta:{chunked}",
        "cache:chunk:{chunked}:00c0ffee00c0ffee:1",
        "cache:chunk:{chunked}:00c0ffee00c0ffee:2",
    ] {
        let left: i64 = server.connection().pttl(leftover).unwrap();
        assert!((1..=60_000).contains(&left), "{leftover}: {left}");
    }
}

/// Old instances take the old companion for that of the new entry.
#[tokio::test]
async fn a_new_entry_in_the_place_of_an_old_one_has_the_old_grace_for_old_instances() {
    let server = RedisServer::start();
    let former = Former::of(&server);
    let entry = Entry {
        grace: Duration::from_secs(600),
        ..Entry::of(BY_OLD)
    };
    former.store_entry("k", &entry);

    let new = new_instance(&server);
    new.set("k", &by("new"), &options()).await.unwrap();

    let found = former.look_up("k");
    assert_eq!(found.value, Some(by("new")));
    let fresh_left = found.fresh_left.unwrap();
    assert!(fresh_left < 0, "{fresh_left}");
}

#[tokio::test]
async fn an_old_load_whose_lock_is_not_in_cache_loading_is_not_stored() {
    let server = RedisServer::start();
    let former = Former::of(&server);
    let load = former.begin_load("k").unwrap();

    let () = server.connection().del("cache:loading").unwrap();

    assert!(!former.store(&load, &Entry::of(BY_OLD)));
}

#[tokio::test]
async fn without_the_keys_of_old_instances_foreign_values_are_served_and_entries_loaded_once_more()
{
    let server = RedisServer::start();
    let former = Former::of(&server);
    former.clear("k:*");
    former.store_entry("k:1", &Entry::of(BY_OLD));
    load(&new_instance(&server), "own", &options()).await;
    let hidden = new_instance(&server).get::<Value>("k:1").await.unwrap();
    assert_eq!(hidden, None);

    let keys = [
        "cache:fences",
        "cache:meta",
        "cache:chunked",
        "cache:loading",
    ];
    let () = server.connection().del(&keys).unwrap();

    let new = new_instance(&server);
    assert_eq!(new.get::<Value>("k:1").await.unwrap(), Some(by("old")));
    load(&new, "own", &options()).await;
    let again = look_up(&new, "own", &options()).await;
    assert_eq!(again.outcome, LookupOutcome::Hit);
}
