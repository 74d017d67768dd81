//! Tags over time: dead members and their pruning, interrupted invalidations, and large tags.

use std::time::Duration;

use edge_cache::keyspace::tag::Tag;
use edge_cache::keyspace::tag::prune::PruneWalk;
use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, RedisClient, SetItem};
use edge_cache_testing::{RedisServer, client};
use redis::Connection;

type Native = RedisClient<TokioTransport>;

/// Keys that one step of a pruning walk may look at.
const STEP: u64 = 2000;

/// Counts the members of all tags' sets, and the dead ones: those whose keys are gone.
fn count_members(other: &mut Connection) -> (u64, u64) {
    let script = "
        local all, dead = 0, 0
        for _, set in ipairs(redis.call('KEYS', 'cache:tags:*')) do
          for _, member in ipairs(redis.call('SMEMBERS', set)) do
            all = all + 1
            if redis.call('EXISTS', member) == 0 then dead = dead + 1 end
          end
        end
        return { all, dead }";
    redis::cmd("EVAL").arg(script).arg(0).query(other).unwrap()
}

/// The names of all keys, sorted.
fn keys(other: &mut Connection) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(other).unwrap();
    keys.sort();
    keys
}

/// Adds a thousand members to the set of a tag.
fn add_thousand(other: &mut Connection, tag: &str, name: impl Fn(usize) -> String) {
    let names: Vec<String> = (0..1000).map(name).collect();
    redis::cmd("SADD")
        .arg(format!("cache:tags:{tag}"))
        .arg(names)
        .exec(other)
        .unwrap();
}

/// Where an invalidation sets a tag's set aside before it removes the members.
fn aside(tag: &str, number: &str) -> String {
    let tag = Tag::parse("tag", tag).unwrap();
    format!("{}{number}", tag.aside())
}

/// Continues a pruning walk to its end; returns the tags whose invalidations it finished.
async fn finish(walk: &mut PruneWalk, redis: &Native) -> Vec<String> {
    let mut tags = Vec::new();
    loop {
        let step = walk.step(redis, STEP).await.unwrap();
        tags.extend(step.tags);
        if step.finished {
            return tags;
        }
    }
}

/// Writes 5,000 keys with one of these tags each. Nine of ten expire at once.
async fn write_churning_keys(cache: &Cache<Native>, tags: &[String], round: usize) {
    let names: Vec<String> = (0..5000).map(|n| format!("k:{round}:{n}")).collect();
    let tag_of: Vec<[&str; 1]> = (0..5000).map(|n| [tags[n % tags.len()].as_str()]).collect();
    let ttl = |n: usize| {
        if n.is_multiple_of(10) {
            Duration::from_secs(900)
        } else {
            Duration::from_millis(1)
        }
    };
    let items: Vec<SetItem<'_, usize>> = (0..5000)
        .map(|n| SetItem {
            ttl: Some(ttl(n)),
            tags: &tag_of[n],
            ..SetItem::new(&names[n], &1)
        })
        .collect();

    cache.set_many(&items).await.unwrap();
}

#[tokio::test]
async fn two_days_of_churn_leave_fewer_than_one_dead_member_in_twenty() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let cache = Cache::new(client(&server.url(0)));
    let tags: Vec<String> = (0..50).map(|n| format!("tag-{n}")).collect();
    let mut walk = PruneWalk::default();

    // Twenty rounds stand for two days of a schedule that prunes in bounded steps.
    for round in 0..20 {
        write_churning_keys(&cache, &tags, round).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        finish(&mut walk, &redis).await;
    }

    let (all, dead) = count_members(&mut other);
    assert!(all >= 10_000, "living keys keep their tags: {all}");
    assert!(dead * 20 < all, "{dead} of {all} members are dead");
}

