//! Removals on data that other clients wrote: the keys they keep, their errors, and their cost.

use edge_cache::keyspace::tag::prune::PruneWalk;
use edge_cache::{Cache, ErrorKind, HostRuntime, Redis};
use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::{ClearMethod, ClearReport, ClearRequest};
use edge_cache_admin::admin::events::DomainEvent;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_admin::configuration::Configuration;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

/// Protected keys of edge-cache, and keys of other applications with protected prefixes.
const KEPT: [&str; 5] = [
    "cache:ttl",
    "cache:audit",
    "cache:other",
    "lock:x",
    "lock:cache:warmup",
];

fn with_protected_keys() -> (RedisServer, redis::Connection) {
    let server = RedisServer::start();
    let mut other = server.connection();
    for name in KEPT {
        let () = other.set(name, 1).unwrap();
    }
    (server, other)
}

fn all_kept(other: &mut redis::Connection) -> bool {
    other.exists::<_, usize>(&KEPT).unwrap() == KEPT.len()
}

#[tokio::test]
async fn a_tag_removes_no_protected_key_that_its_set_contains() {
    let (server, mut other) = with_protected_keys();
    let _: () = redis::pipe()
        .set("a", 1)
        .sadd("cache:tags:t", &KEPT)
        .sadd("cache:tags:t", "a")
        .query(&mut other)
        .unwrap();

    assert_eq!(
        Cache::new(client(&server.url(0)))
            .invalidate_tag("t")
            .await
            .unwrap(),
        1
    );
    assert!(all_kept(&mut other));
    assert!(
        !other
            .exists::<_, bool>("cache:tags-aside:{cache:tags:t}")
            .unwrap(),
        "nothing is left for a retry"
    );
}

#[tokio::test]
async fn pruning_finishes_an_invalidation_and_removes_no_protected_key() {
    let (server, mut other) = with_protected_keys();
    let aside = "cache:tags-aside:{cache:tags:t}";
    let _: () = redis::pipe()
        .set("a", 1)
        .sadd(aside, &KEPT)
        .sadd(aside, "a")
        .query(&mut other)
        .unwrap();

    let mut walk = PruneWalk::default();
    let step = walk.step(&client(&server.url(0)), 2000).await.unwrap();
    assert_eq!(
        (
            step.keys_deleted,
            step.tags.iter().map(String::as_str).collect()
        ),
        (1, vec!["t"])
    );
    assert!(all_kept(&mut other));
}

#[tokio::test]
async fn no_request_removes_the_audit_trail() {
    let (server, mut other) = with_protected_keys();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));

    assert!(!cache.delete("cache:audit").await.unwrap());
    assert_eq!(cache.clear_by_pattern("cache:audit*").await.unwrap(), 0);

    for body in [
        r#"{"pattern":"cache:*","confirm":true}"#,
        r#"{"pattern":"*","confirm":true}"#,
    ] {
        ClearRequest::parse(body.as_bytes())
            .unwrap()
            .run(&redis, true)
            .await
            .unwrap();
    }

    let body = br#"{"patterns":["cache:a*","*"],"confirm":true}"#;
    InvalidateRequest::parse(body)
        .unwrap()
        .run(&redis)
        .await
        .unwrap();

    assert!(other.exists::<_, bool>("cache:audit").unwrap());
}

#[tokio::test]
async fn an_error_names_the_key_of_edge_cache_that_has_a_foreign_type() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let cache = Cache::new(client(&server.url(0)));
    type Write = fn(&mut redis::Connection, &str);

    let cases: [(&str, Write); 2] = [
        ("cache:tags:t", |redis, key| {
            let () = redis.hset(key, "a", 1).unwrap();
        }),
        ("cache:tags-aside:{cache:tags:t}", |redis, key| {
            let () = redis.set(key, 1).unwrap();
        }),
    ];

    for (key, write) in cases {
        write(&mut other, key);
        let edge_cache::Error::Redis(error) = cache.invalidate_tag("t").await.unwrap_err() else {
            panic!("{key}")
        };
        assert_eq!(
            (error.kind, error.key.as_deref()),
            (ErrorKind::WrongType, Some(key)),
            "{error}"
        );
        let () = other.del(key).unwrap();
    }
}

