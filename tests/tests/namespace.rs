//! The variable `cache_namespace`: the internal keys of an administration and its services are in a
//! namespace.

use end_to_end::{App, Options, keys};
use redis::Commands;
use serde_json::json;

/// Uses every operation that keeps keys of its own.
fn use_all(app: &App) {
    let admin = app.admin();
    let ttl = json!({ "prefix": "vehicles", "ttl": 77 }).to_string();
    admin
        .send("PUT", "/api/cache/ttl", Some(ttl.as_bytes()))
        .ok();
    admin.post("/warmup/scheduled", &json!({})).ok();
    app.nobody().send("GET", "/api/vehicles/brands", None);

    let event = json!({ "type": "product.updated", "id": "123" });
    app.operator().post("/events", &event).ok();
    let tags = json!({ "tags": ["product-catalog"], "patterns": ["users:*"], "keys": ["a"], "confirm": true });
    admin.post("/invalidate", &tags).ok();
    admin
        .post("/clear", &json!({ "pattern": "seo:*", "confirm": true }))
        .ok();

    let job = json!({ "pattern": "seo:*", "confirm": true, "async": true });
    let job = admin.post("/clear", &job).with_status(202)["job"]["id"].clone();
    let id = job.as_str().unwrap();
    admin.get(&format!("/jobs/{id}")).ok();
    let expiry = json!({ "pattern": "users:*", "ttl": 60, "confirm": true });
    admin.post("/expire", &expiry).ok();

    for path in [
        "/stats", "/health", "/metrics", "/keys", "/audit", "/ttl", "/warmup",
    ] {
        admin.get(path);
    }
    app.nobody().get("/stats").with_status(401);
}

/// Checks that no internal key has the name that it has without a namespace.
fn check_names(names: &[String], expected: &[&str]) {
    let internal = names
        .iter()
        .filter(|name| name.starts_with("cache:") || name.starts_with("lock:"));
    for name in internal {
        let is_own = name.starts_with("cache:@shop:") || name.starts_with("lock:@shop:");
        assert!(is_own || name == "cache:namespaces", "{name}");
    }
    for name in expected {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
}

#[test]
fn everything_internal_of_the_administration_is_in_its_namespace() {
    let app = App::with(Options::new().variable("cache_namespace", "shop"));
    let mut redis = app.connection();
    let () = redis.hset("cache:ttl", "users", 5).unwrap();
    use_all(&app);
    let () = redis.del("cache:ttl").unwrap();

    let expected = [
        "cache:@shop:ttl",
        "cache:@shop:fences",
        "cache:@shop:events",
        "cache:@shop:warmup:status",
        "cache:@shop:warmup:schedule",
        "cache:@shop:samples",
        "cache:@shop:jobs",
    ];
    check_names(&keys(&mut redis, "*"), &expected);

    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    let expected = ["cache:@shop:audit", "cache:@shop:counters"];
    check_names(&keys(&mut redis, "*"), &expected);
}

#[test]
fn settings_of_another_cache_in_the_database_are_not_those_of_this_one() {
    let app = App::with(Options::new().variable("cache_namespace", "shop"));
    let mut redis = app.connection();
    let () = redis.hset("cache:ttl", "users", 5).unwrap();
    let () = redis.set("cache:@other:ttl", "x").unwrap();

    let table = app.viewer().get("/ttl").data();
    let is_other = |row: &serde_json::Value| row["ttl"] == 5;
    let rows = table["table"].as_array().unwrap();
    assert!(!rows.iter().any(is_other), "{table:#}");

    let report = app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(report["stats"]["method"], "walk", "{report:#}");
    for name in ["cache:ttl", "cache:@other:ttl"] {
        assert!(redis.exists::<_, bool>(name).unwrap(), "{name}");
    }
    let body = json!({ "key": "cache:@other:ttl" });
    app.admin().delete("/keys/entry", &body).with_status(404);
}

#[test]
fn a_bad_namespace_is_named() {
    let app = App::with(Options::new().variable("cache_namespace", "The shop"));
    let problem = app.viewer().get("/stats").with_status(503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("cache_namespace"), "{problem:#}");
}
