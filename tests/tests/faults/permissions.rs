//! Wrong passwords and missing permissions.

use end_to_end::{
    App, MAX_RESPONSE_TIME, Options, assert_all_recovered, assert_all_unavailable,
    create_route_data, problem_types, send_all,
};
use serde_json::json;

use crate::{command, disconnect_clients};

#[test]
fn a_changed_password_is_a_503_until_it_is_correct_again() {
    let app = App::with(Options::new().default_user());
    assert_all_recovered(&app);

    let mut redis = app.connection();
    command(&mut redis, &["CONFIG", "SET", "requirepass", "another"]);
    disconnect_clients(&mut redis);
    // A request that finds its connection closed may report that instead, and each thread of the
    // host has several.
    let expected = ["urn:edge-cache:problem:redis-authentication"];
    let responses = (0..10)
        .map(|_| assert_all_unavailable(&app))
        .find(|responses| problem_types(responses) == expected)
        .unwrap();

    assert!(
        responses
            .iter()
            .all(|(_, response)| response.header("retry-after").is_none()),
        "retrying does not help"
    );

    command(&mut redis, &["CONFIG", "SET", "requirepass", ""]);
    assert_all_recovered(&app);
}

#[test]
fn a_wrong_configured_password_is_a_503() {
    let app = App::with(
        Options::new()
            .variable("redis_password", "wrong")
            .redis(&["--requirepass", "right"]),
    );
    let responses = assert_all_unavailable(&app);
    assert_eq!(
        problem_types(&responses),
        ["urn:edge-cache:problem:redis-authentication"]
    );
}

#[test]
fn the_documented_permissions_suffice_and_permit_no_more() {
    let app = App::start();
    assert_all_recovered(&app);
    let cached = |expected: &str| {
        let response = app
            .nobody()
            .send("GET", "/api/products/search?q=brake", None);
        assert_eq!(response.status, 200, "{response:#?}");
        assert_eq!(response.header("x-cache"), Some(expected), "{response:#?}");
    };
    cached("MISS");
    cached("HIT");
    assert_eq!(
        app.operator()
            .post("/invalidate", &json!({ "tags": ["products"] }))
            .ok()["success"],
        true
    );

    // The permissions of the application that handles the channel, and of publishers.
    let mut user = app.redis_as_user();
    let () = redis::cmd("PUBLISH")
        .arg(&["cache:events", "{}"])
        .query(&mut user)
        .unwrap();
    user.as_pubsub().subscribe("cache:events").unwrap();
    let mut user = app.redis_as_user();
    for forbidden in [
        &["FLUSHALL"][..],
        &["SWAPDB", "0", "1"],
        &["FUNCTION", "FLUSH"],
        &["SCRIPT", "FLUSH"],
        &["CLIENT", "LIST"],
        &["CONFIG", "GET", "*"],
        &["KEYS", "*"],
        &["PUBLISH", "another", "x"],
    ] {
        let refused = redis::cmd(forbidden[0])
            .arg(&forbidden[1..])
            .query::<redis::Value>(&mut user)
            .unwrap_err();
        let old = refused.to_string().contains("unknown command");
        assert!(
            refused.code() == Some("NOPERM") || old,
            "{forbidden:?}: {refused}"
        );
    }
}

#[test]
fn a_missing_permission_for_scripts_is_reported() {
    let app = App::with(Options::new().default_user());
    let mut redis = app.connection();
    // The first round compiles every component.
    assert_all_recovered(&app);

    create_route_data(&mut redis);
    command(&mut redis, &["ACL", "SETUSER", "default", "-@scripting"]);
    let mut refused = 0;

    for (route, response) in send_all(&app) {
        assert!(response.took < MAX_RESPONSE_TIME, "{response:#?}");
        if ["/health", "/health/ready"].contains(&route.path) {
            assert_eq!(response.status, 503, "{route:?}: {response:#?}");
        } else if response.status == 503 {
            assert_eq!(
                response.body["type"], "urn:edge-cache:problem:redis-permission",
                "{route:?}: {response:#?}"
            );
            assert!(
                response.body["detail"].as_str().unwrap().contains("eval"),
                "{route:?}: {response:#?}"
            );
            refused += 1;
        } else {
            assert_eq!(
                response.status,
                route.expected(),
                "{route:?}: {response:#?}"
            );
        }
    }

    assert!(refused > 20, "only {refused} routes were refused");

    command(&mut redis, &["ACL", "SETUSER", "default", "+@all"]);
    assert_all_recovered(&app);
}
