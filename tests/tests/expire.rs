//! `POST /api/cache/expire`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use edge_cache_testing::Fault;
use end_to_end::Connection;
use end_to_end::{App, Monitor, ONE_SERVER, Options, fill, runs_on};
use redis::Commands;
use serde_json::{Value, json};

fn expire(app: &App, body: &Value) -> Value {
    app.admin().post("/expire", body).ok()["stats"].take()
}

fn ttl(redis: &mut Connection, key: &str) -> i64 {
    redis.ttl(key).unwrap()
}

#[test]
fn keys_without_a_ttl_get_one_and_the_trail_has_the_counts() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..47);
    fill(&mut redis, "products:", 0..53);
    let () = redis.set_ex("users:short", 1, 30).unwrap();
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    let mut body = json!({ "pattern": "users:*", "onlyWithoutTtl": 86_400, "jitter": 10 });

    body["dryRun"] = json!(true);
    let dry = app.admin().post("/expire", &body).ok();
    assert_eq!(dry["message"], "Dry run; no expiry was changed");
    assert_eq!(ttl(&mut redis, "users:1"), -1);
    body["dryRun"] = json!(false);
    let report = app.admin().post("/expire", &body).ok();

    assert_eq!(
        report["message"],
        "Expiry changed: onlyWithoutTtl 86400 s, jitter 10 %"
    );
    for stats in [&dry["stats"], &report["stats"]] {
        assert_eq!(stats["keysMatched"], 48);
        assert_eq!(stats["keysChanged"], 47);
        let before = (
            &stats["ttlBefore"]["none"],
            &stats["ttlBefore"]["under1Minute"],
        );
        assert_eq!(before, (&json!(47), &json!(1)));
        let after = (
            &stats["ttlAfter"]["none"],
            &stats["ttlAfter"]["from1To24Hours"],
        );
        assert_eq!(after, (&json!(0), &json!(47)));
    }
    assert_eq!(dry["stats"]["sampleKeys"].as_array().unwrap().len(), 20);
    assert_eq!(dry["stats"]["needsConfirm"], false);
    assert!(ttl(&mut redis, "users:1") > 70_000);
    assert_eq!(ttl(&mut redis, "products:1"), -1);
    assert_eq!(ttl(&mut redis, "cache:ttl"), -1);

    let entries = app.admin().get("/audit").data()["entries"].take();
    let entry = &entries[0];
    assert_eq!(entry["action"], "expire");
    assert_eq!(entry["pattern"], "users:*");
    assert_eq!(entry["detail"], "onlyWithoutTtl 86400 s, jitter 10 %");
    assert_eq!(entry["keysChanged"], 47);
    assert_eq!(entry["keysDeleted"], 0);
    assert_eq!(entries.as_array().unwrap().len(), 1, "none of the dry run");
}

#[test]
fn keys_tags_and_conditions_select_keys() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..10);
    let () = redis.hset("users:hash", "f", 1).unwrap();
    let () = redis
        .sadd("cache:tags:t", &["users:1", "users:hash", "gone"])
        .unwrap();

    let named = expire(&app, &json!({ "keys": ["users:0", "gone"], "ttl": 100 }));
    let tagged = expire(
        &app,
        &json!({ "tags": ["t"], "ttl": 200, "type": "string" }),
    );
    let body = json!({ "pattern": "users:*", "persist": true, "maxTtlSeconds": 150 });
    let persisted = expire(&app, &body);

    for stats in [named, tagged, persisted] {
        assert_eq!(
            (&stats["keysMatched"], &stats["keysChanged"]),
            (&json!(1), &json!(1))
        );
    }
    assert_eq!(ttl(&mut redis, "users:0"), -1);
    assert_eq!(ttl(&mut redis, "users:1"), 200);
    assert_eq!(ttl(&mut redis, "users:hash"), -1);
}

#[test]
fn the_share_of_a_pattern_needs_confirmation() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1000);

    for pattern in ["*", "users:*"] {
        let body = json!({ "pattern": pattern, "ttl": 60 });
        let problem = app.admin().post("/expire", &body).with_status(400);
        assert_eq!(
            problem["type"],
            "urn:edge-cache:problem:confirmation-required"
        );
        assert_eq!(ttl(&mut redis, "users:1"), -1);
    }

    let body = json!({ "pattern": "*", "ttl": 60, "confirm": true });
    assert_eq!(expire(&app, &body)["keysChanged"], 1000);
}

#[test]
fn only_an_admin_may_change_expiries() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3);
    let body = json!({ "pattern": "users:*", "ttl": 60 });

    app.stranger().post("/expire", &body).with_status(401);
    app.nobody().post("/expire", &body).with_status(401);
    app.viewer().post("/expire", &body).with_status(403);
    app.operator().post("/expire", &body).with_status(403);

    assert_eq!(ttl(&mut redis, "users:1"), -1);
}

