//! `/api/cache/jobs`, and the requests that begin jobs.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod executed;
mod killed;
mod preferred;
mod scheduled;

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, BASE, Caller, ONE_SERVER, Options, Response, fill, keys, runs_on};
use redis::Commands;
use serde_json::{Value, json};

/// Longer than any job of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Begins a job; its path below [`BASE`].
fn begin(app: &App, path: &str, body: &Value) -> String {
    let accepted = app.admin().post(path, body);
    let location = accepted.header("location").unwrap().to_owned();
    assert_eq!(accepted.header("preference-applied"), None);
    accepted.with_status(202);
    location.strip_prefix(BASE).unwrap().to_owned()
}

/// Begins a clear of `accounts:*` that no worker advances; its path.
fn begin_waiting_clear(app: &App) -> String {
    occupy_lease(app, 60_000);
    begin(
        app,
        "/clear",
        &json!({ "pattern": "accounts:*", "async": true }),
    )
}

fn job(app: &App, path: &str) -> Value {
    app.viewer().get(path).data()
}

/// Waits until a job is in a state.
fn wait_for(app: &App, path: &str, state: &str) -> Value {
    let ends = Instant::now() + PATIENCE;
    loop {
        let job = job(app, path);
        if job["state"] == state {
            return job;
        }
        assert!(Instant::now() < ends, "not {state}: {job:#}");
        sleep(Duration::from_millis(20));
    }
}

/// Gives the lease to a worker that is gone, so that no other works.
fn occupy_lease(app: &App, milliseconds: u64) {
    let mut redis = app.connection();
    let () = redis
        .pset_ex("lock:cache:jobs", "gone", milliseconds)
        .unwrap();
}

/// Actions and outcomes of the trail, newest first.
fn actions(app: &App) -> Vec<(String, String)> {
    let entries = app.admin().get("/audit").data()["entries"].take();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = entries.as_array().unwrap().iter();
    entries
        .map(|entry| (text(entry, "action"), text(entry, "outcome")))
        .collect()
}

fn kind(response: Response, status: u16) -> String {
    let problem = response.with_status(status);
    let kind = problem["type"].as_str().unwrap();
    kind.trim_start_matches("urn:edge-cache:problem:")
        .to_owned()
}

#[test]
fn a_clear_goes_on_after_its_response() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..5000);
    fill(&mut redis, "other:", 0..9000);

    let path = begin(
        &app,
        "/clear",
        &json!({ "pattern": "users:*", "async": true }),
    );
    let done = wait_for(&app, &path, "done");

    assert_eq!(done["keysRemoved"], 5000, "{done:#}");
    assert_eq!(done["kind"], "clear");
    assert_eq!(done["takeovers"], 0);
    assert!(keys(&mut redis, "users:*").is_empty());
    assert_eq!(keys(&mut redis, "other:*").len(), 9000);
    let expected = [("job-end", "ok"), ("job-begin", "ok")];
    let expected = expected.map(|(action, outcome)| (action.to_owned(), outcome.to_owned()));
    assert_eq!(actions(&app), expected);
    let metrics = app.viewer().get("/metrics").body;
    assert!(metrics.as_str().unwrap().contains("job-end"), "{metrics}");
}

#[test]
fn a_job_is_followed_until_its_end() {
    let app = App::start();
    fill(&mut app.connection(), "accounts:", 0..10);
    occupy_lease(&app, 1000);
    let path = begin(
        &app,
        "/clear",
        &json!({ "pattern": "accounts:*", "async": true }),
    );

    let follower = app.viewer();
    let events = std::thread::scope(|scope| {
        let following = scope.spawn(|| follower.events(&path));
        app.admin().post("/warmup/scheduled", &json!({})).ok();
        following.join().unwrap()
    });

    assert!(events.iter().all(|(name, _)| name == "job"), "{events:#?}");
    let (_, last) = events.last().unwrap();
    assert_eq!(last["state"], "done");
    assert_eq!(last["keysRemoved"], 10);
    app.viewer().get("/jobs/x").with_status(404);
}

