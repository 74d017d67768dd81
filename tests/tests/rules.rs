//! `GET`, `PUT` and `DELETE /api/cache/rules`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Client, Options, Response, Subscriber};
use redis::Commands;
use serde_json::{Value, json};

/// How long an override takes to be in force everywhere.
const IN_FORCE: Duration = Duration::from_secs(1);

fn put(client: &Client, body: &Value) -> Response {
    client.send("PUT", "/api/cache/rules", Some(body.to_string().as_bytes()))
}

/// Types and origins of the rules.
fn outline(data: &Value) -> Vec<(String, String)> {
    let rules = data["rules"].as_array().unwrap().iter();
    let field = |rule: &'_ Value, name| rule[name].as_str().unwrap().to_owned();
    rules
        .map(|rule| (field(rule, "event"), field(rule, "source")))
        .collect()
}

fn keys_of_event(app: &App, event: &Value) -> Value {
    let report = app.operator().post("/events", event).ok();
    report["details"]["keys"].clone()
}

#[test]
fn the_rules_of_the_file_are_shown_in_its_order() {
    let app = App::start();

    let rules = app.viewer().get("/rules").data();

    assert_eq!(rules["rules"].as_array().unwrap().len(), 7);
    assert_eq!(
        rules["rules"][1],
        json!({
            "event": "catalogue.imported",
            "keys": [],
            "patterns": ["products:*"],
            "tags": [],
            "mode": "hard",
            "source": "builtin",
        })
    );
}

#[test]
fn an_override_is_in_force_within_a_second_and_survives_a_global_clear() {
    let app = App::start();
    let event = json!({ "type": "product.updated", "id": "1" });
    app.operator().post("/events", &event).ok();

    let rule = json!({ "event": "product.*", "keys": ["products:{id}:only"] });
    let rules = put(&app.admin(), &rule).data();
    assert_eq!(
        outline(&rules)[0],
        ("product.*".to_owned(), "override".to_owned())
    );
    assert_eq!(outline(&rules).len(), 7);

    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    let mut redis = app.connection();
    let () = redis
        .mset(&[("products:1:only", 1), ("products:popular:list", 1)])
        .unwrap();
    sleep(IN_FORCE);

    assert_eq!(keys_of_event(&app, &event), json!(["products:1:only"]));
    assert!(redis.exists::<_, bool>("products:popular:list").unwrap());
}

#[test]
fn an_override_adds_a_type_that_the_file_does_not_have() {
    let app = App::with(Options::new().configuration(""));
    let event = json!({ "type": "order.paid", "number": 17 });
    let problem = app.operator().post("/events", &event).with_status(422);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("there are no rules"),
        "{problem:#}"
    );

    let rule = json!({ "event": "order.*", "keys": ["orders:{number}"], "tags": ["orders"] });
    put(&app.admin(), &rule).data();
    let () = app.connection().set("orders:17", 1).unwrap();
    sleep(IN_FORCE);

    assert_eq!(keys_of_event(&app, &event), json!(["orders:17"]));
}

#[test]
fn an_event_is_not_refused_while_its_overrides_are_unknown() {
    let app = App::start();
    let rule = json!({ "event": "order.paid", "keys": ["orders:{id}"] });
    put(&app.admin(), &rule).data();
    let post = |event: &[u8]| {
        app.operator()
            .send("POST", "/api/cache/events", Some(event))
    };
    app.redis().freeze();

    let response = post(br#"{"type":"order.paid","id":7}"#);
    assert_eq!(response.status, 503, "{response:#?}");
    let response = post(b"{");
    assert_eq!(response.status, 400, "{response:#?}");

    app.redis().thaw();
    post(br#"{"type":"order.paid","id":7}"#).with_status(200);
    post(br#"{"type":"nothing.known"}"#).with_status(422);
}

#[test]
fn an_override_is_in_force_for_messages_of_the_channel() {
    let app = App::with(Options::new().default_user());
    let subscriber = Subscriber::start(app.redis());
    let mut redis = app.connection();
    let rule = json!({ "event": "user.updated", "keys": ["users:{id}:avatar"] });
    put(&app.admin(), &rule).data();
    let () = redis.set("users:7:avatar", 1).unwrap();

    let deadline = Instant::now() + Duration::from_secs(120);
    while redis.exists("users:7:avatar").unwrap() {
        assert!(Instant::now() < deadline, "{}", subscriber.log());
        let message = r#"{"type":"user.updated","id":7}"#;
        let () = redis.publish("cache:events", message).unwrap();
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_override_can_be_removed_once() {
    let app = App::start();
    put(
        &app.admin(),
        &json!({ "event": "order.paid", "keys": ["a"] }),
    )
    .data();
    let delete = |query: &str, body: Option<&[u8]>| {
        app.admin()
            .send("DELETE", &format!("/api/cache/rules{query}"), body)
    };

    let rules = delete("?event=order.paid", None).data();
    assert!(
        outline(&rules)
            .iter()
            .all(|(_, source)| source == "builtin")
    );

    delete("", Some(br#"{"event":"order.paid"}"#)).with_status(404);
    let both = delete("?event=a", Some(br#"{"event":"b"}"#));
    assert_eq!(both.with_status(422)["field"], "event");
}

#[test]
fn an_invalid_rule_is_named_and_changes_nothing() {
    let app = App::start();
    let cases = [
        (json!({ "keys": ["a"] }), "event"),
        (json!({ "event": "a b", "keys": ["a"] }), "event"),
        (json!({ "event": "a" }), "keys"),
        (json!({ "event": "a", "keys": ["cache:ttl"] }), "keys[0]"),
        (
            json!({ "event": "a", "patterns": ["b:*", "*"] }),
            "patterns[1]",
        ),
        (
            json!({ "event": "a", "patterns": ["b:{id"] }),
            "patterns[0]",
        ),
        (json!({ "event": "a", "tags": [""] }), "tags[0]"),
        (json!({ "event": "a", "keys": ["b"], "x": 1 }), "x"),
    ];
    for (body, field) in cases {
        let problem = put(&app.admin(), &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }

    let rules = app.viewer().get("/rules").data();
    assert!(
        outline(&rules)
            .iter()
            .all(|(_, source)| source == "builtin")
    );
}

#[test]
fn only_an_admin_changes_rules() {
    let app = App::start();
    let rule = json!({ "event": "a", "keys": ["b"] });

    put(&app.operator(), &rule).with_status(403);
    app.nobody()
        .send("GET", "/api/cache/rules", None)
        .with_status(401);

    put(&app.admin(), &rule).data();
}

#[test]
fn a_change_is_recorded() {
    let app = App::start();
    let rule = json!({ "event": "product.*", "keys": ["a", "b"], "tags": ["t"] });
    put(&app.admin(), &rule).data();

    let entry = app.admin().get("/audit").data()["entries"][0].take();

    assert_eq!(entry["action"], "rules");
    assert_eq!(entry["detail"], "product.* invalidates keys: 2, tags: 1");
}
