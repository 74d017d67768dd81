//! Clearing against a real server: exactly the right keys, in bounded steps, and nothing else.

use edge_cache::clear::{Report, Request};
use edge_cache::{Error, ErrorKind};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

fn populate(server: &RedisServer) -> redis::Connection {
    let mut other = server.connection();
    for n in 0..5000 {
        let _: () = other.set(format!("users:{n}"), n).unwrap();
    }
    let _: () = other.set("products:1", 1).unwrap();
    let _: () = other.hset("cache:ttl", "users", 60).unwrap();
    let _: () = other.sadd("cache:tags:user-data", "users:1").unwrap();
    let _: () = other.set_ex("lock:cache:warmup", "somebody", 30).unwrap();
    other
}

async fn run(server: &RedisServer, body: &str, keep: bool) -> Report {
    Request::parse(body.as_bytes()).unwrap().run(&client(&server.url(0)), keep).await.unwrap()
}

#[tokio::test]
async fn a_pattern_removes_what_it_matches_and_nothing_else() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    let report = run(&server, r#"{"pattern":"users:*"}"#, false).await;
    assert_eq!(report.keys_deleted(), 5000);
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 5, "three management keys, the product, and the fence for loads in flight");
}

#[tokio::test]
async fn management_keys_go_only_when_named() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    assert_eq!(run(&server, r#"{"pattern":"?a*"}"#, false).await.keys_deleted(), 0);
    assert_eq!(run(&server, r#"{"pattern":"*:*"}"#, false).await.keys_deleted(), 5001);
    assert_eq!(run(&server, r#"{"pattern":"cache:tags:*"}"#, false).await.keys_deleted(), 1);
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 3);
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    let Report::Matched { keys_matched, sample_keys } =
        run(&server, r#"{"pattern":"users:*","dryRun":true}"#, false).await
    else {
        panic!("a dry run deleted keys")
    };
    assert_eq!((keys_matched, sample_keys.len()), (5000, 20));
    assert!(sample_keys.iter().all(|name| name.starts_with("users:")));
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 5004);
}

#[tokio::test]
async fn a_global_clear_carries_over_what_must_outlive_it() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    assert_eq!(run(&server, r#"{"confirm":true}"#, false).await.keys_deleted(), 5002);
    let override_: u64 = other.hget("cache:ttl", "users").unwrap();
    let (owner, ttl): (String, i64) =
        (other.get("lock:cache:warmup").unwrap(), other.ttl("lock:cache:warmup").unwrap());
    assert_eq!((override_, owner.as_str()), (60, "somebody"));
    assert!((1..=30).contains(&ttl), "the lock keeps its lease, got {ttl}");
}

#[tokio::test]
async fn where_the_trail_shares_the_database_a_global_clear_leaves_management_keys() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    assert_eq!(run(&server, r#"{"confirm":true}"#, true).await.keys_deleted(), 5001);
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 4);
}

#[tokio::test]
async fn scripts_forbidden_by_acl_are_told_with_what_to_grant() {
    let server = RedisServer::start();
    let mut other = server.connection();
    redis::cmd("ACL").arg(&["SETUSER", "default", "-eval", "-evalsha"]).exec(&mut other).unwrap();
    let request = Request::parse(br#"{"pattern":"users:*"}"#).unwrap();
    let Err(Error::Redis(error)) = request.run(&client(&server.url(0)), false).await else { panic!("must fail") };
    assert_eq!(error.kind, ErrorKind::Permission);
    assert!(error.message.contains("+eval +evalsha"), "{error}");
}

#[tokio::test]
async fn companions_and_settings_that_are_not_ours_stop_no_clear() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let _: () = redis::pipe()
        .set("cache:meta", 1)
        .set("cache:chunked", 1)
        .mset(&[("k:1", 1), ("k:2", 2), ("cache:meta:{k:1}", 0)])
        .hset("cache:meta:{k:2}", "chunks", "0 999999999999")
        .query(&mut other)
        .unwrap();
    assert_eq!(run(&server, r#"{"pattern":"k:*"}"#, false).await.keys_deleted(), 2);
    let left: u64 = other.exists(&["cache:meta:{k:1}", "cache:meta:{k:2}"]).unwrap();
    assert_eq!(left, 0);
}
