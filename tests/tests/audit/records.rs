//! The content of audit records.

use std::time::Duration;

use end_to_end::{App, Fault, ONE_SERVER, Options, Topology, fill, runs_on};
use serde_json::{Value, json};

use crate::{assert_has, entries, with_id};

#[test]
fn every_change_is_recorded_with_caller_and_outcome_newest_first() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..50);
    with_id(app.operator(), "first")
        .post("/clear", &json!({ "pattern": "users:1*" }))
        .ok();
    with_id(app.admin(), "second")
        .delete(
            "/invalidate",
            &json!({ "keys": ["users:2", "nothing"], "patterns": ["users:3*"], "tags": ["t"] }),
        )
        .ok();
    with_id(app.admin(), "third")
        .patch("/keys/users:4", &json!({ "ttl": 600 }))
        .ok();
    with_id(app.admin(), "fourth")
        .post("/warmup", &json!({ "modules": ["users"], "force": true }))
        .ok();
    with_id(app.admin(), "fifth")
        .post("/clear", &json!({ "confirm": true }))
        .ok();
    let expected = [
        json!({ "action": "clear", "who": "deploy", "role": "admin", "pattern": "*", "requestId": "fifth", "outcome": "ok" }),
        json!({ "action": "warmup", "who": "deploy", "role": "admin", "requestId": "fourth", "outcome": "ok", "keysDeleted": 0 }),
        json!({ "action": "expire", "who": "deploy", "keys": ["users:4"], "detail": "ttl 600 s", "requestId": "third", "outcome": "ok" }),
        json!({ "action": "invalidate", "who": "deploy", "keys": ["users:2", "nothing"], "patterns": ["users:3*"], "tags": ["t"],
                "keysDeleted": 12, "requestId": "second", "outcome": "ok" }),
        json!({ "action": "clear", "who": "support", "role": "operator", "pattern": "users:1*", "keysDeleted": 11, "ip": "127.0.0.1",
                "requestId": "first", "outcome": "ok" }),
    ];
    let entries = entries(&app);

    assert_eq!(entries.len(), expected.len());

    entries
        .iter()
        .zip(&expected)
        .for_each(|(entry, expected)| assert_has(entry, expected));
    assert!(
        entries[1]["detail"].as_str().unwrap().contains("users"),
        "{:#}",
        entries[1]
    );
    assert!(entries.is_sorted_by(|newer, older| newer["at"].as_str() >= older["at"].as_str()));
}

#[test]
fn a_failed_action_is_recorded_as_failed() {
    let app = App::start();
    app.admin()
        .patch("/keys/nothing", &json!({ "ttl": 5 }))
        .with_status(404);
    let () = redis::cmd("SET")
        .arg(&["lock:cache:warmup", "x", "EX", "60"])
        .query(&mut app.connection())
        .unwrap();
    app.admin().post("/warmup", &json!({})).with_status(409);
    let entries = entries(&app);

    assert_has(
        &entries[0],
        &json!({ "action": "warmup", "outcome": "failed" }),
    );
    assert_has(
        &entries[1],
        &json!({ "action": "expire", "outcome": "failed", "keys": ["nothing"], "detail": "ttl 5 s",
                 "error": "there is no key nothing: it was never set, or it expired or was removed" }),
    );
}

#[test]
fn denied_attempts_are_recorded_with_their_request() {
    let app = App::start();
    with_id(app.nobody(), "a").get("/stats").with_status(401);
    with_id(app.stranger(), "b")
        .get("/keys?pattern=users:*")
        .with_status(401);
    with_id(app.viewer(), "c")
        .post("/clear", &json!({ "confirm": true }))
        .with_status(403);
    with_id(app.operator(), "d")
        .post("/clear", &json!({ "confirm": true }))
        .with_status(403);
    let expected = [
        json!({ "who": "support", "role": "operator", "requestId": "d", "detail": "POST /api/cache/clear" }),
        json!({ "who": "monitoring", "role": "viewer", "requestId": "c", "detail": "POST /api/cache/clear" }),
        json!({ "who": "-", "role": "-", "requestId": "b", "detail": "GET /api/cache/keys" }),
        json!({ "who": "-", "role": "-", "requestId": "a", "detail": "GET /api/cache/stats" }),
    ];

    for (entry, expected) in entries(&app).iter().zip(&expected) {
        assert_has(entry, expected);
        assert_has(
            entry,
            &json!({ "action": "denied", "outcome": "denied", "ip": "127.0.0.1" }),
        );
    }
}

