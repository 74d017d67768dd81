//! A node of a Redis Cluster that is not set up: every route except liveness refuses it, and sends it
//! nothing but questions about the Cluster.

use end_to_end::{App, Monitor, Options, is_spin, send_all};

#[test]
fn a_cluster_without_slots_is_refused_from_the_first_request() {
    let app = App::with(
        Options::new()
            .redis(&["--cluster-enabled", "yes"])
            .default_user(),
    );
    let mut monitor = Monitor::start(app.redis());
    for _ in 0..2 {
        for (route, response) in send_all(&app) {
            if route.path == "/health/live" || route.reads_through() {
                assert_eq!(response.status, 200, "{route:?}: {response:#?}");
                continue;
            }
            // Both report that Redis cannot be used, in their own form.
            if route.path == "/metrics" {
                assert_eq!(response.status, 200, "{route:?}: {response:#?}");
                continue;
            }
            assert_eq!(response.status, 503, "{route:?}: {response:#?}");
            if route.path == "/health" {
                assert_eq!(response.body["status"], "unhealthy", "{response:#?}");
                continue;
            }
            assert_eq!(
                response.body["type"], "urn:edge-cache:problem:redis-cluster",
                "{route:?}: {response:#?}"
            );
        }
    }

    // Opening a connection takes HELLO and the commands of the host, which the monitor omits.
    let mut commands = monitor.commands();
    commands.retain(|command| command != "cluster");
    assert_eq!(commands, Vec::<String>::new());

    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut app.connection())
        .unwrap();
    assert!(info.contains("cmdstat_hello:") || is_spin(), "{info}");
    assert!(
        !info.contains("cmdstat_eval"),
        "a script reached it: {info}"
    );
}

#[test]
fn access_is_checked_before_the_topology() {
    let app = App::with(
        Options::new()
            .redis(&["--cluster-enabled", "yes"])
            .default_user(),
    );
    app.nobody().get("/stats").with_status(401);
    app.viewer().get("/audit").with_status(403);
}
