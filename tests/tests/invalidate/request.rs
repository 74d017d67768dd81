//! Requests and their reports.

use end_to_end::{App, Monitor, ONE_SERVER, fill, runs_on};
use redis::Commands;
use serde_json::json;

use crate::{count, names, tag};

#[test]
fn keys_patterns_and_tags_are_removed_in_one_request_with_details() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..15);
    fill(&mut redis, "products:category:", 0..6);
    fill(&mut redis, "sessions:", 0..2);
    fill(&mut redis, "stays:", 0..3);
    let () = redis.set("user:123", "x").unwrap();
    tag(&mut redis, "user-data", &names("sessions:", 0..2));
    let body = json!({
        "keys": ["user:123", "product:456"],
        "patterns": ["users:*", "products:category:*", "nothing:*"],
        "tags": ["user-data", "no-such-tag"],
    });
    let report = app.admin().delete("/invalidate", &body).ok();

    assert_eq!(report["message"], "Cache invalidated");

    let stats = &report["stats"];
    assert_eq!(stats["keysInvalidated"], 24);
    assert_eq!(stats["patternsProcessed"], 3);
    assert_eq!(stats["tagsProcessed"], 2);
    assert!(
        stats["inForceAt"].as_str() <= report["timestamp"].as_str(),
        "{report}"
    );

    let details = json!({
        "keys": ["user:123"],
        "keysNotFound": ["product:456"],
        "patterns": { "users:*": 15, "products:category:*": 6, "nothing:*": 0 },
        "tags": { "user-data": 2, "no-such-tag": 0 },
    });
    assert_eq!(report["details"], details);
    assert_eq!(count(&mut redis), 3);
}

#[test]
fn post_does_what_delete_does() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..3);
    let report = app
        .operator()
        .post(
            "/invalidate",
            &json!({ "keys": ["users:1", "users:2", "users:7"] }),
        )
        .ok();

    assert_eq!(report["details"]["keys"], json!(["users:1", "users:2"]));
    assert_eq!(report["details"]["keysNotFound"], json!(["users:7"]));
    assert_eq!(count(&mut app.connection()), 1);
}

#[test]
fn a_key_named_twice_is_removed_once() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..1);
    let report = app
        .operator()
        .delete("/invalidate", &json!({ "keys": ["users:0", "users:0"] }))
        .ok();
    assert_eq!(report["stats"]["keysInvalidated"], 1);
}

#[test]
fn a_list_above_its_limit_is_refused() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "k:", 0..1_001);

    for (field, most) in [("keys", 1_000), ("patterns", 100), ("tags", 100)] {
        let elements = names("k:", 0..most + 1);
        let problem = app
            .admin()
            .delete("/invalidate", &json!({ field: elements }))
            .with_status(422);
        assert_eq!(problem["field"], field, "{problem:#}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains(&most.to_string()),
            "{problem:#}"
        );
        assert_eq!(count(&mut redis), 1_001);
    }

    for (field, most, removed) in [
        ("tags", 100, 0),
        ("patterns", 100, 100),
        ("keys", 1_000, 900),
    ] {
        let report = app
            .admin()
            .delete("/invalidate", &json!({ field: names("k:", 0..most) }))
            .ok();
        assert_eq!(report["stats"]["keysInvalidated"], removed, "{field}");
    }
}

#[test]
fn an_invalid_field_is_named_and_nothing_is_removed() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..3);
    let cases = [
        (json!({}), "keys"),
        (json!({ "keys": [] }), "keys"),
        (json!({ "keys": "users:1" }), "keys"),
        (json!({ "keys": ["users:1", 5] }), "keys[1]"),
        (json!({ "keys": ["users:1", null] }), "keys[1]"),
        (json!({ "keys": [{ "base64": "?" }] }), "keys[0]"),
        (json!({ "keys": [{ "base64": "eA==", "x": 1 }] }), "keys[0]"),
        (
            json!({ "keys": ["users:1"], "patterns": [""] }),
            "patterns[0]",
        ),
        (
            json!({ "keys": ["users:1"], "patterns": "users:*" }),
            "patterns",
        ),
        (
            json!({ "keys": ["users:1"], "patterns": ["users:*", { "base64": "eA==" }] }),
            "patterns[1]",
        ),
        (json!({ "keys": ["users:1"], "tags": [""] }), "tags[0]"),
        (json!({ "keys": ["users:1"], "tags": ["a\nb"] }), "tags[0]"),
        (
            json!({ "keys": ["users:1"], "tags": ["x".repeat(257)] }),
            "tags[0]",
        ),
        (json!({ "keys": ["users:1"], "dryRun": "yes" }), "dryRun"),
        (
            json!({ "keys": ["users:1"], "pattern": "users:*" }),
            "pattern",
        ),
    ];

    for (body, field) in cases {
        let problem = app.admin().delete("/invalidate", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }

    assert_eq!(count(&mut app.connection()), 3);
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..1_200);
    tag(&mut redis, "user-data", &names("users:", 0..40));
    // Dead members.
    tag(&mut redis, "user-data", &names("users:", 5_000..7_000));
    let body = json!({ "keys": ["users:1", "nothing"], "patterns": ["users:1*"], "tags": ["user-data"], "dryRun": true });
    let report = app.admin().delete("/invalidate", &body).ok();

    assert_eq!(report["stats"]["dryRun"], true);
    assert_eq!(report["details"]["keys"], json!(["users:1"]));
    assert_eq!(report["details"]["keysNotFound"], json!(["nothing"]));
    assert_eq!(report["details"]["patterns"]["users:1*"], 300);
    assert_eq!(report["details"]["tags"]["user-data"], 39);
    assert_eq!(count(&mut redis), 1_201);
    assert_eq!(
        redis.scard::<_, u64>("cache:tags:user-data").unwrap(),
        2_040
    );
    assert_eq!(app.admin().get("/audit").data()["pagination"]["total"], 0);
}

#[test]
fn named_keys_cost_one_round_trip() {
    if !runs_on(ONE_SERVER, "keys of a Cluster are removed slot by slot") {
        return;
    }
    let app = App::start();
    app.operator()
        .delete("/invalidate", &json!({ "keys": ["a"] }))
        .ok();
    let mut monitor = Monitor::start(app.redis());
    app.operator()
        .delete("/invalidate", &json!({ "keys": names("users:", 0..1_000) }))
        .ok();
    let mut commands = monitor.commands();
    commands.retain(|name| name != "ping");

    assert_eq!(
        commands,
        ["evalsha", "evalsha", "evalsha"],
        "the intent, the invalidation, the outcome"
    );
}

#[test]
fn a_key_named_in_several_ways_counts_once() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("a", 1).unwrap();
    let () = redis.sadd("cache:tags:t", "a").unwrap();
    let body = json!({ "keys": ["a", "a", { "base64": "YQ==" }], "tags": ["t", "t"], "patterns": ["a*", "?"] });
    let with = |field: &str, value: bool| {
        let mut body = body.clone();
        body[field] = json!(value);
        body
    };
    let dry_run = app.admin().post("/invalidate", &with("dryRun", true)).ok();
    let report = app.admin().post("/invalidate", &with("confirm", true)).ok();

    assert_eq!(dry_run["stats"]["keysInvalidated"], 1);
    assert_eq!(report["stats"]["keysInvalidated"], 1);

    for part in ["keys", "keysNotFound", "tags", "patterns"] {
        assert_eq!(dry_run["details"][part], report["details"][part], "{part}");
    }
}
