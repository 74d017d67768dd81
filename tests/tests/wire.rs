//! Between the application and its Redis: replies late, cut, half, garbled or not there, and errors in their place.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use end_to_end::{
    Answer, App, Fault, Options, PROMISED, Route, ask_all, assert_all_recovered, assert_all_unavailable, kinds, prepare,
};
use serde_json::Value;

const UNREACHABLE: &str = "redis-unreachable";
const TIMEOUT: &str = "redis-timeout";

/// Every route meets these with 503 of one kind.
const FAULTS: [(Fault, &str); 15] = [
    (Fault::Dropped, UNREACHABLE),
    (Fault::Lost, UNREACHABLE),
    (Fault::Cut, UNREACHABLE),
    (Fault::Garbage, UNREACHABLE),
    (Fault::Truncated, TIMEOUT),
    (Fault::Black, TIMEOUT),
    (Fault::Mute, TIMEOUT),
    (Fault::Error("LOADING Redis is loading the dataset in memory"), "redis-loading"),
    (Fault::Error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), "redis-loading"),
    (Fault::Error("BUSY Redis is busy running a script."), "redis-busy"),
    (Fault::Error("NOPERM User default has no permissions to run this command"), "redis-permission"),
    (Fault::Error("NOAUTH Authentication required."), "redis-authentication"),
    (Fault::Error("CLUSTERDOWN The cluster is down"), "redis-cluster"),
    (Fault::Error("ERR something new"), "redis-error"),
    (Fault::Error("SOMETHINGNEW that nobody knows"), "redis-error"),
];

/// Errors that servers give to changes alone.
const REFUSALS: [(&str, &str); 4] = [
    ("OOM command not allowed when used memory > 'maxmemory'.", "redis-out-of-memory"),
    (
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "redis-misconf",
    ),
    ("READONLY You can't write against a read only replica.", "redis-read-only"),
    ("NOREPLICAS Not enough good replicas to write.", "redis-error"),
];

fn proxied() -> App {
    let app = App::with(Options::new().proxied());
    assert_all_recovered(&app);
    app
}

/// Heals the network, and ends what a warmup left behind whose release never arrived.
fn heal(app: &App) {
    app.proxy().heal();
    let () = redis::cmd("DEL").arg("lock:cache:warmup").query(&mut app.redis().connection()).unwrap();
}

fn is_change(name: &str) -> bool {
    ["DEL", "EVAL", "EVALSHA", "HDEL", "HINCRBY", "HSET", "SADD", "SET", "SREM", "UNLINK", "XADD"].contains(&name)
}

fn warns_of_the_trail(answer: &Answer) -> bool {
    answer.body["warnings"].as_array().is_some_and(|all| all.iter().any(|text| text.to_string().contains("audit")))
}

/// Whether an application that is well notes this in its trail.
fn is_recorded(route: &Route) -> bool {
    let dry = route.body.as_ref().is_some_and(|body| body["dryRun"] == true);
    route.method != "GET" && !dry && route.expected() == 200
}

#[test]
fn whatever_comes_in_place_of_replies_is_answered_in_time_and_gone_with_its_cause() {
    let app = proxied();
    for (fault, kind) in FAULTS {
        app.proxy().fail(fault);
        let answers = assert_all_unavailable(&app);
        heal(&app);
        assert_eq!(kinds(&answers), [format!("urn:edge-cache:problem:{kind}")], "{fault:?}");
        let soon = [UNREACHABLE, TIMEOUT, "redis-loading", "redis-busy"].contains(&kind);
        for (route, answer) in answers.iter().filter(|(_, answer)| answer.body["type"].is_string()) {
            assert_eq!(answer.header("retry-after").is_some(), soon, "{fault:?} {route:?}");
        }
        assert_all_recovered(&app);
    }
}

/// The trail has a logical database of its own, which is chosen while connecting.
#[test]
fn what_refuses_a_new_connection_is_called_what_refuses_a_command() {
    let app = App::with(Options::new().proxied());
    let errors = FAULTS.into_iter().filter(|(fault, _)| matches!(fault, Fault::Error(_)));
    for (fault, kind) in errors {
        app.proxy().fail(fault);
        let refused = app.admin().get("/audit").with_status(503);
        assert_eq!(refused["type"], format!("urn:edge-cache:problem:{kind}"), "{fault:?}");
    }
    heal(&app);
    app.admin().get("/audit").ok();
}

