//! The role of Redis in replication, the link to its primary, and its lag.

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, ONE_SERVER, RedisServer, runs_on};
use serde_json::{Value, json};

/// Much longer than replication takes to begin.
const LIMIT: Duration = Duration::from_secs(60);

fn follow(replica: &RedisServer, primary: &RedisServer) {
    redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(primary.port())
        .exec(&mut replica.connection())
        .unwrap();
}

/// Waits until `/health` describes a server that satisfies the condition.
fn wait_for_health(app: &App, condition: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + LIMIT;
    loop {
        let redis = app.nobody().get("/health").body["redis"].take();
        if condition(&redis) {
            return redis;
        }
        assert!(Instant::now() < deadline, "{redis:#}");
        sleep(Duration::from_millis(50));
    }
}

/// Returns the value of a metric without labels.
fn metric(app: &App, name: &str) -> Option<f64> {
    let page = app.viewer().get("/metrics").ok();
    let lines = page.as_str().unwrap().lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    values.next().map(|value| value.parse().unwrap())
}

#[test]
fn a_replica_is_shown_with_its_link_and_lag() {
    if !runs_on(ONE_SERVER, "cluster.rs has replicas of a Cluster") {
        return;
    }
    let mut primary = RedisServer::with(&["--repl-diskless-sync-delay", "0"]);
    let app = App::start();
    follow(app.redis(), &primary);

    for (link_up, words) in [
        (true, "this Redis is a replica: "),
        (false, ", and its link to the primary has been down for "),
    ] {
        let health = wait_for_health(&app, |redis| {
            redis["linkUp"] == link_up && redis["lagSeconds"].is_u64()
        });
        assert_eq!(health["role"], "replica", "{health:#}");
        assert_eq!(health["connectedReplicas"], 0, "{health:#}");
        let error = health["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");

        let stats = app.viewer().get("/stats").data();
        assert_eq!(stats["role"], "replica", "{stats:#}");
        assert_eq!(stats["linkUp"], link_up, "{stats:#}");
        assert!(stats["lagSeconds"].is_u64(), "{stats:#}");
        let alert = stats["alerts"][0]["message"].as_str().unwrap();
        assert!(alert.contains(words), "{alert}");

        let up = if link_up { 1.0 } else { 0.0 };
        assert_eq!(metric(&app, "redis_master_link_up"), Some(up));
        let lag = metric(&app, "edge_cache_replication_lag_seconds");
        assert!(lag.is_some(), "the lag is not a metric");

        primary.kill();
    }
}

#[test]
fn a_primary_is_shown_with_the_lag_of_its_replicas() {
    if !runs_on(ONE_SERVER, "cluster.rs has replicas of a Cluster") {
        return;
    }
    let app = App::start();
    let alone = app.nobody().get("/health").ok()["redis"].take();
    assert_eq!(alone["connectedReplicas"], 0, "{alone:#}");
    assert_eq!(alone["lagSeconds"], Value::Null, "{alone:#}");

    let replica = RedisServer::start();
    follow(&replica, app.redis());
    let health = wait_for_health(&app, |redis| redis["lagSeconds"].is_u64());

    let stats = app.viewer().get("/stats").data();
    for shown in [health, stats] {
        assert_eq!(shown["role"], "primary", "{shown:#}");
        assert_eq!(shown["linkUp"], Value::Null, "{shown:#}");
        assert_eq!(shown["connectedReplicas"], json!(1), "{shown:#}");
        assert!(shown["lagSeconds"].is_u64(), "{shown:#}");
    }
    assert_eq!(metric(&app, "redis_connected_slaves"), Some(1.0));
    assert!(metric(&app, "edge_cache_replication_lag_seconds").is_some());
}
