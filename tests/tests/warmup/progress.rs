//! Running warmups: exclusion, progress and cancellation.

use crate::matching;
use end_to_end::{App, Connection, Options};
use redis::Commands;
use serde_json::{Value, json};

/// Returns how often Redis executed GET.
fn count_gets(redis: &mut Connection) -> u64 {
    let count = |stats: &String| -> u64 {
        let mut lines = stats.lines();
        let calls =
            lines.find_map(|line| line.strip_prefix("cmdstat_get:calls=")?.split(',').next());
        calls.map_or(0, |calls| calls.parse().unwrap())
    };
    redis.info("commandstats").iter().map(count).sum()
}

#[test]
fn one_warmup_runs_at_a_time() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis
        .set_ex("lock:cache:warmup", "somebody else", 600)
        .unwrap();
    let problem = app.admin().post("/warmup", &json!({})).with_status(409);

    assert!(
        problem["detail"].as_str().unwrap().contains("running"),
        "{problem:#}"
    );
    assert_eq!(matching(&mut redis, "*"), 1);
    assert_eq!(
        redis.get::<_, String>("lock:cache:warmup").unwrap(),
        "somebody else"
    );

    let () = redis.del("lock:cache:warmup").unwrap();
    app.admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    assert_eq!(matching(&mut redis, "lock:*"), 0);
}

#[test]
fn concurrent_warmups_are_refused() {
    let app = App::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    app.admin()
                        .post("/warmup", &json!({ "force": true }))
                        .status
                })
            })
            .collect();
        sent.into_iter()
            .map(|response| response.join().unwrap())
            .collect()
    });

    assert!(statuses.contains(&200), "{statuses:?}");
    assert!(
        statuses.iter().all(|status| [200, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(matching(&mut app.connection(), "products:*:details"), 100);
}

#[test]
fn before_the_first_warmup_there_is_no_progress() {
    assert_eq!(App::start().viewer().get("/warmup").data(), Value::Null);
}

#[test]
fn the_last_warmup_can_be_read() {
    let app = App::start();
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["users"], "force": true }))
        .ok();
    let last = app.viewer().get("/warmup").data();

    assert_eq!(last, report["details"]);
    assert_eq!(last["state"], "done");
    assert_eq!(last["by"], "deploy");
    assert_eq!(last["force"], true);
    assert!(last["bytes"].as_u64().unwrap() > 10, "{last:#}");
}

#[test]
fn an_interrupted_warmup_differs_from_a_running_one() {
    let app = App::start();
    let mut redis = app.connection();
    let mut status = app
        .admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok()["details"]
        .take();
    (status["state"], status["finishedAt"]) = (json!("running"), Value::Null);
    let () = redis
        .set("cache:warmup:status", status.to_string())
        .unwrap();

    assert_eq!(app.viewer().get("/warmup").data()["state"], "interrupted");

    let () = redis.set_ex("lock:cache:warmup", "its owner", 600).unwrap();
    assert_eq!(app.viewer().get("/warmup").data()["state"], "running");

    let problem = app.admin().post("/warmup", &json!({})).with_status(409);
    assert!(
        problem["detail"].as_str().unwrap().contains("deploy"),
        "{problem:#}"
    );
}

/// Cancels a warmup while another client watches it. Returns the report of the warmup and the
/// watched events.
fn watch_and_cancel_warmup(app: &App) -> (Value, Vec<(String, Value)>) {
    std::thread::scope(|scope| {
        let warmup = scope.spawn(|| app.admin().post("/warmup", &json!({})).ok());
        while app.viewer().get("/warmup").data()["state"] != "running" {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }

        let watching = scope.spawn(|| app.viewer().events("/warmup"));
        std::thread::sleep(std::time::Duration::from_millis(600));
        let cancelled = app.admin().post("/warmup/cancel", &json!({})).ok();
        let message = cancelled["message"].as_str().unwrap();
        assert!(message.contains("deploy"), "{cancelled:#}");

        (warmup.join().unwrap(), watching.join().unwrap())
    })
}

