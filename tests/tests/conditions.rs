//! Conditions of the key list and of clears, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use end_to_end::{App, Options, fill};
use redis::Commands;
use serde_json::json;

fn start() -> App {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..500);
    let () = redis.set("users:large", "x".repeat(50_000)).unwrap();
    let () = redis.hset("users:hash", "f", 1).unwrap();
    let () = redis.set_ex("users:short", 1, 60).unwrap();
    app
}

#[test]
fn the_list_has_the_keys_that_meet_all_conditions() {
    let app = start();
    for (query, expected) in [
        ("minSizeBytes=10000", vec!["users:large"]),
        ("maxTtlSeconds=100", vec!["users:short"]),
        ("withoutTtl=true&type=hash", vec!["users:hash"]),
        ("idleSeconds=3600", vec![]),
    ] {
        let path = format!("/keys?pattern=users:*&{query}&exact=true");
        let page = app.viewer().get(&path).data();

        let keys = page["keys"].as_array().unwrap();
        let names: Vec<&str> = keys
            .iter()
            .map(|row| row["key"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{query}");
        assert_eq!(page["pagination"]["total"], expected.len(), "{query}");
    }
}

#[test]
fn a_clear_removes_the_keys_that_meet_all_conditions() {
    let app = start();
    let dry = json!({ "pattern": "users:*", "maxTtlSeconds": 100, "dryRun": true });
    let mut body = json!({ "pattern": "users:*", "withoutTtl": true, "type": "string" });

    let dry = app.admin().post("/clear", &dry).ok();
    // The share of the pattern alone needs confirmation, and so does a global clear.
    for unconfirmed in [&body, &json!({ "withoutTtl": true })] {
        app.admin().post("/clear", unconfirmed).with_status(400);
    }
    body["confirm"] = json!(true);
    let cleared = app.admin().post("/clear", &body).ok();

    assert_eq!(dry["stats"]["keysMatched"], 1);
    assert_eq!(dry["stats"]["sampleKeys"], json!(["users:short"]));
    assert_eq!(cleared["stats"]["keysDeleted"], 501);
    assert_eq!(cleared["stats"]["method"], "walk");
    assert_eq!(
        cleared["message"],
        "Cache cleared for pattern: users:* (string, withoutTtl)"
    );
    let mut left = end_to_end::keys(&mut app.connection(), "users:*");
    left.sort();
    assert_eq!(left, ["users:hash", "users:short"]);
    let entry = app.admin().get("/audit").data()["entries"][0].take();
    assert_eq!(entry["detail"], "string, withoutTtl");
}

#[test]
fn a_bad_condition_is_named() {
    let app = start();
    for (field, query) in [
        ("minSizeBytes", "minSizeBytes=0"),
        ("maxTtlSeconds", "maxTtlSeconds=1.5"),
        ("withoutTtl", "withoutTtl=true&maxTtlSeconds=5"),
        ("idleSeconds", "idleSeconds=x"),
    ] {
        let problem = app.viewer().get(&format!("/keys?{query}")).with_status(422);
        assert_eq!(problem["field"], field, "{problem:#}");
    }

    let body = json!({ "pattern": "users:*", "minSizeBytes": "1" });
    let problem = app.admin().post("/clear", &body).with_status(422);
    assert_eq!(problem["field"], "minSizeBytes");
    assert_eq!(
        end_to_end::keys(&mut app.connection(), "users:*").len(),
        503
    );
}

#[test]
fn idle_keys_are_refused_where_the_server_does_not_measure_it() {
    let app = App::with(Options::new().redis(&["--maxmemory-policy", "allkeys-lfu"]));
    fill(&mut app.connection(), "users:", 0..3);
    let body = json!({ "pattern": "users:*", "idleSeconds": 1 });

    let cleared = app.admin().post("/clear", &body).with_status(422);
    let listed = app.viewer().get("/keys?idleSeconds=1").with_status(422);

    for problem in [cleared, listed] {
        assert_eq!(problem["field"], "idleSeconds", "{problem:#}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("OBJECT IDLETIME"), "{detail}");
    }
}
