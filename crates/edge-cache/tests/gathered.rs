//! Gathered removals: one walk for many invalidations, in turns that anybody can continue.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::time::Duration;

use edge_cache::RedisClient;
use edge_cache::keyspace::gathered::{self, FinishedWalk, Turn, TurnResult, Waiting};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::tokio::TokioTransport;
use edge_cache_testing::{RedisServer, client};
use redis::{Commands, Connection};

type Native = RedisClient<TokioTransport>;

/// A turn with this limit ends after its first slice.
const ONE_SLICE: Duration = Duration::ZERO;
const WHOLE_WALK: Duration = Duration::from_secs(60);

fn start() -> (RedisServer, Native, Connection) {
    let server = RedisServer::start();
    let client = client(&server.url(0));
    let redis = server.connection();
    (server, client, redis)
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    let parse = |text: &&str| Pattern::parse("pattern", *text).unwrap();
    texts.iter().map(parse).collect()
}

fn fill(redis: &mut Connection, names: impl IntoIterator<Item = String>) {
    let names: Vec<(String, u8)> = names.into_iter().map(|name| (name, 1)).collect();
    let () = redis.mset(&names).unwrap();
}

fn count(redis: &mut Connection, pattern: &str) -> usize {
    redis.keys::<_, Vec<String>>(pattern).unwrap().len()
}

/// How many fences of these kinds there are.
fn count_fences(redis: &mut Connection, kinds: &[&str]) -> usize {
    type Entries = Vec<(String, Vec<String>)>;
    let entries: Entries = redis::cmd("XRANGE")
        .arg(&["cache:fences", "-", "+"])
        .query(redis)
        .unwrap();
    let of_kind = entries
        .iter()
        .filter(|(_, fields)| kinds.contains(&fields[0].as_str()));
    of_kind.count()
}

/// How many fences have no entry of the kind `end`.
fn open_fences(redis: &mut Connection) -> usize {
    count_fences(redis, &["pattern", "tag"]) - count_fences(redis, &["end"])
}

/// Runs turns until nothing is left; the walks, and how many turns there were.
async fn finish(redis: &Native, mut turn: Turn, limit: Duration) -> (Vec<FinishedWalk>, u32) {
    let (mut walks, mut turns) = (Vec::new(), 0);
    loop {
        let result = gathered::run_turn(redis, turn, limit).await.unwrap();
        walks.extend(result.finished);
        turns += 1;
        match result.next {
            Some(next) => turn = next,
            None => return (walks, turns),
        }
    }
}

#[tokio::test]
async fn one_walk_removes_the_keys_of_many_invalidations() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, (0..500).map(|id| format!("users:{id}:cart")));
    fill(
        &mut redis,
        ["a:x:1", "a:y:1", "exact", "other"].map(str::to_owned),
    );

    let mut announced = Vec::new();
    for id in 0..100 {
        let prefix = format!("users:{id}:*");
        announced.extend(
            gathered::gather(&client, &patterns(&[&prefix]), PurgeMode::Hard)
                .await
                .unwrap(),
        );
    }
    let more = patterns(&["a:?:*", "exact", "users:7:*"]);
    announced.extend(
        gathered::gather(&client, &more, PurgeMode::Hard)
            .await
            .unwrap(),
    );

    assert_eq!(announced.len(), 1, "one turn is announced for all");
    assert_eq!(open_fences(&mut redis), 103);
    let waiting = gathered::read_waiting(&client).await.unwrap();
    assert_eq!(waiting.patterns, 103);
    assert!(waiting.oldest_ms.is_some());

    let (walks, _) = finish(&client, announced[0], WHOLE_WALK).await;

    assert_eq!(walks.len(), 1);
    assert_eq!(walks[0].keys_deleted, 103);
    assert_eq!(walks[0].patterns.len(), 102, "each pattern once");
    assert_eq!(count(&mut redis, "users:*"), 400);
    assert_eq!(count(&mut redis, "other"), 1);
    assert_eq!(open_fences(&mut redis), 0);
    assert_eq!(
        gathered::read_waiting(&client).await.unwrap(),
        Waiting::default()
    );
}

