//! Clears that need confirmation or an admin, because of their share of the keys.

use end_to_end::{App, fill};
use serde_json::json;

use crate::{count, mostly_users, set_protected_keys};

#[test]
fn a_pattern_that_matches_everything_needs_confirmation() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..10);
    set_protected_keys(&mut redis);
    let bodies = [
        json!({ "pattern": "*" }),
        json!({ "pattern": "**" }),
        json!({ "pattern": "?*" }),
        json!({ "pattern": "*?*" }),
        json!({ "pattern": "[^x]*" }),
        json!({}),
        json!({ "confirm": false }),
        json!({ "pattern": "*", "confirm": false }),
    ];

    for body in bodies {
        let problem = app.admin().post("/clear", &body).with_status(400);
        assert_eq!(
            problem["type"], "urn:edge-cache:problem:confirmation-required",
            "{body}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains("confirm"),
            "{problem:#}"
        );
    }

    app.admin()
        .send("POST", "/api/cache/clear", None)
        .with_status(400);
    for empty in [
        json!({ "pattern": null, "confirm": true }),
        json!({ "pattern": "users:*", "dryRun": null }),
    ] {
        app.admin().post("/clear", &empty).with_status(422);
    }

    assert_eq!(count(&mut redis), 14);
}

#[test]
fn a_pattern_that_matches_nine_in_ten_keys_is_treated_as_a_global_clear() {
    let app = App::start();
    let mut redis = app.connection();
    mostly_users(&mut redis);
    let dry_run = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*", "dryRun": true }))
        .ok()["stats"]
        .take();

    assert_eq!(dry_run["matchShare"], 0.9);
    assert_eq!(dry_run["matchShareExact"], true);
    assert_eq!(dry_run["needsConfirm"], true);
    assert_eq!(dry_run["needsRole"], "admin");

    for body in [
        json!({ "pattern": "users:*" }),
        json!({ "pattern": "users:*", "confirm": true }),
    ] {
        let problem = app.operator().post("/clear", &body).with_status(403);
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("90 % of 1000 keys"),
            "{problem:#}"
        );
    }

    let problem = app
        .admin()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(400);
    assert_eq!(
        problem["type"],
        "urn:edge-cache:problem:confirmation-required"
    );
    assert_eq!(count(&mut redis), 1_000);

    let report = app
        .admin()
        .post("/clear", &json!({ "pattern": "users:*", "confirm": true }))
        .ok();
    assert_eq!(report["stats"]["keysDeleted"], 900);
    assert_eq!(count(&mut redis), 100);
}

#[test]
fn a_pattern_that_matches_more_than_half_of_many_keys_needs_confirmation() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..600);
    fill(&mut redis, "other:", 0..400);
    let problem = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(400);

    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("60 % of 1000 keys"),
        "{problem:#}"
    );

    app.operator()
        .post("/clear", &json!({ "pattern": "other:*" }))
        .ok();
    // These are all remaining keys, which only an admin may remove.
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*", "confirm": true }))
        .with_status(403);
    app.operator()
        .post("/clear", &json!({ "pattern": "users:1*", "confirm": true }))
        .ok();
}

#[test]
fn an_operator_cannot_clear_everything_in_two_steps() {
    let app = App::start();
    let mut redis = app.connection();
    mostly_users(&mut redis);

    for pattern in ["[ -Z]*", "[[-~]*", "*:*", "?sers:*"] {
        for confirm in [false, true] {
            app.operator()
                .post("/clear", &json!({ "pattern": pattern, "confirm": confirm }))
                .with_status(403);
        }
    }

    assert_eq!(count(&mut redis), 1_000);
}
