//! Redis frozen, killed, restarted, locked, read-only, full: the documented answer in time, and recovery by itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use end_to_end::{
    Answer, App, Caller, Options, PROMISED, Route, ask_all, assert_all_recovered, assert_all_unavailable, fill, kinds,
    prepare, repository,
};
use redis::{Commands, Connection};
use serde_json::json;

fn command(redis: &mut Connection, words: &[&str]) {
    let (name, arguments) = words.split_first().unwrap();
    let _: redis::Value = redis::cmd(name).arg(arguments).query(redis).unwrap();
}

/// Closes the application's connections, so that it has to open new ones.
fn disconnect_clients(redis: &mut Connection) {
    command(redis, &["CLIENT", "KILL", "TYPE", "normal"]);
}

/// Lets Redis go on. What was sent to it in time is carried out now although nobody waits for it any more: the lock of a
/// warmup is taken, and would end with its lease of 15 s.
fn thaw(app: &App) {
    app.redis().thaw();
    let () = app.redis().connection().del("lock:cache:warmup").unwrap();
}

#[test]
fn a_frozen_redis_is_answered_in_time_and_thaws() {
    let app = App::start();
    assert_all_recovered(&app);
    app.redis().freeze();
    let answers = assert_all_unavailable(&app);
    thaw(&app);
    assert_eq!(kinds(&answers), ["urn:edge-cache:problem:redis-timeout"]);
    assert_all_recovered(&app);
}

#[test]
fn a_redis_frozen_before_the_first_connection_is_answered_in_time() {
    let app = App::start();
    app.redis().freeze();
    assert_all_unavailable(&app);
    thaw(&app);
    assert_all_recovered(&app);
}

#[test]
fn attempts_without_a_token_are_refused_in_time_while_redis_is_frozen() {
    let app = App::start();
    app.redis().freeze();
    let answers: Vec<Answer> =
        [Caller::Nobody, Caller::Stranger, Caller::Viewer].map(|caller| app.client(caller).get("/audit")).into();
    app.redis().thaw();
    for answer in answers {
        assert!(answer.took < PROMISED, "{answer:#?}");
        assert!([401, 403].contains(&answer.status), "{answer:#?}");
    }
}

#[test]
fn a_killed_redis_is_answered_and_its_successor_used() {
    let mut app = App::start();
    assert_all_recovered(&app);
    app.redis_mut().kill();
    let answers = assert_all_unavailable(&app);
    assert_eq!(kinds(&answers), ["urn:edge-cache:problem:redis-unreachable"]);
    for (route, answer) in &answers {
        let is_problem = answer.header("content-type") == Some("application/problem+json");
        assert!(!is_problem || answer.header("retry-after").is_some(), "{route:?}: {answer:#?}");
    }
    app.redis_mut().launch();
    assert_all_recovered(&app);
}

#[test]
fn a_redis_that_was_restarted_between_two_requests_is_not_noticed() {
    let mut app = App::start();
    assert_all_recovered(&app);
    app.redis_mut().kill();
    app.redis_mut().launch();
    assert_all_recovered(&app);
}

#[test]
fn a_connection_that_was_closed_between_two_requests_is_not_noticed() {
    let app = App::start();
    let mut redis = app.redis().connection();
    // Within 100 ms of its last use a connection is trusted, and what must not run twice is not repeated.
    let pause = |route: &Route| std::thread::sleep(Duration::from_millis(if route.changes() { 150 } else { 0 }));
    for (route, client) in app.every() {
        pause(route);
        prepare(&mut redis);
        route.ask(client).with_status(route.expected());
        disconnect_clients(&mut redis);
        pause(route);
        prepare(&mut redis);
        let answer = route.ask(client);
        assert_eq!(answer.status, route.expected(), "{route:?}: {answer:#?}");
    }
}

