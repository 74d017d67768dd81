//! `POST /api/cache/clear`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use end_to_end::{App, Monitor, Options, Reader, Waits, fill, keys};
use redis::{Commands, Connection};
use serde_json::{Value, json};

fn count(redis: &mut Connection) -> usize {
    keys(redis, "*").len()
}

/// Everything that a pattern may not touch by accident.
const MANAGEMENT: [&str; 4] = ["cache:tags:user-data", "cache:ttl", "lock:cache:warmup", "lock:users:1"];

fn set_management(redis: &mut Connection) {
    for key in MANAGEMENT {
        let () = redis.hset(key, "field", "value").unwrap();
    }
}

#[test]
fn a_pattern_removes_what_it_matches_and_nothing_else() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..47);
    fill(&mut redis, "products:", 0..53);
    let report = app.operator().post("/clear", &json!({ "pattern": "users:*" })).ok();
    assert_eq!(report["message"], "Cache cleared for pattern: users:*");
    assert_eq!((&report["stats"]["keysDeleted"], &report["stats"]["dryRun"]), (&json!(47), &json!(false)));
    assert_eq!((keys(&mut redis, "users:*").len(), count(&mut redis)), (0, 53));
    let again = app.operator().post("/clear", &json!({ "pattern": "users:*" })).ok();
    assert_eq!(again["stats"]["keysDeleted"], 0);
}

#[test]
fn every_form_of_a_pattern_removes_exactly_its_matches() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let cases: [(&str, &[&str]); 6] = [
        ("user:?", &["user:1", "user:2"]),
        ("user:[1-2]*", &["user:1", "user:10", "user:2"]),
        ("user:[^1]", &["user:2"]),
        ("*:10", &["user:10"]),
        ("user\\*", &["user*"]),
        ("user:1", &["user:1"]),
    ];
    for (pattern, gone) in cases {
        let all = ["user:1", "user:2", "user:10", "user*", "other"];
        for key in all {
            let () = redis.set(key, "x").unwrap();
        }
        let report = app.operator().post("/clear", &json!({ "pattern": pattern })).ok();
        assert_eq!(report["stats"]["keysDeleted"], gone.len(), "{pattern}");
        let mut left: Vec<&str> = all.into_iter().filter(|key| !gone.contains(key)).collect();
        left.sort();
        assert_eq!(keys(&mut redis, "*"), left, "{pattern}");
    }
}

#[test]
fn a_pattern_leaves_management_keys_unless_it_names_them() {
    let app = App::start();
    let mut redis = app.redis().connection();
    for pattern in ["users:*", "*:*", "c*", "?ache:*", "[cl]o*", "*a*", "l?ck*"] {
        set_management(&mut redis);
        app.operator().post("/clear", &json!({ "pattern": pattern })).ok();
        assert_eq!(keys(&mut redis, "*"), MANAGEMENT, "{pattern}");
    }
    let report = app.admin().post("/clear", &json!({ "pattern": "cache:tags:*" })).ok();
    assert_eq!(report["stats"]["keysDeleted"], 1);
    app.admin().post("/clear", &json!({ "pattern": "lock:*" })).ok();
    assert_eq!(keys(&mut redis, "*"), ["cache:ttl"]);
}

#[test]
fn a_pattern_that_matches_everything_needs_confirmation() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..10);
    set_management(&mut redis);
    let bodies = [
        json!({ "pattern": "*" }),
        json!({ "pattern": "**" }),
        json!({ "pattern": "?*" }),
        json!({ "pattern": "*?*" }),
        json!({ "pattern": "[^x]*" }),
        json!({}),
        json!({ "confirm": false }),
        json!({ "pattern": "*", "confirm": false }),
    ];
    for body in bodies {
        let problem = app.admin().post("/clear", &body).with_status(400);
        assert_eq!(problem["type"], "urn:edge-cache:problem:confirmation-required", "{body}");
        assert!(problem["detail"].as_str().unwrap().contains("confirm"), "{problem:#}");
    }
    app.admin().send("POST", "/api/cache/clear", None).with_status(400);
    for empty in [json!({ "pattern": null, "confirm": true }), json!({ "pattern": "users:*", "dryRun": null })] {
        app.admin().post("/clear", &empty).with_status(422);
    }
    assert_eq!(count(&mut redis), 14);
}

