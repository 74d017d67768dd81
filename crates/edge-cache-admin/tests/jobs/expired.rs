//! Jobs that change expiries, and jobs with conditions.

use std::time::Duration;

use edge_cache::Redis;
use edge_cache::redis::{Command, Replies};
use edge_cache_admin::admin::expire::ExpireRequest;
use edge_cache_admin::jobs::{NewJob, Waker};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

use crate::cluster::fill_cluster;
use crate::shared::{
    LONG, begin_clear, begin_expiry, create, fences, fill, report, trail, work, work_on,
};

fn keys(other: &mut redis::Connection, pattern: &str) -> usize {
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(other).unwrap();
    keys.len()
}

/// Matched and changed keys.
fn counts(report: &Value) -> (u64, u64) {
    let count = |name: &str| report[name].as_u64().unwrap();
    (count("keysMatched"), count("keysChanged"))
}

#[tokio::test]
async fn an_expiry_changes_what_it_matches_and_counts_each_key_once() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 20_000);
    fill(&mut other, "products", 3000);
    let () = other.set_ex("users:short", 1, 30).unwrap();
    let redis = client(&server.url(0));

    let body = r#"{"pattern":"users:*","onlyWithoutTtl":7200,"jitter":10}"#;
    let job = begin_expiry(&redis, body).await;
    assert_eq!(report(&redis, &job.id).await["inForceAt"], Value::Null);
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(counts(&done), (20_001, 20_000), "{done:#}");
    assert_eq!(done["kind"], "expire");
    assert_eq!(done["expiry"], "onlyWithoutTtl 7200 s, jitter 10 %");
    assert_eq!(done["ttlBefore"]["none"], 20_000);
    assert_eq!(done["ttlBefore"]["under1Minute"], 1);
    assert_eq!(done["ttlAfter"]["from1To24Hours"], 20_000);
    assert_eq!(done["ttlAfter"]["none"], 0);
    assert_eq!(done["executable"], Value::Null);
    for number in [0, 777, 19_999] {
        let ttl: i64 = other.ttl(format!("users:{number}")).unwrap();
        assert!((6000..=7200).contains(&ttl), "{ttl}");
    }
    assert_eq!(other.ttl::<_, i64>("products:1").unwrap(), -1);
    assert_eq!(trail(&server), [("job-end".into(), "ok".into(), 0)]);
}

#[tokio::test]
async fn a_dry_run_of_an_expiry_has_the_ttls_before_and_after() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 3000);
    let redis = client(&server.url(0));

    let body = r#"{"pattern":"users:*","ttl":60,"dryRun":true}"#;
    let job = begin_expiry(&redis, body).await;
    work_on(&server, "a").await;

    let done = report(&redis, &job.id).await;
    assert_eq!(counts(&done), (3000, 3000), "{done:#}");
    assert_eq!(done["ttlBefore"]["none"], 3000);
    assert_eq!(done["ttlAfter"]["from1To5Minutes"], 3000);
    assert_eq!(done["executable"], "names");
    assert_eq!(other.ttl::<_, i64>("users:1").unwrap(), -1);
    assert!(trail(&server).is_empty());
}

#[tokio::test]
async fn named_keys_are_changed_before_the_job_is_created() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let redis = client(&server.url(0));
    let request = ExpireRequest::parse(br#"{"keys":["users:1","missing"],"ttl":60}"#).unwrap();

    let job = create(&redis, NewJob::of_expiry(&request).unwrap()).await;

    assert_eq!(other.ttl::<_, i64>("users:1").unwrap(), 60);
    work_on(&server, "a").await;
    assert_eq!(counts(&report(&redis, &job.id).await), (1, 1));
}

