//! Warmups as jobs.

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Response};
use serde_json::{Value, json};

use crate::{ALL, matching};

/// Waits until the job of a response has ended.
fn await_job(app: &App, accepted: Response) -> Value {
    let body = accepted.with_status(202);
    let id = body["job"]["id"].as_str().unwrap().to_owned();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let job = app.viewer().get(&format!("/jobs/{id}")).ok()["data"].clone();
        if !job["endedAt"].is_null() {
            return job;
        }
        assert!(Instant::now() < deadline, "{job:#}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_warmup_becomes_a_job_where_the_client_asks_for_it() {
    let app = App::start();
    let accepted = app.admin().post("/warmup", &json!({ "async": true }));
    let location = accepted.header("location").unwrap().to_owned();

    let job = await_job(&app, accepted);
    assert!(location.ends_with(job["id"].as_str().unwrap()));
    assert_eq!(job["state"], "done", "{job:#}");
    assert_eq!(job["kind"], "warmup");
    assert_eq!(job["warmup"]["keysCreated"], ALL);
    assert_eq!(job["progress"]["percent"], 100.0);
    assert!(matching(&mut app.connection(), "products:*") > 100);
    let status = app.viewer().get("/warmup").ok();
    assert_eq!(status["data"]["state"], "done");

    let actions: Vec<Value> = app.admin().get("/audit").ok()["data"]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["action"].clone())
        .collect();
    assert_eq!(actions, ["job-end", "job-begin"]);
}

#[test]
fn a_dry_run_of_a_warmup_can_be_a_job() {
    let app = App::start();
    let body = json!({ "modules": ["users"], "dryRun": true, "async": true });
    let job = await_job(&app, app.admin().post("/warmup", &body));

    assert_eq!(job["state"], "done", "{job:#}");
    assert_eq!(job["warmup"]["dryRun"], true);
    assert!(job["warmup"]["keysCreated"].as_u64().unwrap() > 0);
    assert_eq!(matching(&mut app.connection(), "users:*"), 0);
}
