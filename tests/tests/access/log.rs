//! The log: request ids, and no secrets.

use end_to_end::{App, BASE, Caller, Options, Route};
use serde_json::Value;

use crate::{behind_a_proxy, from_elsewhere};

#[test]
fn tokens_and_passwords_never_appear_in_responses_or_the_log() {
    let app = App::with(
        Options::new()
            .variable("redis_password", "the-password-of-redis")
            .redis(&["--requirepass", "another-password"]),
    );
    let secrets = Caller::ALL
        .into_iter()
        .filter_map(Caller::token)
        .chain(["the-password-of-redis", "another-password"]);
    let mut seen = String::new();

    for caller in Caller::ALL {
        for route in Route::administration() {
            seen += &route.send(&app.client(caller)).body.to_string();
        }
    }

    seen += &app.log();
    for secret in secrets {
        assert!(!seen.contains(secret), "{secret} appears");
    }
}

#[test]
fn tokens_never_appear_in_the_audit_trail_or_the_log() {
    let app = behind_a_proxy();
    let mut seen = String::new();
    for (number, route) in Route::administration().iter().enumerate() {
        for caller in Caller::ALL {
            seen += &route
                .send(&from_elsewhere(&app, caller, number))
                .body
                .to_string();
        }
    }

    let trail = app.admin().get("/audit?limit=100").ok();
    assert!(
        trail["data"]["pagination"]["total"].as_u64().unwrap() > 50,
        "{trail:#}"
    );

    seen += &trail.to_string();
    seen += &app.log();
    for token in Caller::ALL.into_iter().filter_map(Caller::token) {
        assert!(!seen.contains(token), "{token} appears");
    }
}

#[test]
fn every_request_is_logged_in_one_line() {
    let app = App::start();
    app.viewer()
        .with_header("x-request-id", "find-me")
        .get("/stats")
        .ok();
    assert!(app.logs(&["find-me"]), "the request is not in the log");

    let log = app.log();
    let lines: Vec<Value> = log
        .lines()
        .filter(|line| line.contains("find-me"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{log}");

    let line = &lines[0];
    assert_eq!(line["status"], 200);
    assert_eq!(line["method"], "GET");
    assert_eq!(line["who"], "monitoring");
    assert_eq!(line["path"], format!("{BASE}/stats"));
    assert_eq!(line["ip"], "127.0.0.1");
}

#[test]
fn a_long_path_and_a_long_key_are_cut_to_256_bytes() {
    let app = App::start();
    let path = format!("{BASE}/keys/{}", "x".repeat(5_000));
    app.operator()
        .with_header("x-request-id", "a-long-path")
        .send("GET", &path, None)
        .with_status(422);
    // The shop logs the outcome of its lookup.
    let slug = "x".repeat(256);
    app.nobody()
        .send("GET", &format!("/api/seo/page/{slug}"), None)
        .with_status(404);
    let key = format!("seo:page:{slug}:metatags");

    for (part, field, name) in [
        ("\"a-long-path\"", "path", path),
        ("\"event\":\"cache\"", "key", key),
    ] {
        assert!(app.logs(&[part]), "no line has {part}");
        let log = app.log();
        let line = log.lines().find(|line| line.contains(part)).unwrap();
        let line: Value = serde_json::from_str(line).unwrap();
        let expected = format!("{}... ({} bytes)", &name[..256], name.len());
        assert_eq!(line[field], expected);
        assert!(!log.contains(&name), "the whole {field} is in the log");
    }
}

#[test]
fn a_plain_request_id_is_kept_and_any_other_replaced() {
    let app = App::start();
    // The client checks which of the two applies.
    for id in [
        "a",
        "A-b_c.d:9",
        &"x".repeat(128),
        &"x".repeat(129),
        "with space",
        "semi;colon",
        "\"quoted\"",
        "é",
        "",
    ] {
        app.nobody()
            .with_header("x-request-id", id)
            .get("/health/live")
            .ok();
        app.nobody()
            .with_header("x-request-id", id)
            .get("/stats")
            .with_status(401);
    }
}
