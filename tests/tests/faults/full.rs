//! A Redis whose memory is full.

use crate::command;
use end_to_end::{App, Connection, Options, assert_all_recovered, fill};
use redis::Commands;
use serde_json::{Value, json};

/// Wakes the schedule, which has nothing to do that a full Redis refuses.
fn wake(app: &App) -> Value {
    app.admin().post("/warmup/scheduled", &json!({})).ok()
}

#[test]
fn a_full_redis_is_read_and_cleared_but_not_filled() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..100);
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    command(&mut redis, &["CONFIG", "SET", "maxmemory", "1"]);

    assert_eq!(app.nobody().get("/health").ok()["status"], "degraded");

    app.viewer().get("/stats").ok();
    app.viewer().get("/keys").ok();
    app.operator().get("/keys/users:1").ok();
    let problem = app.admin().post("/warmup", &json!({})).with_status(503);

    assert_eq!(
        problem["type"],
        "urn:edge-cache:problem:redis-out-of-memory"
    );

    let cleared = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:1*" }))
        .ok();
    assert_eq!(cleared["stats"]["keysDeleted"], 11);

    let record = app.admin().get("/audit?limit=1").data()["entries"][0].take();
    assert_eq!(record["action"], "clear");
    assert_eq!(record["pattern"], "users:1*");
    assert_eq!(record["keysDeleted"], 11);
    assert_eq!(record["outcome"], "ok", "{cleared:#}\n{record:#}");
    assert!(
        !cleared["warnings"].to_string().contains("audit"),
        "{cleared:#}"
    );

    app.operator()
        .delete(
            "/invalidate",
            &json!({ "keys": ["users:2"], "tags": ["t"] }),
        )
        .ok();
    app.admin()
        .delete("/invalidate", &json!({ "patterns": ["users:3*"] }))
        .ok();
    app.admin()
        .patch("/keys/users:4", &json!({ "ttl": 60 }))
        .ok();
    app.admin().post("/clear", &json!({ "confirm": true })).ok();

    // The samples of `/stats` are written on a full Redis too.
    assert_eq!(
        end_to_end::keys(&mut redis, "*"),
        ["cache:samples", "cache:ttl"],
        "a full Redis lost a protected key"
    );

    app.nobody().get("/stats").with_status(401);
    command(&mut redis, &["CONFIG", "SET", "maxmemory", "0"]);
    assert_all_recovered(&app);
}

fn set_maxmemory(redis: &mut Connection, bytes: &str) {
    redis.on_each_node(redis::cmd("CONFIG").arg(&["SET", "maxmemory", bytes]));
}

#[test]
fn on_a_full_redis_it_relieves_memory_and_does_what_is_left() {
    let app = App::with(Options::new().variable("relief_patterns", "old:*"));
    let mut redis = app.connection();
    wake(&app);
    let () = redis.del("cache:samples").unwrap();
    for n in 0..20 {
        let () = redis.set(format!("old:{n}"), "x").unwrap();
    }
    set_maxmemory(&mut redis, "1");

    let report = wake(&app);
    assert_eq!(report["relief"]["keysDeleted"], 20, "{report:#}");
    assert_eq!(report["reason"], Value::Null, "{report:#}");
    assert!(report["sweep"].is_object(), "{report:#}");
    let samples: u64 = redis.xlen("cache:samples").unwrap();
    assert_eq!(samples, 1, "alerts are judged by samples");
    let again = wake(&app);
    assert_eq!(
        again["relief"],
        Value::Null,
        "at most once a minute: {again:#}"
    );

    // A warmup that is due is impossible, which is reported once, not at each wake-up.
    set_maxmemory(&mut redis, "0");
    let () = redis.hset("cache:warmup:schedule", "last_at", 0).unwrap();
    set_maxmemory(&mut redis, "1");
    let failed = app
        .admin()
        .post("/warmup/scheduled", &json!({}))
        .with_status(503);
    assert_eq!(failed["type"], "urn:edge-cache:problem:redis-out-of-memory");
    assert_eq!(wake(&app)["reason"], Value::Null);
}
