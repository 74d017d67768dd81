//! `GET /api/cache/stats`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::time::{Duration, Instant};

use end_to_end::{App, Connection, Fault, Monitor, ONE_SERVER, Options, Topology, fill, runs_on};
use redis::Commands;
use serde_json::Value;

/// Sets a limit of one and a half times the used memory, and returns it.
fn limit_memory(redis: &mut Connection) -> u64 {
    let limit = used_memory(redis) * 3 / 2;
    let () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg(limit)
        .query(redis)
        .unwrap();
    limit
}

fn used_memory(redis: &mut Connection) -> u64 {
    let used = |info: &String| -> u64 {
        let mut lines = info.lines();
        let used = lines.find_map(|line| line.strip_prefix("used_memory:"));
        used.unwrap().trim().parse().unwrap()
    };
    redis.info("memory").iter().map(used).sum()
}

fn alerts(stats: &Value) -> Vec<&str> {
    stats["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["kind"].as_str().unwrap())
        .collect()
}

fn look_up(redis: &mut Connection, key: &str, times: usize) {
    let mut lookups = redis::pipe();
    (0..times).for_each(|_| {
        lookups.get(key).ignore();
    });
    let () = lookups.query(redis).unwrap();
}

/// Alerts are raised as soon as a figure is past its threshold.
fn at_once() -> Options {
    Options::new().variable("alert_after_seconds", "0")
}

#[test]
fn statistics_match_those_of_redis() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3);
    look_up(&mut redis, "users:1", 3);
    look_up(&mut redis, "nothing", 1);
    let stats = app.viewer().get("/stats").data();
    let info = redis.info("server").swap_remove(0);
    let version = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_version:"))
        .unwrap()
        .trim();

    assert_eq!(stats["keyCount"], 3);
    assert_eq!(stats["hits"], 3);
    assert_eq!(stats["misses"], 1);
    assert_eq!(stats["hitRate"], "75.0%");
    assert_eq!(stats["hitRatio"], 0.75);
    assert_eq!(stats["maxMemory"], Value::Null);
    assert_eq!(stats["maxMemoryBytes"], 0);
    assert_eq!(stats["usagePercent"], Value::Null);
    assert!(
        stats["version"].as_str().unwrap().ends_with(version) || info.contains("valkey_version"),
        "{stats:#}"
    );
    assert!(
        stats["memoryBytes"]
            .as_u64()
            .unwrap()
            .abs_diff(used_memory(&mut redis))
            < 1 << 20
    );
    assert!(stats["connectedClients"].as_u64().unwrap() >= 2);
    assert_eq!(alerts(&stats), Vec::<&str>::new());
}

#[test]
fn before_the_first_lookup_there_is_no_hit_ratio() {
    let stats = App::start().viewer().get("/stats").data();
    assert_eq!(stats["hitRate"], "0.0%");
    assert_eq!(stats["hitRatio"], Value::Null);
}

#[test]
fn a_low_hit_rate_is_an_alert_after_1000_lookups() {
    let app = App::with(at_once());
    let mut redis = app.connection();
    look_up(&mut redis, "nothing", 999);

    assert_eq!(
        alerts(&app.viewer().get("/stats").data()),
        Vec::<&str>::new()
    );

    look_up(&mut redis, "nothing", 1);
    let stats = app.viewer().get("/stats").data();
    assert_eq!(alerts(&stats), ["hit_rate"]);
    assert_eq!(stats["alerts"][0]["value"], 0.0);
    assert_eq!(stats["alerts"][0]["threshold"], 70.0);
}

#[test]
fn recent_misses_are_an_alert_that_own_reads_do_not_end() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(at_once().proxied());
    app.proxy().set_field("uptime_in_seconds", "400000");
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..500);
    look_up(&mut redis, "users:1", 100_000);
    assert_eq!(
        alerts(&app.viewer().get("/stats").data()),
        Vec::<&str>::new()
    );
    look_up(&mut redis, "nothing", 20_000);
    let stats = app.viewer().get("/stats").data();
    assert_eq!(alerts(&stats), ["hit_rate"], "{stats:#}");
    assert!(stats["hitRatio"].as_f64().unwrap() > 0.8, "{stats:#}");
    assert!(
        stats["hitRateWindow"]["ratio"].as_f64().unwrap() < 0.01,
        "{stats:#}"
    );

    for _ in 0..60 {
        app.viewer().get("/keys?limit=100").ok();
    }
    let after = app.viewer().get("/stats").data();
    assert!(
        after["hits"].as_u64().unwrap() > stats["hits"].as_u64().unwrap() + 10_000,
        "{after:#}"
    );
    let lookups = |stats: &Value| stats["hitRateWindow"]["lookups"].as_u64().unwrap();
    assert!(lookups(&after).abs_diff(lookups(&stats)) < 500, "{after:#}");
    assert_eq!(alerts(&after), ["hit_rate"]);
}

#[test]
fn a_value_that_redis_does_not_report_is_null_with_a_reason() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(Options::new().proxied());
    app.proxy()
        .drop_fields(&["used_memory", "keyspace_hits", "evicted_keys", "role"]);
    let stats = app.viewer().get("/stats").data();

    for field in [
        "memory",
        "memoryBytes",
        "hits",
        "hitRate",
        "evictedKeys",
        "evictionsPerMinute",
        "role",
    ] {
        assert_eq!(stats[field], Value::Null, "{field}: {stats:#}");
    }

    assert_eq!(stats["unknown"].as_array().unwrap().len(), 4, "{stats:#}");
}

