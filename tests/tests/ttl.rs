//! `GET`, `PUT` and `DELETE /api/cache/ttl`.

use end_to_end::{App, Client};
use serde_json::{Value, json};

fn put(client: &Client, body: &Value) -> end_to_end::Answer {
    client.send("PUT", "/api/cache/ttl", Some(body.to_string().as_bytes()))
}

#[test]
fn an_override_is_in_force_at_once_and_outlives_a_global_clear() {
    let app = App::start();
    let table = put(&app.admin(), &json!({ "prefix": "vehicles", "ttl": 77 })).data();
    assert_eq!(table["table"][0], json!({ "prefix": "vehicles", "ttl": 77, "source": "override" }));
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.nobody().send("GET", "/api/vehicles/brands", None);
    let left: i64 = redis::Commands::ttl(&mut app.redis().connection(), "vehicles:brands:top20").unwrap();
    // The value lives its TTL, spread by 5 %, and its grace of 300 s.
    assert!((77 * 94 / 100 + 300..=77 * 106 / 100 + 300).contains(&left), "{left} s");
}

#[test]
fn an_override_is_taken_back_once() {
    let app = App::start();
    put(&app.admin(), &json!({ "prefix": "products", "ttl": 5 })).data();
    let delete = || app.admin().send("DELETE", "/api/cache/ttl?prefix=products", None);
    assert_eq!(delete().data()["table"].as_array().unwrap().len(), 15);
    delete().with_status(404);
    app.admin().send("DELETE", "/api/cache/ttl", Some(br#"{"prefix":"products"}"#)).with_status(404);
}

#[test]
fn a_mistake_is_named_and_changes_nothing() {
    let app = App::start();
    let cases = [
        (json!({ "prefix": "cache:x", "ttl": 1 }), "prefix"),
        (json!({ "prefix": "a:*", "ttl": 1 }), "prefix"),
        (json!({ "ttl": 1 }), "prefix"),
        (json!({ "prefix": "a" }), "ttl"),
        (json!({ "prefix": "a", "ttl": 0 }), "ttl"),
        (json!({ "prefix": "a", "ttl": 1, "x": 1 }), "x"),
    ];
    for (body, field) in cases {
        assert_eq!(put(&app.admin(), &body).with_status(422)["field"], field, "{body}");
    }
    assert_eq!(app.viewer().get("/ttl").data()["table"].as_array().unwrap().len(), 15);
}

#[test]
fn changes_are_in_the_trail() {
    let app = App::start();
    put(&app.admin(), &json!({ "prefix": "products", "ttl": 5 })).data();
    let entry = app.admin().get("/audit").data()["entries"][0].take();
    assert_eq!((&entry["action"], &entry["detail"]), (&json!("ttl"), &json!("products lives 5 s")));
}