#[test]
fn reads_and_dry_runs_are_not_recorded() {
    let app = App::start();
    let trail = app.nobody().get("/health").ok()["auditTrail"].take();
    let has_own_database = Topology::selected() == Topology::Single;
    assert_eq!(trail["ownDatabase"], has_own_database, "{trail:#}");
    assert_eq!(trail["reason"].is_null(), has_own_database, "{trail:#}");

    app.viewer().get("/stats").ok();
    app.viewer().get("/keys").ok();
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*", "dryRun": true }))
        .ok();
    app.operator()
        .delete("/invalidate", &json!({ "keys": ["a"], "dryRun": true }))
        .ok();

    assert_eq!(entries(&app), Vec::<Value>::new());
}

#[test]
fn a_running_change_is_in_the_trail_until_its_outcome_replaces_it() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(
        Options::new()
            .proxied()
            .variable("command_timeout_ms", "10000"),
    );
    fill(&mut app.connection(), "users:", 0..5);
    let client = with_id(app.operator(), "slow");
    let expected =
        json!({ "action": "clear", "who": "support", "pattern": "users:*", "requestId": "slow" });
    app.proxy()
        .fail_named(Fault::Slow(Duration::from_millis(1500)), |name| {
            name == "EVALSHA"
        });
    let running = std::thread::scope(|scope| {
        let clear = scope.spawn(|| client.post("/clear", &json!({ "pattern": "users:*" })).ok());
        let mut redis = app.trail();
        let mut seen = json!(null);
        while !clear.is_finished() {
            let open: redis::streams::StreamRangeReply = redis::cmd("XRANGE")
                .arg(&["cache:audit:open", "-", "+"])
                .query(&mut redis)
                .unwrap();
            if let Some(intent) = open.ids.first() {
                seen = serde_json::from_str(&intent.get::<String>("record").unwrap()).unwrap();
            }
        }
        clear.join().unwrap();
        seen
    });
    app.proxy().heal();

    assert_has(&running, &expected);
    assert_has(&running, &json!({ "outcome": "running", "keysDeleted": 0 }));

    let entries = entries(&app);
    assert_eq!(entries.len(), 1);
    assert_has(&entries[0], &expected);
    assert_has(&entries[0], &json!({ "outcome": "ok", "keysDeleted": 5 }));
}

/// Adds an intent to those of changes that have not ended. Its id says when the change began.
fn add_intent(trail: &mut end_to_end::Connection, id: &str, request_id: &str) {
    // Scripts look for the outcome at the end of a record.
    let record = format!(
        r#"{{"at":"2026-01-01T00:00:00.000Z","who":"support","role":"operator","action":"clear","pattern":"users:*","keysDeleted":0,"durationMs":0,"ip":"192.0.2.1","requestId":"{request_id}","outcome":"running"}}"#
    );
    redis::cmd("XADD")
        .arg(&["cache:audit:open", id, "stream", "1", "record", &record])
        .exec(trail)
        .unwrap();
}

/// Returns the records of a stream, read without edge-cache.
fn stored_records(trail: &mut end_to_end::Connection, stream: &str) -> Vec<Value> {
    let found: redis::streams::StreamRangeReply = redis::cmd("XRANGE")
        .arg(&[stream, "-", "+"])
        .query(trail)
        .unwrap();
    let texts = found.ids.iter().map(|entry| entry.get::<String>("record"));
    texts
        .map(|text| serde_json::from_str(&text.unwrap()).unwrap())
        .collect()
}

