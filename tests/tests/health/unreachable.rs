//! The status of a Redis that does not reply, and when it was last seen.

use std::time::Duration;

use end_to_end::{App, ONE_SERVER, Options, free_port, runs_on};
use serde_json::Value;

/// Returns the problem type of readiness and statistics.
fn refusal(options: Options) -> String {
    let app = App::with(options);
    let ready = app.nobody().get("/health/ready").with_status(503);
    assert_eq!(
        app.viewer().get("/stats").with_status(503)["type"],
        ready["type"]
    );
    assert_eq!(
        app.nobody().get("/health").with_status(503)["status"],
        "unhealthy"
    );

    ready["type"]
        .as_str()
        .unwrap()
        .trim_start_matches("urn:edge-cache:problem:")
        .to_owned()
}

#[test]
fn a_killed_redis_is_unhealthy_with_the_time_it_was_last_seen() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let mut app = App::start();
    let timestamp = |path| {
        app.nobody().get(path).ok()["timestamp"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let before = timestamp("/health/live");
    let after = timestamp("/health");
    app.redis_mut().kill();
    let health = app.nobody().get("/health").with_status(503);

    assert_eq!(health["status"], "unhealthy");
    assert_eq!(health["redis"]["connected"], false);

    let last_seen = health["redis"]["lastSeen"].as_str().unwrap();
    // Whole seconds are stored, so the time may be a fraction of a second before the first request.
    assert!(before[..19] <= *last_seen, "{health:#}");
    assert!(*last_seen <= *after, "{health:#}");
}

#[test]
fn problems_with_tls_differ_from_an_unreachable_redis() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let named = |options: Options| {
        options
            .variable("redis_host", "localhost")
            .variable("redis_tls", "true")
    };
    assert_eq!(refusal(named(Options::new().tls())), "redis-tls-untrusted");
    assert_eq!(refusal(named(Options::new())), "redis-tls-not-spoken");
    assert_eq!(refusal(Options::new().tls()), "redis-tls-required");
}

#[test]
fn the_time_last_seen_belongs_to_one_address() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let mut app = App::start();
    app.nobody().get("/health").ok();
    app.redis_mut().kill();

    assert!(app.nobody().get("/health").with_status(503)["redis"]["lastSeen"].is_string());

    app.set_variable("redis_port", &free_port().to_string());
    app.restart();
    assert_eq!(
        app.nobody().get("/health").with_status(503)["redis"]["lastSeen"],
        Value::Null
    );
}

#[test]
fn a_redis_that_never_replied_was_never_seen() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let mut app = App::start();
    app.redis_mut().kill();
    let health = app.nobody().get("/health").with_status(503);
    assert_eq!(health["redis"]["lastSeen"], Value::Null);
}

#[test]
fn the_time_last_seen_survives_a_restart_of_the_application() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let mut app = App::start();
    app.nobody().get("/health").ok();
    app.redis_mut().kill();
    let before = app.nobody().get("/health").with_status(503);
    app.restart();
    let after = app.nobody().get("/health").with_status(503);
    assert!(before["redis"]["lastSeen"].is_string());
    assert_eq!(after["redis"]["lastSeen"], before["redis"]["lastSeen"]);
}

#[test]
fn a_silent_redis_is_unhealthy_in_time() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let app = App::start();
    app.redis().freeze();
    let health = app.nobody().get("/health");
    let ready = app.nobody().get("/health/ready");
    let live = app.nobody().get("/health/live");
    app.redis().thaw();

    assert!(health.took < Duration::from_secs(2), "{health:?}");
    assert_eq!(health.with_status(503)["status"], "unhealthy");
    assert!(ready.took < Duration::from_secs(1), "{ready:?}");
    assert_eq!(
        ready.with_status(503)["type"],
        "urn:edge-cache:problem:redis-timeout"
    );

    live.ok();
}

#[test]
fn the_application_is_alive_and_not_ready_without_redis() {
    if !runs_on(ONE_SERVER, "the test stops or replaces one server") {
        return;
    }
    let mut app = App::start();
    app.redis_mut().kill();
    assert_eq!(app.nobody().get("/health/live").ok()["status"], "live");
    let problem = app.nobody().get("/health/ready").with_status(503);
    assert_eq!(problem["type"], "urn:edge-cache:problem:redis-unreachable");
    app.redis_mut().launch();
    assert_eq!(app.nobody().get("/health/ready").ok()["status"], "ready");
}