#[test]
fn a_service_that_reads_through_answers_whatever_comes_in_place_of_replies() {
    let app = proxied();
    let reads = ["/api/products/popular", "/api/products/1", "/api/users/stats", "/api/vehicles/brands"];
    for (fault, _) in FAULTS {
        app.proxy().fail(fault);
        for path in reads {
            let answer = app.nobody().send("GET", path, None);
            assert!(answer.took < PROMISED, "{fault:?}: {answer:#?}");
            assert_eq!(answer.header("x-cache"), Some("MISS"), "{fault:?}: {answer:#?}");
            answer.ok();
        }
        heal(&app);
    }
    // An instance that stopped asking Redis asks again after 5 s.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while app.nobody().send("GET", reads[0], None).header("x-cache") != Some("HIT") {
        assert!(std::time::Instant::now() < deadline, "the cache is not used again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn changes_that_the_server_refuses_are_told_and_nothing_else_suffers() {
    let app = proxied();
    for (error, kind) in REFUSALS {
        app.proxy().fail_named(Fault::Error(error), is_change);
        let answers = ask_all(&app);
        heal(&app);
        let mut refused = 0;
        for (route, answer) in &answers {
            assert!(answer.took < PROMISED, "{error}: {answer:#?}");
            if answer.status == 503 {
                assert_eq!(answer.body["type"], format!("urn:edge-cache:problem:{kind}"), "{route:?}: {answer:#?}");
                refused += 1;
            } else {
                assert_eq!(answer.status, route.expected(), "{error} {route:?}: {answer:#?}");
                assert!(!is_recorded(route) || warns_of_the_trail(answer), "{error} {route:?}: {answer:#?}");
            }
        }
        assert!(refused >= 15, "{error}: only {refused} routes were refused");
        assert!(answers.iter().all(|(route, answer)| answer.status == 200 || !route.path.starts_with("/health")));
        assert_all_recovered(&app);
    }
}

#[test]
fn a_trail_that_cannot_be_written_is_told_with_the_change_that_was_made() {
    let app = proxied();
    let faults = [Fault::Error("OOM command not allowed"), Fault::Dropped, Fault::Lost, Fault::Black];
    for fault in faults {
        // Silence costs a command's whole time limit: once is enough.
        let routes = if fault == Fault::Black { 1 } else { usize::MAX };
        for route in Route::all().iter().filter(|route| is_recorded(route)).take(routes) {
            prepare(&mut app.redis().connection());
            app.proxy().fail_named(fault, |name| name == "XADD");
            let answer = route.ask(&app.client(route.role));
            heal(&app);
            assert_eq!(answer.status, 200, "{fault:?} {route:?}: {answer:#?}");
            assert!(answer.took < PROMISED, "{fault:?} {route:?}: {answer:#?}");
            let recorded = route.path != "/warmup/scheduled" || answer.body["warmup"].is_object();
            assert_eq!(warns_of_the_trail(&answer), recorded, "{fault:?} {route:?}: {answer:#?}");
            let id = answer.header("x-request-id").unwrap();
            assert!(!recorded || app.logs(&["audit.failed", id]), "{fault:?} {route:?}: the record is lost");
        }
    }
}

#[test]
fn a_server_that_forgets_its_scripts_at_once_is_not_noticed() {
    let app = proxied();
    app.proxy().fail_named(Fault::Error("NOSCRIPT No matching script. Please use EVAL."), |name| name == "EVALSHA");
    assert_all_recovered(&app);
    app.proxy().fail_named(Fault::Error("NOSCRIPT No matching script."), |name| name.starts_with("EVAL"));
    app.viewer().get("/keys").with_status(503);
    app.proxy().heal();
    assert_all_recovered(&app);
}

#[test]
fn late_replies_make_answers_late_and_nothing_worse() {
    let app = proxied();
    app.proxy().fail(Fault::Slow(Duration::from_millis(120)));
    let health = app.nobody().get("/health").ok();
    assert_eq!(health["status"], "degraded", "{health:#}");
    for route in Route::all() {
        prepare(&mut app.redis().connection());
        let answer = route.ask(&app.client(route.role));
        assert_eq!(answer.status, route.expected(), "{answer:#?}");
    }
    heal(&app);
    assert_eq!(app.nobody().get("/health").ok()["status"], "healthy");
}

#[test]
fn replies_that_come_byte_by_byte_are_awaited_as_long_as_promised() {
    let app = proxied();
    app.proxy().fail(Fault::Drip(Duration::from_millis(2)));
    // A PONG comes through in time, all that INFO says does not, nor what waits behind it.
    app.nobody().get("/health/ready").ok();
    let answers = ask_all(&app);
    heal(&app);
    let stats = answers.iter().find(|(route, _)| route.path == "/stats").map(|(_, answer)| answer.status);
    assert_eq!(stats, Some(503));
    for (route, answer) in &answers {
        // Before the command that is given up come those that were answered late, behind replies to other requests.
        assert!(answer.took < 2 * PROMISED, "{route:?}: {answer:#?}");
        let kind = answer.body["type"].as_str().map(|kind| kind == format!("urn:edge-cache:problem:{TIMEOUT}"));
        assert!([200, 404].contains(&answer.status) || answer.status == 503 && kind != Some(false), "{answer:#?}");
    }
    assert_all_recovered(&app);
}

#[test]
fn a_walk_goes_on_where_a_broken_reply_stopped_it() {
    let app = proxied();
    let mut redis = app.redis().connection();
    end_to_end::fill(&mut redis, "walk:", 0..500);
    let (mut seen, mut cursor, mut failed) = (std::collections::BTreeSet::new(), "0".to_owned(), 0);
    for page in 0.. {
        if page % 3 == 1 {
            app.proxy().fail(Fault::Cut);
            app.viewer().get(&format!("/keys?pattern=walk:*&limit=20&cursor={cursor}")).with_status(503);
            app.proxy().heal();
            failed += 1;
        }
        let data = app.viewer().get(&format!("/keys?pattern=walk:*&limit=20&cursor={cursor}")).data();
        seen.extend(data["keys"].as_array().unwrap().iter().map(|key| key["key"].to_string()));
        match &data["pagination"]["nextCursor"] {
            Value::String(next) => cursor.clone_from(next),
            _ => break,
        }
    }
    assert!(failed > 3 && seen.len() == 500, "{failed} failures, {} keys", seen.len());
}