#[test]
fn a_wrong_password_is_told_and_a_right_one_used() {
    let app = App::start();
    assert_all_recovered(&app);
    let mut redis = app.redis().connection();
    command(&mut redis, &["CONFIG", "SET", "requirepass", "another"]);
    disconnect_clients(&mut redis);
    // Whoever finds a connection broken may be told that it broke, and each thread of the host has some.
    let told = ["urn:edge-cache:problem:redis-authentication"];
    let answers = (0..10).map(|_| assert_all_unavailable(&app)).find(|answers| kinds(answers) == told).unwrap();
    assert!(answers.iter().all(|(_, answer)| answer.header("retry-after").is_none()), "trying again does not help");
    command(&mut redis, &["CONFIG", "SET", "requirepass", ""]);
    assert_all_recovered(&app);
}

#[test]
fn a_configured_password_that_is_wrong_is_told() {
    let app = App::with(Options::new().variable("redis_password", "wrong").redis(&["--requirepass", "right"]));
    let answers = assert_all_unavailable(&app);
    assert_eq!(kinds(&answers), ["urn:edge-cache:problem:redis-authentication"]);
}

#[test]
fn the_rights_that_the_documentation_asks_for_suffice() {
    let security = std::fs::read_to_string(repository().join("SECURITY.md")).unwrap();
    let rights = security.lines().find_map(|line| line.split('`').find(|part| part.starts_with("+@"))).unwrap();
    let app = App::with(Options::new().variable("redis_username", "edge").variable("redis_password", "pw"));
    let mut redis = app.redis().connection();
    let user = ["ACL", "SETUSER", "edge", "on", ">pw", "~*", "resetchannels", "&cache:events"]
        .into_iter()
        .chain(rights.split(' '));
    command(&mut redis, &user.collect::<Vec<_>>());
    assert_all_recovered(&app);
    let cached = |expected: &str| {
        let answer = app.nobody().send("GET", "/api/products/search?q=brake", None);
        assert_eq!((answer.status, answer.header("x-cache")), (200, Some(expected)), "{answer:#?}");
    };
    cached("MISS");
    cached("HIT");
    assert_eq!(app.operator().post("/invalidate", &json!({ "tags": ["products"] })).ok()["success"], true);

    // What the application of the channel needs, and who publishes there.
    let url = app.redis().url(0).replace("redis://", "redis://edge:pw@");
    let mut other = redis::Client::open(url).unwrap().get_connection().unwrap();
    let () = redis::cmd("PUBLISH").arg(&["cache:events", "{}"]).query(&mut other).unwrap();
    other.as_pubsub().subscribe("cache:events").unwrap();
}

#[test]
fn a_user_who_may_not_run_scripts_is_told_so() {
    let app = App::start();
    let mut redis = app.redis().connection();
    // Once, so that all is compiled.
    assert_all_recovered(&app);
    prepare(&mut redis);
    command(&mut redis, &["ACL", "SETUSER", "default", "-@scripting"]);
    let mut refused = 0;
    for (route, answer) in ask_all(&app) {
        assert!(answer.took < PROMISED, "{answer:#?}");
        if answer.status == 503 {
            assert_eq!(answer.body["type"], "urn:edge-cache:problem:redis-permission", "{route:?}: {answer:#?}");
            assert!(answer.body["detail"].as_str().unwrap().contains("eval"), "{route:?}: {answer:#?}");
            refused += 1;
        } else {
            assert_eq!(answer.status, route.expected(), "{route:?}: {answer:#?}");
        }
    }
    assert!(refused > 20, "only {refused} routes were refused");
    command(&mut redis, &["ACL", "SETUSER", "default", "+@all"]);
    assert_all_recovered(&app);
}

/// What only reads works; each change is refused with this kind and these words. `spared` are not looked at.
fn assert_only_changes_refused(app: &App, kind: &str, words: &str, spared: &[&str]) {
    for (route, client) in app.every().iter().filter(|(route, _)| !spared.contains(&route.path)) {
        let answer = route.ask(client);
        assert!(answer.took < PROMISED, "{answer:#?}");
        if !route.changes() || route.expected() == 404 {
            assert_eq!(answer.status, route.expected(), "{route:?}: {answer:#?}");
        } else {
            let problem = answer.with_status(503);
            assert_eq!(problem["type"], format!("urn:edge-cache:problem:{kind}"), "{route:?}: {problem:#}");
            assert!(problem["detail"].as_str().unwrap().contains(words), "{route:?}: {problem:#}");
        }
    }
}

