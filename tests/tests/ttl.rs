//! `GET`, `PUT` and `DELETE /api/cache/ttl`.

use end_to_end::{App, Client};
use serde_json::{Value, json};

fn put(client: &Client, body: &Value) -> end_to_end::Response {
    client.send("PUT", "/api/cache/ttl", Some(body.to_string().as_bytes()))
}

#[test]
fn an_override_applies_at_once_and_survives_a_global_clear() {
    let app = App::start();
    let table = put(&app.admin(), &json!({ "prefix": "vehicles", "ttl": 77 })).data();
    assert_eq!(
        table["table"][0],
        json!({ "prefix": "vehicles", "ttl": 77, "source": "override" })
    );

    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.nobody().send("GET", "/api/vehicles/brands", None);
    let left: i64 = redis::Commands::ttl(&mut app.connection(), "vehicles:brands:top20").unwrap();

    // The key lives for its TTL with a jitter of 5 %, and its grace of 300 s.
    assert!(
        (77 * 94 / 100 + 300..=77 * 106 / 100 + 300).contains(&left),
        "{left} s"
    );
}

#[test]
fn an_override_can_be_removed_once() {
    let app = App::start();
    put(&app.admin(), &json!({ "prefix": "products", "ttl": 5 })).data();
    let delete = || {
        app.admin()
            .send("DELETE", "/api/cache/ttl?prefix=products", None)
    };

    assert_eq!(delete().data()["table"].as_array().unwrap().len(), 15);

    delete().with_status(404);
    let both = app.admin().send(
        "DELETE",
        "/api/cache/ttl?prefix=a",
        Some(br#"{"prefix":"b"}"#),
    );
    assert_eq!(both.with_status(422)["field"], "prefix");

    app.admin()
        .send(
            "DELETE",
            "/api/cache/ttl",
            Some(br#"{"prefix":"products"}"#),
        )
        .with_status(404);
}

#[test]
fn an_invalid_override_is_named_and_changes_nothing() {
    let app = App::start();
    let cases = [
        (json!({ "prefix": "cache:x", "ttl": 1 }), "prefix"),
        (json!({ "prefix": "a:*", "ttl": 1 }), "prefix"),
        (json!({ "prefix": " ", "ttl": 1 }), "prefix"),
        (json!({ "prefix": "products ", "ttl": 1 }), "prefix"),
        (json!({ "prefix": "pro\u{200b}ducts", "ttl": 1 }), "prefix"),
        (json!({ "ttl": 1 }), "prefix"),
        (json!({ "prefix": "a" }), "ttl"),
        (json!({ "prefix": "a", "ttl": 0 }), "ttl"),
        (json!({ "prefix": "a", "ttl": 1, "x": 1 }), "x"),
    ];
    for (body, field) in cases {
        assert_eq!(
            put(&app.admin(), &body).with_status(422)["field"],
            field,
            "{body}"
        );
    }

    assert_eq!(
        app.viewer().get("/ttl").data()["table"]
            .as_array()
            .unwrap()
            .len(),
        15
    );
}

#[test]
fn a_change_is_recorded() {
    let app = App::start();
    put(&app.admin(), &json!({ "prefix": "products", "ttl": 5 })).data();
    let entry = app.admin().get("/audit").data()["entries"][0].take();
    assert_eq!(entry["action"], "ttl");
    assert_eq!(entry["detail"], "products lives 5 s");
}
