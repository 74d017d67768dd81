//! The log: what each detail has, request ids, traces, and no secrets.

use end_to_end::{App, BASE, Caller, Options, Route};
use redis::Commands;
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
    assert_eq!(line["route"], format!("{BASE}/stats"));
    assert_eq!(line["path"], Value::Null);
    assert_eq!(line["ip"], Value::Null);
}

/// The address of the client of [`identified`].
const ADDRESS: &str = "198.51.100.77";
/// Parts of the keys and paths that [`identified`] uses.
const KEYS: [&str; 4] = [
    "ada-lovelace",
    "users:stats",
    "products:4985",
    "products/4985",
];

/// Starts an application with this `log_detail`, whose log has what a client with [`ADDRESS`] and
/// requests for [`KEYS`] cause: lookups, a failed store, and a refused token.
fn identified(log_detail: &str) -> App {
    let options = Options::new().variable("trusted_proxies", "1");
    let app = App::with(options.variable("log_detail", log_detail));
    let mut redis = app.connection();
    let () = redis.zadd("cache:tags:user-data", "x", 1).unwrap();
    let forwarded = format!("192.0.2.1, {ADDRESS}");
    let client = |caller| {
        app.client(caller)
            .with_header("x-forwarded-for", &forwarded)
    };

    let operator = client(Caller::Operator);
    operator.get("/keys/users:ada-lovelace").with_status(404);
    operator
        .get("/keys/entry?key=users:ada-lovelace")
        .with_status(404);
    let nobody = client(Caller::Nobody);
    nobody.send("GET", "/api/products/4985", None).ok();
    nobody.send("GET", "/api/users/stats", None).ok();
    nobody.get("/ada-lovelace").with_status(404);
    nobody.get("/audit").with_status(401);

    assert!(app.logs(&["\"cache.unstored\"", "\"reason\":\"redis\""]));
    app
}

/// The lines of the components.
fn lines(app: &App) -> Vec<Value> {
    let log = app.log();
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn events<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn the_log_has_neither_keys_nor_client_addresses_unless_it_is_full() {
    let app = identified("requests");
    assert!(app.logs(&["\"request\"", "\"status\":401"]));

    let lines = lines(&app);
    let requests = events(&lines, "request");
    let has_route = |route: &str| requests.iter().any(|line| line["route"] == route);
    assert!(has_route("/api/cache/keys/{key}"), "{requests:#?}");
    assert!(has_route("/api/cache/keys/entry"), "{requests:#?}");
    assert!(has_route("/api/products/..."), "{requests:#?}");
    assert!(has_route("/..."), "{requests:#?}");
    assert!(events(&lines, "cache").is_empty());
    for line in lines {
        let line = line.to_string();
        assert!(!line.contains(ADDRESS), "{line}");
        assert!(!KEYS.iter().any(|key| line.contains(key)), "{line}");
    }
}

#[test]
fn a_full_log_has_paths_client_addresses_and_lookups_with_their_keys() {
    let app = identified("full");
    assert!(app.logs(&["\"request\"", "\"status\":401"]));

    let lines = lines(&app);
    let of_key = |line: &&Value| line["path"] == "/api/cache/keys/users:ada-lovelace";
    let request = lines.iter().find(of_key).unwrap();
    assert_eq!(request["route"], "/api/cache/keys/{key}");
    assert_eq!(request["ip"], ADDRESS);
    let lookups = events(&lines, "cache");
    assert!(lookups.iter().any(|line| line["key"] == "users:stats"));
    let unstored = events(&lines, "cache.unstored");
    assert_eq!(unstored[0]["key"], "users:stats");
}

#[test]
fn a_log_of_errors_has_no_lines_of_successful_requests() {
    let mut app = identified("errors");

    let lines = lines(&app);
    assert!(!lines.is_empty());
    for line in &lines {
        assert_ne!(line["level"], "info", "{line}");
        assert_ne!(line["event"], "request", "{line}");
    }

    app.redis_mut().kill();
    app.viewer().get("/stats").with_status(503);
    assert!(app.logs(&["\"request\"", "\"status\":503"]));
}

#[test]
fn the_id_of_a_valid_trace_is_in_the_log() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let app = App::start();
    let logged = |id: &str, traceparent: &str| {
        app.viewer()
            .with_header("x-request-id", id)
            .with_header("traceparent", traceparent)
            .get("/stats")
            .ok();
        assert!(app.logs(&[id]), "no line has {id}");
        let lines = lines(&app);
        let line = lines.iter().find(|line| line["requestId"] == id);
        line.unwrap()["traceId"].clone()
    };

    let valid = format!("00-{TRACE}-00f067aa0ba902b7-01");
    assert_eq!(logged("in-a-trace", &valid), TRACE);
    assert_eq!(logged("in-no-trace", "00-4bf9-00f0-01"), Value::Null);
}

#[test]
fn a_long_path_and_a_long_key_are_cut_to_256_bytes() {
    let app = App::with(Options::new().variable("log_detail", "full"));
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