#[test]
fn a_read_only_replica_is_read_and_changes_are_refused() {
    let app = App::start();
    let mut redis = app.redis().connection();
    prepare(&mut redis);
    command(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_only_changes_refused(&app, "redis-read-only", "replica", &[]);
    app.nobody().get("/stats").with_status(401);
    command(&mut redis, &["REPLICAOF", "NO", "ONE"]);
    assert_all_recovered(&app);
}

#[test]
fn a_full_redis_is_still_read_and_cleared_but_not_filled() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..100);
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    command(&mut redis, &["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(app.nobody().get("/health").ok()["status"], "degraded");
    app.viewer().get("/stats").ok();
    app.viewer().get("/keys").ok();
    app.operator().get("/keys/users:1").ok();
    let problem = app.admin().post("/warmup", &json!({})).with_status(503);
    assert_eq!(problem["type"], "urn:edge-cache:problem:redis-out-of-memory");
    let cleared = app.operator().post("/clear", &json!({ "pattern": "users:1*" })).ok();
    assert_eq!(cleared["stats"]["keysDeleted"], 11);
    assert!(cleared["warnings"][0].as_str().unwrap().contains("audit"), "the trail could not be written: {cleared:#}");
    app.operator().delete("/invalidate", &json!({ "keys": ["users:2"], "tags": ["t"] })).ok();
    app.admin().delete("/invalidate", &json!({ "patterns": ["users:3*"] })).ok();
    app.admin().patch("/keys/users:4", &json!({ "ttl": 60 })).ok();
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(end_to_end::keys(&mut redis, "*"), ["cache:ttl"], "what must outlive a clear was lost in a full Redis");
    app.nobody().get("/stats").with_status(401);
    command(&mut redis, &["CONFIG", "SET", "maxmemory", "0"]);
    assert_all_recovered(&app);
}

#[test]
fn a_redis_that_cannot_save_says_so() {
    let app = App::with(Options::new().redis(&["--dir", "/proc"]));
    let mut redis = app.redis().connection();
    prepare(&mut redis);
    command(&mut redis, &["CONFIG", "SET", "save", "3600 1"]);
    let _: Result<redis::Value, _> = redis::cmd("BGSAVE").query(&mut redis);
    let refused = |redis: &mut Connection| redis.set::<_, _, ()>("x", "y").is_err();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !refused(&mut redis) {
        assert!(std::time::Instant::now() < deadline, "Redis did not notice that it cannot save");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Redis refuses even a PING then: what measures one says so.
    assert_only_changes_refused(&app, "redis-misconf", "disk", &["/health", "/health/ready", "/stats"]);
    let health = app.nobody().get("/health").with_status(503);
    assert!(health["redis"]["error"].as_str().unwrap().starts_with("MISCONF"), "{health:#}");
    app.nobody().get("/health/ready").with_status(503);
    assert_eq!(app.viewer().get("/stats").with_status(503)["type"], "urn:edge-cache:problem:redis-misconf");
    command(&mut redis, &["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]);
    assert_all_recovered(&app);
}

#[test]
fn a_clear_that_is_cut_off_says_how_far_it_came_and_can_be_repeated() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..300_000);
    let problem = std::thread::scope(|scope| {
        let clearing = scope.spawn(|| app.operator().post("/clear", &json!({ "pattern": "users:*" })));
        while redis::cmd("DBSIZE").query::<usize>(&mut redis).unwrap() > 250_000 {
            std::thread::yield_now();
        }
        // From now on Redis refuses to be written.
        command(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);
        clearing.join().unwrap().with_status(503)
    });
    let gone = 300_000 - redis::cmd("DBSIZE").query::<u64>(&mut redis).unwrap();
    // The application may have noted down that it removed something.
    assert!(problem["keysDeleted"].as_u64().unwrap().abs_diff(gone) <= 1, "{problem:#}");
    command(&mut redis, &["REPLICAOF", "NO", "ONE"]);
    let report = app.operator().post("/clear", &json!({ "pattern": "users:*" })).ok();
    assert!(report["stats"]["keysDeleted"].as_u64().unwrap().abs_diff(300_000 - gone) <= 1, "{report:#}");
    assert!(end_to_end::keys(&mut redis, "users:*").is_empty());
}
