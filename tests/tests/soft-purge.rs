//! Soft purges over HTTP: clears, invalidations, events and jobs that mark keys stale.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Client, Response};
use redis::Commands;
use serde_json::{Value, json};

/// Values of another client, which a soft purge lets expire.
fn fill(app: &App) -> end_to_end::Connection {
    let mut redis = app.connection();
    for key in ["users:1", "users:2", "products:1"] {
        let () = redis.set(key, "1").unwrap();
    }
    redis
}

/// Seconds left to a key; -1 without an expiry.
fn ttl(redis: &mut end_to_end::Connection, key: &str) -> i64 {
    redis.ttl(key).unwrap()
}

fn put_rule(client: &Client, body: &Value) -> Response {
    client.send("PUT", "/api/cache/rules", Some(body.to_string().as_bytes()))
}

#[test]
fn a_soft_clear_removes_nothing_and_counts_apart() {
    let app = App::start();
    let mut redis = fill(&app);

    let body = json!({ "pattern": "users:*", "mode": "soft", "softGraceSeconds": 30 });
    let report = app.operator().post("/clear", &body).ok();

    assert_eq!(report["message"], "Cache marked stale for pattern: users:*");
    let stats = &report["stats"];
    assert_eq!(
        (&stats["keysDeleted"], &stats["keysMarkedStale"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(
        (&stats["mode"], &stats["softGraceSeconds"]),
        (&json!("soft"), &json!(30))
    );
    assert!(stats["inForceAt"].is_string());
    assert!((25..=30).contains(&ttl(&mut redis, "users:1")));
    assert_eq!(ttl(&mut redis, "products:1"), -1);

    let audit = app.admin().get("/audit?limit=1").data();
    let record = &audit["entries"][0];
    assert_eq!(
        (&record["keysDeleted"], &record["keysMarkedStale"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(
        record["detail"],
        "soft purge, 30 s for entries without grace"
    );
}

#[test]
fn a_global_soft_clear_needs_confirmation_and_walks() {
    let app = App::start();
    let mut redis = fill(&app);

    app.admin()
        .post("/clear", &json!({ "mode": "soft" }))
        .with_status(400);
    let report = app
        .admin()
        .post("/clear", &json!({ "mode": "soft", "confirm": true }))
        .ok();

    assert_eq!(report["message"], "Cache marked stale");
    assert_eq!(report["stats"]["method"], "walk");
    assert_eq!(report["stats"]["keysMarkedStale"], 3);
    assert!((55..=60).contains(&ttl(&mut redis, "products:1")));
}

#[test]
fn a_soft_clear_with_conditions_marks_those_that_meet_them() {
    let app = App::start();
    let mut redis = fill(&app);
    let () = redis.expire("users:2", 600).unwrap();

    let body = json!({ "pattern": "users:*", "withoutTtl": true, "mode": "soft" });
    let report = app.operator().post("/clear", &body).ok();

    assert_eq!(report["stats"]["keysMarkedStale"], 1);
    assert!((55..=60).contains(&ttl(&mut redis, "users:1")));
    assert!(ttl(&mut redis, "users:2") > 60);
}

#[test]
fn a_soft_invalidation_marks_keys_tags_and_patterns() {
    let app = App::start();
    let mut redis = fill(&app);
    let () = redis.sadd("cache:tags:t", "products:1").unwrap();

    let body = json!({
        "keys": ["users:1", "users:9"],
        "tags": ["t"],
        "patterns": ["users:*"],
        "mode": "soft",
        "confirm": true,
    });
    let report = app.admin().post("/invalidate", &body).ok();

    let stats = &report["stats"];
    assert_eq!(
        (&stats["keysInvalidated"], &stats["keysMarkedStale"]),
        (&json!(0), &json!(4))
    );
    assert_eq!(report["details"]["keys"], json!(["users:1"]));
    assert_eq!(report["details"]["keysNotFound"], json!(["users:9"]));
    assert_eq!(report["details"]["tags"], json!({ "t": 1 }));
    assert_eq!(report["details"]["patterns"], json!({ "users:*": 2 }));
    for key in ["users:1", "users:2", "products:1"] {
        assert!((55..=60).contains(&ttl(&mut redis, key)), "{key}");
    }
}

#[test]
fn a_dry_run_says_what_would_be_marked() {
    let app = App::start();
    let mut redis = fill(&app);

    let clear = json!({ "pattern": "users:*", "mode": "soft", "dryRun": true });
    let cleared = app.operator().post("/clear", &clear).ok();
    let invalidate = json!({ "keys": ["users:1"], "mode": "soft", "dryRun": true });
    let invalidated = app.operator().post("/invalidate", &invalidate).ok();

    assert_eq!(
        cleared["message"],
        "Dry run for pattern: users:*; nothing was marked stale"
    );
    assert_eq!(
        (&cleared["stats"]["keysMatched"], &cleared["stats"]["mode"]),
        (&json!(2), &json!("soft"))
    );
    let stats = &invalidated["stats"];
    assert_eq!(
        (&stats["keysInvalidated"], &stats["keysMarkedStale"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(ttl(&mut redis, "users:1"), -1);
}

#[test]
fn what_a_soft_purge_cannot_do_is_refused() {
    let app = App::start();
    let mut redis = fill(&app);

    let cases = [
        (
            "/clear",
            json!({ "pattern": "cache:*", "mode": "soft" }),
            "mode",
        ),
        (
            "/clear",
            json!({ "pattern": "users:*", "mode": "gentle" }),
            "mode",
        ),
        (
            "/clear",
            json!({ "pattern": "users:*", "softGraceSeconds": 30 }),
            "softGraceSeconds",
        ),
        (
            "/invalidate",
            json!({ "keys": ["cache:ttl"], "mode": "soft" }),
            "mode",
        ),
        (
            "/invalidate",
            json!({ "keys": ["users:1"], "mode": "soft", "softGraceSeconds": 86_401 }),
            "softGraceSeconds",
        ),
    ];

    for (route, body, field) in cases {
        let problem = app.admin().post(route, &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}");
    }

    assert_eq!(ttl(&mut redis, "users:1"), -1);
}

#[test]
fn an_event_marks_what_a_soft_rule_names() {
    let app = App::start();
    let mut redis = fill(&app);
    let soft = json!({ "event": "user.moved", "keys": ["users:{id}"], "mode": "soft", "softGraceSeconds": 20 });
    let rules = put_rule(&app.admin(), &soft).data();
    assert_eq!(
        rules["rules"][0],
        json!({ "event": "user.moved", "keys": ["users:{id}"], "patterns": [], "tags": [], "mode": "soft",
            "softGraceSeconds": 20, "source": "override" })
    );
    sleep(Duration::from_secs(1));

    let report = app
        .operator()
        .post("/events", &json!({ "type": "user.moved", "id": 1 }))
        .ok();

    let stats = &report["stats"];
    assert_eq!(
        (&stats["keysInvalidated"], &stats["keysMarkedStale"]),
        (&json!(0), &json!(1))
    );
    assert!((15..=20).contains(&ttl(&mut redis, "users:1")));
}

#[test]
fn a_soft_clear_becomes_a_job() {
    let app = App::start();
    let mut redis = fill(&app);

    let body = json!({ "pattern": "users:*", "mode": "soft", "async": true });
    let accepted = app.operator().post("/clear", &body);
    assert_eq!(accepted.status, 202, "{:?}", accepted.body);
    let id = accepted.body["job"]["id"].as_str().unwrap().to_owned();

    let deadline = Instant::now() + Duration::from_secs(30);
    let job = loop {
        let job = app.viewer().get(&format!("/jobs/{id}")).data();
        if job["state"] == "done" {
            break job;
        }
        assert!(Instant::now() < deadline, "{job:#}");
        sleep(Duration::from_millis(50));
    };
    assert_eq!(
        (&job["keysMarkedStale"], &job["keysRemoved"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        (&job["mode"], &job["softGraceSeconds"]),
        (&json!("soft"), &json!(60))
    );
    assert!((50..=60).contains(&ttl(&mut redis, "users:1")));
}
