//! `POST /api/cache/warmup/scheduled`, and the cron component that calls it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Caller, Options, Scheduler, is_spin, keys};
use redis::Commands;
use serde_json::{Value, json};

fn run_schedule(app: &App) -> Value {
    app.admin().post("/warmup/scheduled", &json!({})).ok()
}

#[test]
fn it_warms_an_empty_cache_and_not_a_filled_one() {
    let app = App::start();
    let first = run_schedule(&app);
    assert_eq!(first["reason"], "empty", "{first:#}");
    assert_eq!(first["warmup"]["by"], "schedule", "{first:#}");
    assert!(first["warmup"]["keysCreated"].as_u64().unwrap() > 100);

    let again = run_schedule(&app);
    assert_eq!(again["reason"], Value::Null);
    assert_eq!(again["warmup"], Value::Null);
    assert_eq!(again["relief"], Value::Null);

    let () = redis::cmd("FLUSHALL").query(&mut app.connection()).unwrap();
    assert_eq!(run_schedule(&app)["reason"], "empty");

    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    assert_eq!(run_schedule(&app)["reason"], "empty");

    let schedule = app.viewer().get("/warmup/plan").data()["schedule"].take();
    assert_eq!(schedule["intervalSeconds"], 900);
    assert_eq!(schedule["lastReason"], "empty");
    assert!(schedule["nextAt"].is_string(), "{schedule:#}");
    assert!(schedule["lastCheckAt"].is_string(), "{schedule:#}");
}

#[test]
fn the_product_as_deployed_writes_no_entries() {
    let app = App::with(Options::new().as_deployed());
    let mut redis = app.connection();
    // Five ticks, each of which would have a reason to warm.
    for tick in 0..5 {
        let report = run_schedule(&app);
        assert_eq!(report["reason"], Value::Null, "tick {tick}: {report:#}");
        assert_eq!(report["warmup"], Value::Null, "tick {tick}: {report:#}");
        assert_eq!(report["planModules"], 0);
        let () = redis.hset("cache:warmup:schedule", "last_at", 0).unwrap();
        if tick == 2 {
            let () = redis::cmd("FLUSHALL").query(&mut redis).unwrap();
        }
    }

    let stored: Vec<String> = keys(&mut redis, "*")
        .into_iter()
        .filter(|key| !key.starts_with("cache:"))
        .collect();
    assert!(stored.is_empty(), "{stored:?}");

    let response = app.admin().post("/warmup", &json!({})).ok();
    assert!(
        response["message"]
            .as_str()
            .unwrap()
            .contains("edge-cache.toml"),
        "{response:#}"
    );
    assert_eq!(response["stats"]["keysCreated"], 0);
    assert_eq!(
        app.viewer().get("/warmup/plan").data()["modules"],
        json!([])
    );

    let stored: Vec<String> = keys(&mut redis, "*")
        .into_iter()
        .filter(|key| !key.starts_with("cache:"))
        .collect();
    assert!(stored.is_empty(), "{stored:?}");
}

#[test]
fn it_warms_after_a_restart_of_redis_on_the_same_instance() {
    let mut app = App::start();
    run_schedule(&app);
    app.redis_mut().kill();
    app.admin()
        .post("/warmup/scheduled", &json!({}))
        .with_status(503);
    app.redis_mut().launch();
    assert_eq!(run_schedule(&app)["reason"], "empty");
}

#[test]
fn it_warms_when_due_and_repeats_an_interrupted_warmup() {
    let app = App::start();
    run_schedule(&app);
    let mut redis = app.connection();
    let () = redis.hset("cache:warmup:schedule", "last_at", 0).unwrap();

    assert_eq!(run_schedule(&app)["reason"], "due");

    let two_minutes_ago = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis()
        - 120_000;
    let () = redis
        .hset(
            "cache:warmup:schedule",
            "last_at",
            two_minutes_ago.to_string(),
        )
        .unwrap();
    assert_eq!(run_schedule(&app)["reason"], Value::Null);

    // The status that an instance leaves when it ends during a warmup.
    let status: String = redis.get("cache:warmup:status").unwrap();
    let () = redis
        .set(
            "cache:warmup:status",
            status.replacen("\"done\"", "\"running\"", 1),
        )
        .unwrap();
    assert_eq!(run_schedule(&app)["reason"], "retry");
}