#[test]
fn memory_near_its_limit_is_an_alert() {
    if !runs_on(ONE_SERVER, "each node of a Cluster has a limit of its own") {
        return;
    }
    let app = App::with(Options::new().variable("memory_alert_percent", "50"));
    let mut redis = app.connection();
    let limit = limit_memory(&mut redis);
    let stats = app.viewer().get("/stats").data();

    assert_eq!(alerts(&stats), ["memory"]);
    assert_eq!(stats["maxMemoryBytes"], limit);
    assert!(stats["usagePercent"].as_f64().unwrap() > 50.0);
}

#[test]
fn a_slow_reply_is_an_alert() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(Options::new().proxied());
    app.proxy().fail(Fault::Slow(Duration::from_millis(150)));
    let stats = app.viewer().get("/stats").data();

    assert_eq!(alerts(&stats), ["latency"]);
    assert!(
        (100.0..1500.0).contains(&stats["latencyMs"].as_f64().unwrap()),
        "{stats:#}"
    );
}

#[test]
fn paused_writes_delay_the_first_response_by_one_time_limit() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis::cmd("CLIENT")
        .arg("PAUSE")
        .arg(60_000)
        .arg("WRITE")
        .query(&mut redis)
        .unwrap();
    let response = app.viewer().get("/stats");
    let () = redis::cmd("CLIENT")
        .arg("UNPAUSE")
        .query(&mut redis)
        .unwrap();

    // Two time limits of 1.5 s in sequence would take 3 s.
    assert!(response.took < Duration::from_millis(2800), "{response:?}");
    // A server without a second database says so before a write.
    let is_known = Topology::selected() != Topology::Single;
    assert_eq!(!response.data()["auditTrail"].is_null(), is_known);
}

#[test]
fn many_evictions_are_an_alert_after_two_samples() {
    if !runs_on(ONE_SERVER, "each node of a Cluster has a limit of its own") {
        return;
    }
    let app = App::with(
        at_once()
            .variable("evictions_alert_per_minute", "5")
            .redis(&["--maxmemory-policy", "allkeys-random"]),
    );
    let mut redis = app.connection();
    assert_eq!(
        app.viewer().get("/stats").data()["evictionsPerMinute"],
        Value::Null
    );

    fill(&mut redis, "users:", 0..20_000);
    let limit = used_memory(&mut redis) - 100_000;
    let () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg(limit)
        .query(&mut redis)
        .unwrap();
    let () = redis.set("one more", "x").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let stats = loop {
        let stats = app.viewer().get("/stats").data();
        if !stats["evictionsPerMinute"].is_null() {
            break stats;
        }
        assert!(
            Instant::now() < deadline,
            "no rate after two samples: {stats:#}"
        );
        std::thread::sleep(Duration::from_millis(200));
    };

    assert!(stats["evictedKeys"].as_u64().unwrap() > 5, "{stats:#}");
    assert!(alerts(&stats).contains(&"evictions"), "{stats:#}");
}

#[test]
fn an_alert_needs_a_figure_that_lasts_and_says_by_what_it_was_judged() {
    if !runs_on(ONE_SERVER, "each node of a Cluster has a limit of its own") {
        return;
    }
    let app = App::with(Options::new().variable("memory_alert_percent", "50"));
    let mut redis = app.connection();
    let stats = app.viewer().get("/stats").data();
    assert_eq!(stats["alertWindowSeconds"], 300);
    assert_eq!(stats["latencyWindow"]["samples"], 1);

    let limit = limit_memory(&mut redis);
    let stats = app.viewer().get("/stats").data();
    assert_eq!(
        alerts(&stats),
        Vec::<&str>::new(),
        "it was fine a moment ago"
    );

    // Without an earlier sample this moment decides.
    let () = redis.del("cache:samples").unwrap();
    let stats = app.viewer().get("/stats").data();
    assert_eq!(alerts(&stats), ["memory"]);
    let alert = &stats["alerts"][0];
    assert_eq!(alert["basis"], "now");
    assert_eq!(alert["clearThreshold"], 45.0);
    assert!(alert["since"].is_string(), "{alert:#}");

    // Having been raised, it lasts.
    let () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg(limit * 10)
        .query(&mut redis)
        .unwrap();
    let stats = app.viewer().get("/stats").data();
    assert_eq!(alerts(&stats), ["memory"]);
    assert_eq!(stats["alerts"][0]["basis"], "window");
}

#[test]
fn statistics_cost_four_commands() {
    if !runs_on(ONE_SERVER, "cluster-cost.rs counts a Cluster's") {
        return;
    }
    let app = App::start();
    app.viewer().get("/stats").data();
    let mut monitor = Monitor::start(app.redis());
    app.viewer().get("/stats").data();
    let mut commands = monitor.commands();
    commands.sort();
    assert_eq!(commands, ["dbsize", "evalsha", "info", "ping"]);
}

#[test]
fn head_returns_the_status_of_get_without_a_body() {
    let app = App::start();
    let response = app.viewer().send("HEAD", "/api/cache/stats", None);
    assert_eq!(response.status, 200);
    assert_eq!(response.body, Value::Null);
}

#[test]
fn a_response_reports_its_cost_in_redis() {
    let app = App::start();
    let client = app.viewer();
    client.get("/stats").ok();
    let response = client.get("/stats");
    let timing = response.header("server-timing").unwrap();

    let cost = match Topology::selected() {
        Topology::Single | Topology::OneDatabase => "4 commands, 1 round trip",
        Topology::Cluster => "13 commands, 1 round trip",
    };
    assert!(
        timing.starts_with(&format!("redis;desc=\"{cost}\";dur=")),
        "{timing}"
    );
    assert_eq!(
        app.nobody().get("/health/live").header("server-timing"),
        None
    );
}
