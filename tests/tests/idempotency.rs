//! Repeated requests with an `Idempotency-Key`.

use end_to_end::{App, Client, Response, keys};
use redis::Commands;
use serde_json::json;

fn with_key(client: Client, key: &str) -> Client {
    client.with_header("idempotency-key", key)
}

fn is_replayed(response: &Response) -> bool {
    response.header("idempotency-replayed") == Some("true")
}

/// The keys in Redis that answers are kept under.
fn kept(app: &App) -> Vec<String> {
    keys(&mut app.trail(), "cache:idempotency:*")
}

#[test]
fn a_repeated_change_is_carried_out_once_and_gets_the_first_answer() {
    let app = App::start();
    let client = with_key(app.operator(), "order-7");
    let body = json!({ "keys": ["users:1"] });
    let () = app.connection().set("users:1", "x").unwrap();

    let first = client.delete("/invalidate", &body);
    let () = app.connection().set("users:1", "x").unwrap();
    let second = client.delete("/invalidate", &body);

    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.body["stats"]["keysInvalidated"], 1);
    assert_eq!(first.body, second.body, "with the same timestamp");
    assert!(!is_replayed(&first) && is_replayed(&second));
    assert_eq!(first.header("operation-id"), second.header("operation-id"));
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    let exists: bool = app.connection().exists("users:1").unwrap();
    assert!(exists, "the second request changed something");
    let audit = app.admin().get("/audit").data();
    assert_eq!(audit["pagination"]["total"], 1, "{audit:#}");
    // Quotes around the key are syntax.
    let quoted = with_key(app.operator(), "\"order-7\"").delete("/invalidate", &body);
    assert!(is_replayed(&quoted));
}

#[test]
fn the_answer_of_a_job_keeps_its_status_and_address() {
    let app = App::start();
    let client = with_key(app.operator(), "job");
    let body = json!({ "pattern": "users:*", "async": true });

    let [first, second] = [(); 2].map(|()| client.post("/clear", &body));

    assert_eq!((first.status, second.status), (202, 202));
    assert!(is_replayed(&second));
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(app.viewer().get("/jobs").data()["pagination"]["total"], 1);
}

#[test]
fn a_key_names_one_request_of_one_token() {
    let app = App::start();
    let client = with_key(app.operator(), "7");
    client.delete("/invalidate", &json!({ "keys": ["a"] })).ok();

    let others = [
        client.delete("/invalidate", &json!({ "keys": ["b"] })),
        client.post("/invalidate", &json!({ "keys": ["a"] })),
        client.post("/clear", &json!({ "pattern": "a:*" })),
    ];
    for other in others {
        let problem = other.with_status(422);
        assert_eq!(
            problem["type"],
            "urn:edge-cache:problem:idempotency-key-reused"
        );
    }

    let of_other_token =
        with_key(app.admin(), "7").delete("/invalidate", &json!({ "keys": ["b"] }));
    assert!(of_other_token.status == 200 && !is_replayed(&of_other_token));
}

#[test]
fn a_failure_is_not_kept() {
    let app = App::start();
    let client = with_key(app.admin(), "expiry");
    let change = || client.patch("/keys/users:1", &json!({ "ttl": 60 }));

    let failed = change();
    assert!(kept(&app).is_empty());
    let () = app.connection().set("users:1", "x").unwrap();
    let changed = change();

    assert_eq!((failed.status, changed.status), (404, 200));
    assert!(!is_replayed(&changed));
    assert!(is_replayed(&change()));
}

#[test]
fn while_the_first_request_runs_a_repeated_one_has_to_wait() {
    let app = App::start();
    let client = with_key(app.operator(), "slow");
    let change = || client.delete("/invalidate", &json!({ "keys": ["a"] }));
    change().ok();
    // As if the first had not ended.
    let key = &kept(&app)[0];
    let () = app.trail().hdel(key, &["head", "body", "cut"]).unwrap();
    let () = app.trail().hset(key, "owner", "another").unwrap();

    let response = change();

    assert_eq!(response.header("retry-after"), Some("1"));
    let problem = response.with_status(409);
    assert_eq!(
        problem["type"],
        "urn:edge-cache:problem:idempotency-running"
    );
    // Its host has died, and its lease has ended.
    let () = app.trail().del(key).unwrap();
    assert!(!is_replayed(&change()));
}

#[test]
fn a_global_clear_keeps_its_own_answer() {
    let app = App::start();
    let client = with_key(app.admin(), "all");
    let clear = || client.post("/clear", &json!({ "confirm": true }));

    let first = clear();
    let second = clear();

    assert_eq!(first.body, second.body);
    assert!(is_replayed(&second));
}

#[test]
fn of_a_long_answer_only_the_fact_is_kept() {
    let app = App::start();
    let client = with_key(app.operator(), "long");
    let names: Vec<_> = (0..1000).map(|n| format!("{n:0>300}")).collect();
    let remove = || client.delete("/invalidate", &json!({ "keys": names }));

    let first = remove();
    let second = remove();

    assert_eq!(first.status, 200);
    let id = first.header("operation-id");
    assert!(id.is_some() && second.header("operation-id") == id);
    let problem = second.with_status(409);
    assert_eq!(
        problem["type"],
        "urn:edge-cache:problem:idempotency-answer-lost"
    );
}

#[test]
fn an_invalid_key_is_refused_and_a_read_ignores_it() {
    let app = App::start();
    let long = "k".repeat(256);
    for key in ["", "\"\"", &long] {
        let client = with_key(app.operator(), key);
        let problem = client.delete("/invalidate", &json!({ "keys": ["a"] }));
        let problem = problem.with_status(400);
        assert_eq!(
            problem["type"],
            "urn:edge-cache:problem:idempotency-key-invalid"
        );

        client.get("/stats").ok();
        client
            .post("/keys/entry", &json!({ "key": "a" }))
            .with_status(404);
    }
    let twice = with_key(with_key(app.operator(), "a"), "b");
    twice
        .delete("/invalidate", &json!({ "keys": ["a"] }))
        .with_status(400);
    assert!(kept(&app).is_empty());
}
