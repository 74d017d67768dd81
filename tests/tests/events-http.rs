//! `POST /api/cache/events`.

use end_to_end::App;
use redis::Commands;
use serde_json::json;

#[test]
fn an_event_invalidates_only_the_keys_of_its_rules() {
    let app = App::start();
    let mut redis = app.connection();
    for key in [
        "products:1:details",
        "products:1:stock",
        "products:10:details",
        "products:popular:list",
        "users:1",
    ] {
        let () = redis.set(key, 1).unwrap();
    }

    let report = app
        .operator()
        .post("/events", &json!({ "type": "product.updated", "id": "1" }))
        .ok();
    assert_eq!(report["details"]["patterns"]["products:1:*"], 2);
    assert_eq!(report["details"]["keys"], json!(["products:popular:list"]));

    let trail = app.admin().get("/audit").data();
    let record = &trail["entries"][0];
    assert_eq!(record["action"], "event");
    assert_eq!(record["detail"], "product.updated");
    assert_eq!(
        record["keys"],
        json!(["products:popular:list", "products:bestsellers"])
    );
    assert_eq!(record["patterns"][0], "products:1:*");

    let left: Vec<bool> = ["products:10:details", "users:1"]
        .iter()
        .map(|key| redis.exists(key).unwrap())
        .collect();
    assert_eq!(left, [true, true]);
}

#[test]
fn an_event_is_handled_even_if_it_cannot_be_counted() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("cache:events", "no hash").unwrap();
    let () = redis.set("products:1:details", 1).unwrap();
    let report = app
        .operator()
        .post("/events", &json!({ "type": "product.updated", "id": "1" }))
        .ok();

    assert_eq!(report["stats"]["keysInvalidated"], 1);
    assert!(!redis.exists::<_, bool>("products:1:details").unwrap());

    let trail = app.admin().get("/audit").data();
    assert_eq!(trail["entries"][0]["outcome"], "ok");
    assert_eq!(trail["entries"][0]["keysDeleted"], 1);
}

#[test]
fn an_id_is_escaped_in_a_pattern() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("products:1:details", 1).unwrap();
    app.operator()
        .post("/events", &json!({ "type": "product.updated", "id": "*" }))
        .ok();
    assert!(redis.exists::<_, bool>("products:1:details").unwrap());
}

#[test]
fn unknown_and_malformed_events_are_refused_and_counted() {
    let app = App::start();
    app.operator()
        .post("/events", &json!({ "type": "order.paid" }))
        .with_status(422);
    app.operator()
        .post("/events", &json!({ "type": "product.updated" }))
        .with_status(422);
    app.operator()
        .send("POST", "/api/cache/events", Some(b"{"))
        .with_status(400);
    app.operator()
        .post("/events", &json!({ "type": "stock.changed" }))
        .ok();
    let mut redis = app.connection();
    let counted: (u32, u32) = (
        redis.hget("cache:events", "refused").unwrap(),
        redis.hget("cache:events", "handled").unwrap(),
    );

    assert_eq!(counted, (3, 1));
}
