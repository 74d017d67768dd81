//! `POST /api/cache/analysis` and `GET /api/cache/analysis`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Options, fill};
use serde_json::{Value, json};

/// The longest time that a job of these tests may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn analyse(app: &App, body: &Value) -> Value {
    app.admin().post("/analysis", body).data()
}

#[track_caller]
fn group<'a>(analysis: &'a Value, prefix: &str) -> &'a Value {
    let groups = analysis["groups"].as_array().unwrap();
    let found = groups.iter().find(|group| group["prefix"] == prefix);
    found.unwrap_or_else(|| panic!("no group {prefix}: {analysis:#}"))
}

fn wait_for_job(app: &App, id: &str) -> Value {
    let began = Instant::now();
    loop {
        let job = app.viewer().get(&format!("/jobs/{id}")).data();
        if job["endedAt"] != Value::Null {
            return job;
        }
        assert!(began.elapsed() < PATIENCE, "{job:#}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_sample_is_returned_and_kept() {
    let app = App::start();
    let missing = app.viewer().get("/analysis").with_status(404);
    let detail = missing["detail"].as_str().unwrap();
    assert!(detail.contains("POST /analysis"), "{detail}");

    fill(&mut app.connection(), "users:", 0..300);
    fill(&mut app.connection(), "products:page:", 0..200);
    let analysis = analyse(&app, &json!({ "depth": 3 }));

    assert_eq!(analysis["mode"], "sample");
    assert_eq!(analysis["by"], "deploy");
    assert_eq!(group(&analysis, "users:{id}")["keys"]["value"], 300);
    assert_eq!(group(&analysis, "products:page:")["keys"]["value"], 200);
    assert_eq!(group(&analysis, "products:page:{id}")["depth"], 3);
    let shares = group(&analysis, "users:")["share"]["value"]
        .as_f64()
        .unwrap()
        + group(&analysis, "products:")["share"]["value"]
            .as_f64()
            .unwrap();
    assert!(shares > 0.5 && shares <= 1.0, "{shares}");

    let kept = app.viewer().get("/analysis").data();
    assert_eq!(kept, analysis);
    let id = analysis["id"].as_str().unwrap();
    let by_id = app.viewer().get(&format!("/analysis?id={id}")).data();
    assert_eq!(by_id, analysis);
    app.viewer().get("/analysis?id=1-1").with_status(404);
}

#[test]
fn a_sample_is_recorded_in_the_audit_trail() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..10);
    analyse(&app, &json!({}));

    let trail = app.admin().get("/audit").data();
    let record = &trail["entries"][0];
    assert_eq!(record["action"], "analysis", "{trail:#}");
    assert_eq!(record["detail"], "sample of 20000 keys, depth 3");
    assert_eq!(record["outcome"], "ok");
}

#[test]
fn a_full_analysis_is_a_job_whose_result_appears_when_it_is_done() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..3000);

    let body = json!({ "mode": "full", "depth": 2 });
    let accepted = app.admin().post("/analysis", &body).with_status(202);
    let job = accepted["job"]["id"].as_str().unwrap();
    assert_eq!(accepted["job"]["kind"], "analysis");

    let ended = wait_for_job(&app, job);
    assert_eq!(ended["state"], "done", "{ended:#}");
    assert!(ended["keysMatched"].as_u64().unwrap() >= 3000, "{ended:#}");

    let analysis = app.viewer().get("/analysis").data();
    assert_eq!(analysis["mode"], "full");
    let users = group(&analysis, "users:{id}");
    assert_eq!(
        users["keys"],
        json!({"value": 3000, "low": 3000, "high": 3000})
    );

    let trail = app.admin().get("/audit").data();
    let entries = trail["entries"].as_array().unwrap().iter();
    let actions: Vec<&str> = entries
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert!(
        actions.contains(&"job-begin") && actions.contains(&"job-end"),
        "{actions:?}"
    );
}

#[test]
fn the_schedule_makes_an_analysis_if_it_is_told_how_often() {
    let app = App::with(Options::new().variable("analysis_interval_minutes", "60"));
    fill(&mut app.connection(), "orders:", 0..50);
    for _ in 0..2 {
        app.admin().post("/warmup/scheduled", &json!({})).ok();
    }

    let analysis = app.viewer().get("/analysis").data();
    assert_eq!(analysis["by"], "schedule");
    assert_eq!(analysis["runs"].as_array().unwrap().len(), 1);
    assert_eq!(group(&analysis, "orders:")["keys"]["value"], 50);
}

#[test]
fn without_an_interval_the_schedule_makes_none() {
    let app = App::start();
    app.admin().post("/warmup/scheduled", &json!({})).ok();
    app.viewer().get("/analysis").with_status(404);
}
