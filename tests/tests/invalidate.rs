//! `DELETE` and `POST /api/cache/invalidate`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;

use end_to_end::{App, Monitor, fill, keys};
use redis::{Commands, Connection};
use serde_json::{Value, json};

fn count(redis: &mut Connection) -> usize {
    keys(redis, "*").len()
}

/// Lets a tag have these keys, as another client would.
fn tag(redis: &mut Connection, tag: &str, keys: &[String]) {
    for chunk in keys.chunks(1_000) {
        let () = redis.sadd(format!("cache:tags:{tag}"), chunk).unwrap();
    }
}

fn names(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("{prefix}{n}")).collect()
}

#[test]
fn keys_patterns_and_tags_go_in_one_call_with_complete_details() {
    let app = App::start();
    let mut redis = app.redis().connection();
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
    assert_eq!(
        (&stats["keysInvalidated"], &stats["patternsProcessed"], &stats["tagsProcessed"]),
        (&json!(24), &json!(3), &json!(2))
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
    fill(&mut app.redis().connection(), "users:", 0..3);
    let report = app.operator().post("/invalidate", &json!({ "keys": ["users:1", "users:2", "users:7"] })).ok();
    assert_eq!(report["details"]["keys"], json!(["users:1", "users:2"]));
    assert_eq!(report["details"]["keysNotFound"], json!(["users:7"]));
    assert_eq!(count(&mut app.redis().connection()), 1);
}

#[test]
fn a_key_named_twice_is_removed_once() {
    let app = App::start();
    fill(&mut app.redis().connection(), "users:", 0..1);
    let report = app.operator().delete("/invalidate", &json!({ "keys": ["users:0", "users:0"] })).ok();
    assert_eq!(report["stats"]["keysInvalidated"], 1);
}

#[test]
fn as_many_as_allowed_are_taken_and_more_are_refused_by_name() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "k:", 0..1_001);
    for (field, most) in [("keys", 1_000), ("patterns", 100), ("tags", 100)] {
        let elements = names("k:", 0..most + 1);
        let problem = app.admin().delete("/invalidate", &json!({ field: elements })).with_status(422);
        assert_eq!(problem["field"], field, "{problem:#}");
        assert!(problem["detail"].as_str().unwrap().contains(&most.to_string()), "{problem:#}");
        assert_eq!(count(&mut redis), 1_001);
    }
    for (field, most, removed) in [("tags", 100, 0), ("patterns", 100, 100), ("keys", 1_000, 900)] {
        let report = app.admin().delete("/invalidate", &json!({ field: names("k:", 0..most) })).ok();
        assert_eq!(report["stats"]["keysInvalidated"], removed, "{field}");
    }
}

#[test]
fn wrong_fields_are_refused_by_name_and_nothing_is_removed() {
    let app = App::start();
    fill(&mut app.redis().connection(), "users:", 0..3);
    let cases = [
        (json!({}), "keys"),
        (json!({ "keys": [] }), "keys"),
        (json!({ "keys": "users:1" }), "keys"),
        (json!({ "keys": ["users:1", 5] }), "keys[1]"),
        (json!({ "keys": ["users:1", null] }), "keys[1]"),
        (json!({ "keys": [{ "base64": "?" }] }), "keys[0]"),
        (json!({ "keys": [{ "base64": "eA==", "x": 1 }] }), "keys[0]"),
        (json!({ "keys": ["users:1"], "patterns": [""] }), "patterns[0]"),
        (json!({ "keys": ["users:1"], "patterns": "users:*" }), "patterns"),
        (json!({ "keys": ["users:1"], "patterns": ["users:*", { "base64": "eA==" }] }), "patterns[1]"),
        (json!({ "keys": ["users:1"], "tags": [""] }), "tags[0]"),
        (json!({ "keys": ["users:1"], "tags": ["a\nb"] }), "tags[0]"),
        (json!({ "keys": ["users:1"], "tags": ["x".repeat(257)] }), "tags[0]"),
        (json!({ "keys": ["users:1"], "dryRun": "yes" }), "dryRun"),
        (json!({ "keys": ["users:1"], "pattern": "users:*" }), "pattern"),
    ];
    for (body, field) in cases {
        let problem = app.admin().delete("/invalidate", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }
    assert_eq!(count(&mut app.redis().connection()), 3);
}

#[test]
fn a_pattern_that_matches_everything_needs_confirmation_and_spares_management_keys() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..1_500);
    tag(&mut redis, "user-data", &names("users:", 0..5));
    for pattern in ["*", "**", "?*"] {
        app.admin().delete("/invalidate", &json!({ "patterns": ["users:1", pattern] })).with_status(400);
    }
    assert_eq!(count(&mut redis), 1_501);
    let report = app.admin().delete("/invalidate", &json!({ "patterns": ["*"], "confirm": true })).ok();
    assert_eq!(report["details"]["patterns"], json!({ "*": 1_500 }));
    assert_eq!(keys(&mut redis, "*"), ["cache:tags:user-data"]);
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..1_200);
    tag(&mut redis, "user-data", &names("users:", 0..40));
    // Members whose keys have expired.
    tag(&mut redis, "user-data", &names("users:", 5_000..7_000));
    let body =
        json!({ "keys": ["users:1", "nothing"], "patterns": ["users:1*"], "tags": ["user-data"], "dryRun": true });
    let report = app.admin().delete("/invalidate", &body).ok();
    assert_eq!(report["stats"]["dryRun"], true);
    assert_eq!(
        (&report["details"]["keys"], &report["details"]["keysNotFound"]),
        (&json!(["users:1"]), &json!(["nothing"]))
    );
    assert_eq!(
        (&report["details"]["patterns"]["users:1*"], &report["details"]["tags"]["user-data"]),
        (&json!(311), &json!(40))
    );
    assert_eq!(count(&mut redis), 1_201);
    assert_eq!(redis.scard::<_, u64>("cache:tags:user-data").unwrap(), 2_040);
    assert_eq!(app.admin().get("/audit").data()["pagination"]["total"], 0);
}

