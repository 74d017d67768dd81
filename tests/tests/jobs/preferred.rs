//! Requests that become jobs because their client prefers or asks for it.

use end_to_end::{App, fill};
use serde_json::json;

use crate::{begin, occupy_lease, wait_for};

#[test]
fn a_client_may_prefer_a_job() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..10);
    let client = app.admin().with_header("prefer", "respond-async");

    let accepted = client.post("/clear", &json!({ "pattern": "users:*" }));
    assert_eq!(accepted.header("preference-applied"), Some("respond-async"));
    let job = accepted.with_status(202)["job"].take();
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(wait_for(&app, &path, "done")["keysRemoved"], 10);

    let other = app.admin().with_header("prefer", "return=minimal");
    other.post("/clear", &json!({ "pattern": "users:*" })).ok();
    let own = json!({ "pattern": "cache:*", "confirm": true });
    client.post("/clear", &own).ok();
    let own = json!({ "pattern": "cache:*", "confirm": true, "async": true });
    let refused = client.post("/clear", &own).with_status(422);
    assert!(refused["detail"].as_str().unwrap().contains("cache:*"));
}

#[test]
fn a_client_may_wait_for_the_end_of_its_job() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..10);
    fill(&mut redis, "orders:", 0..10);
    let client = app.admin().with_header("prefer", "respond-async, wait=20");

    let cleared = client.post("/clear", &json!({ "pattern": "users:1*" }));
    assert_eq!(cleared.header("preference-applied"), Some("wait=20"));
    let stats = cleared.ok()["stats"].take();
    assert_eq!(stats["keysDeleted"], 1);
    assert!(stats["inForceAt"].is_string(), "{stats:#}");
    let body = json!({ "patterns": ["users:*"], "confirm": true });
    let invalidated = client.post("/invalidate", &body).ok();
    assert_eq!(invalidated["details"]["patterns"], json!({ "users:*": 9 }));
    let body = json!({ "pattern": "orders:*", "ttl": 60, "confirm": true });
    let expired = client.post("/expire", &body).ok();
    assert_eq!(expired["stats"]["keysChanged"], 10, "{expired:#}");
    assert_eq!(app.viewer().get("/jobs").data()["pagination"]["total"], 3);

    // Another worker has the lease.
    occupy_lease(&app, 60_000);
    let client = app.admin().with_header("prefer", "wait=0");
    let accepted = client.post("/clear", &json!({ "pattern": "orders:1*" }));
    assert_eq!(accepted.header("preference-applied"), Some("wait=0"));
    assert_eq!(accepted.with_status(202)["job"]["state"], "queued");
    let dry = json!({ "pattern": "orders:*", "dryRun": true });
    assert_eq!(client.post("/clear", &dry).ok()["stats"]["keysMatched"], 10);
}

#[test]
fn an_expiry_and_a_clear_with_conditions_become_jobs() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3000);
    fill(&mut redis, "other:", 0..3000);
    let body =
        json!({ "pattern": "users:1*", "onlyWithoutTtl": 600, "async": true, "confirm": true });

    app.operator().post("/expire", &body).with_status(403);
    let expiry = begin(&app, "/expire", &body);
    let changed = wait_for(&app, &expiry, "done");
    assert_eq!(changed["keysChanged"], 1111, "{changed:#}");
    assert_eq!(changed["ttlAfter"]["from5To60Minutes"], 1111);
    assert_eq!(changed["maxLatencyMs"], 100);
    let body = json!({ "pattern": "users:*", "withoutTtl": true, "async": true, "confirm": true });
    let cleared = wait_for(&app, &begin(&app, "/clear", &body), "done");
    assert_eq!(cleared["keysRemoved"], 1889, "{cleared:#}");
    assert_eq!(cleared["conditions"], "withoutTtl");
    assert!(cleared["inForceAt"].is_string());

    let entries = app.admin().get("/audit").data()["entries"].take();
    let end = entries
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["action"] == "job-end" && entry["keysChanged"].is_u64());
    assert_eq!(end.unwrap()["keysChanged"], 1111, "{entries:#}");
}
