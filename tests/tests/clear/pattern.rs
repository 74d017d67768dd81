//! Clears by pattern.

use end_to_end::{App, encode, fill, keys};
use redis::Commands;
use serde_json::json;

use crate::{PROTECTED_KEYS, count, mostly_users, set_protected_keys};

#[test]
fn a_pattern_removes_only_its_matches() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..47);
    fill(&mut redis, "products:", 0..53);
    let report = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();

    assert_eq!(report["message"], "Cache cleared for pattern: users:*");
    assert_eq!(report["stats"]["keysDeleted"], 47);
    assert_eq!(report["stats"]["dryRun"], false);
    assert_eq!(keys(&mut redis, "users:*").len(), 0);
    assert_eq!(count(&mut redis), 53);

    let again = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    assert_eq!(again["stats"]["keysDeleted"], 0);
}

#[test]
fn every_form_of_pattern_removes_exactly_its_matches() {
    let app = App::start();
    let mut redis = app.connection();
    let cases: [(&str, &[&str]); 6] = [
        ("user:?", &["user:1", "user:2"]),
        ("user:[1-2]*", &["user:1", "user:10", "user:2"]),
        ("user:[^1]", &["user:2"]),
        ("*:10", &["user:10"]),
        ("user\\*", &["user*"]),
        ("user:1", &["user:1"]),
    ];

    for (pattern, removed) in cases {
        let all = ["user:1", "user:2", "user:10", "user*", "other"];
        for key in all {
            let () = redis.set(key, "x").unwrap();
        }
        let report = app
            .admin()
            .post("/clear", &json!({ "pattern": pattern }))
            .ok();
        assert_eq!(report["stats"]["keysDeleted"], removed.len(), "{pattern}");
        let mut left: Vec<&str> = all
            .into_iter()
            .filter(|key| !removed.contains(key))
            .collect();
        left.sort();
        assert_eq!(keys(&mut redis, "*"), left, "{pattern}");
    }
}

#[test]
fn a_question_mark_matches_one_byte_of_a_letter() {
    let app = App::start();
    let mut redis = app.connection();
    // Letters of one, two and three bytes.
    let () = redis
        .mset(&[("ka", "x"), ("ké", "x"), ("k€", "x")])
        .unwrap();

    // Redis matches a pattern up to its first star, and scripts the rest.
    for (pattern, matched) in [
        ("k?", "ka"),
        ("k??", "ké"),
        ("k???", "k€"),
        ("*k?", "ka"),
        ("*k??", "ké"),
        ("*k???", "k€"),
    ] {
        let dry_run = json!({ "pattern": pattern, "dryRun": true });
        let stats = app.admin().post("/clear", &dry_run).ok()["stats"].take();
        assert_eq!(stats["keysMatched"], 1, "{pattern}: {stats:#}");
        assert_eq!(stats["sampleKeys"], json!([matched]), "{pattern}");

        let listed = app.list_keys(&format!("&pattern={}", encode(pattern)));
        assert_eq!(listed.len(), 1, "{pattern}: {listed:#?}");
        assert_eq!(listed[0]["key"], matched, "{pattern}");
    }

    for (pattern, left) in [("k?", vec!["ké", "k€"]), ("*k??", vec!["k€"])] {
        let report = app
            .admin()
            .post("/clear", &json!({ "pattern": pattern }))
            .ok();
        assert_eq!(report["stats"]["keysDeleted"], 1, "{pattern}");
        assert_eq!(keys(&mut redis, "k*"), left, "{pattern}");
    }
}

#[test]
fn a_pattern_keeps_protected_keys_unless_it_names_them() {
    let app = App::start();
    let mut redis = app.connection();
    for pattern in ["users:*", "*:*", "c*", "?ache:*", "[cl]o*", "*a*", "l?ck*"] {
        set_protected_keys(&mut redis);
        app.admin()
            .post("/clear", &json!({ "pattern": pattern }))
            .ok();
        assert_eq!(keys(&mut redis, "*"), PROTECTED_KEYS, "{pattern}");
    }

    let report = app
        .admin()
        .post("/clear", &json!({ "pattern": "cache:tags:*" }))
        .ok();
    assert_eq!(report["stats"]["keysDeleted"], 1);

    app.admin()
        .post("/clear", &json!({ "pattern": "lock:*" }))
        .ok();
    assert_eq!(keys(&mut redis, "*"), ["cache:ttl"]);
}

#[test]
fn an_old_address_clears_its_module_regardless_of_its_share() {
    let app = App::start();
    let mut redis = app.connection();
    mostly_users(&mut redis);
    let report = app
        .operator()
        .send("POST", "/api/users/cache/clear", None)
        .ok();
    assert_eq!(report["stats"]["keysDeleted"], 900);
}

#[test]
fn a_misleading_pattern_is_refused_with_the_correct_spelling() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis::cmd("MSET")
        .arg(&["sess1", "x", "sess[1", "x", "kè", "x"])
        .query(&mut redis)
        .unwrap();

    for (pattern, expected) in [("sess[1", "\\["), ("k[é]*", "a pattern for each letter")] {
        let responses = [
            app.admin().post("/clear", &json!({ "pattern": pattern })),
            app.admin()
                .post("/invalidate", &json!({ "patterns": [pattern] })),
            app.viewer()
                .get(&format!("/keys?pattern={}", encode(pattern))),
        ];
        for response in responses {
            let problem = response.with_status(422);
            assert!(
                problem["detail"].as_str().unwrap().contains(expected),
                "{problem:#}"
            );
        }
    }

    app.operator()
        .post("/clear", &json!({ "pattern": "sess\\[1" }))
        .ok();
    assert_eq!(keys(&mut redis, "*"), ["kè", "sess1"]);
}

#[test]
fn an_invalid_field_is_named_and_nothing_is_removed() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..10);
    let cases = [
        (json!({ "pattern": 5 }), "pattern"),
        (json!({ "pattern": ["users:*"] }), "pattern"),
        (json!({ "pattern": "" }), "pattern"),
        (json!({ "pattern": "a".repeat(257) }), "pattern"),
        (json!({ "pattern": "sess[1" }), "pattern"),
        (json!({ "pattern": "k[é]*" }), "pattern"),
        (
            json!({ "pattern": format!("a*{}", "?".repeat(17)) }),
            "pattern",
        ),
        (json!({ "pattern": "a*".repeat(17) }), "pattern"),
        (json!({ "pattern": "users:*", "confirm": "yes" }), "confirm"),
        (json!({ "pattern": "users:*", "dryRun": 1 }), "dryRun"),
        (json!({ "patern": "users:*", "confirm": true }), "patern"),
        (json!({ "confirm": true, "force": true }), "force"),
    ];

    for (body, field) in cases {
        let problem = app.admin().post("/clear", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }

    assert_eq!(count(&mut redis), 10);
}
