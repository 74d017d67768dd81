//! The application with a primary that Sentinels watch.

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Options, documented_user};
use serde_json::json;

/// How long a failover may take.
const FAILOVER_LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_primary_is_found_and_followed_after_a_failover() {
    let mut app = App::with(Options::new().sentinels());
    let warmup = json!({ "modules": ["users"] });
    let warmed = app.admin().post("/warmup", &warmup).ok();
    assert!(
        warmed["stats"]["keysCreated"].as_u64().unwrap() > 0,
        "{warmed:#}"
    );
    let before = app.sentinels().primary_port();

    app.sentinels().kill_primary();
    app.sentinels().wait_for_failover();

    let began = Instant::now();
    loop {
        let health = app.nobody().get("/health");
        if health.status == 200 {
            break;
        }
        assert!(began.elapsed() < FAILOVER_LIMIT, "{health:#?}");
        sleep(Duration::from_millis(100));
    }
    assert_ne!(app.sentinels().primary_port(), before);
    let cleared = app
        .admin()
        .post("/clear", &json!({ "pattern": "users:*", "confirm": true }));
    assert_eq!(cleared.status, 200, "{cleared:#?}");
}

#[test]
fn a_primary_that_no_sentinel_knows_is_named() {
    let options = Options::new().sentinels();
    let mut app = App::with(options.variable("redis_topology", "sentinel"));
    app.set_variable("redis_master_name", "nobody");
    app.restart();

    let stats = app.viewer().get("/stats");

    assert_eq!(stats.status, 503);
    let detail = stats.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("nobody") && detail.contains("redis_master_name"),
        "{detail}"
    );
}

/// The refusals in the log of a server or a Sentinel.
fn refusals(log: &redis::Value) -> Vec<String> {
    let entries = log.as_sequence().unwrap().iter();
    entries.map(|entry| format!("{entry:?}")).collect()
}

#[test]
fn the_documented_rights_at_sentinels_and_servers_are_enough() {
    let mut app = App::with(Options::new().sentinels());
    let mut setuser = vec!["SETUSER".to_owned()];
    setuser.extend(documented_user(
        "docs/redis.md",
        "edge-cache-sentinel",
        "pw",
    ));
    let mut on_sentinels = vec!["ACL"];
    on_sentinels.extend(setuser.iter().map(String::as_str));
    for number in 0..3 {
        app.sentinels().sentinel_command(number, &on_sentinels);
    }
    let mut on_servers = vec!["SETUSER".to_owned()];
    on_servers.extend(documented_user("SECURITY.md", "edge-cache", "pw"));
    on_servers.push("+role".to_owned());
    for number in 0..3 {
        let mut server = app.sentinels().node(number).connection();
        redis::cmd("ACL")
            .arg(&on_servers)
            .exec(&mut server)
            .unwrap();
    }

    app.set_variable("redis_sentinel_username", "edge-cache-sentinel");
    app.set_variable("redis_sentinel_password", "pw");
    app.set_variable("redis_username", "edge-cache");
    app.set_variable("redis_password", "pw");
    app.restart();
    let warmed = app
        .admin()
        .post("/warmup", &json!({ "modules": ["users"] }));
    let cleared = app
        .admin()
        .post("/clear", &json!({ "pattern": "users:*", "confirm": true }));

    assert_eq!(warmed.status, 200, "{warmed:#?}");
    assert_eq!(cleared.status, 200, "{cleared:#?}");
    for number in 0..3 {
        let log = app.sentinels().sentinel_command(number, &["ACL", "LOG"]);
        assert_eq!(refusals(&log), [""; 0]);
    }
    let primary = app.sentinels().primary();
    let mut server = app.sentinels().node(primary).connection();
    let log = redis::cmd("ACL").arg("LOG").query(&mut server).unwrap();
    // Scripts try to read the time, and go on without it.
    let others = refusals(&log)
        .into_iter()
        .filter(|entry| !entry.contains("\"time\""));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}
