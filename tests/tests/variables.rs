//! Variables with invalid values: every route names the variable.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::fs;

use end_to_end::{App, BASE, Caller, Options, Route, repository};

/// Invalid values.
const INVALID: [(&str, &str); 26] = [
    ("redis_db", "-1"),
    ("redis_db", "one"),
    ("redis_tls", "yes"),
    ("audit_redis_db", "1.5"),
    ("tokens", "a-token-in-plain"),
    (
        "tokens",
        "deploy:root:0000000000000000000000000000000000000000000000000000000000000000",
    ),
    ("command_timeout_ms", "0"),
    ("command_timeout_ms", "60001"),
    ("log_detail", "verbose"),
    ("latency_alert_ms", "soon"),
    ("sync_limit_seconds", "0"),
    ("memory_alert_percent", "101"),
    ("hit_rate_alert_percent", "0"),
    ("evictions_alert_per_minute", "many"),
    ("alert_window_minutes", "61"),
    ("alert_after_seconds", "3601"),
    ("analysis_interval_minutes", "-1"),
    (
        "alert_webhooks",
        "slack=https://user:a-token-in-plain@hooks.example.com/",
    ),
    ("alert_remind_minutes", "0"),
    ("value_editing", "maybe"),
    ("trusted_proxies", "-1"),
    ("trusted_proxies", "33"),
    ("trusted_proxy_addresses", "10.0.0.0/8,proxy.internal"),
    ("trusted_proxy_addresses", "*"),
    ("postgres_url", "mysql://u:a-token-in-plain@db/shop"),
    ("postgres_url", "host=db user=shop"),
];
/// Invalid values of the variables in `allowed_outbound_hosts`.
const INVALID_ADDRESSES: [(&str, &str); 5] = [
    ("redis_port", "abc"),
    ("redis_port", "0"),
    ("redis_port", "65536"),
    ("redis_host", "redis://127.0.0.1"),
    ("redis_host", "a b"),
];

/// Returns true if the component of this route has the variable.
fn has_variable(route: &Route, variable: &str) -> bool {
    let text = fs::read_to_string(repository().join("spin.toml")).unwrap();
    let manifest: toml::Value = toml::from_str(&text).unwrap();
    let path = format!("{BASE}/{}", route.path.split(['/', '?']).nth(1).unwrap());
    let mut triggers = manifest["trigger"]["http"].as_array().unwrap().iter();
    let trigger = triggers
        .find(|trigger| trigger["route"].as_str().unwrap().trim_end_matches("/...") == path)
        .unwrap();
    let component = trigger["component"].as_str().unwrap();
    manifest["component"][component]["variables"]
        .get(variable)
        .is_some()
}

fn assert_named_by_every_route(name: &str, value: &str) {
    let app = App::with(Options::new().variable(name, value));
    for route in Route::administration()
        .iter()
        .filter(|route| has_variable(route, name))
    {
        for caller in [Caller::Nobody, Caller::Admin] {
            let problem = route.send(&app.client(caller)).with_status(503);
            assert_eq!(
                problem["type"], "urn:edge-cache:problem:misconfigured",
                "{name}={value} {route:?}"
            );
            assert_eq!(
                problem["variable"], name,
                "{name}={value} {route:?}: {problem:#}"
            );
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains(&format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase())),
                "{detail}"
            );
            assert!(!detail.contains("a-token-in-plain"), "{detail}");
        }
    }
}

#[test]
fn an_invalid_value_is_reported_by_every_route_with_its_variable() {
    for (name, value) in INVALID {
        assert_named_by_every_route(name, value);
    }
}

#[test]
fn an_invalid_redis_address_is_reported_by_every_route_with_its_variable() {
    for (name, value) in INVALID_ADDRESSES {
        assert_named_by_every_route(name, value);
    }
}

#[test]
fn a_password_may_contain_any_characters() {
    let app = App::with(
        Options::new()
            .variable("redis_password", "p@s/s:w#d %é")
            .redis(&["--requirepass", "p@s/s:w#d %é"]),
    );
    app.viewer().get("/stats").ok();
}

#[test]
fn the_cache_is_in_the_configured_database() {
    let app = App::with(Options::new().variable("redis_db", "3"));
    let mut redis = app.connection();
    let () = redis::cmd("SELECT").arg(3).query(&mut redis).unwrap();
    end_to_end::fill(&mut redis, "users:", 0..5);
    assert_eq!(app.viewer().get("/stats").data()["keyCount"], 5);
}
