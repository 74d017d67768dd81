//! Round trips of a clear, and its effect on other clients.

use std::time::Duration;

use end_to_end::{App, Monitor, ONE_SERVER, Options, Reader, Topology, Waits, fill, runs_on};
use serde_json::json;

use crate::{PROTECTED_KEYS, count, set_protected_keys};

/// Removes 200,000 of 1,000,000 keys while another client reads, and returns how long that client
/// waited.
fn clear_200_000_of_1_000_000_beside_a_reader(app: &App) -> Waits {
    let mut redis = app.connection();
    fill(&mut redis, "stays:", 0..800_000);
    fill(&mut redis, "users:", 0..200_000);
    set_protected_keys(&mut redis);
    app.operator()
        .post("/clear", &json!({ "pattern": "nothing", "dryRun": true }))
        .ok();
    let () = redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .query(&mut redis)
        .unwrap();
    let reader = Reader::start(app.redis(), "stays:1");
    let report = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    let waits = reader.stop();

    assert_eq!(report["stats"]["keysDeleted"], 200_000);
    // In force 50 ms after the fence, long before all keys are removed.
    let in_force_at = report["stats"]["inForceAt"].as_str().unwrap();
    assert!(
        in_force_at < report["timestamp"].as_str().unwrap(),
        "{report}"
    );
    assert_eq!(count(&mut redis), 800_000 + PROTECTED_KEYS.len());

    let left: Vec<String> = redis::cmd("SCAN")
        .arg(0)
        .arg("MATCH")
        .arg("users:*")
        .arg("COUNT")
        .arg(2_000_000)
        .query::<(u64, _)>(&mut redis)
        .unwrap()
        .1;
    assert_eq!(left, Vec::<String>::new());

    waits
}

#[test]
fn a_pattern_costs_one_round_trip_per_1000_keys_and_a_global_clear_costs_one() {
    if !runs_on(
        &[Topology::Single],
        "only a database without the trail is flushed",
    ) {
        return;
    }
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..20_000);
    app.operator()
        .post("/clear", &json!({ "pattern": "nothing:*" }))
        .ok();
    let mut monitor = Monitor::start(app.redis());
    app.operator()
        .post("/clear", &json!({ "pattern": "users:1*", "confirm": true }))
        .ok();
    let commands = monitor.commands();
    let scripts = commands.iter().filter(|name| *name == "evalsha").count();

    assert!((15..=40).contains(&scripts), "{scripts} round trips");
    // Scripts write the audit record too.
    assert!(
        commands
            .iter()
            .all(|name| ["evalsha", "ping"].contains(&name.as_str())),
        "{commands:?}"
    );

    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    let mut commands = monitor.commands();
    commands.retain(|name| name != "ping");
    // The intent is recorded before and the outcome after. The first EVALSHA of a script is unknown
    // and followed by an EVAL.
    commands.retain(|name| name != "eval");

    assert!((3..=4).contains(&commands.len()), "{commands:?}");
    assert!(
        commands.iter().all(|name| name == "evalsha"),
        "{commands:?}"
    );
}

#[test]
fn clearing_200_000_of_a_million_keys_does_not_delay_other_clients() {
    if !runs_on(ONE_SERVER, "the other client reads from one server") {
        return;
    }
    let app = App::with(Options::new().exclusive());
    let waits = clear_200_000_of_1_000_000_beside_a_reader(&app);
    assert!(
        waits.commands > 100,
        "the other client was not served during the clear: {waits:?}"
    );
    assert!(
        waits.longest < Duration::from_millis(50),
        "the other client waited too long: {waits:?}"
    );
}
