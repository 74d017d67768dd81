//! Jobs with a time.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use end_to_end::{App, fill};
use humantime::format_rfc3339_millis;
use serde_json::{Value, json};

use crate::{actions, begin, job, wait_for};

#[test]
fn a_scheduled_job_begins_at_its_time() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "accounts:", 0..10);
    let soon = SystemTime::now() + Duration::from_secs(2);
    let soon = format_rfc3339_millis(soon).to_string();
    let body = json!({ "pattern": "accounts:*", "async": true, "runAt": soon });

    let path = begin(&app, "/clear", &body);
    app.admin().post("/warmup/scheduled", &json!({})).ok();
    let waiting = job(&app, &path);
    assert_eq!(waiting["state"], "scheduled", "{waiting:#}");
    assert_eq!(waiting["inForceAt"], Value::Null);
    sleep(Duration::from_secs(2));
    app.admin().post("/warmup/scheduled", &json!({})).ok();

    assert_eq!(wait_for(&app, &path, "done")["keysRemoved"], 10);
    let recorded: Vec<String> = actions(&app)
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    let expected = ["job-end", "job-begin", "job-schedule"];
    let recorded: Vec<&str> = recorded
        .iter()
        .map(String::as_str)
        .filter(|action| action.starts_with("job"))
        .collect();
    assert_eq!(recorded, expected);
}

#[test]
fn a_bad_time_is_refused() {
    let app = App::start();
    for (body, problem) in [
        (
            json!({ "pattern": "a:*", "runAt": "2999-01-01T00:00:00Z", "async": true }),
            "30 days",
        ),
        (
            json!({ "pattern": "a:*", "runAt": "2020-01-01T00:00:00Z", "async": true }),
            "future",
        ),
        (
            json!({ "pattern": "a:*", "runAt": "tomorrow", "async": true }),
            "RFC 3339",
        ),
    ] {
        let refused = app.admin().post("/clear", &body).with_status(422);
        assert_eq!(refused["field"], "runAt");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(problem), "{detail}");
    }

    let later = SystemTime::now() + Duration::from_secs(3600);
    let later = format_rfc3339_millis(later).to_string();
    let now = json!({ "pattern": "a:*", "runAt": later });
    let refused = app.admin().post("/clear", &now).with_status(422);
    assert_eq!(refused["field"], "runAt");
    let named = json!({ "keys": ["a"], "runAt": later, "async": true });
    let refused = app.admin().post("/invalidate", &named).with_status(422);
    assert_eq!(refused["field"], "runAt");
}