#[tokio::test]
async fn the_error_of_an_event_names_the_set_of_its_tag_that_has_a_foreign_type() {
    let server = RedisServer::start();
    let () = server.connection().set("cache:tags:config", 1).unwrap();
    let rules = "[[rule]]\nevent = \"config.changed\"\ntags = [\"config\"]\n";
    let rules = Configuration::parse("edge-cache.toml", rules)
        .unwrap()
        .rules()
        .unwrap();
    let event = DomainEvent::parse(br#"{"type":"config.changed"}"#, &rules).unwrap();

    let failed = event.run(&client(&server.url(0))).await;

    let error = match failed {
        Err(Error::Redis(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error.kind, ErrorKind::WrongType, "{error}");
    assert_eq!(error.key.as_deref(), Some("cache:tags:config"), "{error}");
    assert!(error.message.contains("`cache:tags:config`"), "{error}");
}

#[tokio::test]
async fn without_the_right_to_restore_a_global_clear_walks_and_loses_nothing() {
    let (server, mut other) = with_protected_keys();
    // A database with an audit trail is never flushed.
    let _: () = redis::pipe()
        .del("cache:audit")
        .del("cache:ttl")
        .hset("cache:ttl", "users", 60)
        .set("a", 1)
        .query(&mut other)
        .unwrap();

    redis::cmd("ACL")
        .arg(&["SETUSER", "default", "-restore"])
        .exec(&mut other)
        .unwrap();
    let request = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
    let report = request.run(&client(&server.url(0)), false).await.unwrap();

    assert!(
        matches!(
            report,
            ClearReport::Cleared {
                keys_deleted: 1,
                method: ClearMethod::Walk,
                ..
            }
        ),
        "{report:?}"
    );
    assert_eq!(other.hget::<_, _, u64>("cache:ttl", "users").unwrap(), 60);
}

/// Slices since the statistics were reset: scripts that were run.
fn count_slices(other: &mut redis::Connection) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query(other).unwrap();
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    line.and_then(|line| line.split(',').next())
        .map_or(0, |calls| calls.parse().unwrap())
}

/// Lists all pages. Returns the number of keys.
async fn list(redis: &impl Redis, query: &str) -> u64 {
    let mut cursor = "0".to_owned();
    let mut found = 0;
    loop {
        let page = ListKeysRequest::parse(&format!("{query}&cursor={cursor}"))
            .unwrap()
            .run(redis)
            .await
            .unwrap();
        found += page.keys.len() as u64;

        match page.pagination.next_cursor {
            Some(next) => cursor = next,
            None => return found,
        }
    }
}

/// Clears by pattern. Returns the number of keys removed or, in a dry run, matched.
async fn clear(redis: &(impl Redis + HostRuntime), body: &str) -> u64 {
    let request = ClearRequest::parse(body.as_bytes()).unwrap();
    let report = serde_json::to_value(request.run(redis, false).await.unwrap()).unwrap();

    let count = report.get("keysMatched").or(report.get("keysDeleted"));
    count.unwrap().as_u64().unwrap()
}

/// Names of 60 KB and the most expensive pattern: a step matches only a few of them.
#[tokio::test]
async fn a_slice_ends_when_it_has_done_enough_work() {
    let server = RedisServer::start();
    let mut other = server.connection();
    for n in 0..60 {
        let () = other
            .set(format!("{}{n:02}", "x".repeat(60_000)), 1)
            .unwrap();
    }

    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();
    let cache = Cache::new(client(&server.url(0)));

    assert_eq!(cache.clear_by_pattern("*?x?x?x?x?x?y*").await.unwrap(), 0);
    let slices = count_slices(&mut other);
    // One or two such names a slice. A step of Valkey's SCAN visits up to seven at once.
    let least = if RedisServer::is_valkey() { 8 } else { 30 };
    assert!(slices >= least, "{slices} slices");
    assert_eq!(cache.clear_by_pattern("x*").await.unwrap(), 60);
}

/// Long names that the pattern's beginning excludes: the server copies them nevertheless.
#[tokio::test]
async fn names_that_do_not_match_count_as_work_by_their_length() {
    let server = RedisServer::start();
    let mut other = server.connection();
    for n in 0..600 {
        let () = other
            .set(format!("{}{n:03}", "x".repeat(60_000)), 1)
            .unwrap();
    }

    let () = other.sadd("users:1", 1).unwrap();
    let redis = client(&server.url(0));

    for case in ["page", "page of a type", "dry run", "clear"] {
        redis::cmd("CONFIG")
            .arg("RESETSTAT")
            .exec(&mut other)
            .unwrap();
        let found = match case {
            "page" => list(&redis, "pattern=users:*").await,
            "page of a type" => list(&redis, "type=set").await,
            "dry run" => clear(&redis, r#"{"pattern":"users:*","dryRun":true}"#).await,
            _ => clear(&redis, r#"{"pattern":"users:*"}"#).await,
        };
        let slices = count_slices(&mut other);
        assert!(
            found == 1 && slices >= 8,
            "{case}: {found} found in {slices} slices"
        );
    }
}
