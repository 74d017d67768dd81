//! A Redis that refuses writes.

use std::time::Duration;

use crate::command;
use end_to_end::{
    App, Connection, MAX_RESPONSE_TIME, Options, assert_all_recovered, create_route_data, fill,
};
use redis::Commands;
use serde_json::json;

/// Checks that reads work and that changes are refused with a problem of type `kind` and `words`.
/// Skips the paths in `skipped`.
fn assert_only_changes_refused(app: &App, kind: &str, words: &str, skipped: &[&str]) {
    for (route, client) in app
        .all_routes()
        .iter()
        .filter(|(route, _)| !skipped.contains(&route.path))
    {
        let response = route.send(client);

        assert!(response.took < MAX_RESPONSE_TIME, "{response:#?}");
        if !route.changes() || route.expected() == 404 {
            assert_eq!(
                response.status,
                route.expected(),
                "{route:?}: {response:#?}"
            );
        } else {
            let problem = response.with_status(503);
            assert_eq!(
                problem["type"],
                format!("urn:edge-cache:problem:{kind}"),
                "{route:?}: {problem:#}"
            );
            assert!(
                problem["detail"].as_str().unwrap().contains(words),
                "{route:?}: {problem:#}"
            );
        }
    }
}

#[test]
fn a_read_only_replica_serves_reads_and_refuses_changes() {
    let app = App::start();
    let mut redis = app.connection();
    create_route_data(&mut redis);
    app.admin().post("/analysis", &json!({})).ok();
    command(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);

    // A replica cannot store what edge-cache writes, so it is neither healthy nor ready.
    assert_only_changes_refused(
        &app,
        "redis-read-only",
        "replica",
        &["/health", "/health/ready"],
    );

    app.nobody().get("/health").with_status(503);
    app.nobody().get("/health/ready").with_status(503);
    app.nobody().get("/stats").with_status(401);
    command(&mut redis, &["REPLICAOF", "NO", "ONE"]);

    assert_all_recovered(&app);
}

#[test]
fn a_redis_that_cannot_save_refuses_changes() {
    let app = App::with(Options::new().redis(&["--dir", "/proc"]));
    let mut redis = app.connection();
    create_route_data(&mut redis);
    app.admin().post("/analysis", &json!({})).ok();
    command(&mut redis, &["CONFIG", "SET", "save", "3600 1"]);
    let _: Result<redis::Value, _> = redis::cmd("BGSAVE").query(&mut redis);
    let refused = |redis: &mut Connection| redis.set::<_, _, ()>("x", "y").is_err();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);

    while !refused(&mut redis) {
        assert!(
            std::time::Instant::now() < deadline,
            "Redis did not notice that it cannot save"
        );
        std::thread::sleep(Duration::from_millis(20));
    }

    // Redis refuses even PING; what INFO shows is still known.
    assert_only_changes_refused(&app, "redis-misconf", "disk", &["/health", "/health/ready"]);

    let health = app.nobody().get("/health").with_status(503);
    assert_eq!(
        health["redis"]["findings"][0]["kind"], "cannot-save",
        "{health:#}"
    );
    assert!(
        health["redis"]["error"]
            .as_str()
            .unwrap()
            .contains("MISCONF"),
        "{health:#}"
    );
    assert!(health["redis"]["memoryUsageBytes"].is_u64(), "{health:#}");

    app.nobody().get("/health/ready").with_status(503);
    let stats = app.viewer().get("/stats").data();
    assert!(stats["keyCount"].as_u64().unwrap() > 0, "{stats:#}");
    assert!(stats["latencyMs"].as_f64().unwrap() > 0.0, "{stats:#}");
    assert_eq!(stats["unknown"][0]["field"], "hitRateWindow", "{stats:#}");

    command(
        &mut redis,
        &["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"],
    );
    assert_all_recovered(&app);
}

#[test]
fn an_interrupted_clear_reports_its_progress_and_can_be_repeated() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..300_000);
    // All keys match, so this is treated as a global clear.
    let everything = json!({ "pattern": "users:*", "confirm": true });
    let problem = std::thread::scope(|scope| {
        let clearing = scope.spawn(|| app.admin().post("/clear", &everything));
        while redis::cmd("DBSIZE").query::<usize>(&mut redis).unwrap() > 250_000
            && !clearing.is_finished()
        {
            std::thread::yield_now();
        }
        // Redis refuses writes from now on.
        command(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);
        clearing.join().unwrap().with_status(503)
    });
    let removed = 300_000 - redis::cmd("DBSIZE").query::<u64>(&mut redis).unwrap();

    // The application may have recorded a fence.
    assert!(
        problem["keysDeleted"].as_u64().unwrap().abs_diff(removed) <= 1,
        "{problem:#}"
    );

    command(&mut redis, &["REPLICAOF", "NO", "ONE"]);
    let report = app.admin().post("/clear", &everything).ok();
    assert!(
        report["stats"]["keysDeleted"]
            .as_u64()
            .unwrap()
            .abs_diff(300_000 - removed)
            <= 1,
        "{report:#}"
    );
    assert!(end_to_end::keys(&mut redis, "users:*").is_empty());
}