#[test]
fn it_does_not_start_a_second_warmup() {
    let app = App::start();
    let () = app
        .connection()
        .set_ex("lock:cache:warmup", "somebody else", 600)
        .unwrap();
    let report = run_schedule(&app);
    assert_eq!(report["reason"], "empty", "{report:#}");
    assert_eq!(report["warmup"], Value::Null, "{report:#}");
}

#[test]
fn it_prunes_dead_members_of_tags() {
    let app = App::start();
    run_schedule(&app);
    let mut redis = app.connection();
    let () = redis
        .sadd("cache:tags:user-data", &["users:gone:1", "users:gone:2"])
        .unwrap();
    assert_eq!(run_schedule(&app)["sweep"]["removed"], 2);
    assert_eq!(redis.scard::<_, u64>("cache:tags:user-data").unwrap(), 3);
}

#[test]
fn it_completes_and_records_interrupted_invalidations() {
    let app = App::start();
    run_schedule(&app);
    let mut redis = app.connection();

    for tag in ["one", "two"] {
        let () = redis.set(format!("old:{tag}"), "x").unwrap();
        let () = redis
            .sadd(
                format!("cache:tags-aside:{{cache:tags:{tag}}}"),
                format!("old:{tag}"),
            )
            .unwrap();
    }

    assert_eq!(run_schedule(&app)["sweep"]["removed"], 2);

    let entries = app.admin().get("/audit?limit=2").data()["entries"].take();
    let tags: std::collections::BTreeSet<&str> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["tags"][0].as_str().unwrap())
        .collect();
    assert_eq!(tags, ["one", "two"].into(), "{entries:#}");

    for entry in entries.as_array().unwrap() {
        assert_eq!(entry["action"], "invalidate", "{entry:#}");
        assert_eq!(entry["stream"], "automatic", "{entry:#}");
        assert_eq!(entry["keysDeleted"], 1, "{entry:#}");
        assert_eq!(entry["outcome"], "ok", "{entry:#}");
    }

    assert!(keys(&mut redis, "old:*").is_empty());
}

#[test]
fn it_finishes_and_records_interrupted_removals_of_patterns_and_tags() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis
        .mset(&[("old:1", 1), ("old:2", 1), ("tagged:1", 1), ("new:1", 1)])
        .unwrap();
    let () = redis.sadd("cache:tags:one", "tagged:1").unwrap();
    // Their ids say that they began in 1970.
    for fence in [["1-1", "pattern", "old:*"], ["2-1", "tag", "one"]] {
        let append = redis::cmd("XADD")
            .arg("cache:fences")
            .arg(&fence)
            .exec(&mut redis);
        append.unwrap();
    }

    run_schedule(&app);

    assert_eq!(keys(&mut redis, "*:[12]"), ["new:1"]);
    let entries = app.admin().get("/audit?limit=2").data()["entries"].take();
    for (entry, action, deleted) in [
        (&entries[0], "event-removal", 2),
        (&entries[1], "invalidate", 1),
    ] {
        assert_eq!(entry["action"], action, "{entries:#}");
        assert_eq!(entry["stream"], "automatic", "{entries:#}");
        assert_eq!(entry["keysDeleted"], deleted, "{entries:#}");
        assert_eq!(entry["outcome"], "ok", "{entries:#}");
    }

    // Nothing is left to finish.
    let () = redis.set("old:3", 1).unwrap();
    run_schedule(&app);
    assert_eq!(keys(&mut redis, "old:*"), ["old:3"]);
}

