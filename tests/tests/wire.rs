//! Between the application and its Redis: replies late, cut, half, garbled or not there, and errors in their place.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant};

use end_to_end::{
    Answer, App, Fault, Options, PROMISED, Route, ask_all, assert_all_recovered, assert_all_unavailable, is_logged,
    kinds, prepare,
};
use serde_json::{Value, json};

const UNREACHABLE: &str = "redis-unreachable";
const TIMEOUT: &str = "redis-timeout";

/// How late a late reply is.
const LATE: Duration = Duration::from_millis(120);

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

/// Whether its success says that the trail could not be written.
fn warns(route: &Route) -> bool {
    route.changes() && route.expected() == 200
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
    let reads: Vec<_> = app.every().iter().filter(|(route, _)| route.reads_through()).collect();
    for (fault, _) in FAULTS {
        app.proxy().fail(fault);
        for (route, client) in &reads {
            let answer = route.ask(client);
            assert!(answer.took < PROMISED, "{fault:?}: {answer:#?}");
            assert_eq!(answer.header("x-cache"), Some("MISS"), "{fault:?}: {answer:#?}");
            answer.ok();
        }
        heal(&app);
    }
    // An instance that stopped asking Redis asks again after 5 s.
    let deadline = Instant::now() + Duration::from_secs(20);
    let (route, client) = reads[0];
    while route.ask(client).header("x-cache") != Some("HIT") {
        assert!(Instant::now() < deadline, "the cache is not used again");
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
                assert!(!warns(route) || warns_of_the_trail(answer), "{error} {route:?}: {answer:#?}");
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
        let changes = app.every().iter().filter(|(route, _)| route.changes() && route.expected() == 200);
        for (route, client) in changes.take(routes) {
            prepare(&mut app.redis().connection());
            app.proxy().fail_named(fault, |name| name == "XADD");
            let answer = route.ask(client);
            heal(&app);
            assert_eq!(answer.status, 200, "{fault:?} {route:?}: {answer:#?}");
            assert!(answer.took < PROMISED, "{fault:?} {route:?}: {answer:#?}");
            let recorded = route.path != "/warmup/scheduled" || answer.body["warmup"].is_object();
            assert_eq!(warns_of_the_trail(&answer), recorded && warns(route), "{fault:?} {route:?}: {answer:#?}");
            assert!(!recorded || is_logged(&app, &answer), "{fault:?} {route:?}: the record is lost");
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
    app.proxy().fail(Fault::Slow(LATE));
    let health = app.nobody().get("/health").ok();
    assert_eq!(health["status"], "degraded", "{health:#}");
    for (route, client) in app.every() {
        prepare(&mut app.redis().connection());
        app.proxy().fail(Fault::Slow(LATE));
        let answer = route.ask(client);
        assert_eq!(answer.status, route.expected(), "{answer:#?}");
        let commands = app.proxy().commands();
        let bound = PROMISED + LATE * u32::try_from(commands.len()).unwrap();
        assert!(answer.took < bound, "{route:?} took {:?} with {commands:?}", answer.took);
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
        assert!(answer.took < PROMISED + Duration::from_secs(1), "{route:?}: {answer:#?}");
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

#[test]
fn whoever_follows_a_warmup_is_told_that_redis_fails_and_not_left_waiting() {
    for fault in [Fault::Black, Fault::Cut, Fault::Error("LOADING Redis is loading the dataset in memory")] {
        let app = App::with(Options::new().proxied().variable("warmup_rate", "20"));
        std::thread::scope(|scope| {
            let warmup = scope.spawn(|| app.admin().post("/warmup", &json!({})));
            while app.viewer().get("/warmup").data()["state"] != "running" {
                std::thread::sleep(Duration::from_millis(20));
            }
            let watching = scope.spawn(|| (app.viewer().events("/warmup"), Instant::now()));
            std::thread::sleep(Duration::from_millis(600));
            let failing = Instant::now();
            app.proxy().fail(fault);
            let (events, ended) = watching.join().unwrap();
            // It looks four times a second, and waits for an answer no longer than a command may take.
            let took = ended.saturating_duration_since(failing);
            assert!(took < PROMISED + Duration::from_millis(500), "{fault:?}: {took:?}");
            let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
            let (last, before) = names.split_last().unwrap();
            assert!(
                *last == "problem" && !before.is_empty() && before.iter().all(|name| *name == "progress"),
                "{names:?}"
            );
            assert!(events.last().unwrap().1.as_str().is_some_and(|words| !words.is_empty()), "{events:?}");
            warmup.join().unwrap().with_status(503);
            // Who asks now is told at once.
            let [(name, _)] = app.viewer().events("/warmup").try_into().unwrap();
            assert_eq!(name, "problem", "{fault:?}");
        });
        heal(&app);
        assert_eq!(app.viewer().events("/warmup")[0].0, "progress", "{fault:?}");
    }
}