#[test]
fn a_global_clear_keeps_what_must_outlive_it() {
    for body in [
        json!({ "confirm": true }),
        json!({ "pattern": "*", "confirm": true }),
        json!({ "pattern": "?*", "confirm": true }),
    ] {
        let app = App::start();
        let mut redis = app.redis().connection();
        fill(&mut redis, "users:", 0..1_542);
        let () = redis.hset("cache:ttl", "users", 60).unwrap();
        let () = redis.sadd("cache:tags:user-data", "users:1").unwrap();
        let report = app.admin().post("/clear", &body).ok();
        assert_eq!(report["message"], "Full cache cleared");
        assert_eq!(report["stats"]["keysDeleted"], 1_543);
        assert_eq!(keys(&mut redis, "*"), ["cache:ttl"]);
        let kept: i64 = redis.hget("cache:ttl", "users").unwrap();
        assert_eq!(kept, 60);
        assert_eq!(app.admin().get("/audit").data()["entries"][0]["action"], "clear");
    }
}

#[test]
fn a_global_clear_leaves_other_logical_databases_alone() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis::cmd("SELECT").arg(5).query(&mut redis).unwrap();
    fill(&mut redis, "users:", 0..10);
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(count(&mut redis), 10);
}

#[test]
fn where_the_trail_shares_the_database_a_global_clear_leaves_all_management_keys() {
    let app = App::with(Options::new().variable("audit_redis_db", "0"));
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..1_000);
    set_management(&mut redis);
    let report = app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(report["stats"]["keysDeleted"], 1_000);
    assert_eq!(
        keys(&mut redis, "*"),
        ["cache:audit", "cache:counters", "cache:tags:user-data", "cache:ttl", "lock:cache:warmup", "lock:users:1"]
    );
    assert_eq!(app.admin().get("/audit").data()["pagination"]["total"], 1);
}

#[test]
fn a_dry_run_says_what_would_go_and_changes_nothing() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..2_500);
    fill(&mut redis, "other:", 0..7);
    set_management(&mut redis);
    let stats = |body: Value| app.admin().post("/clear", &body).ok()["stats"].take();
    let users = stats(json!({ "pattern": "users:*", "dryRun": true }));
    assert_eq!(users["keysMatched"], 2_500);
    let samples = users["sampleKeys"].as_array().unwrap();
    assert_eq!(samples.len(), 20);
    assert!(samples.iter().all(|key| key.as_str().unwrap().starts_with("users:")), "{samples:?}");
    assert_eq!(stats(json!({ "pattern": "other:*", "dryRun": true }))["sampleKeys"].as_array().unwrap().len(), 7);
    assert_eq!(stats(json!({ "pattern": "nothing:*", "dryRun": true }))["keysMatched"], 0);
    for everything in [
        json!({ "dryRun": true }),
        json!({ "pattern": "*", "dryRun": true }),
        json!({ "confirm": true, "dryRun": true }),
    ] {
        let found = stats(everything.clone());
        let would_go = found["keysMatched"].as_u64().unwrap();
        // What a global clear carries over need not be counted; everything else has to be.
        assert!((2_507..=2_511).contains(&would_go), "{everything}: {found:#}");
    }
    assert_eq!(count(&mut redis), 2_511);
    assert_eq!(app.admin().get("/audit").data()["pagination"]["total"], 0);
}

#[test]
fn a_dry_run_of_everything_counts_what_a_global_clear_then_removes() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..100);
    set_management(&mut redis);
    let would_go = app.admin().post("/clear", &json!({ "dryRun": true })).ok()["stats"]["keysMatched"].take();
    let gone = app.admin().post("/clear", &json!({ "confirm": true })).ok()["stats"]["keysDeleted"].take();
    assert_eq!(would_go, gone);
}

