//! Faults that affect changes and their audit records.

use end_to_end::{
    App, Fault, MAX_RESPONSE_TIME, Options, Response, Route, assert_all_recovered,
    create_route_data, is_record_logged, send_all,
};
use redis::Commands;

use crate::{heal, proxied};

/// The streams of the audit trail.
const STREAMS: [&str; 3] = ["cache:audit", "cache:audit:denied", "cache:audit:automatic"];

/// Errors with which servers refuse only changes.
const REFUSALS: [(&str, &str); 4] = [
    (
        "OOM command not allowed when used memory > 'maxmemory'.",
        "redis-out-of-memory",
    ),
    (
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "redis-misconf",
    ),
    (
        "READONLY You can't write against a read only replica.",
        "redis-read-only",
    ),
    (
        "NOREPLICAS Not enough good replicas to write.",
        "redis-not-enough-replicas",
    ),
];

fn is_change(name: &str) -> bool {
    [
        "DEL", "EVAL", "EVALSHA", "HDEL", "HINCRBY", "HSET", "SADD", "SET", "SREM", "UNLINK",
        "XADD",
    ]
    .contains(&name)
}

fn warns_of_the_trail(response: &Response) -> bool {
    response.body["warnings"]
        .as_array()
        .is_some_and(|all| all.iter().any(|text| text.to_string().contains("audit")))
}

/// Returns true if a success of this route reports a missing audit record.
fn warns(route: &Route) -> bool {
    route.changes() && route.expected() == 200
}

#[test]
fn a_refusal_of_changes_affects_only_changes() {
    let app = proxied();
    for (error, kind) in REFUSALS {
        app.proxy().fail_named(Fault::Error(error), is_change);
        let responses = send_all(&app);
        heal(&app);
        let mut refused = 0;
        for (route, response) in &responses {
            assert!(response.took < MAX_RESPONSE_TIME, "{error}: {response:#?}");
            if ["/health", "/health/ready"].contains(&route.path) {
                // The write probe is refused too.
                assert_eq!(response.status, 503, "{error} {route:?}: {response:#?}");
            } else if response.status == 503 {
                assert_eq!(
                    response.body["type"],
                    format!("urn:edge-cache:problem:{kind}"),
                    "{route:?}: {response:#?}"
                );
                refused += 1;
            } else {
                assert_eq!(
                    response.status,
                    route.expected(),
                    "{error} {route:?}: {response:#?}"
                );
                assert!(
                    !warns(route) || warns_of_the_trail(response),
                    "{error} {route:?}: {response:#?}"
                );
            }
        }
        assert!(refused >= 15, "{error}: only {refused} routes were refused");
        assert_all_recovered(&app);
    }
}

#[test]
fn a_change_without_an_audit_record_has_a_warning() {
    let app = App::with(Options::new().default_user());
    assert_all_recovered(&app);
    let mut trail = app.trail();
    let () = redis::cmd("DEL").arg(&STREAMS).query(&mut trail).unwrap();
    for stream in STREAMS {
        let () = redis::cmd("SET")
            .arg(stream)
            .arg("not a stream")
            .query(&mut trail)
            .unwrap();
    }

    for (route, client) in app
        .all_routes()
        .iter()
        .filter(|(route, _)| route.changes() && route.expected() == 200)
    {
        create_route_data(&mut app.connection());
        let response = route.send(client);
        assert_eq!(response.status, 200, "{route:?}: {response:#?}");
        assert!(
            response.took < MAX_RESPONSE_TIME,
            "{route:?}: {response:#?}"
        );
        let recorded = route.path != "/warmup/scheduled" || response.body["warmup"].is_object();
        assert_eq!(
            warns_of_the_trail(&response),
            recorded && warns(route),
            "{route:?}: {response:#?}"
        );
        assert!(
            !recorded || is_record_logged(&app, &response),
            "{route:?}: the audit record is lost"
        );
    }
}

#[test]
fn a_change_does_not_begin_if_its_intent_is_not_recorded() {
    let app = proxied();
    for fault in [Fault::Dropped, Fault::Lost] {
        for (route, client) in app
            .all_routes()
            .iter()
            .filter(|(route, _)| route.is_recorded())
        {
            create_route_data(&mut app.connection());
            app.proxy()
                .fail_named(fault, |name| name.starts_with("EVAL"));
            let response = route.send(client);
            heal(&app);
            response.with_status(503);
            let exists: bool = app.connection().exists("users:1").unwrap();
            assert!(exists, "{fault:?} {route:?}");
        }
    }
}

#[test]
fn a_server_that_forgets_its_scripts_is_unnoticed() {
    let app = proxied();
    app.proxy().fail_named(
        Fault::Error("NOSCRIPT No matching script. Please use EVAL."),
        |name| name == "EVALSHA",
    );
    assert_all_recovered(&app);

    app.proxy()
        .fail_named(Fault::Error("NOSCRIPT No matching script."), |name| {
            name.starts_with("EVAL")
        });
    app.viewer().get("/keys").with_status(503);
    app.proxy().heal();

    assert_all_recovered(&app);
}
