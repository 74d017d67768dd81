//! The application with a primary that Sentinels watch.

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{App, Options};
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
