//! The schedule against a real server: when it warms, how it prunes, and how it relieves memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use edge_cache::keyspace::tag::prune::PruneReport;
use edge_cache::keyspace::ttl::TtlTable;
use edge_cache::tokio::TokioTransport;
use edge_cache::{Pattern, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::stats::Thresholds;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::warmup::schedule::{
    self, ScheduleCheck, ScheduleSettings, TagPruning, WarmupReason,
};
use edge_cache_admin::warmup::{Plan, Rows, Source, Warmup, WarmupLimits, WarmupRequest};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

type Native = RedisClient<TokioTransport>;

const PLAN: &str = r#"
    [[module]]
    name = "config"
    priority = 1
    entry = [{ key = "config:main", query = "one", shape = "scalar" }]
"#;

/// One value, without a database.
struct OneValue;

impl Source for OneValue {
    async fn query(&self, _: &str) -> Result<Rows, String> {
        Ok(Rows {
            columns: vec!["value".to_owned()],
            rows: vec![vec![json!(7)]],
        })
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        Err(format!("no response for {path}"))
    }
}

fn read_plan(text: &str) -> Plan {
    let file = Configuration::parse("edge-cache.toml", text).unwrap();
    file.plan().unwrap()
}

fn settings(relief: &[&str]) -> ScheduleSettings {
    let relief = relief
        .iter()
        .map(|pattern| Pattern::parse("relief", *pattern).unwrap())
        .collect();
    ScheduleSettings {
        interval: Duration::from_secs(900),
        analysis_interval: Duration::ZERO,
        relief,
        thresholds: Thresholds::default(),
    }
}

async fn check(redis: &Native) -> ScheduleCheck {
    schedule::check(redis, &settings(&[]), &read_plan(PLAN))
        .await
        .unwrap()
}

async fn warm(redis: &Native) {
    let plan = read_plan(PLAN);
    let request = WarmupRequest::parse(b"", &plan).unwrap();
    let warmup = Warmup {
        redis,
        source: &OneValue,
        plan: &plan,
        ttl_table: &TtlTable::default(),
        limits: WarmupLimits::default(),
        by: "schedule",
        id: "unique",
    };
    request.run(warmup).await.unwrap();
}

/// Prunes as a wake-up does.
async fn prune(redis: &Native, check: &ScheduleCheck) -> Result<PruneReport, Error> {
    let mut pruning = TagPruning::begin(check);
    while let Some(tag) = pruning.prune(redis).await? {
        pruning.complete_invalidation(redis, &tag).await?;
    }
    pruning.finish(redis).await
}

/// Wakes the schedule once. Returns the reason for which it warmed.
async fn wake(redis: &Native) -> Option<WarmupReason> {
    let check = check(redis).await;
    if let Some(reason) = check.reason {
        schedule::record_start(redis, &check, reason).await.unwrap();
        warm(redis).await;
    }
    prune(redis, &check).await.unwrap();
    check.reason
}

async fn clear_all(redis: &Native) {
    let request = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
    request.run(redis, false).await.unwrap();
}

fn make_due(connection: &mut redis::Connection) {
    let () = connection
        .hset("cache:warmup:schedule", "last_at", 0)
        .unwrap();
}

fn count(connection: &mut redis::Connection, pattern: &str) -> usize {
    let keys: Vec<String> = connection.keys(pattern).unwrap();
    keys.len()
}

/// Leaves the state of an invalidation that stopped after it set aside the tag's members.
fn interrupt_invalidation(connection: &mut redis::Connection, tag: &str, keys: usize) {
    let aside = format!("cache:tags-aside:{{cache:tags:{tag}}}");
    for n in 0..keys {
        let key = format!("{tag}:{n}");
        redis::pipe()
            .set(&key, 1)
            .sadd(&aside, &key)
            .exec(connection)
            .unwrap();
    }
}

#[tokio::test]
async fn pruning_announces_an_interrupted_invalidation_before_it_removes_keys() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    interrupt_invalidation(&mut other, "a", 3);
    interrupt_invalidation(&mut other, "b", 1500);
    let () = other.sadd("cache:tags:c", "gone").unwrap();

    let mut pruning = TagPruning::begin(&check(&redis).await);
    let mut completed = Vec::new();
    while let Some(tag) = pruning.prune(&redis).await.unwrap() {
        let keys_left = count(&mut other, "[ab]:*") as u64;
        assert_eq!(keys_left + pruning.keys_deleted(), 1503);

        let record = schedule::interrupted_invalidation_record(&tag);
        assert_eq!(record.tags, [tag.as_str()]);
        let deleted = pruning.complete_invalidation(&redis, &tag).await.unwrap();
        completed.push((tag.as_str().to_owned(), deleted));
    }
    let pruned = pruning.finish(&redis).await.unwrap();

    completed.sort();
    assert_eq!(completed, [("a".to_owned(), 3), ("b".to_owned(), 1500)]);
    assert!(pruned.finished);
    assert_eq!(pruned.keys_deleted, 1503);
    assert_eq!(count(&mut other, "[ab]:*"), 0);
    assert!(
        !other.exists::<_, bool>("cache:tags:c").unwrap(),
        "dead members are removed"
    );
}

