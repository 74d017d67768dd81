//! `POST /api/cache/warmup/scheduled`, and the cron component that calls it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Caller, Options, Scheduler, is_spin, keys};
use redis::Commands;
use serde_json::{Value, json};

fn wake(app: &App) -> Value {
    app.admin().post("/warmup/scheduled", &json!({})).ok()
}

#[test]
fn it_warms_at_first_and_after_a_flush_and_not_in_between() {
    let app = App::start();
    let first = wake(&app);
    assert_eq!((&first["reason"], &first["warmup"]["by"]), (&json!("empty"), &json!("schedule")), "{first:#}");
    assert!(first["warmup"]["keysCreated"].as_u64().unwrap() > 100);
    let again = wake(&app);
    assert_eq!((&again["reason"], &again["warmup"], &again["relief"]), (&Value::Null, &Value::Null, &Value::Null));
    let () = redis::cmd("FLUSHALL").query(&mut app.redis().connection()).unwrap();
    assert_eq!(wake(&app)["reason"], "empty");
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(wake(&app)["reason"], "empty");
    let schedule = app.viewer().get("/warmup/plan").data()["schedule"].take();
    assert_eq!((&schedule["intervalSeconds"], &schedule["lastReason"]), (&json!(900), &json!("empty")));
    assert!(schedule["nextAt"].is_string() && schedule["lastCheckAt"].is_string(), "{schedule:#}");
}

#[test]
fn it_warms_after_a_restart_of_redis_on_the_same_instance() {
    let mut app = App::start();
    wake(&app);
    app.redis_mut().kill();
    app.admin().post("/warmup/scheduled", &json!({})).with_status(503);
    app.redis_mut().launch();
    assert_eq!(wake(&app)["reason"], "empty");
}

#[test]
fn it_warms_when_its_time_has_come_and_takes_over_from_the_dead() {
    let app = App::start();
    wake(&app);
    let mut redis = app.redis().connection();
    let () = redis.hset("cache:warmup:schedule", "last_at", 0).unwrap();
    assert_eq!(wake(&app)["reason"], "due");
    let two_minutes_ago =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() - 120_000;
    let () = redis.hset("cache:warmup:schedule", "last_at", two_minutes_ago.to_string()).unwrap();
    assert_eq!(wake(&app)["reason"], Value::Null);
    // What an instance leaves behind that died in the middle.
    let status: String = redis.get("cache:warmup:status").unwrap();
    let () = redis.set("cache:warmup:status", status.replacen("\"done\"", "\"running\"", 1)).unwrap();
    assert_eq!(wake(&app)["reason"], "retry");
}

#[test]
fn a_warmup_that_runs_already_is_not_joined_by_another() {
    let app = App::start();
    let () = app.redis().connection().set("lock:cache:warmup", "somebody else").unwrap();
    let report = wake(&app);
    assert_eq!((&report["reason"], &report["warmup"]), (&json!("empty"), &Value::Null), "{report:#}");
}

#[test]
fn it_sweeps_the_dead_members_of_tags() {
    let app = App::start();
    wake(&app);
    let mut redis = app.redis().connection();
    let () = redis.sadd("cache:tags:user-data", &["users:gone:1", "users:gone:2"]).unwrap();
    assert_eq!(wake(&app)["sweep"]["removed"], 2);
    assert_eq!(redis.scard::<_, u64>("cache:tags:user-data").unwrap(), 3);
}