#[test]
fn a_tag_of_5000_keys_is_removed_whole_and_leaves_no_trace() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..6_000);
    tag(&mut redis, "user-data", &names("users:", 0..5_000));
    let report = app.operator().delete("/invalidate", &json!({ "tags": ["user-data"] })).ok();
    assert_eq!(report["details"]["tags"], json!({ "user-data": 5_000 }));
    assert_eq!(count(&mut redis), 1_000);
}

#[test]
fn members_of_a_tag_that_are_gone_already_do_not_count() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..10);
    tag(&mut redis, "user-data", &names("users:", 0..3_000));
    let report = app.operator().delete("/invalidate", &json!({ "tags": ["user-data"] })).ok();
    assert_eq!(report["details"]["tags"], json!({ "user-data": 10 }));
    assert_eq!(count(&mut redis), 0);
}

#[test]
fn a_tag_has_any_characters_and_members_any_bytes() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set(b"\xff \n".as_slice(), "x").unwrap();
    let () = redis.set("cache:tags:user", "a key that is no tag of this name").unwrap();
    let () = redis.sadd("cache:tags:user: [1] *?\\ é", b"\xff \n".as_slice()).unwrap();
    let report = app.operator().delete("/invalidate", &json!({ "tags": ["user: [1] *?\\ é"] })).ok();
    assert_eq!(report["stats"]["keysInvalidated"], 1);
    assert_eq!(count(&mut redis), 1);
}

#[test]
fn a_pattern_with_more_than_1000_keys_is_removed_whole() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "users:", 0..12_345);
    fill(&mut redis, "stays:", 0..4_000);
    let report = app.admin().delete("/invalidate", &json!({ "patterns": ["users:*"] })).ok();
    assert_eq!(report["details"]["patterns"], json!({ "users:*": 12_345 }));
    assert_eq!(count(&mut redis), 4_000);
}

#[test]
fn a_pattern_leaves_management_keys_unless_it_names_them() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set("cache:x", "x").unwrap();
    let () = redis.set("lock:x", "x").unwrap();
    app.admin().delete("/invalidate", &json!({ "patterns": ["*x", "?ache:*", "lo*"] })).ok();
    assert_eq!(count(&mut redis), 2);
    app.admin().delete("/invalidate", &json!({ "patterns": ["cache:*", "lock:*"] })).ok();
    assert_eq!(count(&mut redis), 0);
}

/// Watches 1,000 keys from another connection; every state in which it ever saw them, by how many existed.
fn states_seen_during(app: &App, keys: &[String], change: impl FnOnce()) -> HashMap<u64, u64> {
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let (mut redis, mut seen) = (app.redis().connection(), HashMap::new());
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let existing: u64 = redis::cmd("EXISTS").arg(keys).query(&mut redis).unwrap();
                *seen.entry(existing).or_default() += 1;
            }
            seen
        });
        change();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        watching.join().unwrap()
    })
}

#[test]
fn up_to_1000_keys_of_a_pattern_or_tag_go_at_once() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let keys = names("users:", 0..1_000);
    fill(&mut redis, "noise:", 0..30_000);
    for body in [json!({ "patterns": ["users:*"] }), json!({ "tags": ["user-data"] }), json!({ "keys": keys })] {
        fill(&mut redis, "users:", 0..1_000);
        tag(&mut redis, "user-data", &keys);
        let seen = states_seen_during(&app, &keys, || {
            app.admin().delete("/invalidate", &body).ok();
        });
        assert!(
            seen.keys().all(|existing| [0, 1_000].contains(existing)),
            "{body}: half-done states were seen: {seen:?}"
        );
    }
}

#[test]
fn named_keys_cost_one_round_trip() {
    let app = App::start();
    app.operator().delete("/invalidate", &json!({ "keys": ["a"] })).ok();
    let mut monitor = Monitor::start(app.redis());
    app.operator().delete("/invalidate", &json!({ "keys": names("users:", 0..1_000) })).ok();
    let mut commands = monitor.commands();
    commands.retain(|name| name != "ping");
    assert_eq!(commands, ["evalsha", "xadd", "evalsha"], "the invalidation, its record, and the record's count");
}

#[test]
fn a_tag_whose_set_is_something_else_is_an_error_that_says_so() {
    let app = App::start();
    let () = app.redis().connection().set("cache:tags:user-data", "x").unwrap();
    let answer = app.operator().delete("/invalidate", &json!({ "tags": ["user-data"] }));
    let problem: Value = answer.with_status(503);
    assert!(problem["detail"].as_str().unwrap().contains("type"), "{problem:#}");
}
