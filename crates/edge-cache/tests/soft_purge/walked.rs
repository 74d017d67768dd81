//! Soft purges that nobody waits for: gathered walks, and purges that were interrupted.

use std::time::Duration;

use edge_cache::keyspace::gathered::{self, FinishedWalk, Turn};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::{PurgeMode, SoftGrace};
use edge_cache::{Cache, LookupOutcome};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use redis::Commands;
use tokio::time::sleep;

use crate::{
    IN_FORCE, MINUTE, Native, append, cache, hit, load, look_up, set, stale, without_grace,
};

const WHOLE_WALK: Duration = Duration::from_secs(60);
const ONE_SLICE: Duration = Duration::ZERO;

fn soft() -> PurgeMode {
    PurgeMode::Soft(SoftGrace::default())
}

fn pattern(text: &str) -> [Pattern; 1] {
    [Pattern::parse("pattern", text).unwrap()]
}

/// Runs turns until nothing is left; the walks.
async fn finish(redis: &Native, mut turn: Turn, limit: Duration) -> Vec<FinishedWalk> {
    let mut walks = Vec::new();
    loop {
        let result = gathered::run_turn(redis, turn, limit).await.unwrap();
        walks.extend(result.finished);
        match result.next {
            Some(next) => turn = next,
            None => return walks,
        }
    }
}

fn count_open_fences(server: &RedisServer) -> usize {
    let fences: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
        .arg(&["cache:fences", "-", "+"])
        .query(&mut server.connection())
        .unwrap();
    let count = |of: fn(&str) -> bool| fences.iter().filter(|(_, fields)| of(&fields[0])).count();
    count(|kind| kind != "end" && kind != "begin") - count(|kind| kind == "end")
}

#[tokio::test]
async fn one_walk_removes_keys_and_marks_others_stale() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = cache(&server);
    for n in 0..30 {
        set(&cache, &format!("a:{n}"), &without_grace()).await;
        set(&cache, &format!("b:{n}"), &without_grace()).await;
    }
    set(&cache, "c", &without_grace()).await;

    let hard = gathered::gather(&redis, &pattern("a:*"), PurgeMode::Hard).await;
    let turn = hard.unwrap().unwrap();
    let purge = gathered::gather(&redis, &pattern("?:1*"), soft()).await;
    assert_eq!(purge.unwrap(), None, "the turn is announced");
    assert_eq!(gathered::read_waiting(&redis).await.unwrap().patterns, 2);

    // In force before the walk.
    sleep(IN_FORCE).await;
    assert_eq!(look_up(&cache, "b:1", &without_grace()).await, stale());
    assert_eq!(look_up(&cache, "a:1", &without_grace()).await, None);
    assert_eq!(look_up(&cache, "b:2", &without_grace()).await, hit());

    let walks = finish(&redis, turn, ONE_SLICE).await;
    assert_eq!(walks.len(), 1);
    assert_eq!(
        (walks[0].keys_deleted, walks[0].keys_marked_stale),
        (30, 11)
    );
    assert_eq!(
        (walks[0].patterns.len(), walks[0].stale_patterns.len()),
        (1, 1)
    );
    assert_eq!(count_open_fences(&server), 0);
    assert_eq!(gathered::read_waiting(&redis).await.unwrap().patterns, 0);
    assert!(cache.ttl("b:1").await.unwrap().unwrap() <= Some(MINUTE));
    assert!(cache.ttl("b:2").await.unwrap().unwrap() > Some(MINUTE));
}

#[tokio::test]
async fn an_entry_that_was_loaded_since_stays_fresh() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = cache(&server);
    set(&cache, "a:1", &without_grace()).await;
    let turn = gathered::gather(&redis, &pattern("a:*"), soft()).await;
    assert_eq!(
        load(&cache, "a:2", &without_grace()).await,
        LookupOutcome::Miss
    );

    let walks = finish(&redis, turn.unwrap().unwrap(), WHOLE_WALK).await;

    assert_eq!(walks[0].keys_marked_stale, 1);
    assert_eq!(
        load(&cache, "a:2", &without_grace()).await,
        LookupOutcome::Hit
    );
}

#[tokio::test]
async fn a_walk_over_a_cluster_marks_the_keys_of_all_nodes() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let redis = client(&cluster.url());
    let cache = Cache::new(client(&cluster.url()));
    for n in 0..60 {
        set(&cache, &format!("a:{n}"), &without_grace()).await;
    }

    let turn = gathered::gather(&redis, &pattern("a:*"), soft()).await;
    let walks = finish(&redis, turn.unwrap().unwrap(), ONE_SLICE).await;

    assert_eq!(walks[0].keys_marked_stale, 60);
    assert_eq!(look_up(&cache, "a:7", &without_grace()).await, stale());
}

#[tokio::test]
async fn an_interrupted_soft_purge_is_finished_as_a_soft_purge() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let (cache, mut other) = (cache(&server), server.connection());
    for key in ["a:1", "b:1"] {
        set(&cache, key, &without_grace()).await;
    }
    append(&mut other, "stale 60000 pattern", "a:*");
    append(&mut other, "stale 60000 tag", "t");

    let interrupted = gathered::resume_older_than(&redis, Duration::ZERO, &[]).await;
    let interrupted = interrupted.unwrap();
    let tags: Vec<_> = interrupted
        .tags
        .iter()
        .map(|(tag, mode)| (tag.as_str(), *mode))
        .collect();
    assert_eq!(tags, [("t", soft())]);

    let walks = finish(&redis, interrupted.turn.unwrap(), WHOLE_WALK).await;
    assert_eq!((walks[0].keys_deleted, walks[0].keys_marked_stale), (0, 1));
    assert!(other.pttl::<_, i64>("a:1").unwrap() <= 60_000);

    let again = gathered::resume_older_than(&redis, Duration::ZERO, &[])
        .await
        .unwrap();
    assert_eq!(again.turn, None, "both fences of the pattern have ended");
    assert_eq!(again.tags.len(), 1);
}
