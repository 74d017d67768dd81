//! A real Redis that loads its data, is held up by somebody's script, or is replaced by its replica.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::thread::{self, scope, sleep};
use std::time::{Duration, Instant};

use end_to_end::{App, Options, RedisServer, assert_all_recovered, assert_all_unavailable, fill, kinds, prepare};
use redis::{Connection, RedisError, Value};
use serde_json::json;

fn try_command(redis: &mut Connection, words: &[&str]) -> Result<Value, RedisError> {
    let (name, arguments) = words.split_first().unwrap();
    redis::cmd(name).arg(arguments).query(redis)
}

fn command(redis: &mut Connection, words: &[&str]) {
    try_command(redis, words).unwrap();
}

fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(20));
    }
}

/// What a plain command is refused with, as far as its code goes.
fn refused_with(redis: &mut Connection) -> Option<String> {
    try_command(redis, &["DBSIZE"]).err().map(|error| error.to_string())
}

#[test]
fn a_redis_that_loads_its_data_is_waited_for() {
    let app = App::with(Options::new().redis(RedisServer::debuggable()));
    let mut redis = app.redis().connection();
    assert_all_recovered(&app);
    prepare(&mut redis);
    fill(&mut redis, "many:", 0..20_000);
    // Microseconds a key, so that it takes 6 s.
    for setting in [["key-load-delay", "300"], ["loading-process-events-interval-bytes", "1024"]] {
        command(&mut redis, &[&["CONFIG", "SET"], &setting[..]].concat());
    }
    scope(|scope| {
        let mut other = app.redis().connection();
        let reloading = scope.spawn(move || try_command(&mut other, &["DEBUG", "RELOAD"]));
        eventually("Redis does not load", || refused_with(&mut redis).is_some_and(|error| error.contains("Loading")));
        let answers = assert_all_unavailable(&app);
        assert_eq!(kinds(&answers), ["urn:edge-cache:problem:redis-loading"]);
        command(&mut redis, &["CONFIG", "SET", "key-load-delay", "0"]);
        reloading.join().unwrap().unwrap();
    });
    assert_eq!(app.viewer().get("/keys?pattern=many:*&exact=true").data()["pagination"]["total"], 20_000);
    assert_all_recovered(&app);
}

#[test]
fn a_redis_that_is_held_up_by_a_script_is_waited_for() {
    let app = App::with(Options::new().redis(&["--lua-time-limit", "50"]));
    let mut redis = app.redis().connection();
    assert_all_recovered(&app);
    let mut other = app.redis().connection();
    // Not waited for should one of these fail: it ends with the server.
    let endless = thread::spawn(move || try_command(&mut other, &["EVAL", "while true do end", "0"]));
    eventually("no script runs", || refused_with(&mut redis).is_some_and(|error| error.contains("BUSY")));
    let answers = assert_all_unavailable(&app);
    assert_eq!(kinds(&answers), ["urn:edge-cache:problem:redis-busy"]);
    command(&mut redis, &["SCRIPT", "KILL"]);
    assert!(endless.join().unwrap().is_err(), "a script without end had one");
    assert_all_recovered(&app);
}

#[test]
fn a_promoted_replica_is_used_at_once_with_all_that_was_replicated() {
    let mut app = App::with(Options::new().proxied());
    let replica = RedisServer::start();
    let (mut primary, mut successor) = (app.redis().connection(), replica.connection());
    let port = app.redis().port().to_string();
    command(&mut successor, &["REPLICAOF", "127.0.0.1", &port]);
    fill(&mut primary, "users:", 0..100);
    app.operator().post("/clear", &json!({ "pattern": "users:1*" })).ok();
    app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok();
    let recorded = app.admin().get("/audit").data()["pagination"]["total"].clone();
    // WAIT answers how many replicas have all that was written.
    eventually("the replica does not follow", || try_command(&mut primary, &["WAIT", "1", "100"]) == Ok(Value::Int(1)));

    app.redis_mut().kill();
    let answers = assert_all_unavailable(&app);
    assert_eq!(kinds(&answers), ["urn:edge-cache:problem:redis-unreachable"]);
    // Before it is promoted it can be read, and says why it cannot be written.
    app.proxy().switch(replica.port());
    assert_eq!(app.viewer().get("/keys?pattern=users:*&exact=true").data()["pagination"]["total"], 92);
    let refused = app.operator().post("/clear", &json!({ "pattern": "users:*" })).with_status(503);
    assert_eq!(refused["type"], "urn:edge-cache:problem:redis-read-only");
    command(&mut successor, &["REPLICAOF", "NO", "ONE"]);
    let cleared = app.operator().post("/clear", &json!({ "pattern": "users:2*" })).ok();
    assert_eq!(cleared["stats"]["keysDeleted"], 11);
    let trail = app.admin().get("/audit").data();
    assert_eq!(trail["pagination"]["total"].as_u64(), recorded.as_u64().map(|before| before + 1), "{trail:#}");
}

#[test]
fn a_primary_that_was_demoted_under_open_connections_is_left_when_they_close() {
    let app = App::with(Options::new().proxied());
    let successor = RedisServer::start();
    assert_all_recovered(&app);
    let port = successor.port().to_string();
    command(&mut app.redis().connection(), &["REPLICAOF", "127.0.0.1", &port]);
    let refused = app.operator().post("/clear", &json!({ "pattern": "users:*" })).with_status(503);
    assert_eq!(refused["type"], "urn:edge-cache:problem:redis-read-only");
    fill(&mut successor.connection(), "users:", 0..7);
    app.proxy().switch(successor.port());
    sleep(Duration::from_millis(150));
    let cleared = app.operator().post("/clear", &json!({ "pattern": "users:*" })).ok();
    assert_eq!(cleared["stats"]["keysDeleted"], 7);
}
