//! The cost of probes in Redis.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use end_to_end::{App, Monitor, ONE_SERVER, runs_on};
use serde_json::Value;

/// Lets each thread of the host open its connection, because the time for that does not count as
/// latency: a check that opens one while Redis is paused finds it fast.
fn open_connections(app: &App) {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| app.nobody().get("/health").ok());
        }
    });
}

/// Returns how often Redis was checked.
fn count_checks(redis: &mut end_to_end::Connection) -> u64 {
    let info = redis.info("commandstats").swap_remove(0);
    let mut lines = info.lines();
    let calls = lines.find_map(|line| line.strip_prefix("cmdstat_ping:calls="));
    calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().unwrap())
}

#[test]
fn liveness_does_not_touch_redis() {
    if !runs_on(ONE_SERVER, "cluster-cost.rs counts a Cluster's") {
        return;
    }
    let app = App::start();
    let mut monitor = Monitor::start(app.redis());
    app.nobody().get("/health/live").ok();
    assert_eq!(monitor.commands(), Vec::<String>::new());
}

#[test]
fn health_costs_three_commands_and_readiness_two() {
    if !runs_on(ONE_SERVER, "cluster-cost.rs counts a Cluster's") {
        return;
    }
    let app = App::start();
    app.nobody().get("/health").ok();
    app.nobody().get("/health/ready").ok();
    let mut monitor = Monitor::start(app.redis());
    app.nobody().get("/health").ok();
    let mut commands = monitor.commands();
    commands.sort();

    assert_eq!(commands, ["evalsha", "info", "ping"]);

    app.nobody().get("/health/ready").ok();
    let mut commands = monitor.commands();
    commands.sort();

    assert_eq!(commands, ["evalsha", "info"]);
}

#[test]
fn unknown_paths_below_health_are_404() {
    let app = App::start();
    for path in ["/health/other", "/health/live/x"] {
        app.nobody().get(path).with_status(404);
    }
}

#[test]
fn concurrent_probes_share_one_check_that_outlives_the_first_request() {
    let app = App::start();
    let mut redis = app.connection();
    open_connections(&app);

    let before = count_checks(&mut redis);
    let () = redis::cmd("CLIENT")
        .arg("PAUSE")
        .arg(900)
        .query(&mut redis)
        .unwrap();
    let mut first = TcpStream::connect(app.address()).unwrap();
    first
        .write_all(b"GET /api/cache/health HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();

    let responses: Vec<Value> = thread::scope(|scope| {
        let mut requests = Vec::new();
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(5));
            requests.push(scope.spawn(|| app.nobody().get("/health").ok()));
        }
        thread::sleep(Duration::from_millis(100));
        first.shutdown(Shutdown::Both).unwrap();
        drop(first);

        let ended = requests.into_iter().map(|request| request.join().unwrap());
        ended.collect()
    });

    // An instance that begins on a busy machine opens its connection during the pause.
    let degraded = responses.iter().filter(|health| {
        health["status"] == "degraded" && health["redis"]["latencyMs"].as_f64() >= Some(100.0)
    });
    assert!(degraded.count() >= 10, "{responses:#?}");

    // Each instance checks once. A busy machine spreads the requests over more instances.
    let checks = count_checks(&mut redis) - before;
    assert!(
        (1..=10).contains(&checks),
        "21 requests checked Redis {checks} times"
    );
    assert_eq!(app.nobody().get("/health").ok()["status"], "healthy");
}
