//! `confirmCount`: confirming the number of keys that a dry run has counted.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Response, fill, keys};
use serde_json::{Value, json};

fn with_count(body: &Value, count: u64) -> Value {
    let mut body = body.clone();
    body["confirmCount"] = count.into();
    body
}

fn assert_changed(response: Response) {
    let problem = response.with_status(409);
    assert_eq!(problem["type"], "urn:edge-cache:problem:count-changed");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("2000") && detail.contains("1900"),
        "{detail}"
    );
}

/// Waits until the job of a response is done.
fn await_done(app: &App, accepted: Response) -> Value {
    let id = accepted.with_status(202)["job"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ends = Instant::now() + Duration::from_secs(30);
    loop {
        let job = app.viewer().get(&format!("/jobs/{id}")).data();
        if job["state"] == "done" {
            return job;
        }
        assert!(Instant::now() < ends, "{job:#}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_count_that_has_changed_changes_nothing() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1900);
    let requests = [
        ("/clear", json!({ "pattern": "users:*" })),
        ("/clear", json!({ "pattern": "users:*", "mode": "soft" })),
        ("/clear", json!({ "pattern": "users:*", "async": true })),
        ("/invalidate", json!({ "patterns": ["users:*"] })),
        ("/invalidate", json!({ "patterns": ["*:*"], "async": true })),
        ("/expire", json!({ "pattern": "users:*", "ttl": 600 })),
        (
            "/expire",
            json!({ "pattern": "*", "ttl": 600, "async": true }),
        ),
    ];

    for (path, body) in &requests {
        assert_changed(app.admin().post(path, &with_count(body, 2000)));
        let both = with_count(
            &json!({ "confirm": true, "pattern": "users:*", "ttl": 600 }),
            1900,
        );
        app.admin().post("/expire", &both).with_status(400);
    }
    app.admin()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(400);

    assert_eq!(keys(&mut redis, "users:*").len(), 1900);
    assert_eq!(
        redis::Commands::ttl::<_, i64>(&mut redis, "users:1").unwrap(),
        -1
    );
}

#[test]
fn a_count_close_to_the_one_that_was_seen_confirms() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1900);

    let expire = json!({ "pattern": "users:*", "ttl": 600 });
    let report = app.admin().post("/expire", &with_count(&expire, 1910)).ok();
    assert_eq!(report["stats"]["keysChanged"], 1900);

    let clear = json!({ "pattern": "users:*", "async": true });
    let accepted = app.admin().post("/clear", &with_count(&clear, 1885));
    assert_eq!(await_done(&app, accepted)["keysRemoved"], 1900);

    fill(&mut redis, "users:", 0..1900);
    let everything = app.admin().post("/clear", &json!({ "dryRun": true })).ok();
    let count = everything["stats"]["keysMatched"].as_u64().unwrap();
    app.admin()
        .post("/clear", &json!({ "confirmCount": count + 100 }))
        .with_status(409);
    app.admin()
        .post("/clear", &json!({ "confirmCount": count }))
        .ok();
    assert!(keys(&mut redis, "users:*").is_empty());
}

#[test]
fn the_execution_of_a_dry_run_is_confirmed_by_its_count() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1900);
    let body = json!({ "pattern": "users:*", "dryRun": true, "async": true });
    let dry = await_done(&app, app.admin().post("/clear", &body));
    let execute = format!("/jobs/{}/execute", dry["id"].as_str().unwrap());
    fill(&mut redis, "users:new:", 0..100);

    // For its names, the number is that of the dry run; for the pattern, that of now.
    let by_pattern = json!({ "by": "pattern", "confirmCount": 1900 });
    let problem = app.admin().post(&execute, &by_pattern).with_status(409);
    assert_eq!(problem["type"], "urn:edge-cache:problem:count-changed");
    app.admin()
        .post(&execute, &json!({ "confirmCount": 2000 }))
        .with_status(409);
    let accepted = app.admin().post(&execute, &json!({ "confirmCount": 1900 }));

    assert_eq!(await_done(&app, accepted)["keysRemoved"], 1900);
    assert_eq!(keys(&mut redis, "users:*").len(), 100);
}