#[tokio::test]
async fn a_pruning_walk_has_bounded_steps_and_continues_from_its_stored_state() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    for tag in 0..5 {
        for slice in 0..5 {
            add_thousand(&mut other, &tag.to_string(), |n| {
                format!("gone:{tag}:{slice}:{n}")
            });
        }
    }
    let mut walk = PruneWalk::default();
    let mut steps = 0;
    let mut removed = 0;

    loop {
        // The schedule stores the walk between two of its runs.
        let stored = serde_json::to_string(&walk).unwrap();
        walk = serde_json::from_str(&stored).unwrap();

        let step = walk.step(&redis, STEP).await.unwrap();
        assert!(step.members <= 4000, "{step:?}");
        steps += 1;
        removed += step.removed;
        if step.finished {
            break;
        }
    }

    assert_eq!(removed, 25_000);
    let (all, _) = count_members(&mut other);
    assert_eq!(all, 0);
    assert!(steps > 5, "{steps}");
}

#[tokio::test]
async fn a_key_that_is_no_longer_a_set_does_not_stop_a_pruning_walk() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    redis::pipe()
        .set("cache:tags:other", 1)
        .sadd("cache:tags:t", "gone")
        .exec(&mut other)
        .unwrap();
    let state = r#"{"scan":"","sets":["cache:tags:other"],"member":"7"}"#;
    let mut walk: PruneWalk = serde_json::from_str(state).unwrap();

    let step = walk.step(&redis, STEP).await.unwrap();

    assert!(step.finished);
    assert_eq!(step.removed, 1);
}

#[tokio::test]
async fn a_tag_of_half_a_million_keys_is_invalidated_in_slices() {
    let server = RedisServer::with(RedisServer::debuggable());
    let mut other = server.connection();
    redis::cmd("DEBUG")
        .arg(&["POPULATE", "500000", "k", "8"])
        .exec(&mut other)
        .unwrap();
    for slice in 0..500 {
        add_thousand(&mut other, "huge", |n| format!("k:{}", slice * 1000 + n));
    }
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();

    let removed = Cache::new(client(&server.url(0)))
        .invalidate_tag("huge")
        .await
        .unwrap();

    assert_eq!(removed, 500_000);
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();
    assert!(
        !stats.contains("cmdstat_smembers"),
        "never the whole set at once: {stats}"
    );
}

#[tokio::test]
async fn a_pruning_walk_finishes_interrupted_invalidations() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    for n in 0..2500 {
        let name = format!("old:{n}");
        redis::pipe()
            .set(&name, 1)
            .sadd(aside("import:2024", ""), &name)
            .exec(&mut other)
            .unwrap();
    }
    redis::pipe()
        .set("older", 1)
        .sadd(aside("a}b", ""), "older")
        .set("oldest", 1)
        .sadd(aside("a}b", ":2"), "oldest")
        .set("new", 1)
        .sadd("cache:tags:import:2024", "new")
        .sadd("cache:tags-like", "new")
        .exec(&mut other)
        .unwrap();

    finish(&mut PruneWalk::default(), &redis).await;

    let kept = ["cache:tags-like", "cache:tags:import:2024", "new"];
    assert_eq!(keys(&mut other), kept);
}

#[tokio::test]
async fn neighbours_of_a_set_aside_do_not_keep_a_pruning_walk_from_finishing_it() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    // Another client's string has the name of the second set of `s`.
    redis::pipe()
        .set("a", 1)
        .sadd(aside("s", ""), "a")
        .set(aside("s", ":2"), 1)
        .exec(&mut other)
        .unwrap();
    // The first set of `t` was evicted.
    redis::pipe()
        .set("b", 1)
        .sadd(aside("t", ":2"), "b")
        .sadd("cache:tags:u", "gone")
        .exec(&mut other)
        .unwrap();

    let mut tags = finish(&mut PruneWalk::default(), &redis).await;

    tags.sort();
    assert_eq!(tags, ["s", "t"]);
    assert_eq!(keys(&mut other), [aside("s", ":2")]);
}

#[tokio::test]
async fn a_key_aside_that_is_no_longer_a_set_is_skipped() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let aside = aside("s", "");
    redis::pipe()
        .set(&aside, 1)
        .sadd("cache:tags:t", "gone")
        .exec(&mut other)
        .unwrap();
    let state = format!(r#"{{"scan":"","sets":["{aside}"],"member":""}}"#);
    let mut walk: PruneWalk = serde_json::from_str(&state).unwrap();

    finish(&mut walk, &redis).await;

    assert_eq!(keys(&mut other), [aside]);
}
