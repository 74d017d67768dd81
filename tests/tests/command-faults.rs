//! Every route with each of its Redis commands failing in turn: the response and the audit record
//! must match the effect.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot continue has failed"
)]

use end_to_end::{
    App, Connection, Fault, Options, Response, Route, is_record_logged, release_walks,
};
use redis::Commands;
use serde_json::Value;

/// Faults after which the server has certainly not executed the command.
const NOT_EXECUTED: [Fault; 2] = [Fault::Dropped, Fault::Error("ERR this one failed")];
/// Faults after which the effect is unknown.
const UNKNOWN: [Fault; 2] = [Fault::Lost, Fault::Mute];
/// More commands than any route sends.
const MAX_COMMANDS: usize = 200;
const USERS: usize = 6;

/// Creates six keys, two of them without a tag and one of these in a rule of an event, and the data
/// that the table of routes needs.
fn create_keys(redis: &mut Connection) {
    let () = redis::cmd("FLUSHDB").query(redis).unwrap();
    end_to_end::fill(redis, "users:", 1..USERS);
    let () = redis.set("users:active:count", 1).unwrap();
    for number in 1..USERS - 1 {
        let () = redis
            .sadd("cache:tags:user-data", format!("users:{number}"))
            .unwrap();
    }
    let () = redis.hset("cache:ttl", "test", 60).unwrap();
    let names = r#"{"keys":["a"],"patterns":[],"tags":[]}"#;
    let () = redis.hset("cache:rules", "test", names).unwrap();
}

/// Returns how many of those keys are removed. Keys under `cache:` do not count.
fn removed(redis: &mut Connection) -> usize {
    USERS.saturating_sub(end_to_end::keys(redis, "users:*").len())
}

/// Returns the records of a request in one stream of the audit trail.
fn records(app: &App, response: &Response, stream: &str) -> Vec<Value> {
    let trail: Vec<redis::streams::StreamId> = {
        let mut redis = app.trail();
        let reply: redis::streams::StreamRangeReply =
            redis.xrevrange_count(stream, "+", "-", 5).unwrap();
        reply.ids
    };

    let records = trail
        .iter()
        .map(|entry| entry.get::<String>("record").unwrap());
    let records = records.map(|json| serde_json::from_str::<Value>(&json).unwrap());
    records
        .filter(|record| record["requestId"].as_str() == response.header("x-request-id"))
        .collect()
}

/// Lets every caller write records again. The trail bounds those of a minute, and this test sends more.
fn renew_record_budgets(app: &App) {
    let mut redis = app.trail();
    for caller in ["deploy", "support"] {
        let () = redis.del(format!("cache:audit:minute:{caller}")).unwrap();
    }
}

/// Returns the reported number of removed keys; 0 if a failure reports none.
fn reported(response: &Response) -> usize {
    let body = &response.body;
    let places = [
        &body["stats"]["keysDeleted"],
        &body["stats"]["keysInvalidated"],
        &body["keysDeleted"],
    ];
    places
        .iter()
        .find_map(|count| count.as_u64())
        .map_or(0, |count| usize::try_from(count).unwrap())
}

/// Returns true for a route whose job or operation does not exist.
fn is_of_something_missing(route: &Route) -> bool {
    route.path.starts_with("/jobs/") || route.path.starts_with("/operations/")
}

/// Returns true for a route that removes keys and reports how many.
fn is_removal(route: &Route) -> bool {
    let of_one_key = route.method == "DELETE" && route.path == "/keys/entry";
    route.is_old() || of_one_key || ["/clear", "/invalidate", "/events"].contains(&route.path)
}