#[tokio::test]
async fn pruning_examines_each_member_once() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    for tag in 0..20 {
        let keys: Vec<String> = (0..250).map(|n| format!("k:{tag}:{n}")).collect();
        let values: Vec<(&String, u32)> = keys.iter().map(|key| (key, 1)).collect();
        let () = redis::pipe()
            .mset(&values)
            .ignore()
            .sadd(format!("cache:tags:{tag}"), &keys)
            .ignore()
            .query(&mut other)
            .unwrap();
    }

    for _ in 0..3 {
        let pruned = prune(&redis, &check(&redis).await).await.unwrap();

        assert!(pruned.finished);
        assert_eq!(pruned.members, 5000);
        assert_eq!(pruned.removed, 0);
    }
}

#[tokio::test]
async fn a_warmup_is_due_at_first_and_after_a_flush() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    assert_eq!(wake(&redis).await, Some(WarmupReason::Empty));
    assert_eq!(wake(&redis).await, None);

    clear_all(&redis).await;

    assert_eq!(wake(&redis).await, Some(WarmupReason::Empty));
    assert_eq!(wake(&redis).await, None);
}

#[tokio::test]
async fn a_warmup_is_due_after_a_restart() {
    let mut server = RedisServer::start();
    wake(&client(&server.url(0))).await;
    redis::cmd("SAVE").exec(&mut server.connection()).unwrap();
    server.kill();
    server.launch();

    let redis = client(&server.url(0));

    assert_eq!(wake(&redis).await, Some(WarmupReason::Restarted));
    assert_eq!(wake(&redis).await, None);
}

#[tokio::test]
async fn a_warmup_is_due_when_the_interval_has_passed() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    wake(&redis).await;

    make_due(&mut server.connection());

    assert_eq!(wake(&redis).await, Some(WarmupReason::Due));
}

#[tokio::test]
async fn without_modules_no_warmup_is_ever_due() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let empty_plan = read_plan("# No modules yet.");
    assert!(empty_plan.is_empty());

    for _ in 0..4 {
        let check = schedule::check(&redis, &settings(&[]), &empty_plan)
            .await
            .unwrap();
        assert_eq!(check.reason, None);
        prune(&redis, &check).await.unwrap();
        make_due(&mut other);
    }

    let keys: Vec<String> = other.keys("*").unwrap();
    assert!(keys.iter().all(|key| key.starts_with("cache:")), "{keys:?}");
    let with_modules = check(&redis).await;
    assert_eq!(with_modules.reason, Some(WarmupReason::Empty));
}

fn set_maxmemory(connection: &mut redis::Connection, value: &str) {
    redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", value])
        .exec(connection)
        .unwrap();
}

fn used_memory(connection: &mut redis::Connection) -> u64 {
    let info: String = redis::cmd("INFO").arg("memory").query(connection).unwrap();
    info.lines()
        .find_map(|line| line.strip_prefix("used_memory:"))
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn memory_is_relieved_by_the_patterns_in_order_and_once_a_minute_at_most() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    for n in 0..100 {
        let () = other.set(format!("old:{n}"), vec![b'x'; 50_000]).unwrap();
        let () = other.set(format!("older:{n}"), "x").unwrap();
    }
    let settings = settings(&["old:*", "older:*"]);
    let memory_to_relieve = async || {
        let check = schedule::check(&redis, &settings, &read_plan(PLAN)).await;
        check.unwrap().memory_to_relieve
    };

    let without_limit = memory_to_relieve().await;
    let limit = used_memory(&mut other) * 20 / 19;
    set_maxmemory(&mut other, &limit.to_string());
    let usage = memory_to_relieve().await.unwrap();
    let relief = schedule::relieve_memory(&redis, &settings, usage)
        .await
        .unwrap();
    set_maxmemory(&mut other, "1mb");
    let soon_after = memory_to_relieve().await;

    assert_eq!(without_limit, None);
    assert_eq!(relief.keys_deleted, 100);
    assert_eq!(relief.patterns, ["old:*"], "the first was enough");
    assert!(relief.usage_percent_before > 90.0, "{relief:?}");
    assert!(relief.usage_percent.unwrap() < 90.0, "{relief:?}");
    assert_eq!(count(&mut other, "older:*"), 100);
    assert_eq!(soon_after, None, "once a minute at most");
}
