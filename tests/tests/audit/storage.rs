//! Storage of the audit trail: quotas, clears, and servers with one database.

use end_to_end::{App, Fault, Options, Topology, fill, own_name, runs_on};
use serde_json::json;

use crate::{assert_has, entries, with_id};

/// Checks a global clear, denied attempts and the list when the trail shares its database.
fn assert_audited_in_one_database(app: &App) {
    fill(&mut app.connection(), "users:", 0..50);
    with_id(app.operator(), "before")
        .post("/clear", &json!({ "pattern": "users:1*" }))
        .ok();
    let cleared = with_id(app.admin(), "global")
        .post("/clear", &json!({ "confirm": true }))
        .ok();

    assert_eq!(cleared["stats"]["keysDeleted"], 39);
    assert!(cleared.get("warnings").is_none(), "{cleared:#}");

    let page = app.admin().get("/audit").data();
    assert_eq!(page["trail"]["ownDatabase"], false, "{page:#}");
    assert!(page["trail"]["reason"].is_string(), "{page:#}");

    let ids: Vec<&str> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["requestId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["global", "before"]);

    let statuses: Vec<u16> = (0..22)
        .map(|_| app.stranger().get("/stats").status)
        .collect();
    assert_eq!(statuses, [vec![401; 20], vec![429; 2]].concat());

    app.stranger().get("/audit").with_status(429);
}

#[test]
fn the_trail_survives_every_clear() {
    let app = App::start();
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.admin()
        .post("/clear", &json!({ "pattern": "cache:*" }))
        .ok();
    app.admin()
        .delete("/invalidate", &json!({ "patterns": ["cache:*"] }))
        .ok();
    assert_eq!(entries(&app).len(), 3);
}

#[test]
fn in_a_shared_database_the_trail_cannot_be_removed_or_read_by_operators() {
    let app = App::with(Options::new().variable("audit_redis_db", "0"));
    let trail = own_name("cache:audit");
    app.admin()
        .post("/clear", &json!({ "pattern": "cache:*" }))
        .ok();
    app.admin()
        .post("/clear", &json!({ "pattern": trail }))
        .ok();
    app.admin()
        .delete("/invalidate", &json!({ "patterns": [trail.clone() + "*"] }))
        .ok();
    let dry = app
        .admin()
        .post("/clear", &json!({ "pattern": trail, "dryRun": true }))
        .ok();

    assert_eq!(dry["stats"]["keysMatched"], 0);

    app.admin()
        .delete("/invalidate", &json!({ "keys": [trail] }))
        .with_status(422);
    app.admin()
        .patch(&format!("/keys/{trail}"), &json!({ "ttl": 5 }))
        .with_status(422);
    assert_eq!(entries(&app).len(), 3);

    app.operator()
        .get(&format!("/keys/{trail}"))
        .with_status(403);
    app.admin().get(&format!("/keys/{trail}")).data();
}

#[test]
fn one_token_does_not_displace_the_records_of_others() {
    let app = App::start();
    with_id(app.admin(), "important")
        .delete("/invalidate", &json!({ "keys": ["a"] }))
        .ok();
    for _ in 0..400 {
        app.operator()
            .delete("/invalidate", &json!({ "keys": ["b"] }))
            .ok();
        app.admin().get("/health/live").ok();
    }

    with_id(app.admin(), "later")
        .delete("/invalidate", &json!({ "keys": ["a"] }))
        .ok();
    let page = app.admin().get("/audit?limit=1").data();
    assert_eq!(
        page["pagination"]["total"], 302,
        "300 of one token, and two of the other"
    );
    assert_has(
        &page["entries"][0],
        &json!({ "requestId": "later", "stream": "changes" }),
    );

    let mut redis = app.trail();
    let sum: String = redis::cmd("HGET")
        .arg(&["cache:audit:sums", "1|support|invalidate"])
        .query(&mut redis)
        .unwrap();

    assert!(sum.starts_with("1 100 0 0 "), "{sum}");

    // A minute later.
    let (numbers, rest) = sum.split_once('\n').unwrap();
    let since = numbers.rsplit(' ').next().unwrap();
    let () = redis::cmd("HSET")
        .arg(&[
            "cache:audit:sums",
            "1|support|invalidate",
            &format!("1 100 0 0 1 {since}\n{rest}"),
        ])
        .query(&mut redis)
        .unwrap();
    let entry = &entries(&app)[0];

    assert_has(
        entry,
        &json!({ "who": "support", "action": "invalidate", "outcome": "summed" }),
    );
    assert_eq!(
        entry["alike"],
        json!({ "count": 100, "failed": 0, "keysDeleted": 0, "since": since })
    );
}

#[test]
fn changes_are_audited_on_a_server_with_one_database() {
    if !runs_on(
        &[Topology::Single],
        "all tests run without a second database",
    ) {
        return;
    }
    assert_audited_in_one_database(&App::with(Options::new().redis(&["--databases", "1"])));
}

#[test]
fn changes_are_audited_on_a_server_that_ignores_select() {
    if !runs_on(
        &[Topology::Single],
        "all tests run without a second database",
    ) {
        return;
    }
    let app = App::with(Options::new().proxied());
    app.proxy()
        .fail_named(Fault::Ignored, |name| name == "SELECT");
    assert_audited_in_one_database(&app);
}