#[test]
fn wrong_fields_are_refused_by_name_and_nothing_is_removed() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..10);
    let cases = [
        (json!({ "pattern": 5 }), "pattern"),
        (json!({ "pattern": ["users:*"] }), "pattern"),
        (json!({ "pattern": "" }), "pattern"),
        (json!({ "pattern": "a".repeat(1025) }), "pattern"),
        (json!({ "pattern": "a*".repeat(17) }), "pattern"),
        (json!({ "pattern": "users:*", "confirm": "yes" }), "confirm"),
        (json!({ "pattern": "users:*", "dryRun": 1 }), "dryRun"),
        (json!({ "patern": "users:*", "confirm": true }), "patern"),
        (json!({ "confirm": true, "force": true }), "force"),
    ];
    for (body, field) in cases {
        let problem = app.admin().post("/clear", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }
    assert_eq!(count(&mut redis), 10);
}

#[test]
fn a_pattern_costs_a_round_trip_per_1000_keys_and_a_global_clear_one() {
    let app = App::start();
    fill(&mut app.redis().connection(), "users:", 0..20_000);
    app.operator().post("/clear", &json!({ "pattern": "nothing:*" })).ok();
    let mut monitor = Monitor::start(app.redis());
    app.operator().post("/clear", &json!({ "pattern": "users:1*" })).ok();
    let commands = monitor.commands();
    let scripts = commands.iter().filter(|name| *name == "evalsha").count();
    assert!((15..=40).contains(&scripts), "{scripts} round trips");
    assert_eq!(commands.iter().filter(|name| *name != "evalsha" && *name != "ping").collect::<Vec<_>>(), ["xadd"]);
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    let mut commands = monitor.commands();
    commands.retain(|name| name != "ping");
    // The first call of a script is answered that it is not known. The record is written and counted.
    let told = ["xadd", "evalsha"].map(str::to_owned);
    let flushed = commands.strip_suffix(&told).map(|flush| flush.join(" "));
    assert!(matches!(flushed.as_deref(), Some("evalsha eval" | "evalsha")), "{commands:?}");
}

/// Removes 200,000 of 1,000,000 keys while somebody reads; how long that one ever waited.
fn clear_200_000_of_1_000_000_beside_a_reader(app: &App) -> Waits {
    let mut redis = app.redis().connection();
    fill(&mut redis, "stays:", 0..800_000);
    fill(&mut redis, "users:", 0..200_000);
    set_management(&mut redis);
    app.operator().post("/clear", &json!({ "pattern": "nothing", "dryRun": true })).ok();
    let () = redis::cmd("CONFIG").arg("RESETSTAT").query(&mut redis).unwrap();
    let reader = Reader::start(app.redis(), "stays:1");
    let report = app.operator().post("/clear", &json!({ "pattern": "users:*" })).ok();
    let waits = reader.stop();
    assert_eq!(report["stats"]["keysDeleted"], 200_000);
    assert_eq!(count(&mut redis), 800_000 + MANAGEMENT.len());
    let left: Vec<String> = redis::cmd("SCAN")
        .arg(0)
        .arg("MATCH")
        .arg("users:*")
        .arg("COUNT")
        .arg(2_000_000)
        .query::<(u64, _)>(&mut redis)
        .unwrap()
        .1;
    assert_eq!(left, Vec::<String>::new());
    waits
}

#[test]
fn clearing_200_000_of_a_million_keys_holds_nobody_up() {
    let app = App::with(Options::new().alone());
    let waits = clear_200_000_of_1_000_000_beside_a_reader(&app);
    assert!(waits.commands > 100, "the other client was not served in between: {waits:?}");
    assert!(waits.longest < Duration::from_millis(50), "the other client had to wait: {waits:?}");
}
