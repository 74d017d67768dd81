//! `POST /api/cache/jobs/{id}/execute`.

use end_to_end::{App, fill, keys};
use serde_json::json;

use crate::{begin, kind, wait_for};

#[test]
fn a_dry_run_is_executed_for_the_keys_that_it_has_matched() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3000);
    let body = json!({ "pattern": "users:*", "dryRun": true, "async": true });
    let dry = begin(&app, "/clear", &body);
    assert_eq!(wait_for(&app, &dry, "done")["executable"], "names");
    fill(&mut redis, "users:new:", 0..100);

    let execute = format!("{dry}/execute");
    app.viewer().post(&execute, &json!({})).with_status(403);
    app.stranger().post(&execute, &json!({})).with_status(401);
    app.admin().get(&execute).with_status(405);
    let missing = "/jobs/0123456789abcdef0123/execute";
    app.operator().post(missing, &json!({})).with_status(404);
    let refused = app.admin().post(&execute, &json!({}));
    assert_eq!(kind(refused, 400), "confirmation-required");
    let refused = app.admin().post(&execute, &json!({ "by": "name" }));
    assert_eq!(refused.with_status(422)["field"], "by");
    let job = begin(
        &app,
        &execute,
        &json!({ "confirm": true, "maxLatencyMs": 50 }),
    );
    let done = wait_for(&app, &job, "done");

    assert_eq!(done["keysRemoved"], 3000, "{done:#}");
    assert_eq!(done["keysAppeared"], 100);
    assert_eq!(done["maxLatencyMs"], 50);
    assert_eq!(keys(&mut redis, "users:*").len(), 100);
    let refused = app.operator().post(&format!("{job}/execute"), &json!({}));
    assert_eq!(kind(refused, 409), "job-state");
}