#[test]
fn the_schedule_records_a_change_whose_request_died_as_interrupted() {
    // Without modules in its plan, the schedule makes no change that would write to the trail.
    let app = App::with(Options::new().as_deployed());
    let mut trail = app.trail();
    add_intent(&mut trail, "1-1", "died");
    add_intent(&mut trail, "*", "runs");

    app.admin().post("/warmup/scheduled", &json!({})).ok();

    // A page of the trail would record it, too.
    let recorded = stored_records(&mut trail, "cache:audit");
    assert_eq!(recorded.len(), 1, "{recorded:#?}");
    let expected = json!({ "requestId": "died", "outcome": "interrupted", "who": "support", "action": "clear", "pattern": "users:*" });
    assert_has(&recorded[0], &expected);
    let open = stored_records(&mut trail, "cache:audit:open");
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_has(
        &open[0],
        &json!({ "requestId": "runs", "outcome": "running" }),
    );

    let entries = entries(&app);
    let died = entries.iter().find(|entry| entry["requestId"] == "died");
    assert_has(died.unwrap(), &expected);
}

#[test]
fn a_record_of_long_names_is_cut_to_4_kib() {
    let app = App::start();
    let keys: Vec<String> = (0..90).map(|n| format!("{n:0>10000}")).collect();
    app.operator()
        .delete("/invalidate", &json!({ "keys": keys }))
        .ok();
    app.operator()
        .delete(
            "/invalidate",
            &json!({ "keys": ["\u{1}".repeat(900_000 / 6)] }),
        )
        .ok();

    for entry in entries(&app) {
        assert!(entry.to_string().len() < 5_000, "{entry:#}");
        assert!(entry["cut"] == true, "{entry:#}");
        assert!(entry["keys"][0].as_str().unwrap().len() <= 256);
    }
}

#[test]
fn a_record_names_the_first_100_keys() {
    let app = App::start();
    let keys: Vec<String> = (0..1_000).map(|n| format!("users:{n}")).collect();
    app.operator()
        .delete("/invalidate", &json!({ "keys": keys }))
        .ok();
    let entry = &entries(&app)[0];

    assert_eq!(entry["keys"].as_array().unwrap().len(), 100);
    assert!(
        entry["detail"].as_str().unwrap().contains("900"),
        "{entry:#}"
    );
}

#[test]
fn a_client_cannot_choose_its_recorded_address() {
    let app = App::start();
    let forged = app
        .operator()
        .with_header("spin-client-addr", "6.6.6.6:1")
        .with_header("x-forwarded-for", "6.6.6.6");
    forged.delete("/invalidate", &json!({ "keys": ["a"] })).ok();
    assert_eq!(entries(&app)[0]["ip"], "127.0.0.1");
}

#[test]
fn behind_a_trusted_proxy_the_previous_hop_is_recorded() {
    let app = App::with(Options::new().variable("trusted_proxies", "1"));
    let client = app
        .operator()
        .with_header("x-forwarded-for", "6.6.6.6, 192.0.2.7");
    client.delete("/invalidate", &json!({ "keys": ["a"] })).ok();
    assert_eq!(entries(&app)[0]["ip"], "192.0.2.7");
}

#[test]
fn a_change_does_not_begin_if_its_intent_finds_no_connection() {
    if !runs_on(
        &[Topology::Single],
        "the trail has no connection of its own",
    ) {
        return;
    }
    let app = App::with(Options::new().proxied());
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..5);
    // Only the connection of the audit trail selects a database.
    app.proxy()
        .fail_named(Fault::Error("ERR max number of clients reached"), |name| {
            name == "SELECT"
        });
    let problem = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(503);

    assert_eq!(
        problem["type"], "urn:edge-cache:problem:too-many-connections",
        "{problem:#}"
    );
    assert_eq!(
        end_to_end::keys(&mut redis, "users:*").len(),
        5,
        "{problem:#}"
    );

    app.proxy().heal();
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    assert_eq!(entries(&app)[0]["keysDeleted"], 5);
}
