//! `GET /api/cache/audit`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use end_to_end::{App, Client, Options, fill};
use serde_json::{Value, json};

fn entries(app: &App) -> Vec<Value> {
    app.admin().get("/audit?limit=100").data()["entries"].as_array().unwrap().clone()
}

/// Compares the given fields.
fn assert_has(entry: &Value, expected: &Value) {
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&entry[field], value, "{field} of {entry:#}");
    }
}

fn with_id(client: Client, id: &str) -> Client {
    client.with_header("x-request-id", id)
}

#[test]
fn every_change_is_recorded_with_who_what_and_how_it_went_newest_first() {
    let app = App::start();
    fill(&mut app.redis().connection(), "users:", 0..50);
    with_id(app.operator(), "first").post("/clear", &json!({ "pattern": "users:1*" })).ok();
    with_id(app.admin(), "second")
        .delete("/invalidate", &json!({ "keys": ["users:2", "nothing"], "patterns": ["users:3*"], "tags": ["t"] }))
        .ok();
    with_id(app.admin(), "third").patch("/keys/users:4", &json!({ "ttl": 600 })).ok();
    with_id(app.admin(), "fourth").post("/warmup", &json!({ "modules": ["users"], "force": true })).ok();
    with_id(app.admin(), "fifth").post("/clear", &json!({ "confirm": true })).ok();
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
    entries.iter().zip(&expected).for_each(|(entry, expected)| assert_has(entry, expected));
    assert!(entries[1]["detail"].as_str().unwrap().contains("users"), "{:#}", entries[1]);
    assert!(entries.is_sorted_by(|newer, older| newer["at"].as_str() >= older["at"].as_str()));
}

#[test]
fn an_action_that_failed_is_recorded_as_failed() {
    let app = App::start();
    app.admin().patch("/keys/nothing", &json!({ "ttl": 5 })).with_status(404);
    let () = redis::cmd("SET").arg("lock:cache:warmup").arg("x").query(&mut app.redis().connection()).unwrap();
    app.admin().post("/warmup", &json!({})).with_status(409);
    let entries = entries(&app);
    assert_has(&entries[0], &json!({ "action": "warmup", "outcome": "failed" }));
    assert_has(
        &entries[1],
        &json!({ "action": "expire", "outcome": "failed", "keys": ["nothing"], "detail": "ttl 5 s",
                 "error": "there is no key nothing: it was never set, or it expired or was removed" }),
    );
}

#[test]
fn denied_attempts_are_recorded_with_what_was_tried() {
    let app = App::start();
    with_id(app.nobody(), "a").get("/stats").with_status(401);
    with_id(app.stranger(), "b").get("/keys?pattern=users:*").with_status(401);
    with_id(app.viewer(), "c").post("/clear", &json!({ "confirm": true })).with_status(403);
    with_id(app.operator(), "d").post("/clear", &json!({ "confirm": true })).with_status(403);
    let expected = [
        json!({ "who": "support", "role": "operator", "requestId": "d", "detail": "POST /api/cache/clear" }),
        json!({ "who": "monitoring", "role": "viewer", "requestId": "c", "detail": "POST /api/cache/clear" }),
        json!({ "who": "-", "role": "-", "requestId": "b", "detail": "GET /api/cache/keys" }),
        json!({ "who": "-", "role": "-", "requestId": "a", "detail": "GET /api/cache/stats" }),
    ];
    for (entry, expected) in entries(&app).iter().zip(&expected) {
        assert_has(entry, expected);
        assert_has(entry, &json!({ "action": "denied", "outcome": "denied", "ip": "127.0.0.1" }));
    }
}

#[test]
fn reading_and_dry_runs_are_not_recorded() {
    let app = App::start();
    app.viewer().get("/stats").ok();
    app.viewer().get("/keys").ok();
    app.operator().post("/clear", &json!({ "pattern": "users:*", "dryRun": true })).ok();
    app.operator().delete("/invalidate", &json!({ "keys": ["a"], "dryRun": true })).ok();
    assert_eq!(entries(&app), Vec::<Value>::new());
}

