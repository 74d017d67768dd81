//! A real Redis that loads its data, is blocked by a script, or is replaced by its replica.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::thread::{self, scope, sleep};
use std::time::{Duration, Instant};

use edge_cache_testing::wait_for_replicas;
use end_to_end::{
    App, Connection, Options, RedisServer, assert_all_recovered, assert_all_unavailable,
    create_route_data, fill, problem_types, start_server_with_user,
};
use redis::{RedisError, Value};
use serde_json::json;

fn try_command(redis: &mut Connection, words: &[&str]) -> Result<Value, RedisError> {
    let (name, arguments) = words.split_first().unwrap();
    redis::cmd(name).arg(arguments).query(redis)
}

fn command(redis: &mut Connection, words: &[&str]) {
    try_command(redis, words).unwrap();
}

fn wait_until(failure: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{failure}");
        sleep(Duration::from_millis(20));
    }
}

/// Returns the error of a plain command, if it fails.
fn error_of_command(redis: &mut Connection) -> Option<String> {
    try_command(redis, &["DBSIZE"])
        .err()
        .map(|error| error.to_string())
}

#[test]
fn requests_recover_after_redis_has_loaded_its_data() {
    let app = App::with(Options::new().redis(RedisServer::debuggable()));
    let mut redis = app.connection();
    assert_all_recovered(&app);

    create_route_data(&mut redis);
    fill(&mut redis, "many:", 0..20_000);
    // The delay is in microseconds per key, so loading takes 6 s.
    for setting in [
        ["key-load-delay", "300"],
        ["loading-process-events-interval-bytes", "1024"],
    ] {
        command(&mut redis, &[&["CONFIG", "SET"], &setting[..]].concat());
    }

    scope(|scope| {
        let mut other = app.connection();
        let reloading = scope.spawn(move || try_command(&mut other, &["DEBUG", "RELOAD"]));
        wait_until("Redis does not load", || {
            error_of_command(&mut redis).is_some_and(|error| error.contains("Loading"))
        });
        let responses = assert_all_unavailable(&app);
        assert_eq!(
            problem_types(&responses),
            ["urn:edge-cache:problem:redis-loading"]
        );
        command(&mut redis, &["CONFIG", "SET", "key-load-delay", "0"]);
        reloading.join().unwrap().unwrap();
    });

    assert_eq!(
        app.viewer().get("/keys?pattern=many:*&exact=true").data()["pagination"]["total"],
        20_000
    );
    assert_all_recovered(&app);
}

#[test]
fn requests_recover_after_a_script_has_blocked_redis() {
    let app = App::with(Options::new().redis(&["--lua-time-limit", "50"]));
    let mut redis = app.connection();
    assert_all_recovered(&app);

    let mut other = app.connection();
    // If an assertion fails, the thread ends with the server.
    let endless =
        thread::spawn(move || try_command(&mut other, &["EVAL", "while true do end", "0"]));
    wait_until("no script blocks Redis", || {
        error_of_command(&mut redis).is_some_and(|error| error.contains("BUSY"))
    });
    let responses = assert_all_unavailable(&app);

    assert_eq!(
        problem_types(&responses),
        ["urn:edge-cache:problem:redis-busy"]
    );

    command(&mut redis, &["SCRIPT", "KILL"]);
    assert!(endless.join().unwrap().is_err(), "an endless script ended");
    assert_all_recovered(&app);
}

#[test]
fn a_promoted_replica_is_used_at_once_with_all_replicated_data() {
    let mut app = App::with(Options::new().proxied());
    let replica = start_server_with_user();
    let mut primary = app.connection();
    let mut successor = Connection::to(&replica);
    let port = app.redis().port().to_string();
    command(&mut successor, &["REPLICAOF", "127.0.0.1", &port]);
    fill(&mut primary, "users:", 0..100);
    app.operator()
        .post("/clear", &json!({ "pattern": "users:1*" }))
        .ok();
    app.admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    let recorded = app.admin().get("/audit").data()["pagination"]["total"].clone();
    wait_for_replicas(&mut app.redis().connection(), 1);

    app.redis_mut().kill();
    let responses = assert_all_unavailable(&app);
    assert_eq!(
        problem_types(&responses),
        ["urn:edge-cache:problem:redis-unreachable"]
    );
    // Before its promotion, the replica serves reads and refuses writes with the reason.
    app.proxy().switch(replica.port());
    assert_eq!(
        app.viewer().get("/keys?pattern=users:*&exact=true").data()["pagination"]["total"],
        92
    );
    let refused = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(503);
    assert_eq!(refused["type"], "urn:edge-cache:problem:redis-read-only");
    command(&mut successor, &["REPLICAOF", "NO", "ONE"]);
    let cleared = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:2*" }))
        .ok();
    assert_eq!(cleared["stats"]["keysDeleted"], 11);
    let trail = app.admin().get("/audit").data();
    assert_eq!(
        trail["pagination"]["total"].as_u64(),
        recorded.as_u64().map(|before| before + 1),
        "{trail:#}"
    );
}

#[test]
fn a_demoted_primary_is_left_when_its_connections_close() {
    let app = App::with(Options::new().proxied());
    let successor = start_server_with_user();
    assert_all_recovered(&app);

    let port = successor.port().to_string();
    command(&mut app.connection(), &["REPLICAOF", "127.0.0.1", &port]);
    let refused = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(503);

    assert_eq!(refused["type"], "urn:edge-cache:problem:redis-read-only");

    fill(&mut Connection::to(&successor), "users:", 0..7);
    app.proxy().switch(successor.port());
    sleep(Duration::from_millis(150));
    let cleared = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();

    assert_eq!(cleared["stats"]["keysDeleted"], 7);
}