#[test]
fn a_bad_body_is_refused_and_nothing_changes() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3);
    for broken in ["{", "[]", "{\"pattern\":}"] {
        app.admin()
            .send("POST", "/api/cache/expire", Some(broken.as_bytes()))
            .with_status(400);
    }

    for (field, body) in [
        ("keys", json!({ "ttl": 60 })),
        ("ttl", json!({ "pattern": "users:*" })),
        ("ttl", json!({ "pattern": "users:*", "ttl": 0 })),
        (
            "persist",
            json!({ "pattern": "users:*", "ttl": 1, "persist": true }),
        ),
        (
            "jitter",
            json!({ "pattern": "users:*", "ttl": 1, "jitter": 51 }),
        ),
        ("keys[0]", json!({ "keys": ["cache:audit"], "ttl": 1 })),
        (
            "idleSeconds",
            json!({ "keys": ["a"], "ttl": 1, "idleSeconds": 0 }),
        ),
        (
            "force",
            json!({ "pattern": "users:*", "ttl": 1, "force": true }),
        ),
    ] {
        let problem = app.admin().post("/expire", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }
    assert_eq!(ttl(&mut redis, "users:1"), -1);
}

#[test]
fn a_stopped_redis_is_reported() {
    if !runs_on(ONE_SERVER, "it stops the server") {
        return;
    }
    let mut app = App::start();
    app.redis_mut().kill();

    let body = json!({ "pattern": "users:*", "ttl": 60 });
    let problem = app.admin().post("/expire", &body).with_status(503);

    assert_eq!(problem["type"], "urn:edge-cache:problem:redis-unreachable");
}

#[test]
fn a_failure_half_way_reports_the_keys_already_changed() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(Options::new().proxied());
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3000);
    let body = json!({ "pattern": "users:*", "ttl": 600, "confirm": true });
    // The servers have the scripts from now on.
    assert_eq!(expire(&app, &body)["keysChanged"], 3000);

    // Commands of one request in turn, until one of them fails after some keys were changed.
    let problem = (8..20).find_map(|nth| {
        app.proxy()
            .fail_once(Fault::Error("OOM no memory left"), nth);
        let response = app.admin().post("/expire", &body);
        app.proxy().heal();
        (response.status == 503 && response.body["keysChanged"].is_u64()).then_some(response.body)
    });

    let problem = problem.unwrap();
    let changed = problem["keysChanged"].as_u64().unwrap();
    assert!((1..3000).contains(&changed), "{problem:#}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("{changed} keys")), "{detail}");
    let entry = app.admin().get("/audit").data()["entries"][0].take();
    assert_eq!(entry["outcome"], "partial", "{entry:#}");
    assert_eq!(entry["keysChanged"], changed);
}

#[test]
fn a_pattern_costs_three_round_trips_per_1000_keys() {
    if !runs_on(ONE_SERVER, "it monitors one server") {
        return;
    }
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..10_000);
    let body = json!({ "pattern": "users:*", "ttl": 600, "confirm": true });
    expire(&app, &body);

    let mut monitor = Monitor::start(app.redis());
    expire(&app, &body);
    let commands = monitor.commands();

    let scripts = commands.iter().filter(|name| *name == "evalsha").count();
    // A slice of 1,000 keys is read and changed in two halves.
    assert!((25..=70).contains(&scripts), "{scripts} round trips");
    assert!(
        commands
            .iter()
            .all(|name| ["evalsha", "ping", "time"].contains(&name.as_str())),
        "{commands:?}"
    );
}

#[test]
fn a_cluster_changes_the_keys_of_all_nodes() {
    let mut app = App::with(Options::new().cluster());
    let cluster = app.cluster();
    for number in 0..120 {
        let name = format!("users:{number}");
        let owner = cluster.owner_of_key(&name);
        let mut node = cluster.node(owner).connection();
        let () = node.set(&name, "1").unwrap();
    }

    let dry = expire(
        &app,
        &json!({ "pattern": "users:*", "onlyWithoutTtl": 600, "dryRun": true }),
    );
    let changed = expire(
        &app,
        &json!({ "pattern": "users:*", "onlyWithoutTtl": 600, "confirm": true }),
    );
    let cleared = app
        .admin()
        .post(
            "/clear",
            &json!({ "pattern": "users:*", "withoutTtl": true, "confirm": true }),
        )
        .ok();
    let page = app
        .viewer()
        .get("/keys?pattern=users:*&maxTtlSeconds=600&exact=true")
        .data();

    assert_eq!(dry["ttlAfter"]["from5To60Minutes"], 120);
    assert_eq!(changed["keysChanged"], 120);
    assert_eq!(cleared["stats"]["keysDeleted"], 0);
    assert_eq!(page["pagination"]["total"], 120);
}