#[test]
fn pages_lead_to_the_oldest_record() {
    let app = App::start();
    for n in 0..23 {
        with_id(app.operator(), &n.to_string()).delete("/invalidate", &json!({ "keys": ["a"] })).ok();
    }
    for limit in [1, 5, 23, 50] {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = app.admin().get(&format!("/audit?limit={limit}&cursor={cursor}")).data();
            let entries = page["entries"].as_array().unwrap();
            assert!(entries.len() <= limit);
            assert_eq!(
                (&page["pagination"]["total"], &page["pagination"]["returned"]),
                (&json!(23), &json!(entries.len()))
            );
            ids.extend(entries.iter().map(|entry| entry["requestId"].as_str().unwrap().parse::<u32>().unwrap()));
            match page["pagination"]["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(ids, (0..23).rev().collect::<Vec<_>>(), "limit {limit}");
    }
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let app = App::start();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=1", "cursor"),
        ("cursor=1-2-3", "cursor"),
        ("cursor=0-0", "cursor"),
        ("cursor=0-00", "cursor"),
        ("cursor=000-0", "cursor"),
        ("who=me", "who"),
    ] {
        let problem = app.admin().get(&format!("/audit?{query}")).with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[test]
fn a_cursor_beyond_what_redis_can_count_is_no_failure() {
    let app = App::start();
    for cursor in ["18446744073709551615-18446744073709551615", "0-0", "0-1"] {
        let answer = app.admin().get(&format!("/audit?cursor={cursor}"));
        assert!([200, 422].contains(&answer.status), "{answer:#?}");
    }
}

#[test]
fn the_trail_survives_every_clear() {
    let app = App::start();
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.admin().post("/clear", &json!({ "pattern": "cache:*" })).ok();
    app.admin().delete("/invalidate", &json!({ "patterns": ["cache:*"] })).ok();
    assert_eq!(entries(&app).len(), 3);
}

#[test]
fn where_it_shares_the_database_nobody_removes_the_trail_and_operators_do_not_read_it() {
    let app = App::with(Options::new().variable("audit_redis_db", "0"));
    app.admin().post("/clear", &json!({ "pattern": "cache:*" })).ok();
    app.admin().post("/clear", &json!({ "pattern": "cache:audit" })).ok();
    app.admin().delete("/invalidate", &json!({ "patterns": ["cache:a*"] })).ok();
    let dry = app.admin().post("/clear", &json!({ "pattern": "cache:audit", "dryRun": true })).ok();
    assert_eq!(dry["stats"]["keysMatched"], 0);
    app.admin().delete("/invalidate", &json!({ "keys": ["cache:audit"] })).with_status(422);
    app.admin().patch("/keys/cache:audit", &json!({ "ttl": 5 })).with_status(422);
    assert_eq!(entries(&app).len(), 3);
    app.operator().get("/keys/cache:audit").with_status(403);
    app.admin().get("/keys/cache:audit").data();
}

#[test]
fn a_change_that_takes_long_is_recorded_while_it_runs_too() {
    let app = App::with(Options::new().variable("command_timeout_ms", "10000"));
    fill(&mut app.redis().connection(), "users:", 0..5);
    let () = redis::cmd("CLIENT").arg(&["PAUSE", "3000", "WRITE"]).query(&mut app.redis().connection()).unwrap();
    with_id(app.operator(), "slow").post("/clear", &json!({ "pattern": "users:*" })).ok();
    let entries = entries(&app);
    let expected = json!({ "action": "clear", "who": "support", "pattern": "users:*", "requestId": "slow" });
    assert_eq!(entries.len(), 2);
    entries.iter().for_each(|entry| assert_has(entry, &expected));
    assert_has(&entries[0], &json!({ "outcome": "ok", "keysDeleted": 5 }));
    assert_has(&entries[1], &json!({ "outcome": "running", "keysDeleted": 0 }));
}

#[test]
fn many_keys_are_recorded_by_the_first_100() {
    let app = App::start();
    let keys: Vec<String> = (0..1_000).map(|n| format!("users:{n}")).collect();
    app.operator().delete("/invalidate", &json!({ "keys": keys })).ok();
    let entry = &entries(&app)[0];
    assert_eq!(entry["keys"].as_array().unwrap().len(), 100);
    assert!(entry["detail"].as_str().unwrap().contains("900"), "{entry:#}");
}

#[test]
fn a_client_cannot_choose_the_address_it_is_recorded_with() {
    let app = App::start();
    let forged = app.operator().with_header("spin-client-addr", "6.6.6.6:1").with_header("x-forwarded-for", "6.6.6.6");
    forged.delete("/invalidate", &json!({ "keys": ["a"] })).ok();
    assert_eq!(entries(&app)[0]["ip"], "127.0.0.1");
}

#[test]
fn behind_a_trusted_proxy_the_hop_before_it_is_recorded() {
    let app = App::with(Options::new().variable("trusted_proxies", "1"));
    let client = app.operator().with_header("x-forwarded-for", "6.6.6.6, 192.0.2.7");
    client.delete("/invalidate", &json!({ "keys": ["a"] })).ok();
    assert_eq!(entries(&app)[0]["ip"], "192.0.2.7");
}
