//! The configuration file `edge-cache.toml`: its effect, and mistakes in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use end_to_end::{App, Options};
use redis::Commands;
use serde_json::{Value, json};

/// A configuration of another application.
const BOOKSHOP: &str = r#"
[ttl]
"*" = 120
"books" = 600

[[rule]]
event = "book.sold"
keys = ["books:{isbn}"]

[deprecated]
since = 2026-01-31
sunset = 2027-01-31
route = [{ path = "/api/products/cache/clear", pattern = "books:*" }]
"#;

fn app_with(configuration: &str) -> App {
    App::with(Options::new().configuration(configuration))
}

#[test]
fn the_application_has_what_its_file_says_and_nothing_else() {
    let app = app_with(BOOKSHOP);
    let mut redis = app.connection();
    let () = redis.mset(&[("books:1", 1), ("books:2", 1)]).unwrap();

    let table = app.viewer().get("/ttl").data()["table"].take();
    let sold = json!({ "type": "book.sold", "isbn": "1" });
    let report = app.operator().post("/events", &sold).ok();
    let plan = app.viewer().get("/warmup/plan").data()["modules"].take();
    let clear = |path| app.operator().send("POST", path, None);
    let cleared = clear("/api/products/cache/clear");
    let unknown = clear("/api/users/cache/clear");

    assert_eq!(
        table,
        json!([
            { "prefix": "*", "ttl": 120, "source": "builtin" },
            { "prefix": "books", "ttl": 600, "source": "builtin" },
        ])
    );
    assert_eq!(report["details"]["keys"], json!(["books:1"]));
    assert_eq!(plan, json!([]));
    assert_eq!(cleared.header("deprecation"), Some("@1769817600"));
    assert_eq!(
        cleared.header("sunset"),
        Some("Sun, 31 Jan 2027 00:00:00 GMT")
    );
    assert_eq!(cleared.body["stats"]["keysDeleted"], 1, "{cleared:?}");
    assert_eq!(unknown.status, 404);
}

#[test]
fn an_empty_file_is_a_configuration_without_anything() {
    let app = app_with("");

    let table = app.viewer().get("/ttl").data()["table"].take();
    let rules = app.viewer().get("/rules").data()["rules"].take();

    assert_eq!(
        table,
        json!([{ "prefix": "*", "ttl": 300, "source": "builtin" }])
    );
    assert_eq!(rules, json!([]));
}

/// Asserts that requests that need a section return 503 with the place of the mistake.
fn assert_reported(app: &App, requests: &[(&str, &str, Value)], line: u64, column: u64) {
    for (method, path, body) in requests {
        let body = body.to_string();
        let body = (body != "null").then_some(body.as_bytes());
        let problem = app.admin().send(method, path, body).with_status(503);

        let place = format!("edge-cache.toml:{line}:{column}: ");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with(&place), "{method} {path}: {detail}");
        assert_eq!(problem["type"], "urn:edge-cache:problem:misconfigured");
        assert_eq!(problem["file"], "edge-cache.toml", "{problem:#}");
        assert_eq!(problem["line"], line, "{problem:#}");
        assert_eq!(problem["column"], column, "{problem:#}");
    }
}

fn ttl_requests() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("GET", "/api/cache/ttl", Value::Null),
        ("PUT", "/api/cache/ttl", json!({ "prefix": "a", "ttl": 5 })),
        ("DELETE", "/api/cache/ttl?prefix=a", Value::Null),
    ]
}

fn rule_requests() -> Vec<(&'static str, &'static str, Value)> {
    let rule = json!({ "event": "a", "keys": ["b"] });
    vec![
        ("GET", "/api/cache/rules", Value::Null),
        ("PUT", "/api/cache/rules", rule),
        ("DELETE", "/api/cache/rules?event=a", Value::Null),
        ("POST", "/api/cache/events", json!({ "type": "a" })),
    ]
}

fn warmup_requests() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("POST", "/api/cache/warmup", Value::Null),
        ("GET", "/api/cache/warmup/plan", Value::Null),
        ("POST", "/api/cache/warmup/scheduled", Value::Null),
    ]
}

const OLD_ADDRESS: &str = "/api/users/cache/clear";

#[test]
fn a_mistake_in_the_syntax_is_reported_by_every_route_that_needs_the_file() {
    let app = app_with("[ttl]\na = \n");
    let requests = [ttl_requests(), rule_requests(), warmup_requests()].concat();

    assert_reported(&app, &requests, 2, 5);
    assert_reported(&app, &[("POST", OLD_ADDRESS, Value::Null)], 2, 5);

    app.admin().get("/stats").ok();
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    app.viewer().get("/warmup").ok();
}

#[test]
fn a_mistake_in_a_section_is_reported_only_by_routes_that_need_it() {
    let app = app_with("[ttl]\na = 0\n[[rule]]\nevent = 3\n[deprecated]\nroute = 4\n[[module]]\n");

    assert_reported(&app, &ttl_requests(), 2, 5);
    assert_reported(&app, &rule_requests(), 4, 9);
    assert_reported(&app, &[("POST", OLD_ADDRESS, Value::Null)], 6, 9);
    assert_reported(&app, &warmup_requests(), 7, 1);
}