#[test]
fn a_warmup_can_be_watched_and_cancelled() {
    let app = App::with(Options::new().variable("warmup_rate", "20"));
    let none = app
        .admin()
        .post("/warmup/cancel", &json!({}))
        .with_status(404);
    assert!(
        none["detail"]
            .as_str()
            .unwrap()
            .contains("no warmup is running")
    );

    let (report, events) = watch_and_cancel_warmup(&app);

    assert_eq!(report["details"]["state"], "cancelled");
    let message = report["message"].as_str().unwrap();
    assert!(message.contains("cancelled after"), "{report:#}");
    assert!(events.len() > 1, "{events:#?}");
    assert!(
        events.iter().all(|(name, _)| name == "progress"),
        "{events:#?}"
    );
    assert_eq!(events[0].1["state"], "running");
    assert_eq!(events.last().unwrap().1, report["details"]);

    let actions: Vec<Value> = app.admin().get("/audit").ok()["data"]["entries"]
        .as_array()
        .unwrap()
        .clone();
    let ended = actions.iter().filter(|entry| entry["outcome"] != "running");
    let actions: Vec<&Value> = ended.map(|entry| &entry["action"]).collect();

    assert_eq!(
        actions,
        ["warmup", "warmup-cancel", "warmup-cancel"],
        "including the attempt without a warmup"
    );

    let entries = app.admin().get("/audit").ok()["data"]["entries"].take();
    assert_eq!(entries[0]["outcome"], "cancelled", "{entries:#}");
    assert_eq!(entries[0]["who"], "deploy", "{entries:#}");

    let metrics = app
        .viewer()
        .get("/metrics")
        .ok()
        .as_str()
        .unwrap()
        .to_owned();
    for sample in [
        "edge_cache_warmups_total{outcome=\"cancelled\"} 1",
        "edge_cache_changes_total{action=\"warmup\",outcome=\"cancelled\"} 1",
    ] {
        assert!(
            metrics.lines().any(|line| line == sample),
            "{sample}\n{metrics}"
        );
    }
}

#[test]
fn the_streams_of_an_instance_share_their_reads() {
    const STREAMS: u64 = 12;
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.connection();
    let ended: String = redis::cmd("GET")
        .arg("cache:warmup:status")
        .query(&mut redis)
        .unwrap();
    let mut running: Value = serde_json::from_str(&ended).unwrap();
    running["state"] = "running".into();
    let lasting = [
        ("cache:warmup:status", running.to_string()),
        ("lock:cache:warmup", "a".into()),
    ];
    let () = redis::cmd("MSET").arg(&lasting).query(&mut redis).unwrap();

    let (alone, together) = std::thread::scope(|scope| {
        let mut asked = |streams: u64| {
            for _ in 0..streams {
                scope.spawn(|| app.viewer().events("/warmup"));
                // The next stream finds an idle instance.
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            let before = count_gets(&mut redis);
            std::thread::sleep(std::time::Duration::from_secs(4));
            count_gets(&mut redis) - before
        };
        let asked = (asked(1), asked(STREAMS - 1));
        let () = redis::cmd("SET")
            .arg(&["cache:warmup:status", &ended])
            .query(&mut redis)
            .unwrap();
        asked
    });
    assert!(alone >= 4, "{alone} reads in 4 s");
    assert!(
        together * 2 < alone * STREAMS,
        "one stream read {alone} times, {STREAMS} streams read {together} times"
    );
}

#[test]
fn progress_without_a_warmup_is_one_event() {
    assert_eq!(
        App::start().viewer().events("/warmup"),
        [("progress".to_owned(), Value::Null)]
    );
}

#[test]
fn the_plan_shows_the_last_run_of_each_module() {
    let app = App::start();
    let before = app.viewer().get("/warmup/plan").data();
    let names: Vec<&Value> = before["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|module| &module["name"])
        .collect();

    assert_eq!(names, ["config", "vehicles", "products", "users", "seo"]);
    assert_eq!(before["modules"][3]["lastRun"], Value::Null);
    assert_eq!(before["schedule"]["lastAt"], Value::Null);

    app.admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    let after = app.viewer().get("/warmup/plan").data();
    assert_eq!(after["modules"][3]["lastRun"]["keysCreated"], 3);
    assert_eq!(after["modules"][0]["lastRun"], Value::Null);
}
