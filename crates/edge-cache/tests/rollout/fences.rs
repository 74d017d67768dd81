//! Fences of both sides in the one stream.

use std::time::Duration;

use edge_cache::LookupOutcome;
use edge_cache::keyspace::gathered;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::Value;

use crate::former::{Entry, Former};
use crate::{BY_OLD, by, exists, is_old_load_stored, load, look_up, new_instance, options};

/// The id of the first element of the stream.
fn first_fence(server: &RedisServer) -> String {
    let first: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
        .arg(&["cache:fences", "-", "+", "COUNT", "1"])
        .query(&mut server.connection())
        .unwrap();
    first[0].0.clone()
}

#[tokio::test]
async fn an_invalidation_is_in_force_for_old_instances_only_when_its_removal_has_finished() {
    let server = RedisServer::start();
    let former = Former::of(&server);
    load(&new_instance(&server), "k:1", &options()).await;

    former.append_fence("pattern", "k:*");
    let new = new_instance(&server);
    assert_eq!(new.get::<Value>("k:1").await.unwrap(), None);
    assert_eq!(former.get("k:1"), Some(by("new")));

    former.clear("k:*");
    assert_eq!(former.get("k:1"), None);
}

#[tokio::test]
async fn a_new_instance_loads_foreign_values_under_a_pattern_that_an_old_one_has_cleared() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    former.clear("k:*");
    former.store_entry("k:old", &Entry::of(BY_OLD));
    let mut other = server.connection();
    let () = other.set("k:other", r#"{"by":"other"}"#).unwrap();

    for key in ["k:old", "k:other"] {
        load(&new, key, &options()).await;

        let own = look_up(&new, key, &options()).await;
        assert_eq!(own.outcome, LookupOutcome::Hit, "{key}");
        assert_eq!(own.value, by("new"), "{key}");
    }
}

#[tokio::test]
async fn the_schedule_of_new_instances_repeats_an_old_removal_and_ends_its_fence() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let redis = client(&server.url(0));
    former.clear("k:*");
    former.store_entry("k:1", &Entry::of(BY_OLD));

    let interrupted = gathered::resume_older_than(&redis, Duration::ZERO, &[]).await;
    let turn = interrupted.unwrap().turn.unwrap();
    gathered::run_turn(&redis, turn, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(!exists(&server, "k:1"), "it is removed once more");

    former.store_entry("k:1", &Entry::of(BY_OLD));
    // The first lookup learns of the end beside its own GET, which may be older.
    new.get::<Value>("k:1").await.unwrap();
    assert_eq!(new.get::<Value>("k:1").await.unwrap(), Some(by("old")));
}

#[tokio::test]
async fn an_end_that_a_new_instance_records_keeps_old_loads_of_other_keys_from_being_stored() {
    let clear = async |server: &RedisServer| {
        let removed = new_instance(server).clear_by_pattern("products:*").await;
        assert_eq!(removed.unwrap(), 0);
    };

    assert!(!is_old_load_stored("users:1", clear).await);
}

#[tokio::test]
async fn entries_are_loaded_again_once_an_old_instance_has_trimmed_the_stream() {
    let server = RedisServer::start();
    let former = Former::of(&server);
    load(&new_instance(&server), "k", &options()).await;
    let begun = first_fence(&server);

    for n in 0..900 {
        former.append_fence("tag", &n.to_string());
    }
    assert_eq!(first_fence(&server), begun);
    let kept = look_up(&new_instance(&server), "k", &options()).await;
    assert_eq!(kept.outcome, LookupOutcome::Hit);

    for n in 900..1300 {
        former.append_fence("tag", &n.to_string());
    }
    assert_ne!(first_fence(&server), begun);
    load(&new_instance(&server), "k", &options()).await;
}