/// Checks that the audit trail has the change once, with the outcome of the response. If the
/// outcome could not be written, the trail has the intent and the log has the record.
fn assert_recorded(
    app: &App,
    route: &Route,
    response: &Response,
    removed_keys: usize,
    failed_command: Option<&String>,
    context: &str,
) {
    let intents = records(app, response, "cache:audit:open");
    let records = records(app, response, "cache:audit");
    assert!(records.len() <= 1, "{context}: {records:#?}");

    let Some(record) = records.first() else {
        match failed_command.map(String::as_str) {
            // The change of a job, or the undoing of an edit, that does not exist never begins.
            Some("EVALSHA" | "PING" | "SET") if is_of_something_missing(route) => {
                assert_eq!(intents.len(), 0, "{context}: {response:#?}");
            }
            // An idle connection is checked with PING first.
            Some("EVALSHA" | "PING") => {
                assert_eq!(intents.len(), 1, "{context}: no intent: {response:#?}");
            }
            // The first use of the audit trail finds out where it is, and an event needs the overrides
            // of its rules. If that fails, the change does not begin.
            Some("SET" | "HGETALL") => {
                assert_eq!(response.status, 503, "{context}: {response:#?}");
                assert_eq!(removed_keys, 0, "{context}: {response:#?}");
                assert_eq!(intents.len(), 0, "{context}: {response:#?}");
            }
            _ => panic!("{context}: not recorded: {response:#?}"),
        }
        assert!(
            is_record_logged(app, response),
            "{context}: neither recorded nor logged: {response:#?}"
        );
        return;
    };
    assert!(intents.is_empty(), "{context}: {intents:#?}");

    let failed = ["failed", "partial"].contains(&record["outcome"].as_str().unwrap());
    assert_eq!(
        failed,
        response.status != 200,
        "{context}: {record:#}\n{response:#?}"
    );

    if is_removal(route) {
        assert_eq!(
            record["keysDeleted"],
            reported(response),
            "{context}: {record:#}\n{response:#?}"
        );
    }
}

/// Lets each command of a route fail once, and checks the response.
fn fail_each_command(app: &App, route: &Route, fault: Fault) {
    let mut redis = app.connection();
    for index in 0..MAX_COMMANDS {
        create_keys(&mut redis);
        renew_record_budgets(app);
        app.proxy().fail_once(fault, index);
        let response = route.send(&app.client(route.role));
        let commands = app.proxy().commands();
        app.proxy().heal();
        let context = format!(
            "{} {} with {fault:?} at {index} of {commands:?}",
            route.method, route.path
        );
        let failure = if route.reads_through() { 200 } else { 503 };
        assert!(
            [route.expected(), failure].contains(&response.status),
            "{context}: {response:#?}"
        );
        let removed_keys = removed(&mut redis);
        if route.is_recorded() {
            assert_recorded(
                app,
                route,
                &response,
                removed_keys,
                commands.get(index),
                &context,
            );
        }
        if is_removal(route) && !route.is_dry() {
            let reported = reported(&response);
            assert!(
                reported <= removed_keys,
                "{context}: {reported} of {removed_keys}: {response:#?}"
            );
            if NOT_EXECUTED.contains(&fault) {
                assert_eq!(reported, removed_keys, "{context}: {response:#?}");
            }
        } else if !route.path.starts_with("/warmup") {
            assert_eq!(removed_keys, 0, "{context}");
        }
        if commands.len() <= index {
            assert_eq!(
                response.status,
                route.expected(),
                "{context}: no command failed: {response:#?}"
            );
            return;
        }
        if matches!(fault, Fault::Mute | Fault::Error(_)) {
            // The lock of a warmup or an analysis whose release failed would last for its lease.
            let () = redis.del("lock:cache:warmup").unwrap();
            let () = app.trail().del("cache:audit:analyses:lock").unwrap();
        }
        release_walks(app);
        end_to_end::create_route_data(&mut redis);
        let again = route.send(&app.client(route.role));
        assert_eq!(
            again.status,
            route.expected(),
            "{context}, repeated: {again:#?}"
        );
    }

    panic!("{route:?} has no end of commands");
}

/// Returns true for routes that differ from another only by their pattern or query.
fn is_like_another(route: &Route) -> bool {
    (route.is_old() || route.reads_through()) && !route.path.starts_with("/api/users/")
}

/// Returns true for routes whose commands all belong to the request. A job sends more after it; the tests of jobs in
/// `edge-cache-admin` kill its workers.
fn ends_with_its_response(route: &Route) -> bool {
    !route.begins_job()
}

fn fail_each_command_of_all_routes(faults: &[Fault]) {
    let app = App::with(
        Options::new()
            .proxied()
            .variable("command_timeout_ms", "300"),
    );

    for fault in faults {
        for route in Route::all()
            .into_iter()
            .filter(|route| !is_like_another(route) && ends_with_its_response(route))
        {
            fail_each_command(&app, &route, *fault);
        }
    }
}

#[test]
fn a_lost_command_fails_one_request_and_the_report_is_exact() {
    fail_each_command_of_all_routes(&NOT_EXECUTED);
}

#[test]
fn a_lost_reply_fails_one_request_and_the_report_does_not_exceed_the_effect() {
    fail_each_command_of_all_routes(&UNKNOWN);
}