#[tokio::test]
async fn an_invalidation_during_a_walk_has_the_next_one() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, (0..5_000).map(|id| format!("a:{id}")));
    fill(&mut redis, (0..5_000).map(|id| format!("b:{id}")));
    let first = gathered::gather(&client, &patterns(&["a:*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();

    let begun = gathered::run_turn(&client, first, ONE_SLICE).await.unwrap();
    assert_eq!(begun.finished, None);
    let announced = gathered::gather(&client, &patterns(&["b:*"]), PurgeMode::Hard)
        .await
        .unwrap();
    assert_eq!(announced, None, "the next turn is expected");

    let (walks, turns) = finish(&client, begun.next.unwrap(), ONE_SLICE).await;

    let deleted: Vec<u64> = walks.iter().map(|walk| walk.keys_deleted).collect();
    assert_eq!(deleted, [5_000, 5_000]);
    assert!(turns > 10, "{turns}");
    assert_eq!(count(&mut redis, "*:*[0-9]"), 0);
    assert_eq!(open_fences(&mut redis), 0);
}

#[tokio::test]
async fn a_turn_is_run_by_one_instance() {
    let (server, one, mut redis) = start();
    let other = client(&server.url(0));
    fill(&mut redis, (0..5_000).map(|id| format!("a:{id}")));
    let first = gathered::gather(&one, &patterns(&["a:*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();

    let begun = gathered::run_turn(&one, first, ONE_SLICE).await.unwrap();
    let refused = gathered::run_turn(&other, first, ONE_SLICE).await.unwrap();

    assert!(begun.next.is_some());
    assert_eq!(refused, TurnResult::default());

    let (walks, _) = finish(&other, begun.next.unwrap(), WHOLE_WALK).await;
    assert_eq!(walks[0].keys_deleted, 5_000, "counted over all turns");
}

#[tokio::test]
async fn a_lost_announcement_is_made_again() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, ["a:1", "b:1"].map(str::to_owned));
    let lost = gathered::gather(&client, &patterns(&["a:*"]), PurgeMode::Hard)
        .await
        .unwrap();
    assert!(lost.is_some());
    // It expires after 5 s.
    let () = redis.del("cache:{removals}:announced").unwrap();

    let again = gathered::gather(&client, &patterns(&["b:*"]), PurgeMode::Hard)
        .await
        .unwrap();

    assert_eq!(again, lost);
    let (walks, _) = finish(&client, again.unwrap(), WHOLE_WALK).await;
    assert_eq!(walks[0].keys_deleted, 2);
}

#[tokio::test]
async fn a_walk_starts_again_where_the_server_was_restarted() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, (0..5_000).map(|id| format!("a:{id}")));
    let first = gathered::gather(&client, &patterns(&["a:*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();
    let begun = gathered::run_turn(&client, first, ONE_SLICE).await.unwrap();
    let cursor =
        |redis: &mut Connection| -> String { redis.hget("cache:{removals}", "cursor").unwrap() };
    assert_ne!(cursor(&mut redis), "0");

    // As a restarted server finds it.
    let () = redis.hset("cache:{removals}", "run_id", "0123").unwrap();
    fill(&mut redis, (0..5_000).map(|id| format!("a:{id}")));
    let (walks, _) = finish(&client, begun.next.unwrap(), WHOLE_WALK).await;

    assert_eq!(walks.len(), 1);
    assert_eq!(count(&mut redis, "a:*"), 0);
}

#[tokio::test]
async fn protected_keys_are_spared_unless_a_pattern_names_them() {
    let (_server, client, mut redis) = start();
    let names = [
        "cache:ttl",
        "cache:tags:a",
        "cache:audit",
        "lock:{k}",
        "c:1",
    ];
    fill(&mut redis, names.map(str::to_owned));

    let turn = gathered::gather(&client, &patterns(&["[cl]*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();
    let (walks, _) = finish(&client, turn, WHOLE_WALK).await;
    assert_eq!(walks[0].keys_deleted, 1);
    assert_eq!(count(&mut redis, "c:1"), 0);

    let turn = gathered::gather(&client, &patterns(&["cache:t*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();
    let (walks, _) = finish(&client, turn, WHOLE_WALK).await;
    assert_eq!(walks[0].keys_deleted, 2);
    assert_eq!(count(&mut redis, "cache:audit"), 1);
    assert_eq!(count(&mut redis, "lock:*"), 1);
}

#[tokio::test]
async fn interrupted_removals_are_resumed() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, ["a:1", "b:1"].map(str::to_owned));
    for (kind, covered) in [("pattern", "a:*"), ("tag", "t"), ("surprise", "x")] {
        let append = redis::cmd("XADD")
            .arg(&["cache:fences", "*", kind, covered])
            .exec(&mut redis);
        append.unwrap();
    }

    let young = gathered::resume_interrupted(&client, &[]).await.unwrap();
    assert_eq!(young.turn, None);
    assert!(young.tags.is_empty());

    let old = gathered::resume_older_than(&client, Duration::ZERO, &[])
        .await
        .unwrap();
    let tags: Vec<(&str, PurgeMode)> = old
        .tags
        .iter()
        .map(|(tag, mode)| (tag.as_str(), *mode))
        .collect();
    assert_eq!(tags, [("t", PurgeMode::Hard)]);
    let (walks, _) = finish(&client, old.turn.unwrap(), WHOLE_WALK).await;

    assert_eq!(walks[0].keys_deleted, 1);
    assert_eq!(count(&mut redis, "b:1"), 1);
    // The tag's fence is still open: its invalidation is repeated by the caller.
    let again = gathered::resume_older_than(&client, Duration::ZERO, &[])
        .await
        .unwrap();
    assert_eq!(again.turn, None);
    assert_eq!(again.tags.len(), 1);
    let ended = count_fences(&mut redis, &["end"]);
    assert_eq!(ended, 2, "the pattern's and the unknown one's");
}

#[tokio::test]
async fn an_interrupted_removal_does_not_join_the_walk_that_runs() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, (0..3_000).map(|id| format!("a:{id}")));
    fill(&mut redis, (0..3_000).map(|id| format!("b:{id}")));
    let append = redis::cmd("XADD")
        .arg(&["cache:fences", "1-1", "pattern", "a:*"])
        .exec(&mut redis);
    append.unwrap();
    let turn = gathered::gather(&client, &patterns(&["b:*"]), PurgeMode::Hard)
        .await
        .unwrap();
    let begun = gathered::run_turn(&client, turn.unwrap(), ONE_SLICE)
        .await
        .unwrap();

    let interrupted = gathered::resume_interrupted(&client, &[]).await.unwrap();
    assert_eq!(interrupted.turn, None, "the next turn is expected");
    let (walks, _) = finish(&client, begun.next.unwrap(), ONE_SLICE).await;

    assert_eq!(walks.len(), 2);
    assert_eq!(count(&mut redis, "a:*"), 0);
    let again = gathered::resume_interrupted(&client, &[]).await.unwrap();
    assert_eq!(again.turn, None, "both fences have ended");
}

#[tokio::test]
async fn removals_are_gathered_and_removed_on_a_full_server() {
    let (_server, client, mut redis) = start();
    fill(&mut redis, (0..2_000).map(|id| format!("a:{id}")));
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1"])
        .exec(&mut redis)
        .unwrap();

    let turn = gathered::gather(&client, &patterns(&["a:*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();
    let (walks, _) = finish(&client, turn, ONE_SLICE).await;

    assert_eq!(walks[0].keys_deleted, 2_000);
}

#[tokio::test]
async fn other_clients_values_under_its_keys_are_replaced() {
    let (_server, client, mut redis) = start();
    let names = [
        "cache:{removals}",
        "cache:{removals}:patterns",
        "cache:{removals}:stale",
        "cache:{removals}:announced",
        "a:1",
    ];
    for name in names {
        let () = redis.rpush(name, "foreign").unwrap();
    }
    // Nothing can tell a foreign announcement from an own one, except that it never expires.
    let () = redis.del("cache:{removals}:announced").unwrap();

    let turn = gathered::gather(&client, &patterns(&["a:*"]), PurgeMode::Hard)
        .await
        .unwrap()
        .unwrap();
    let (walks, _) = finish(&client, turn, WHOLE_WALK).await;

    assert_eq!(walks[0].keys_deleted, 1);
}
