//! Requests and their reports.

use end_to_end::{App, ONE_SERVER, Options, runs_on};
use redis::Commands;
use serde_json::{Value, json};

use crate::{ALL, matching};

#[test]
fn only_the_requested_modules_are_warmed_in_the_order_of_the_plan() {
    let app = App::start();
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["seo", "users"] }))
        .ok();
    assert_eq!(report["stats"]["modulesWarmed"], json!(["users", "seo"]));
    assert_eq!(report["stats"]["keysCreated"], 12);
    assert_eq!(matching(&mut app.connection(), "products:*"), 0);
}

#[test]
fn an_empty_body_means_all_modules() {
    for body in [
        None,
        Some(b"".as_slice()),
        Some(b" \n"),
        Some(br#"{"modules":[]}"#),
    ] {
        let app = App::start();
        let report = app.admin().send("POST", "/api/cache/warmup", body).ok();
        assert_eq!(report["stats"]["keysCreated"], ALL, "{body:?}");
    }
}

#[test]
fn an_invalid_field_is_named_and_nothing_is_written() {
    let app = App::start();
    let cases = [
        (json!({ "modules": ["users", "prices"] }), "modules[1]"),
        (json!({ "modules": ["Users"] }), "modules[0]"),
        (json!({ "modules": "users" }), "modules"),
        (json!({ "modules": null }), "modules"),
        (json!({ "modules": [7] }), "modules[0]"),
        (json!({ "force": "yes" }), "force"),
        (json!({ "module": "users" }), "module"),
        (json!({ "modules": vec!["users"; 101] }), "modules"),
    ];
    for (body, field) in cases {
        let problem = app.admin().post("/warmup", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }

    let problem = app
        .admin()
        .post("/warmup", &json!({ "modules": ["prices"] }))
        .with_status(422);
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("config, vehicles, products, users, seo"),
        "{problem:#}"
    );
    assert_eq!(matching(&mut app.connection(), "*"), 0);
}

#[test]
fn a_failed_plan_entry_is_counted_and_the_rest_continues() {
    let app = App::start();
    let mut redis = app.connection();
    // The key of the tag has another type, so keys cannot be tagged.
    let () = redis.set("cache:tags:vehicle-catalog", "no set").unwrap();
    let report = app.admin().post("/warmup", &json!({})).ok();

    assert_eq!(report["stats"]["errors"], 2, "{report:#}");
    assert_eq!(report["stats"]["keysCreated"], ALL - 21);

    let vehicles = &report["details"]["modules"][1];
    assert_eq!(vehicles["name"], "vehicles");
    assert_eq!(vehicles["errors"], 2);
    assert_eq!(vehicles["keysCreated"], 0);
    assert!(
        vehicles["firstError"]
            .as_str()
            .unwrap()
            .contains("vehicles:"),
        "{vehicles:#}"
    );
}

#[test]
fn a_dry_run_reports_the_keys_it_would_write() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("users:active:count", "mine").unwrap();
    let report = app.admin().post("/warmup", &json!({ "dryRun": true })).ok();

    assert_eq!(report["stats"]["keysCreated"], ALL - 1);
    assert_eq!(report["stats"]["keysSkipped"], 1);
    assert!(
        report["message"]
            .as_str()
            .unwrap()
            .contains("nothing was written"),
        "{report:#}"
    );
    assert!(report["stats"]["bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(matching(&mut redis, "*"), 1);
    assert_eq!(
        app.viewer().get("/warmup").data(),
        Value::Null,
        "a dry run has no status"
    );
    assert!(
        app.admin().get("/audit").ok()["data"]["entries"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_warmup_stops_before_memory_passes_the_alert() {
    if !runs_on(
        ONE_SERVER,
        "a node of a Cluster needs more memory when empty",
    ) {
        return;
    }
    let app = App::with(
        Options::new()
            .redis(&["--maxmemory", "1500kb"])
            .variable("memory_alert_percent", "60"),
    );
    let problem = app.admin().post("/warmup", &json!({})).with_status(503);
    assert_eq!(problem["type"], "urn:edge-cache:problem:memory-alert");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("keys were written before"),
        "{problem:#}"
    );

    let status = app.viewer().get("/warmup").data();
    assert_eq!(status["state"], "failed");

    let record = app.admin().get("/audit").ok()["data"]["entries"][0].take();
    assert_eq!(record["action"], "warmup");
    assert_eq!(record["outcome"], "failed");
}
