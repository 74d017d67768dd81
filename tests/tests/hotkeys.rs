//! `GET /api/cache/hotkeys`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::time::{SystemTime, UNIX_EPOCH};

use end_to_end::{App, Options};
use redis::Commands;
use serde_json::{Value, json};

/// Sets what services have reported in the minute that began so many minutes ago.
fn set_minute(app: &App, minutes_ago: u64, keys: &[(&str, u64)]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let minute = format!("cache:hot:{}", now.as_secs() / 60 - minutes_ago);
    let mut redis = app.connection();
    let lookups: u64 = keys.iter().map(|(_, lookups)| lookups).sum();
    let () = redis.hset(&minute, "lookups", lookups).unwrap();
    let () = redis.hset(&minute, "instances", 2).unwrap();
    for (key, lookups) in keys {
        // Lookups, missing, variance, hits, loads, microseconds of loads, milliseconds saved, bytes.
        let figures = [*lookups, 1, 4, *lookups, 2, 6000, lookups * 3, lookups * 10];
        let mut packed = Vec::new();
        for figure in figures {
            packed.push(0xcf);
            packed.extend(figure.to_be_bytes());
        }
        let () = redis.hset(&minute, format!("k{key}"), packed).unwrap();
    }
}

fn hot_keys(app: &App, query: &str) -> Value {
    app.viewer().get(&format!("/hotkeys{query}")).data()
}

#[test]
fn without_lookups_there_are_no_hot_keys() {
    let hot = hot_keys(&App::start(), "");

    assert_eq!(hot["keys"], json!([]));
    assert_eq!(hot["lookups"], 0);
    assert_eq!(hot["frequencies"], Value::Null);
    let reason = hot["frequenciesReason"].as_str().unwrap();
    assert!(reason.contains("noeviction"), "{reason}");
}

#[test]
fn keys_are_listed_by_their_lookups_with_how_far_these_may_be_off() {
    let app = App::start();
    set_minute(&app, 1, &[("shop:a", 60), ("shop:b", 30), ("users:1", 10)]);
    set_minute(&app, 0, &[("shop:a", 40)]);

    let hot = hot_keys(&app, "?minutes=10&limit=2");

    let key = |n: usize| &hot["keys"][n];
    assert_eq!(hot["keys"].as_array().unwrap().len(), 2);
    assert_eq!(key(0)["key"], "shop:a");
    assert_eq!(key(0)["lookups"], 100);
    // Twice 1 that may be missing, and three standard deviations of the variance 8.
    assert_eq!(key(0)["maxError"], 2 + 9);
    assert_eq!(key(0)["share"], 0.7143);
    assert_eq!(key(0)["hitShare"], 1.0);
    assert_eq!(key(0)["loadMs"], 3.0);
    assert_eq!(key(0)["timeSavedMs"], 300);
    assert_eq!(key(1)["key"], "shop:b");
    assert_eq!(hot["modules"][0]["module"], "shop");
    assert_eq!(hot["modules"][1]["lookups"], 10);
    assert_eq!(hot["instances"], 2);
}

#[test]
fn the_schedule_keeps_minutes_that_a_clear_would_take() {
    let app = App::start();
    set_minute(&app, 2, &[("shop:a", 60)]);
    app.admin().post("/warmup/scheduled", &json!({})).ok();
    app.admin().post("/clear", &json!({ "confirm": true })).ok();

    assert_eq!(hot_keys(&app, "")["keys"][0]["lookups"], 60);
}

#[test]
fn a_server_that_evicts_by_frequency_tells_it() {
    let app = App::with(Options::new().redis(&["--maxmemory-policy", "allkeys-lfu"]));
    let () = app.connection().set("users:1", 1).unwrap();

    let hot = hot_keys(&app, "");

    assert_eq!(hot["frequenciesReason"], Value::Null);
    assert_eq!(hot["frequencies"][0]["key"], "users:1", "{hot:#}");
    assert_eq!(hot["frequencies"].as_array().unwrap().len(), 1, "{hot:#}");
}

#[test]
fn an_invalid_parameter_is_named() {
    let app = App::start();
    for (query, field) in [
        ("minutes=0", "minutes"),
        ("minutes=1441", "minutes"),
        ("limit=201", "limit"),
        ("from=1", "from"),
    ] {
        let problem = app
            .viewer()
            .get(&format!("/hotkeys?{query}"))
            .with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}