#[tokio::test]
async fn conditions_select_the_keys_of_a_clear_and_of_an_expiry() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 2500);
    for number in 0..40 {
        let () = other.hset(format!("users:hash:{number}"), "f", 1).unwrap();
        let () = other.set_ex(format!("users:ttl:{number}"), 1, 100).unwrap();
    }
    let redis = client(&server.url(0));

    let dry = begin_clear(
        &redis,
        r#"{"pattern":"users:*","type":"hash","dryRun":true}"#,
    )
    .await;
    let expiry = r#"{"pattern":"users:*","ttl":500,"maxTtlSeconds":200}"#;
    let expiry = begin_expiry(&redis, expiry).await;
    let clear = begin_clear(&redis, r#"{"pattern":"users:*","type":"hash"}"#).await;
    assert_eq!(report(&redis, &clear.id).await["inForceAt"], Value::Null);
    work_on(&server, "a").await;

    assert_eq!(report(&redis, &dry.id).await["keysMatched"], 40);
    assert_eq!(counts(&report(&redis, &expiry.id).await), (40, 40));
    let done = report(&redis, &clear.id).await;
    assert_eq!(done["keysRemoved"], 40, "{done:#}");
    assert_eq!(done["conditions"], "hash");
    assert!(done["inForceAt"].is_string(), "{done:#}");
    assert_eq!(keys(&mut other, "users:hash:*"), 0);
    assert_eq!(keys(&mut other, "users:*"), 2540);
    assert_eq!(fences(&mut other), 0, "no fence covers what it spares");
}

#[tokio::test]
async fn a_condition_that_redis_cannot_test_fails_the_job_with_its_name() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users", 10);
    let set = |name: &str, value: &str| redis::cmd("CONFIG").arg(&["SET", name, value]).to_owned();
    let () = set("maxmemory-policy", "allkeys-lfu")
        .query(&mut other)
        .unwrap();
    let redis = client(&server.url(0));

    let job = begin_clear(&redis, r#"{"pattern":"users:*","idleSeconds":5}"#).await;
    work_on(&server, "a").await;

    let failed = report(&redis, &job.id).await;
    assert_eq!(failed["state"], "failed");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("idleSeconds"), "{error}");
    assert_eq!(failed["keysRemoved"], 0);
}

#[tokio::test]
async fn a_pace_bounds_the_keys_of_an_expiry() {
    let server = RedisServer::start();
    fill(&mut server.connection(), "users", 1000);
    let redis = client(&server.url(0));
    let body = r#"{"pattern":"users:*","ttl":60,"async":true,"maxKeysPerSecond":100}"#;
    let job = begin_expiry(&redis, body).await;

    let (url, audit) = (server.url(0), server.url(1));
    for _ in 0..2 {
        work(&url, &audit, "a", Waker::Request, Duration::ZERO).await;
    }

    let changed = report(&redis, &job.id).await["keysChanged"]
        .as_u64()
        .unwrap();
    assert!((1..=60).contains(&changed), "{changed} keys in one batch");
}

#[tokio::test]
async fn a_cluster_is_expired_and_cleared_by_conditions() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let trail = RedisServer::start();
    let redis = client(&cluster.url());
    fill_cluster(&redis, "users", 3000).await;

    let dry = r#"{"pattern":"users:*","onlyWithoutTtl":600,"dryRun":true}"#;
    let dry = begin_expiry(&redis, dry).await;
    let expiry = r#"{"pattern":"users:*1","ttl":600}"#;
    let expiry = begin_expiry(&redis, expiry).await;
    let clear = begin_clear(&redis, r#"{"pattern":"users:*","withoutTtl":true}"#).await;
    work(&cluster.url(), &trail.url(1), "a", Waker::Request, LONG).await;

    let counted = report(&redis, &dry.id).await;
    assert_eq!(counts(&counted), (3000, 3000), "{counted:#}");
    assert_eq!(counted["nodes"].as_array().unwrap().len(), 3);
    let changed = report(&redis, &expiry.id).await;
    assert_eq!(counts(&changed), (300, 300), "{changed:#}");
    let cleared = report(&redis, &clear.id).await;
    assert_eq!(cleared["keysRemoved"], 2700, "{cleared:#}");
    let left = redis.execute(Command::read("PTTL").arg("users:1")).await;
    let left = Replies::new(left.unwrap()).int().unwrap();
    assert!((590_000..=600_000).contains(&left), "{left}");
    assert_eq!(cleared["ttlBefore"], json!(null));
}