#[test]
fn it_relieves_and_records_memory_pressure() {
    let options = Options::new()
        .redis(&["--maxmemory", "16mb"])
        .variable("relief_patterns", "old:*,older:*");
    let app = App::with(options.variable("memory_alert_percent", "50"));
    let mut redis = app.connection();
    let mut fill = redis::pipe();

    for n in 0..200 {
        fill.set(format!("old:{n}"), vec![b'x'; 50_000])
            .ignore()
            .set(format!("older:{n}"), "x")
            .ignore();
    }

    let () = fill.query(&mut redis).unwrap();
    let report = run_schedule(&app);
    assert_eq!(report["relief"]["keysDeleted"], 200);
    assert_eq!(report["relief"]["patterns"], json!(["old:*"]));
    assert_eq!(keys(&mut redis, "older:*").len(), 200);

    let trail = app.admin().get("/audit").ok()["data"]["entries"].take();
    let record = trail
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["action"] == "memory-relief")
        .unwrap();
    assert_eq!(record["keysDeleted"], 200);
    assert_eq!(record["outcome"], "ok");
    assert!(trail.as_array().unwrap().iter().any(|record| {
        record["action"] == "warmup"
            && record["detail"]
                .as_str()
                .unwrap()
                .contains("by the schedule: empty")
    }));
}

#[test]
fn a_failed_warmup_after_relief_reports_the_relief() {
    let options = Options::new()
        .redis(&["--maxmemory", "16mb"])
        .variable("relief_patterns", "old:*");
    let app = App::with(options.variable("memory_alert_percent", "5"));
    let () = app
        .connection()
        .mset(&[("old:1", 1), ("old:2", 2), ("new:1", 3)])
        .unwrap();
    let failed = app
        .admin()
        .post("/warmup/scheduled", &json!({}))
        .with_status(503);

    assert_eq!(failed["type"], "urn:edge-cache:problem:memory-alert");
    assert!(
        failed["detail"]
            .as_str()
            .unwrap()
            .contains("2 keys had been deleted"),
        "{failed:#}"
    );
    assert_eq!(keys(&mut app.connection(), "old:*").len(), 0);
}

#[test]
fn it_relieves_nothing_by_default() {
    let app = App::with(
        Options::new()
            .redis(&["--maxmemory", "16mb"])
            .variable("memory_alert_percent", "5"),
    );
    let mut redis = app.connection();
    let () = redis.set("old:1", vec![b'x'; 2 << 20]).unwrap();

    // The warmup, which would need more memory, is refused.
    app.admin()
        .post("/warmup/scheduled", &json!({}))
        .with_status(503);

    assert_eq!(keys(&mut redis, "old:*"), ["old:1"]);
}

#[test]
fn a_body_is_refused() {
    let app = App::start();
    app.admin()
        .post("/warmup/scheduled", &json!({ "force": true }))
        .with_status(422);
    assert!(keys(&mut app.connection(), "*").is_empty());
}

fn wait_until(scheduler: &Scheduler, event: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(150);
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "{event} did not happen:\n{}",
            scheduler.log()
        );
        sleep(Duration::from_millis(100));
    }
}

/// Returns false on Spin, whose cron trigger is a plugin that is not installed.
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
    let mut redis = app.connection();
    wait_until(&scheduler, "the first warmup", || {
        redis.exists::<_, bool>("products:popular:list").unwrap()
    });
    let () = redis::cmd("FLUSHALL").query(&mut redis).unwrap();
    wait_until(&scheduler, "the warmup after a flush", || {
        redis.exists::<_, bool>("products:popular:list").unwrap()
    });

    assert!(
        scheduler.log().contains("\"reason\":\"empty\""),
        "{}",
        scheduler.log()
    );
}

#[test]
fn a_cron_component_with_a_wrong_token_logs_the_reason() {
    if !has_cron() {
        return;
    }
    let app = App::start();
    let without = Scheduler::start(&app, "");
    let wrong = Scheduler::start(&app, "a-wrong-token");
    wait_until(&without, "the advice", || {
        without.log().contains("SPIN_VARIABLE_WARMUP_TOKEN")
    });
    wait_until(&wrong, "the refusal", || wrong.log().contains("status 401"));

    assert!(!wrong.log().contains("a-wrong-token"));
}
