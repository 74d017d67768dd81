//! Every route with each of its commands failing in turn: what is answered, what is recorded, and what is really done.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use end_to_end::{Answer, App, Fault, Options, Route, is_logged};
use redis::{Commands, Connection};
use serde_json::Value;

/// Faults after which it is certain that the server did not carry the command out.
const NOT_DONE: [Fault; 2] = [Fault::Dropped, Fault::Error("ERR this one failed")];
/// Faults after which nobody knows.
const UNKNOWN: [Fault; 2] = [Fault::Lost, Fault::Mute];
/// More commands than any route has.
const MANY: usize = 200;
const USERS: usize = 6;

/// Six keys, two of them without a tag, one of these named by an event's rule; and what the table of routes needs to find.
fn prepare(redis: &mut Connection) {
    let () = redis::cmd("FLUSHDB").query(redis).unwrap();
    end_to_end::fill(redis, "users:", 1..USERS);
    let () = redis.set("users:active:count", 1).unwrap();
    for number in 1..USERS - 1 {
        let () = redis.sadd("cache:tags:user-data", format!("users:{number}")).unwrap();
    }
    let () = redis.hset("cache:ttl", "test", 60).unwrap();
}

/// How many of those keys are gone. A global clear counts the tag's set as one of them.
fn removed(redis: &mut Connection, route: &Route) -> usize {
    let global = route.path == "/clear" && route.body.as_ref().is_some_and(|body| body["confirm"] == true);
    let tags = if global { 1 - end_to_end::keys(redis, "cache:tags:*").len() } else { 0 };
    tags + USERS.saturating_sub(end_to_end::keys(redis, "users:*").len())
}

/// The records of a request in the trail.
fn records(app: &App, answer: &Answer) -> Vec<Value> {
    let trail: Vec<redis::streams::StreamId> = {
        let mut redis = app.redis().connection();
        let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
        let reply: redis::streams::StreamRangeReply = redis.xrevrange_count("cache:audit", "+", "-", 5).unwrap();
        reply.ids
    };
    let records = trail.iter().map(|entry| entry.get::<String>("record").unwrap());
    let records = records.map(|json| serde_json::from_str::<Value>(&json).unwrap());
    records.filter(|record| record["requestId"].as_str() == answer.header("x-request-id")).collect()
}

/// What an answer says of removed keys; a failure that says nothing says none.
fn reported(answer: &Answer) -> usize {
    let body = &answer.body;
    let places = [&body["stats"]["keysDeleted"], &body["stats"]["keysInvalidated"], &body["keysDeleted"]];
    places.iter().find_map(|count| count.as_u64()).map_or(0, |count| usize::try_from(count).unwrap())
}

/// Whether it removes keys, and says how many.
fn is_removal(route: &Route) -> bool {
    route.is_old() || ["/clear", "/invalidate", "/events"].contains(&route.path)
}

/// A change is in the trail once and as it was answered; where the trail could not be written, the log has the record.
fn assert_recorded(app: &App, route: &Route, answer: &Answer, struck: Option<&String>, what: &str) {
    let records = records(app, answer);
    assert!(records.len() <= 1, "{what}: {records:#?}");
    let Some(record) = records.first() else {
        // A connection that was idle is asked for a PING first.
        assert!(
            struck.is_some_and(|name| ["XADD", "PING"].contains(&name.as_str())),
            "{what}: not recorded: {answer:#?}"
        );
        assert!(is_logged(app, answer), "{what}: neither recorded nor logged: {answer:#?}");
        return;
    };
    let failed = ["failed", "partial"].contains(&record["outcome"].as_str().unwrap());
    assert_eq!(failed, answer.status != 200, "{what}: {record:#}\n{answer:#?}");
    if is_removal(route) {
        assert_eq!(record["keysDeleted"], reported(answer), "{what}: {record:#}\n{answer:#?}");
    }
}

/// Strikes each command of a route once; the answers are those of requests that were struck.
fn strike(app: &App, route: &Route, fault: Fault) {
    let mut redis = app.redis().connection();
    for nth in 0..MANY {
        prepare(&mut redis);
        app.proxy().fail_once(fault, nth);
        let answer = route.ask(&app.client(route.role));
        let commands = app.proxy().commands();
        app.proxy().heal();
        let what = format!("{} {} with {fault:?} at {nth} of {commands:?}", route.method, route.path);
        let failure = if route.reads_through() { 200 } else { 503 };
        assert!([route.expected(), failure].contains(&answer.status), "{what}: {answer:#?}");
        let gone = removed(&mut redis, route);
        if route.is_recorded() {
            assert_recorded(app, route, &answer, commands.get(nth), &what);
        }
        if is_removal(route) && !route.is_dry() {
            let said = reported(&answer);
            assert!(said <= gone, "{what}: {said} of {gone}: {answer:#?}");
            if NOT_DONE.contains(&fault) {
                assert_eq!(said, gone, "{what}: {answer:#?}");
            }
        } else if !route.path.starts_with("/warmup") {
            assert_eq!(gone, 0, "{what}");
        }
        if commands.len() <= nth {
            assert_eq!(answer.status, route.expected(), "{what}: nothing was struck: {answer:#?}");
            return;
        }
        if matches!(fault, Fault::Mute | Fault::Error(_)) {
            // A warmup's lock whose release was not repeated ends with its lease.
            let () = redis.del("lock:cache:warmup").unwrap();
        }
        end_to_end::prepare(&mut redis);
        let again = route.ask(&app.client(route.role));
        assert_eq!(again.status, route.expected(), "{what}, repeated: {again:#?}");
    }
    panic!("{route:?} has no end of commands");
}

/// Old addresses differ in their pattern alone, and what reads through in its query.
fn is_like_another(route: &Route) -> bool {
    (route.is_old() || route.reads_through()) && !route.path.starts_with("/api/users/")
}

fn strike_all(faults: &[Fault]) {
    let app = App::with(Options::new().proxied().variable("command_timeout_ms", "300"));
    for fault in faults {
        for route in Route::every().into_iter().filter(|route| !is_like_another(route)) {
            strike(&app, &route, *fault);
        }
    }
}

#[test]
fn a_command_that_never_arrived_costs_its_request_alone_and_what_is_told_is_what_was_done() {
    strike_all(&NOT_DONE);
}

#[test]
fn a_command_whose_reply_is_lost_costs_its_request_alone_and_no_more_is_told_than_was_done() {
    strike_all(&UNKNOWN);
}