#[test]
fn an_invalidation_and_its_dry_run_become_jobs() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1200);
    let () = redis.set("named", 1).unwrap();

    let body = json!({ "keys": ["named"], "patterns": ["users:*"], "dryRun": true, "async": true });
    let refused = app.admin().post("/invalidate", &body).with_status(422);
    assert_eq!(refused["field"], "async");
    let body = json!({ "patterns": ["users:*"], "dryRun": true, "async": true });
    let path = begin(&app, "/invalidate", &body);
    let counted = wait_for(&app, &path, "done");
    assert_eq!(counted["keysMatched"], 1200, "{counted:#}");
    assert_eq!(counted["keysRemoved"], 0);
    assert_eq!(counted["inForceAt"], Value::Null);
    assert!(actions(&app).is_empty(), "a dry run is not a change");

    let body =
        json!({ "keys": ["named"], "patterns": ["users:*"], "confirm": true, "async": true });
    let path = begin(&app, "/invalidate", &body);
    assert_eq!(wait_for(&app, &path, "done")["keysRemoved"], 1201);
    assert!(keys(&mut redis, "users:*").is_empty());
}

#[test]
fn a_job_needs_the_role_and_the_confirmation_of_its_operation() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..2000);
    let everything = json!({ "confirm": true, "async": true });
    let most = json!({ "pattern": "users:*", "async": true });

    let refused = app.operator().post("/clear", &everything);
    assert_eq!(kind(refused, 403), "role-too-low");
    let refused = app.admin().post("/clear", &most);
    assert_eq!(kind(refused, 400), "confirmation-required");
    let own = json!({ "pattern": "cache:*", "async": true });
    let refused = app.admin().post("/clear", &own).with_status(422);
    assert_eq!(refused["field"], "async");
    let wrong = json!({ "pattern": "users:*", "async": "yes" });
    let refused = app.admin().post("/clear", &wrong).with_status(422);
    assert_eq!(refused["field"], "async");

    let paced = json!({ "pattern": "users:1*", "maxKeysPerSecond": 5 });
    let refused = app.admin().post("/clear", &paced).with_status(422);
    assert_eq!(refused["field"], "maxKeysPerSecond");

    assert_eq!(app.viewer().get("/jobs").data()["pagination"]["total"], 0);
    assert_eq!(keys(&mut app.connection(), "users:*").len(), 2000);
}

#[test]
fn a_job_is_paused_resumed_and_cancelled() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "accounts:", 0..10);
    let path = begin_waiting_clear(&app);
    let change = |verb: &str| app.operator().post(&format!("{path}/{verb}"), &json!({}));

    assert_eq!(kind(change("resume"), 409), "job-state");
    assert_eq!(change("pause").ok()["job"]["state"], "paused");
    assert_eq!(kind(change("pause"), 409), "job-state");
    assert_eq!(change("resume").ok()["job"]["state"], "queued");
    assert_eq!(change("cancel").ok()["job"]["state"], "cancelled");
    assert_eq!(kind(change("cancel"), 409), "job-state");
    let () = redis.del("lock:cache:jobs").unwrap();
    app.admin().post("/warmup/scheduled", &json!({})).ok();

    let ended = wait_for(&app, &path, "cancelled");
    assert_eq!(ended["keysRemoved"], 0, "{ended:#}");
    assert!(ended["endedAt"].is_string(), "{ended:#}");
    assert_eq!(keys(&mut redis, "accounts:*").len(), 10);
    let recorded = actions(&app);
    for action in ["job-begin", "job-pause", "job-resume", "job-cancel"] {
        let found = recorded.contains(&(action.to_owned(), "ok".to_owned()));
        assert!(found, "{action}: {recorded:?}");
    }
    assert!(recorded.contains(&("job-end".to_owned(), "cancelled".to_owned())));
}

#[test]
fn the_schedule_takes_over_from_a_worker_that_is_gone() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "accounts:", 0..10);
    let path = begin_waiting_clear(&app);
    let id = path.trim_start_matches("/jobs/").to_owned();
    let record: String = redis.hget("cache:jobs", &id).unwrap();
    let record = record.replace(r#""owner":"""#, r#""owner":"gone""#);
    let () = redis.hset("cache:jobs", &id, record).unwrap();
    let () = redis.hset("cache:jobs:states", &id, "running").unwrap();
    assert_eq!(
        job(&app, &path)["state"],
        "running",
        "reading does not work on it"
    );

    occupy_lease(&app, 1000);
    app.admin().post("/warmup/scheduled", &json!({})).ok();

    let done = wait_for(&app, &path, "done");
    assert_eq!(done["takeovers"], 1);
    assert_eq!(done["keysRemoved"], 10);
    let takeover = ("job-takeover".to_owned(), "ok".to_owned());
    assert!(actions(&app).contains(&takeover));
}

