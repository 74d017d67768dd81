//! Patterns.

use std::collections::HashMap;

use end_to_end::{App, ONE_SERVER, fill, keys, runs_on};
use redis::Commands;
use serde_json::json;

use crate::{count, names, tag};

/// Watches keys from another connection during `change`. Returns how often it saw each number of
/// existing keys.
fn states_seen_during(app: &App, keys: &[String], change: impl FnOnce()) -> HashMap<u64, u64> {
    let report = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut redis = app.connection();
            let mut seen = HashMap::new();
            while !report.load(std::sync::atomic::Ordering::Relaxed) {
                let existing: u64 = redis::cmd("EXISTS").arg(keys).query(&mut redis).unwrap();
                *seen.entry(existing).or_default() += 1;
            }
            seen
        });
        change();
        report.store(true, std::sync::atomic::Ordering::Relaxed);
        watching.join().unwrap()
    })
}

#[test]
fn a_pattern_that_matches_everything_needs_confirmation_and_keeps_protected_keys() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1_500);
    tag(&mut redis, "user-data", &names("users:", 0..5));

    for pattern in ["*", "**", "?*"] {
        app.admin()
            .delete("/invalidate", &json!({ "patterns": ["users:1", pattern] }))
            .with_status(400);
    }

    assert_eq!(count(&mut redis), 1_501);

    let report = app
        .admin()
        .delete(
            "/invalidate",
            &json!({ "patterns": ["*"], "confirm": true }),
        )
        .ok();
    assert_eq!(report["details"]["patterns"], json!({ "*": 1_500 }));
    assert_eq!(keys(&mut redis, "*"), ["cache:tags:user-data"]);
}

#[test]
fn a_pattern_with_more_than_1000_keys_is_removed_completely() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..12_345);
    fill(&mut redis, "stays:", 0..4_000);
    let report = app
        .admin()
        .delete(
            "/invalidate",
            &json!({ "patterns": ["users:*"], "confirm": true }),
        )
        .ok();

    assert_eq!(report["details"]["patterns"], json!({ "users:*": 12_345 }));
    assert_eq!(count(&mut redis), 4_000);
}

#[test]
fn a_pattern_keeps_protected_keys_unless_it_names_them() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("cache:x", "x").unwrap();
    let () = redis.set("lock:x", "x").unwrap();
    app.admin()
        .delete(
            "/invalidate",
            &json!({ "patterns": ["*x", "?ache:*", "lo*"] }),
        )
        .ok();

    assert_eq!(count(&mut redis), 2);

    app.admin()
        .delete("/invalidate", &json!({ "patterns": ["cache:*", "lock:*"] }))
        .ok();
    assert_eq!(count(&mut redis), 0);
}

#[test]
fn up_to_1000_keys_are_removed_atomically() {
    if !runs_on(ONE_SERVER, "on a Cluster the keys of each slot are") {
        return;
    }
    let app = App::start();
    let mut redis = app.connection();
    let keys = names("users:", 0..1_000);
    fill(&mut redis, "noise:", 0..30_000);

    for body in [
        json!({ "patterns": ["users:*"] }),
        json!({ "tags": ["user-data"] }),
        json!({ "keys": keys }),
    ] {
        fill(&mut redis, "users:", 0..1_000);
        tag(&mut redis, "user-data", &keys);
        let seen = states_seen_during(&app, &keys, || {
            app.admin().delete("/invalidate", &body).ok();
        });
        assert!(
            seen.keys().all(|existing| [0, 1_000].contains(existing)),
            "{body}: intermediate states were visible: {seen:?}"
        );
    }
}

#[test]
fn patterns_that_match_most_keys_together_need_confirmation() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..500);
    fill(&mut redis, "products:", 0..450);
    fill(&mut redis, "stays:", 0..50);
    app.admin()
        .delete(
            "/invalidate",
            &json!({ "patterns": ["users:*", "products:*"] }),
        )
        .with_status(400);
    let body = json!({ "patterns": ["users:*", "products:*"], "dryRun": true });
    let dry_run = app.admin().delete("/invalidate", &body).ok();

    assert_eq!(dry_run["details"]["matchShare"], 0.95);
    assert_eq!(dry_run["details"]["needsConfirm"], true);
    assert_eq!(count(&mut redis), 1_000);

    let body = json!({ "patterns": ["users:*", "products:*"], "confirm": true });
    assert_eq!(
        app.admin().delete("/invalidate", &body).ok()["stats"]["keysInvalidated"],
        950
    );
}
