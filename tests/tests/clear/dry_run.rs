//! Dry runs.

use end_to_end::{App, fill};
use serde_json::{Value, json};

use crate::{count, set_protected_keys};

#[test]
fn a_dry_run_reports_the_matches_and_changes_nothing() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..2_500);
    fill(&mut redis, "other:", 0..7);
    set_protected_keys(&mut redis);
    let stats = |body: Value| app.admin().post("/clear", &body).ok()["stats"].take();
    let users = stats(json!({ "pattern": "users:*", "dryRun": true }));

    assert_eq!(users["keysMatched"], 2_500);

    let samples = users["sampleKeys"].as_array().unwrap();
    assert_eq!(samples.len(), 20);
    assert!(
        samples
            .iter()
            .all(|key| key.as_str().unwrap().starts_with("users:")),
        "{samples:?}"
    );
    assert_eq!(
        stats(json!({ "pattern": "other:*", "dryRun": true }))["sampleKeys"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
    assert_eq!(
        stats(json!({ "pattern": "nothing:*", "dryRun": true }))["keysMatched"],
        0
    );

    for everything in [
        json!({ "dryRun": true }),
        json!({ "pattern": "*", "dryRun": true }),
        json!({ "confirm": true, "dryRun": true }),
    ] {
        let found = stats(everything.clone());
        assert_eq!(found["keysMatched"], 2_507, "{everything}: {found:#}");
    }

    assert_eq!(count(&mut redis), 2_511);
    assert_eq!(app.admin().get("/audit").data()["pagination"]["total"], 0);
}

#[test]
fn a_dry_run_of_a_global_clear_counts_the_removed_keys() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..100);
    set_protected_keys(&mut redis);
    let matched =
        app.admin().post("/clear", &json!({ "dryRun": true })).ok()["stats"]["keysMatched"].take();
    let removed =
        app.admin().post("/clear", &json!({ "confirm": true })).ok()["stats"]["keysDeleted"].take();
    assert_eq!(matched, removed);
}