#[test]
fn jobs_are_listed_by_page_and_state() {
    let app = App::start();
    occupy_lease(&app, 60_000);
    for _ in 0..3 {
        begin(
            &app,
            "/clear",
            &json!({ "pattern": "users:*", "async": true }),
        );
    }

    let first = app.viewer().get("/jobs?limit=2").data();
    assert_eq!(first["jobs"].as_array().unwrap().len(), 2);
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let last = app
        .viewer()
        .get(&format!("/jobs?limit=2&cursor={cursor}"))
        .data();
    assert_eq!(last["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(last["pagination"]["hasMore"], false);
    let done = app.viewer().get("/jobs?state=done").data();
    assert_eq!(done["pagination"]["total"], 0);

    for query in ["state=over", "limit=0", "cursor=1", "order=up"] {
        app.viewer().get(&format!("/jobs?{query}")).with_status(422);
    }
}

#[test]
fn routes_of_jobs_refuse_what_they_do_not_understand() {
    let app = App::start();
    let missing = "/jobs/0123456789abcdef0123";
    for path in [missing, "/jobs/x", "/jobs/..%2fclear"] {
        assert_eq!(kind(app.viewer().get(path), 404), "not-found", "{path}");
    }

    for verb in ["cancel", "pause", "resume"] {
        let path = format!("{missing}/{verb}");
        assert_eq!(
            kind(app.operator().post(&path, &json!({})), 404),
            "not-found"
        );
        assert_eq!(
            kind(app.viewer().post(&path, &json!({})), 403),
            "role-too-low"
        );
        app.stranger().post(&path, &json!({})).with_status(401);

        app.operator()
            .post(&path, &json!({ "a": 1 }))
            .with_status(422);
        let broken = app
            .operator()
            .send("POST", &format!("{BASE}{path}"), Some(b"{"));
        broken.with_status(422);
        app.operator().get(&path).with_status(405);
    }

    app.client(Caller::Nobody).get("/jobs").with_status(401);
    app.viewer()
        .get(&format!("{missing}/start"))
        .with_status(404);
}

#[test]
fn without_redis_jobs_are_unavailable_and_go_on_when_it_is_back() {
    if !runs_on(ONE_SERVER, "it stops the server") {
        return;
    }
    let mut app =
        App::with(Options::new().redis(&["--appendonly", "yes", "--appendfsync", "always"]));
    fill(&mut app.connection(), "accounts:", 0..10);
    let path = begin_waiting_clear(&app);

    app.redis_mut().kill();
    app.viewer().get("/jobs").with_status(503);
    app.viewer().get(&path).with_status(503);
    for verb in ["cancel", "pause", "resume"] {
        app.operator()
            .post(&format!("{path}/{verb}"), &json!({}))
            .with_status(503);
    }
    let body = json!({ "pattern": "accounts:*", "async": true });
    app.admin().post("/clear", &body).with_status(503);

    app.redis_mut().launch();
    let () = app.connection().del("lock:cache:jobs").unwrap();
    app.admin().post("/warmup/scheduled", &json!({})).ok();
    assert_eq!(wait_for(&app, &path, "done")["keysRemoved"], 10);
}

#[test]
fn a_cluster_is_cleared_by_a_job() {
    let app = App::with(Options::new().cluster());
    let user = |number: u32| json!({ "keys": [format!("users:{number}")] });
    let path = begin(
        &app,
        "/clear",
        &json!({ "pattern": "users:*", "async": true }),
    );
    let done = wait_for(&app, &path, "done");

    assert_eq!(done["nodes"].as_array().unwrap().len(), 3, "{done:#}");
    assert_eq!(done["progress"]["pass"], 1);
    app.admin().post("/invalidate", &user(1)).ok();
}