#[test]
fn short_memory_is_relieved_and_the_trail_tells() {
    let options = Options::new().redis(&["--maxmemory", "16mb"]).variable("relief_patterns", "old:*, older:*");
    let app = App::with(options.variable("memory_alert_percent", "50"));
    let mut redis = app.redis().connection();
    let mut fill = redis::pipe();
    for n in 0..200 {
        fill.set(format!("old:{n}"), vec![b'x'; 50_000]).ignore().set(format!("older:{n}"), "x").ignore();
    }
    let () = fill.query(&mut redis).unwrap();
    let report = wake(&app);
    assert_eq!((&report["relief"]["keysDeleted"], &report["relief"]["patterns"]), (&json!(200), &json!(["old:*"])));
    assert_eq!(keys(&mut redis, "older:*").len(), 200);
    let trail = app.admin().get("/audit").ok()["data"]["entries"].take();
    let record = trail.as_array().unwrap().iter().find(|record| record["action"] == "memory-relief").unwrap();
    assert_eq!((&record["keysDeleted"], &record["outcome"]), (&json!(200), &json!("ok")));
    assert!(trail.as_array().unwrap().iter().any(|record| {
        record["action"] == "warmup" && record["detail"].as_str().unwrap().contains("by the schedule: empty")
    }));
}

#[test]
fn a_warmup_that_fails_after_memory_was_relieved_says_so() {
    let options = Options::new().redis(&["--maxmemory", "16mb"]).variable("relief_patterns", "old:*");
    let app = App::with(options.variable("memory_alert_percent", "5"));
    let () = app.redis().connection().mset(&[("old:1", 1), ("old:2", 2), ("new:1", 3)]).unwrap();
    let failed = app.admin().post("/warmup/scheduled", &json!({})).with_status(503);
    assert_eq!(failed["type"], "urn:edge-cache:problem:memory-alert");
    assert!(failed["detail"].as_str().unwrap().contains("2 keys were deleted"), "{failed:#}");
    assert_eq!(keys(&mut app.redis().connection(), "old:*").len(), 0);
}

#[test]
fn without_a_setting_nothing_is_relieved() {
    let app = App::with(Options::new().redis(&["--maxmemory", "16mb"]).variable("memory_alert_percent", "5"));
    assert_eq!(app.admin().post("/warmup/scheduled", &json!({})).with_status(503)["status"], 503);
    assert_eq!(keys(&mut app.redis().connection(), "old:*").len(), 0);
}

#[test]
fn a_body_is_not_expected() {
    let app = App::start();
    app.admin().post("/warmup/scheduled", &json!({ "force": true })).with_status(422);
    assert!(keys(&mut app.redis().connection(), "*").is_empty());
}

fn eventually(scheduler: &Scheduler, what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(150);
    while !so() {
        assert!(Instant::now() < deadline, "{what} did not come:\n{}", scheduler.log());
        sleep(Duration::from_millis(100));
    }
}

/// On Spin the cron trigger is a plugin, which nothing here installs.
fn has_cron() -> bool {
    if is_spin() {
        eprintln!("not run: Spin's cron trigger is a plugin");
    }
    !is_spin()
}

#[test]
fn the_cron_component_warms_the_cache_and_notices_a_flush() {
    if !has_cron() {
        return;
    }
    let app = App::start();
    let scheduler = Scheduler::start(&app, Caller::Admin.token().unwrap());
    let mut redis = app.redis().connection();
    eventually(&scheduler, "the first warmup", || redis.exists::<_, bool>("products:popular:list").unwrap());
    let () = redis::cmd("FLUSHALL").query(&mut redis).unwrap();
    eventually(&scheduler, "the warmup after a flush", || redis.exists::<_, bool>("products:popular:list").unwrap());
    assert!(scheduler.log().contains("\"reason\":\"empty\""), "{}", scheduler.log());
}

#[test]
fn a_cron_component_with_a_wrong_token_says_so() {
    if !has_cron() {
        return;
    }
    let app = App::start();
    let (without, wrong) = (Scheduler::start(&app, ""), Scheduler::start(&app, "a-wrong-token"));
    eventually(&without, "the advice", || without.log().contains("SPIN_VARIABLE_WARMUP_TOKEN"));
    eventually(&wrong, "the refusal", || wrong.log().contains("status 401"));
    assert!(!wrong.log().contains("a-wrong-token"));
}
