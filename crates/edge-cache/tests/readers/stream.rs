//! The stream of fences: lost, cut off by another client, and shortened by the library.

use std::collections::HashMap;
use std::time::Duration;

use edge_cache::LookupOutcome;
use edge_cache_testing::RedisServer;
use redis::{Commands, Connection};
use tokio::time::sleep;

use crate::{IN_FORCE, append, cache, load};

#[tokio::test]
async fn entries_are_not_served_once_the_fences_were_lost() {
    let server = RedisServer::start();
    let (one, other, mut redis) = (cache(&server), cache(&server), server.connection());
    load(&one, "k", 1).await;
    let () = redis.set("theirs", 7).unwrap();

    let () = redis.del("cache:fences").unwrap();
    sleep(IN_FORCE).await;

    assert_eq!(load(&one, "k", 2).await, LookupOutcome::Miss);
    assert_eq!(load(&other, "k", 3).await, LookupOutcome::Hit);
    assert_eq!(other.get::<u64>("theirs").await.unwrap(), Some(7));
}

#[tokio::test]
async fn entries_are_served_although_another_client_cut_the_beginning_of_the_stream_off() {
    let server = RedisServer::start();
    let (one, other, mut redis) = (cache(&server), cache(&server), server.connection());
    load(&one, "k", 1).await;
    for number in 0..3 {
        append(&mut redis, "pattern", &format!("other:{number}"));
    }
    assert_eq!(load(&other, "k", 2).await, LookupOutcome::Hit);

    redis::cmd("XTRIM")
        .arg(&["cache:fences", "MAXLEN", "1"])
        .exec(&mut redis)
        .unwrap();
    sleep(IN_FORCE).await;
    load(&one, "k", 3).await;

    assert_eq!(load(&one, "k", 4).await, LookupOutcome::Hit);
    assert_eq!(load(&other, "k", 5).await, LookupOutcome::Hit);
}

fn length(redis: &mut Connection) -> usize {
    redis::cmd("XLEN").arg("cache:fences").query(redis).unwrap()
}

/// An entry of a stream: its id and its fields.
type StreamEntry = (String, HashMap<String, String>);

/// The first entry of the stream of fences between two ids.
fn first_fence(redis: &mut Connection, start: &str, end: &str) -> Option<StreamEntry> {
    let found: Vec<StreamEntry> = redis::cmd("XRANGE")
        .arg(&["cache:fences", start, end, "COUNT", "1"])
        .query(redis)
        .unwrap();
    found.into_iter().next()
}

/// Records 1,500 finished removals whose ids follow that of the first fence.
fn append_finished_removals(redis: &mut Connection) {
    let (first, _) = first_fence(redis, "-", "+").unwrap();
    let (milliseconds, sequence) = first.split_once('-').unwrap();
    let sequence: u64 = sequence.parse().unwrap();

    let mut fences = redis::pipe();
    for number in 1..=1500 {
        let id = format!("{milliseconds}-{}", sequence + 2 * number);
        let end = format!("{milliseconds}-{}", sequence + 2 * number + 1);
        let covered = format!("old:{number}");
        fences
            .cmd("XADD")
            .arg(&["cache:fences", &id, "pattern", &covered])
            .ignore();
        fences
            .cmd("XADD")
            .arg(&["cache:fences", &end, "end", &id])
            .ignore();
    }
    fences.exec(redis).unwrap();
}

#[tokio::test]
async fn fences_whose_removals_have_finished_leave_the_stream_and_entries_stay() {
    let server = RedisServer::start();
    let (one, mut redis) = (cache(&server), server.connection());
    load(&one, "k", 1).await;
    append_finished_removals(&mut redis);
    let unfinished = append(&mut redis, "pattern", "unfinished:*");
    assert!(length(&mut redis) > 3000);

    // RETAIN_MS of lib/fences.lua.
    sleep(Duration::from_secs(21)).await;
    // The stream is looked through at each multiple of 100 entries.
    for _ in 0..50 {
        one.invalidate_tag("any").await.unwrap();
    }

    assert!(length(&mut redis) <= 1101);
    let kept = first_fence(&mut redis, &unfinished, &unfinished);
    assert!(kept.is_some(), "the unfinished removal stays");
    assert_eq!(load(&one, "k", 2).await, LookupOutcome::Hit);
    let new_instance = cache(&server);
    assert_eq!(load(&new_instance, "k", 3).await, LookupOutcome::Hit);
}
