//! A Redis that is frozen, killed or restarted.

use std::time::Duration;

use crate::disconnect_clients;
use end_to_end::{
    App, Caller, MAX_RESPONSE_TIME, Response, Route, assert_all_recovered, assert_all_unavailable,
    create_route_data, problem_types,
};
use redis::Commands;

/// Thaws Redis. It now executes the commands it received while frozen, although nobody waits for
/// them. One of them takes the lock of a warmup, which would last for its lease of 15 s.
fn thaw(app: &App) {
    app.redis().thaw();
    let () = app.connection().del("lock:cache:warmup").unwrap();
}

#[test]
fn a_frozen_redis_is_a_503_in_time_until_it_thaws() {
    let app = App::start();
    assert_all_recovered(&app);
    app.redis().freeze();
    let responses = assert_all_unavailable(&app);
    thaw(&app);
    assert_eq!(
        problem_types(&responses),
        ["urn:edge-cache:problem:redis-timeout"]
    );
    assert_all_recovered(&app);
}

#[test]
fn a_redis_frozen_before_the_first_connection_is_a_503_in_time() {
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
    let responses: Vec<Response> = [Caller::Nobody, Caller::Stranger, Caller::Viewer]
        .map(|caller| app.client(caller).get("/audit"))
        .into();
    app.redis().thaw();

    for response in responses {
        assert!(response.took < MAX_RESPONSE_TIME, "{response:#?}");
        assert!([401, 403].contains(&response.status), "{response:#?}");
    }
}

#[test]
fn a_killed_redis_is_a_503_until_it_is_restarted() {
    let mut app = App::start();
    assert_all_recovered(&app);

    app.redis_mut().kill();
    let responses = assert_all_unavailable(&app);
    assert_eq!(
        problem_types(&responses),
        ["urn:edge-cache:problem:redis-unreachable"]
    );

    for (route, response) in &responses {
        let is_problem = response.header("content-type") == Some("application/problem+json");
        assert!(
            !is_problem || response.header("retry-after").is_some(),
            "{route:?}: {response:#?}"
        );
    }

    app.redis_mut().launch();
    assert_all_recovered(&app);
}

#[test]
fn a_restart_of_redis_between_requests_is_unnoticed() {
    let mut app = App::start();
    assert_all_recovered(&app);
    app.redis_mut().kill();
    app.redis_mut().launch();
    assert_all_recovered(&app);
}

#[test]
fn a_closed_connection_between_requests_is_unnoticed() {
    let app = App::start();
    let mut redis = app.connection();
    // A connection is trusted for 100 ms after its last use, and a change is not repeated on a new
    // one.
    let pause = |route: &Route| {
        std::thread::sleep(Duration::from_millis(if route.changes() { 150 } else { 0 }));
    };

    for (route, client) in app.all_routes() {
        pause(route);
        create_route_data(&mut redis);
        route.send(client).with_status(route.expected());
        disconnect_clients(&mut redis);
        pause(route);
        create_route_data(&mut redis);
        let response = route.send(client);
        assert_eq!(
            response.status,
            route.expected(),
            "{route:?}: {response:#?}"
        );
    }
}
