//! Global clears.

use end_to_end::{App, Options, RedisServer, Topology, fill, keys, runs_on};
use redis::Commands;
use serde_json::json;

use crate::{count, set_protected_keys};

#[test]
fn a_global_clear_keeps_the_ttl_table_and_the_audit_trail() {
    for body in [
        json!({ "confirm": true }),
        json!({ "pattern": "*", "confirm": true }),
        json!({ "pattern": "?*", "confirm": true }),
    ] {
        let app = App::start();
        let mut redis = app.connection();
        fill(&mut redis, "users:", 0..1_542);
        let () = redis.hset("cache:ttl", "users", 60).unwrap();
        let () = redis.sadd("cache:tags:user-data", "users:1").unwrap();

        let report = app.admin().post("/clear", &body).ok();

        assert_eq!(report["message"], "Full cache cleared");
        // The set of a tag does not count as a key of a service.
        assert_eq!(report["stats"]["keysDeleted"], 1_542);
        assert_eq!(report["stats"]["exact"], true);

        let (method, left): (_, &[&str]) = match Topology::selected() {
            Topology::Single => ("flush", &["cache:ttl"]),
            // A walk keeps all keys of edge-cache. The schedule prunes the set.
            Topology::Cluster | Topology::OneDatabase => {
                ("walk", &["cache:tags:user-data", "cache:ttl"])
            }
        };
        assert_eq!(report["stats"]["method"], method);
        assert_eq!(keys(&mut redis, "*"), left);

        let kept: i64 = redis.hget("cache:ttl", "users").unwrap();
        assert_eq!(kept, 60);
        assert_eq!(
            app.admin().get("/audit").data()["entries"][0]["action"],
            "clear"
        );
    }
}

#[test]
fn a_global_clear_does_not_affect_other_databases() {
    if !runs_on(&[Topology::Single], "there is no other database") {
        return;
    }
    let app = App::start();
    let mut redis = app.connection();
    let () = redis::cmd("SELECT").arg(5).query(&mut redis).unwrap();
    fill(&mut redis, "users:", 0..10);
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(count(&mut redis), 10);
}

#[test]
fn a_global_clear_keeps_protected_keys_in_a_database_shared_with_the_trail() {
    if !runs_on(&[Topology::Single], "the trail is always there") {
        return;
    }
    let app = App::with(Options::new().variable("audit_redis_db", "0"));
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1_000);
    set_protected_keys(&mut redis);
    let report = app.admin().post("/clear", &json!({ "confirm": true })).ok();

    assert_eq!(report["stats"]["keysDeleted"], 1_000);

    let mut left = keys(&mut redis, "*");
    left.retain(|key| !key.starts_with("cache:audit:"));
    assert_eq!(
        left,
        [
            "cache:audit",
            "cache:counters",
            "cache:tags:user-data",
            "cache:ttl",
            "lock:cache:warmup",
            "lock:users:1"
        ]
    );
    assert_eq!(app.admin().get("/audit").data()["pagination"]["total"], 1);
}

#[test]
fn without_flushdb_a_global_clear_walks_and_the_dry_run_reports_it() {
    if !runs_on(&[Topology::Single], "a global clear always walks") {
        return;
    }
    let renamed = Options::new()
        .default_user()
        .redis(&["--rename-command", "FLUSHDB", ""]);
    let forbidden = Options::new().default_user();

    for (options, is_forbidden) in [(renamed, false), (forbidden, true)] {
        let app = App::with(options);
        let mut redis = app.connection();
        if is_forbidden {
            let () = redis::cmd("ACL")
                .arg("SETUSER")
                .arg("default")
                .arg("-flushdb")
                .query(&mut redis)
                .unwrap();
        }
        fill(&mut redis, "users:", 0..1_500);
        set_protected_keys(&mut redis);

        let dry_run = app.admin().post("/clear", &json!({ "dryRun": true })).ok()["stats"].take();
        assert_eq!(dry_run["keysMatched"], 1_500);
        // Redis 6 cannot say which commands a user may run.
        let is_foreseen = !(is_forbidden && RedisServer::is_6());
        assert_eq!(dry_run["method"] == "walk", is_foreseen, "{dry_run:#}");

        let report = app.admin().post("/clear", &json!({ "confirm": true })).ok()["stats"].take();
        assert_eq!(report["keysDeleted"], 1_500);
        assert_eq!(report["method"], "walk");
        assert_eq!(keys(&mut redis, "users:*").len(), 0);
        assert!(keys(&mut redis, "*").contains(&"cache:ttl".to_owned()));
    }
}
