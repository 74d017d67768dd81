//! `GET /api/cache/health`, and the probes below it.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use end_to_end::{App, Monitor};
use serde_json::{Value, json};

#[test]
fn a_redis_that_answers_is_healthy() {
    let app = App::start();
    let health = app.nobody().get("/health").ok();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["redis"]["reasons"], json!([]));
    assert_eq!((&health["redis"]["maxMemory"], &health["redis"]["usagePercent"]), (&Value::Null, &Value::Null));
    assert!(health["redis"]["memoryUsageBytes"].as_u64().unwrap() > 100_000);
}

#[test]
fn anybody_may_ask_whatever_token_comes_along() {
    let app = App::start();
    for client in [app.nobody(), app.stranger(), app.viewer()] {
        for path in ["/health", "/health/live", "/health/ready"] {
            client.get(path).ok();
        }
    }
}

#[test]
fn memory_near_its_limit_is_degraded_and_still_200() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let used = app.nobody().get("/health").ok()["redis"]["memoryUsageBytes"].as_u64().unwrap();
    let () = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(used).query(&mut redis).unwrap();
    let health = app.nobody().get("/health").ok();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["redis"]["maxMemoryBytes"], used);
    assert!(health["redis"]["usagePercent"].as_f64().unwrap() > 90.0);
    assert!(health["redis"]["reasons"][0].as_str().unwrap().contains("maxmemory"), "{health:#}");
}

#[test]
fn a_slow_answer_is_degraded() {
    let app = App::start();
    app.nobody().get("/health").ok();
    let () = redis::cmd("CLIENT").arg("PAUSE").arg(400).query(&mut app.redis().connection()).unwrap();
    let health = app.nobody().get("/health").ok();
    assert_eq!(health["status"], "degraded");
    assert!(health["redis"]["latencyMs"].as_u64().unwrap() > 100, "{health:#}");
    assert!(health["redis"]["reasons"][0].as_str().unwrap().contains("PING"), "{health:#}");
}

#[test]
fn a_redis_that_is_gone_is_unhealthy_and_told_when_it_was_last_seen() {
    let mut app = App::start();
    let timestamp = |path| app.nobody().get(path).ok()["timestamp"].as_str().unwrap().to_owned();
    let (before, after) = (timestamp("/health/live"), timestamp("/health"));
    app.redis_mut().kill();
    let health = app.nobody().get("/health").with_status(503);
    assert_eq!((&health["status"], &health["redis"]["connected"]), (&json!("unhealthy"), &json!(false)));
    let last_seen = health["redis"]["lastSeen"].as_str().unwrap();
    // Whole seconds are kept, so it may lie a part of a second before the first request.
    assert!(before[..19] <= *last_seen && *last_seen <= *after, "{health:#}");
}

#[test]
fn a_redis_that_was_never_there_was_never_seen() {
    let mut app = App::start();
    app.redis_mut().kill();
    let health = app.nobody().get("/health").with_status(503);
    assert_eq!(health["redis"]["lastSeen"], Value::Null);
}

#[test]
fn when_redis_was_last_seen_survives_a_restart_of_the_application() {
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
fn a_redis_that_refuses_was_reached() {
    let app = App::start();
    app.nobody().get("/health").ok();
    let mut redis = app.redis().connection();
    let () = redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("secret").query(&mut redis).unwrap();
    let _: redis::Value = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query(&mut redis).unwrap();
    let health = app.nobody().get("/health").with_status(503);
    assert_eq!((&health["status"], &health["redis"]["connected"]), (&json!("unhealthy"), &json!(true)));
}

#[test]
fn a_black_hole_is_answered_in_time() {
    let app = App::start();
    app.redis().freeze();
    let health = app.nobody().get("/health");
    let ready = app.nobody().get("/health/ready");
    let live = app.nobody().get("/health/live");
    app.redis().thaw();
    assert!(health.took < Duration::from_secs(2), "{health:?}");
    assert_eq!(health.with_status(503)["status"], "unhealthy");
    assert!(ready.took < Duration::from_secs(1), "{ready:?}");
    assert_eq!(ready.with_status(503)["type"], "urn:edge-cache:problem:redis-timeout");
    live.ok();
}

#[test]
fn the_application_is_alive_and_not_ready_without_redis() {
    let mut app = App::start();
    app.redis_mut().kill();
    assert_eq!(app.nobody().get("/health/live").ok()["status"], "live");
    let problem = app.nobody().get("/health/ready").with_status(503);
    assert_eq!(problem["type"], "urn:edge-cache:problem:redis-unreachable");
    app.redis_mut().launch();
    assert_eq!(app.nobody().get("/health/ready").ok()["status"], "ready");
}

#[test]
fn liveness_does_not_touch_redis() {
    let app = App::start();
    let mut monitor = Monitor::start(app.redis());
    app.nobody().get("/health/live").ok();
    assert_eq!(monitor.commands(), Vec::<String>::new());
}

#[test]
fn health_costs_two_commands_and_readiness_one() {
    let app = App::start();
    app.nobody().get("/health").ok();
    let mut monitor = Monitor::start(app.redis());
    app.nobody().get("/health").ok();
    let mut commands = monitor.commands();
    commands.sort();
    assert_eq!(commands, ["info", "ping"]);
    app.nobody().get("/health/ready").ok();
    assert_eq!(monitor.commands(), ["ping"]);
}

#[test]
fn there_is_nothing_else_below_health() {
    let app = App::start();
    for path in ["/health/", "/health/other", "/health/live/x"] {
        app.nobody().get(path).with_status(404);
    }
}

/// How often Redis was asked how it is.
fn looks(redis: &mut redis::Connection) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query(redis).unwrap();
    let calls = info.lines().find_map(|line| line.strip_prefix("cmdstat_ping:calls="));
    calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn requests_that_wait_at_once_share_one_look_and_outlive_the_one_that_looks() {
    let app = App::start();
    let mut redis = app.redis().connection();
    app.nobody().get("/health").ok();
    let before = looks(&mut redis);
    let () = redis::cmd("CLIENT").arg("PAUSE").arg(600).query(&mut redis).unwrap();
    let mut first = TcpStream::connect(app.address()).unwrap();
    first.write_all(b"GET /api/cache/health HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    thread::scope(|scope| {
        for _ in 0..12 {
            thread::sleep(Duration::from_millis(5));
            scope.spawn(|| {
                let health = app.nobody().get("/health").ok();
                assert_eq!(health["status"], "degraded");
                assert!(health["redis"]["latencyMs"].as_u64().unwrap() >= 100, "{health:#}");
            });
        }
        thread::sleep(Duration::from_millis(100));
        first.shutdown(Shutdown::Both).unwrap();
        drop(first);
    });
    let asked = looks(&mut redis) - before;
    assert!((1..=4).contains(&asked), "13 requests asked Redis {asked} times");
    assert_eq!(app.nobody().get("/health").ok()["status"], "healthy");
}
