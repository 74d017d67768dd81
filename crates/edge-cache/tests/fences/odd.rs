//! Invalidations of a key whose load is in flight, while fences are trimmed, overwritten, evicted or
//! hard to write.

use edge_cache::Cache;
use edge_cache_testing::RedisServer;
use redis::{Commands, Connection};

use crate::{Native, cache, invalidate, is_stored_after};

/// An invalidation by tag and one by pattern, both of `users:1`.
const BODIES: [&str; 2] = [r#"{"tags":["user-data"]}"#, r#"{"patterns":["users:*"]}"#];

#[tokio::test]
async fn more_invalidations_than_are_recorded_count_as_one_of_the_key_in_flight() {
    let server = RedisServer::start();
    let flood = async |_: &Native, _: &Cache<Native>| {
        let mut other = server.connection();
        for n in 0..2500 {
            redis::cmd("XADD")
                .arg(&["cache:fences", "MAXLEN", "1000", "*", "tag"])
                .arg(n)
                .exec(&mut other)
                .unwrap();
        }
    };

    let is_stored = is_stored_after(&server, flood).await;
    assert!(!is_stored, "its stamp is from before the first fence");
    let is_stored = is_stored_after(&server, flood).await;
    assert!(!is_stored, "its stamp is a fence that is trimmed later");
}

/// Fills a server with entries that the invalidations remove, until it refuses writes.
fn fill(other: &mut Connection) {
    let mut entries = redis::pipe();
    for n in 0..100 {
        let name = format!("users:other:{n}");
        entries
            .set(&name, "x".repeat(100_000))
            .sadd("cache:tags:user-data", &name);
    }
    entries.exec(other).unwrap();
    redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "4mb"])
        .exec(other)
        .unwrap();
}

#[tokio::test]
async fn an_invalidation_wins_on_a_server_that_was_full_until_the_invalidation_made_room() {
    for body in BODIES {
        let server = RedisServer::with(&["--maxmemory-policy", "noeviction"]);
        let mut write = redis::cmd("SET");
        write.arg(&["one", "more"]);
        let invalidation = async |admin: &Native, _: &Cache<Native>| {
            let mut other = server.connection();
            fill(&mut other);
            let refused = write.exec(&mut other).unwrap_err();
            assert_eq!(refused.code(), Some("OOM"));

            invalidate(admin, body).await;

            write.exec(&mut other).unwrap();
        };

        assert!(!is_stored_after(&server, invalidation).await, "{body}");
    }
}

/// Values of another client in place of the stream of fences.
fn overwrite_fences(server: &RedisServer) {
    let () = server.connection().set("cache:fences", "x").unwrap();
}

#[tokio::test]
async fn an_invalidation_wins_although_another_clients_value_is_in_place_of_the_fences() {
    let server = RedisServer::start();

    for body in BODIES {
        let invalidation = async |admin: &Native, _: &Cache<Native>| {
            overwrite_fences(&server);
            invalidate(admin, body).await;
        };

        assert!(!is_stored_after(&server, invalidation).await, "{body}");
        let kind: String = server.connection().key_type("cache:fences").unwrap();
        assert_eq!(kind, "stream", "{body}");
    }
}

#[tokio::test]
async fn a_loaded_value_is_not_stored_when_another_client_overwrote_the_fences() {
    let server = RedisServer::start();
    let overwrite = async |_: &Native, _: &Cache<Native>| overwrite_fences(&server);

    let is_stored = is_stored_after(&server, overwrite).await;

    assert!(!is_stored, "invalidations may have been lost");
}

#[tokio::test]
async fn a_removal_is_recorded_for_a_running_warmup_although_the_fences_were_overwritten() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let () = other.set("lock:cache:warmup", "x").unwrap();
    overwrite_fences(&server);

    assert!(!cache(&server).delete("users:1").await.unwrap());

    let fences: u64 = redis::cmd("XLEN")
        .arg("cache:fences")
        .query(&mut other)
        .unwrap();
    assert!(fences > 0);
}

#[tokio::test]
async fn an_invalidation_wins_although_the_server_evicted_its_fence() {
    let server = RedisServer::start();
    let evict = || {
        let () = server.connection().del("cache:fences").unwrap();
    };
    let evicted = async |admin: &Native, _: &Cache<Native>| {
        invalidate(admin, r#"{"tags":["user-data"]}"#).await;
        evict();
    };
    let evicted_and_begun_again = async |admin: &Native, _: &Cache<Native>| {
        invalidate(admin, r#"{"patterns":["users:*"]}"#).await;
        evict();
        invalidate(admin, r#"{"tags":["another"]}"#).await;
    };

    assert!(!is_stored_after(&server, evicted).await);
    assert!(!is_stored_after(&server, evicted_and_begun_again).await);
}
