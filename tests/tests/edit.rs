//! `PUT /api/cache/keys/{key}`, and `POST /api/cache/operations/{id}/undo`.

use end_to_end::{App, Options};
use redis::Commands;
use serde_json::{Value, json};

fn hash_of(app: &App, key: &str) -> Value {
    app.admin().get(&format!("/keys/{key}")).data()["hash"].clone()
}

#[test]
fn a_value_is_edited_with_the_hash_that_was_read_and_the_edit_undone() {
    let app = App::start();
    let () = app
        .connection()
        .set_ex("shop:hours", r#"{"open":8}"#, 600)
        .unwrap();
    let body = json!({ "value": r#"{"open":1e1}"#, "if": hash_of(&app, "shop:hours") });

    let edited = app.admin().put("/keys/shop:hours", &body).ok();
    assert_eq!(edited["data"]["type"], "string");
    assert_eq!(edited["data"]["hash"], hash_of(&app, "shop:hours"));
    assert!(edited["data"]["ttlSeconds"].as_u64().unwrap() > 500);
    assert!(edited["data"]["undoUntil"].is_string());
    let raw = app.admin().get("/keys/shop:hours").data()["raw"].clone();
    assert_eq!(raw, r#"{"open":1e1}"#);

    let late = app.admin().put("/keys/shop:hours", &body).with_status(409);
    assert_eq!(late["type"], "urn:edge-cache:problem:value-changed");
    assert_eq!(late["hash"], edited["data"]["hash"]);

    let id = edited["operationId"].as_str().unwrap();
    let undone = app
        .admin()
        .post(&format!("/operations/{id}/undo"), &json!({}))
        .ok();
    assert_eq!(undone["data"]["hash"], body["if"]);
    let stored: String = app.connection().get("shop:hours").unwrap();
    assert_eq!(stored, r#"{"open":8}"#);
    let again = app
        .admin()
        .post(&format!("/operations/{id}/undo"), &json!({}));
    assert_eq!(
        again.with_status(409)["type"],
        "urn:edge-cache:problem:value-changed"
    );
}

#[test]
fn the_audit_trail_has_the_difference_for_admins_only() {
    let app = App::start();
    let () = app.connection().set("note", "tea at four").unwrap();
    let body = json!({ "key": "note", "value": "tea at five", "if": hash_of(&app, "note") });
    let edited = app.admin().put("/keys/entry", &body).ok();

    let record = app.admin().get("/audit?action=edit").data()["entries"][0].clone();
    assert_eq!(record["keys"], json!(["note"]));
    let expected =
        json!({ "at": 0, "before": "tea at four", "after": "tea at five", "cut": false });
    assert_eq!(record["difference"], expected);
    let id = edited["operationId"].as_str().unwrap();
    let operation = app.viewer().get(&format!("/operations/{id}")).data();
    assert_eq!(operation["record"]["action"], "edit");
    assert_eq!(operation["record"]["difference"], Value::Null);
    let marks = app.viewer().get("/history").data()["marks"].clone();
    assert!(
        marks[0]["text"].as_str().unwrap().ends_with(" edited note"),
        "{marks:#}"
    );
}

#[test]
fn parts_of_values_are_left_out_of_the_audit_trail_on_request() {
    let app = App::with(Options::new().variable("audit_values", "false"));
    let () = app.connection().set("note", "a secret").unwrap();
    let body = json!({ "value": "another secret", "if": hash_of(&app, "note") });
    app.admin().put("/keys/note", &body).ok();

    let trail = app.admin().get("/audit").data();
    assert_eq!(trail["entries"][0]["detail"], "14 bytes");
    assert!(!trail.to_string().contains("secret"), "{trail:#}");
    assert!(!app.log().contains("secret"), "{}", app.log());
}

#[test]
fn a_field_of_a_hash_is_edited() {
    let app = App::start();
    let () = app.connection().hset("config", "currency", "EUR").unwrap();
    let shown = app.admin().get("/keys/config").data();
    let element = &shown["value"][0];
    assert_eq!(element["field"], "currency");

    let body = json!({ "field": "currency", "value": "CHF", "if": element["hash"] });
    let edited = app.admin().put("/keys/config", &body).ok();

    assert_eq!(edited["data"]["type"], "hash");
    let stored: String = app.connection().hget("config", "currency").unwrap();
    assert_eq!(stored, "CHF");
}

#[test]
fn without_value_editing_nobody_edits_or_sees_hashes() {
    let app = App::with(Options::new().variable("value_editing", "false"));
    let () = app.connection().set("note", "1").unwrap();
    let body = json!({ "value": "2", "if": "356a192b7913b04c54574d18c28d46e6395428ab" });

    for problem in [
        app.admin().put("/keys/note", &body),
        app.admin()
            .post("/operations/1-0-1-0123456789abcdef/undo", &json!({})),
    ] {
        let problem = problem.with_status(403);
        assert_eq!(problem["type"], "urn:edge-cache:problem:value-editing-off");
    }
    let shown = app.admin().get("/keys/note").data();
    assert!(shown.get("hash").is_none(), "{shown:#}");
}

#[test]
fn only_admins_edit_and_see_hashes() {
    let app = App::start();
    let () = app.connection().set("note", "1").unwrap();
    let shown = app.operator().get("/keys/note").data();
    assert!(shown.get("hash").is_none(), "{shown:#}");

    let body = json!({ "value": "2", "if": hash_of(&app, "note") });
    app.operator().put("/keys/note", &body).with_status(403);
    let stored: String = app.connection().get("note").unwrap();
    assert_eq!(stored, "1");
}

#[test]
fn an_edit_whose_former_value_is_gone_cannot_be_undone() {
    let app = App::start();
    let () = app.connection().set("note", "1").unwrap();
    let body = json!({ "value": "2", "if": hash_of(&app, "note") });
    let edited = app.admin().put("/keys/note", &body).ok();
    let id = edited["operationId"].as_str().unwrap().to_owned();
    let () = app.connection().del(format!("cache:undo:{id}")).unwrap();

    let gone = app
        .admin()
        .post(&format!("/operations/{id}/undo"), &json!({}));
    assert_eq!(
        gone.with_status(410)["type"],
        "urn:edge-cache:problem:undo-expired"
    );

    let other = app
        .admin()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    let id = other["operationId"].as_str().unwrap();
    app.admin()
        .post(&format!("/operations/{id}/undo"), &json!({}))
        .with_status(404);
}

#[test]
fn what_cannot_be_edited_is_refused() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.rpush("list", "a").unwrap();
    let () = redis.set("json", "{}").unwrap();
    let hash = hash_of(&app, "json");

    let body = json!({ "value": "[", "if": hash });
    assert_eq!(
        app.admin().put("/keys/json", &body).with_status(422)["field"],
        "value"
    );
    let body = json!({ "value": "[]", "if": hash });
    let problem = app.admin().put("/keys/list", &body).with_status(409);
    assert_eq!(problem["type"], "urn:edge-cache:problem:not-editable");
    app.admin().put("/keys/absent", &body).with_status(404);
    let problem = app.admin().put("/keys/cache:ttl", &body).with_status(422);
    assert_eq!(problem["field"], "key");
}
