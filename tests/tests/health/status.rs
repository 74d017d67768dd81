//! The status of a Redis that replies.

use std::time::Duration;

use end_to_end::{App, Fault, ONE_SERVER, Options, RedisServer, runs_on};
use serde_json::{Value, json};

/// Checks that a Redis that replies and refuses writes is unhealthy and not ready, in time and with
/// the reason.
fn assert_unhealthy_and_not_ready(app: &App, kind: &str, words: &str) -> Value {
    let (health, ready) = (
        app.nobody().get("/health"),
        app.nobody().get("/health/ready"),
    );
    assert!(health.took < Duration::from_secs(2), "{health:?} {ready:?}");
    assert!(ready.took < Duration::from_secs(1), "{health:?} {ready:?}");

    let health = health.with_status(503);
    assert_eq!(health["status"], "unhealthy", "{health:#}");
    assert_eq!(health["redis"]["connected"], true, "{health:#}");
    assert!(
        health["redis"]["error"].as_str().unwrap().contains(words),
        "{health:#}"
    );
    assert!(health["redis"]["lastSeen"].is_string(), "{health:#}");
    assert!(health["redis"]["memoryUsageBytes"].is_u64(), "{health:#}");
    assert_eq!(
        ready.with_status(503)["type"],
        format!("urn:edge-cache:problem:{kind}")
    );

    health
}

#[test]
fn a_reachable_redis_is_healthy() {
    let app = App::start();
    let health = app.nobody().get("/health").ok();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["redis"]["reasons"], json!([]));
    assert_eq!(health["redis"]["maxMemory"], Value::Null);
    assert_eq!(health["redis"]["usagePercent"], Value::Null);

    let latency = health["redis"]["latencyMs"].as_f64().unwrap();
    assert!(latency > 0.0, "a fraction of a millisecond is not 0");
    assert!(health["redis"]["memoryUsageBytes"].as_u64().unwrap() > 100_000);
}

#[test]
fn health_is_public_with_any_token() {
    let app = App::start();
    for client in [app.nobody(), app.stranger(), app.viewer()] {
        for path in ["/health", "/health/live", "/health/ready"] {
            client.get(path).ok();
        }
    }
}

#[test]
fn memory_near_its_limit_is_degraded_with_200() {
    if !runs_on(ONE_SERVER, "each node of a Cluster has a limit of its own") {
        return;
    }
    let app = App::start();
    let mut redis = app.connection();
    let used = app.nobody().get("/health").ok()["redis"]["memoryUsageBytes"]
        .as_u64()
        .unwrap();
    let () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg(used)
        .query(&mut redis)
        .unwrap();
    let health = app.nobody().get("/health").ok();

    assert_eq!(health["status"], "degraded");
    assert_eq!(health["redis"]["maxMemoryBytes"], used);
    assert!(health["redis"]["usagePercent"].as_f64().unwrap() > 90.0);
    assert!(
        health["redis"]["reasons"][0]
            .as_str()
            .unwrap()
            .contains("maxmemory"),
        "{health:#}"
    );
}

#[test]
fn a_slow_reply_is_degraded() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(Options::new().proxied());
    app.proxy().fail(Fault::Slow(Duration::from_millis(150)));
    let health = app.nobody().get("/health").ok();

    assert_eq!(health["status"], "degraded");
    assert!(
        health["redis"]["latencyMs"].as_f64().unwrap() > 100.0,
        "{health:#}"
    );
    assert!(
        health["redis"]["reasons"][0]
            .as_str()
            .unwrap()
            .contains("PING"),
        "{health:#}"
    );
}

#[test]
fn a_replica_is_unhealthy_and_reported_as_one() {
    if !runs_on(ONE_SERVER, "cluster.rs has replicas of a Cluster") {
        return;
    }
    let primary = RedisServer::start();
    let app = App::start();
    let mut redis = app.connection();
    let () = redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(primary.port())
        .query(&mut redis)
        .unwrap();
    let health = assert_unhealthy_and_not_ready(&app, "redis-read-only", "is a replica");

    assert_eq!(health["redis"]["role"], "replica");

    let stats = app.viewer().get("/stats").data();
    assert_eq!(stats["role"], "replica");
    assert_eq!(stats["alerts"][0]["kind"], "replica");

    let () = redis::cmd("REPLICAOF")
        .arg("NO")
        .arg("ONE")
        .query(&mut redis)
        .unwrap();
    assert_eq!(app.nobody().get("/health").ok()["redis"]["role"], "primary");

    app.nobody().get("/health/ready").ok();
}

#[test]
fn a_redis_with_too_few_replicas_is_unhealthy() {
    let app = App::with(Options::new().redis(&["--min-replicas-to-write", "1"]));
    assert_unhealthy_and_not_ready(&app, "redis-not-enough-replicas", "min-replicas-to-write");
}

#[test]
fn paused_writes_are_unhealthy_in_time() {
    let app = App::start();
    app.nobody().get("/health").ok();
    app.nobody().get("/health/ready").ok();
    let mut redis = app.connection();
    let () = redis::cmd("CLIENT")
        .arg("PAUSE")
        .arg(60_000)
        .arg("WRITE")
        .query(&mut redis)
        .unwrap();

    assert_unhealthy_and_not_ready(&app, "redis-timeout", "accepts no writes");

    let () = redis::cmd("CLIENT")
        .arg("UNPAUSE")
        .query(&mut redis)
        .unwrap();
    assert_eq!(app.nobody().get("/health").ok()["status"], "healthy");

    app.nobody().get("/health/ready").ok();
}

#[test]
fn a_full_redis_without_eviction_is_degraded_and_ready() {
    let app = App::start();
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "100kb"])
        .query(&mut app.connection())
        .unwrap();
    let health = app.nobody().get("/health").ok();

    assert_eq!(health["status"], "degraded");
    assert!(
        health["redis"]["reasons"]
            .to_string()
            .contains("no new value is stored"),
        "{health:#}"
    );

    app.nobody().get("/health/ready").ok();
}

#[test]
fn a_value_that_redis_does_not_report_is_null_with_a_reason() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(Options::new().proxied());
    app.proxy().drop_fields(&["used_memory", "maxmemory"]);
    let health = app.nobody().get("/health").ok();

    assert_eq!(health["redis"]["memoryUsage"], Value::Null);
    assert_eq!(health["redis"]["maxMemoryBytes"], Value::Null);
    assert!(
        health["redis"]["unknown"]
            .to_string()
            .contains("no used_memory: memory is not judged"),
        "{health:#}"
    );
}

#[test]
fn a_redis_that_refuses_commands_is_connected() {
    let app = App::with(Options::new().default_user());
    app.nobody().get("/health").ok();
    let mut redis = app.connection();
    let () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("requirepass")
        .arg("secret")
        .query(&mut redis)
        .unwrap();
    let _: redis::Value = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .query(&mut redis)
        .unwrap();
    let health = app.nobody().get("/health").with_status(503);

    assert_eq!(health["status"], "unhealthy");
    assert_eq!(health["redis"]["connected"], true);
}
