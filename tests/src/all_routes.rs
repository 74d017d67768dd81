//! Requests to every route, for tests of faults: before, during and after a failure of Redis.

use std::thread;
use std::time::Duration;

use redis::Commands;

use crate::app::App;
use crate::client::{Client, Response};
use crate::connection::Connection;
use crate::routes::Route;

/// Longest response time of every route while Redis fails.
pub const MAX_RESPONSE_TIME: Duration = Duration::from_secs(2);

/// A key for each route that names or clears keys.
const KEYS: [&str; 11] = [
    "users:1",
    "catalog:1",
    "manufacturers:1",
    "blog:1",
    "products:1",
    "products:4985:old",
    "vehicles:1",
    "config:1",
    "seo:1",
    "suppliers:1",
    "dashboard:1",
];

/// Creates the data that the tables of routes need.
///
/// # Panics
/// If Redis refuses.
pub fn create_route_data(redis: &mut Connection) {
    let () = redis
        .mset(&KEYS.map(|key| (key, "x")))
        .expect("Redis accepts keys");
    let () = redis
        .hset("cache:ttl", "test", 60)
        .expect("Redis accepts a field");
    let () = redis
        .hset(
            "cache:rules",
            "test",
            r#"{"keys":["a"],"patterns":[],"tags":[]}"#,
        )
        .expect("Redis accepts a field");
}

/// Sends requests to all routes at once, each with the role it requires and on its own connection.
///
/// # Panics
/// If a response is not documented.
pub fn send_all(app: &App) -> Vec<(Route, Response)> {
    thread::scope(|scope| {
        let send = |(route, client): &'_ (Route, Client)| {
            let route = route.clone();
            let client = client.clone();
            scope.spawn(move || {
                let response = route.send(&client);
                (route, response)
            })
        };
        let asked: Vec<_> = app.all_routes().iter().map(send).collect();
        asked
            .into_iter()
            .map(|response| response.join().expect("a documented response"))
            .collect()
    })
}

/// Checks that every route responds in time: with 503 if it needs Redis, with the loaded value if
/// it reads through the cache. Audit records must be in the log.
///
/// # Panics
/// If one does not.
pub fn assert_all_unavailable(app: &App) -> Vec<(Route, Response)> {
    let responses = send_all(app);
    for (route, response) in &responses {
        assert_eq!(
            response.status,
            route.expected_without_redis(),
            "{response:#?}"
        );
        assert!(
            response.took < MAX_RESPONSE_TIME,
            "{route:?} took {:?}",
            response.took
        );
        if route.path == "/health" {
            assert_eq!(response.body["status"], "unhealthy");
        }
        if route.reads_through() {
            assert_eq!(response.header("x-cache"), Some("MISS"), "{response:#?}");
        }
        assert_eq!(
            response.header("deprecation").is_some(),
            route.is_old(),
            "{response:#?}"
        );
    }

    for (route, response) in responses.iter().filter(|(route, _)| route.is_recorded()) {
        assert!(
            is_record_logged(app, response),
            "{route:?}: the audit record is lost: {response:#?}"
        );
    }

    responses
}

/// Returns true if the log has the record of a change that the audit trail could not store.
pub fn is_record_logged(app: &App, response: &Response) -> bool {
    let id = response.header("x-request-id").unwrap_or_default();
    app.logs(&[
        "audit.failed",
        "the record",
        &format!("\"requestId\":\"{id}\""),
    ])
}

/// Releases the places of walks whose reply was lost. They would expire after some seconds.
///
/// # Panics
/// If Redis does not answer.
pub fn release_walks(app: &App) {
    let mut redis = app.connection();
    for db in [0, 1] {
        let () = redis::cmd("SELECT")
            .arg(db)
            .query(&mut redis)
            .expect("a database");
        for place in crate::keys(&mut redis, "cache:{walks}:*") {
            let () = redis.del(place).expect("a reply");
        }
    }
}

/// Checks that every route works again at once, on the same application and connections.
///
/// # Panics
/// If one does not.
pub fn assert_all_recovered(app: &App) {
    let mut redis = app.connection();
    release_walks(app);
    for (route, client) in app.all_routes() {
        create_route_data(&mut redis);
        let response = route.send(client);
        assert_eq!(
            response.status,
            route.expected(),
            "{route:?}: {response:#?}"
        );
    }
}

/// Returns the problem types among the responses, without consecutive duplicates.
pub fn problem_types(responses: &[(Route, Response)]) -> Vec<String> {
    let types = responses
        .iter()
        .filter_map(|(_, response)| response.body["type"].as_str());
    let mut types: Vec<String> = types.map(str::to_owned).collect();
    types.dedup();
    types
}
