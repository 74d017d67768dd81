//! Clearing against a real server: exactly the right keys, in bounded steps, and nothing else.

use edge_cache::ErrorKind;
use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::{ClearMethod, ClearReport, ClearRequest};
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

async fn run(server: &RedisServer, body: &str, keep: bool) -> ClearReport {
    ClearRequest::parse(body.as_bytes())
        .unwrap()
        .run(&client(&server.url(0)), keep)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_pattern_removes_what_it_matches_and_nothing_else() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    let report = run(&server, r#"{"pattern":"users:*"}"#, false).await;
    assert_eq!(report.keys_deleted(), 5000);
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(
        left, 5,
        "three management keys, the product, and the fence for loads in flight"
    );
}

#[tokio::test]
async fn management_keys_go_only_when_named() {
    let server = RedisServer::start();
    let mut other = populate(&server);

    assert_eq!(
        run(&server, r#"{"pattern":"?a*"}"#, false)
            .await
            .keys_deleted(),
        0
    );
    assert_eq!(
        run(&server, r#"{"pattern":"*:*"}"#, false)
            .await
            .keys_deleted(),
        5001
    );
    assert_eq!(
        run(&server, r#"{"pattern":"cache:tags:*"}"#, false)
            .await
            .keys_deleted(),
        1
    );

    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();

    assert_eq!(left, 3);
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    let ClearReport::Matched {
        keys_matched,
        sample_keys,
        ..
    } = run(&server, r#"{"pattern":"users:*","dryRun":true}"#, false).await
    else {
        panic!("a dry run deleted keys")
    };

    assert_eq!((keys_matched, sample_keys.len()), (5000, 20));
    assert!(sample_keys.iter().all(|name| name.starts_with("users:")));

    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();

    assert_eq!(left, 5004);
}

#[tokio::test]
async fn the_samples_of_a_dry_run_are_bounded_in_bytes() {
    let server = RedisServer::start();
    let mut other = server.connection();
    for n in 0..200 {
        let _: () = other
            .set(format!("users:{n}:{}", "x".repeat(40_000)), n)
            .unwrap();
    }

    let report = run(&server, r#"{"pattern":"users:*","dryRun":true}"#, false).await;

    let ClearReport::Matched {
        keys_matched,
        sample_keys,
        ..
    } = report
    else {
        panic!("a dry run deleted keys")
    };
    assert_eq!(keys_matched, 200);
    // The last one may exceed 64 KiB.
    assert_eq!(sample_keys.len(), 2);
}

#[tokio::test]
async fn a_global_clear_carries_over_what_must_outlive_it() {
    let server = RedisServer::start();
    let mut other = populate(&server);

    // Of the 5,004 keys three are edge-cache's own: they go, or outlive it, and do not count.
    assert_eq!(
        run(&server, r#"{"confirm":true}"#, false)
            .await
            .keys_deleted(),
        5001
    );

    let override_: u64 = other.hget("cache:ttl", "users").unwrap();
    let (owner, ttl): (String, i64) = (
        other.get("lock:cache:warmup").unwrap(),
        other.ttl("lock:cache:warmup").unwrap(),
    );

    assert_eq!((override_, owner.as_str()), (60, "somebody"));
    assert!(
        (1..=30).contains(&ttl),
        "the lock keeps its lease, got {ttl}"
    );
}

#[tokio::test]
async fn where_the_trail_shares_the_database_a_global_clear_leaves_management_keys() {
    let server = RedisServer::start();
    let mut other = populate(&server);
    assert_eq!(
        run(&server, r#"{"confirm":true}"#, true)
            .await
            .keys_deleted(),
        5001
    );
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 4);
}

#[tokio::test]
async fn scripts_forbidden_by_acl_are_told_with_what_to_grant() {
    let server = RedisServer::start();
    let mut other = server.connection();
    redis::cmd("ACL")
        .arg(&["SETUSER", "default", "-eval", "-evalsha"])
        .exec(&mut other)
        .unwrap();
    let request = ClearRequest::parse(br#"{"pattern":"users:*"}"#).unwrap();
    let Err(Error::Redis(error)) = request.run(&client(&server.url(0)), false).await else {
        panic!("must fail")
    };
    assert_eq!(error.kind, ErrorKind::Permission);
    assert!(error.message.contains("+eval +evalsha"), "{error}");
}

#[tokio::test]
async fn other_clients_values_in_place_of_the_librarys_records_stop_no_clear() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let _: () = redis::pipe()
        .mset(&[("k:1", 1), ("k:2", 2), ("cache:fences", 0)])
        .sadd("lock:{k:1}", 1)
        .hset("cache:waiting:{k:1}", "a", 1)
        .rpush("k:3", "edge-cache chunks 1 9 9 0")
        .query(&mut other)
        .unwrap();

    assert_eq!(
        run(&server, r#"{"pattern":"k:*"}"#, false)
            .await
            .keys_deleted(),
        3
    );

    let left: u64 = other.exists(&["k:1", "k:2", "k:3"]).unwrap();

    assert_eq!(left, 0);
}

#[tokio::test]
async fn records_of_a_trail_are_not_flushed_whichever_database_it_is_in_now() {
    let server = RedisServer::start();
    let mut other = server.connection();

    for name in ["", ":denied", ":automatic", ":open", ":sizes", ":sums"] {
        let trail = format!("cache:audit{name}");
        let _: () = redis::pipe()
            .set("users:1", 1)
            .hset(&trail, "1", "x")
            .query(&mut other)
            .unwrap();
        let ClearReport::Matched {
            method,
            keys_matched,
            ..
        } = run(&server, r#"{"confirm":true,"dryRun":true}"#, false).await
        else {
            panic!("a dry run deleted keys")
        };
        assert_eq!((method, keys_matched), (ClearMethod::Walk, 1), "{trail}");
        let report = run(&server, r#"{"confirm":true}"#, false).await;
        assert!(
            matches!(
                report,
                ClearReport::Cleared {
                    keys_deleted: 1,
                    method: ClearMethod::Walk,
                    ..
                }
            ),
            "{trail}: {report:?}"
        );
        assert_eq!(other.del::<_, usize>(&trail).unwrap(), 1, "{trail}");
    }

    let _: () = other.set("users:1", 1).unwrap();
    let report = run(&server, r#"{"confirm":true}"#, false).await;

    assert!(
        matches!(
            report,
            ClearReport::Cleared {
                method: ClearMethod::Flush,
                ..
            }
        ),
        "{report:?}"
    );
}

/// A table of 262,144 buckets with 200 keys, all of them far behind where walks begin.
fn sparse() -> (RedisServer, redis::Connection) {
    let server = RedisServer::with(RedisServer::debuggable());
    let mut other = server.connection();
    redis::cmd("DEBUG")
        .arg(&["POPULATE", "200000", "k", "1"])
        .exec(&mut other)
        .unwrap();

    // While a child saves, for half a minute or until FLUSHALL, the server does not shrink its
    // table.
    redis::cmd("CONFIG")
        .arg(&["SET", "rdb-key-save-delay", "150"])
        .exec(&mut other)
        .unwrap();
    redis::cmd("BGSAVE").exec(&mut other).unwrap();

    let thin_out = "
        local cursor, names = '0', {}
        repeat
          local reply = redis.call('SCAN', cursor, 'COUNT', 1000)
          cursor = reply[1]
          for _, name in ipairs(reply[2]) do names[#names + 1] = name end
        until cursor == '0'
        for n = 1, #names - 200 do redis.call('UNLINK', names[n]) end";
    redis::cmd("EVAL")
        .arg(thin_out)
        .arg(0)
        .exec(&mut other)
        .unwrap();
    (server, other)
}

#[tokio::test]
async fn a_sparse_table_is_cleared_and_its_count_is_estimated() {
    let (server, mut other) = sparse();
    let ClearReport::Matched {
        keys_matched,
        exact,
        ..
    } = run(&server, r#"{"confirm":true,"dryRun":true}"#, false).await
    else {
        panic!("a dry run deleted keys")
    };
    // Valkey from 8 on has shrunk its table.
    let is_exact = RedisServer::is_valkey();

    assert_eq!((keys_matched, exact), (200, is_exact));

    let report = run(&server, r#"{"confirm":true}"#, false).await;

    assert!(
        matches!(
            report,
            ClearReport::Cleared {
                keys_deleted: 200,
                exact,
                ..
            } if exact == is_exact
        ),
        "{report:?}"
    );
    assert_eq!(redis::cmd("DBSIZE").query::<usize>(&mut other).unwrap(), 0);

    redis::cmd("FLUSHALL").exec(&mut other).unwrap();
}

#[tokio::test]
async fn a_share_that_a_sample_does_not_show_has_to_be_confirmed() {
    let (server, mut other) = sparse();
    let redis = client(&server.url(0));
    let reach = ClearRequest::parse(br#"{"pattern":"k:*"}"#)
        .unwrap()
        .measure_share(&redis)
        .await
        .unwrap();

    assert!(
        matches!(reach.check(), Err(Error::ConfirmationRequired(_))),
        "{reach:?}"
    );

    let reach = ClearRequest::parse(br#"{"pattern":"k:*","confirm":true}"#)
        .unwrap()
        .measure_share(&redis)
        .await
        .unwrap();
    reach.check().unwrap();
    redis::cmd("FLUSHALL").exec(&mut other).unwrap();
}

#[tokio::test]
async fn the_share_is_that_of_the_services_keys() {
    let server = RedisServer::start();
    let mut other = server.connection();

    for n in 0..200 {
        let _: () = redis::pipe()
            .set(format!("k:{n}"), 1)
            .sadd(format!("cache:tags:{n}"), 1)
            .query(&mut other)
            .unwrap();
    }

    let redis = client(&server.url(0));
    let tags = ClearRequest::parse(br#"{"pattern":"cache:tags:*"}"#).unwrap();
    tags.measure_share(&redis).await.unwrap().check().unwrap();

    assert_eq!(
        run(&server, r#"{"pattern":"cache:tags:*"}"#, false)
            .await
            .keys_deleted(),
        200
    );

    let services = ClearRequest::parse(br#"{"pattern":"k:*"}"#).unwrap();

    assert!(
        services
            .measure_share(&redis)
            .await
            .unwrap()
            .check()
            .is_err()
    );
}
