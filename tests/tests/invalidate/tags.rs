//! Tags, and keys of other types.

use end_to_end::{App, fill, own_name};
use redis::Commands;
use serde_json::{Value, json};

use crate::{count, names, tag};

#[test]
fn a_tag_of_5000_keys_is_removed_completely() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..6_000);
    tag(&mut redis, "user-data", &names("users:", 0..5_000));
    let report = app
        .operator()
        .delete("/invalidate", &json!({ "tags": ["user-data"] }))
        .ok();

    assert_eq!(report["details"]["tags"], json!({ "user-data": 5_000 }));
    assert_eq!(count(&mut redis), 1_000);
}

#[test]
fn dead_members_of_a_tag_do_not_count() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..10);
    tag(&mut redis, "user-data", &names("users:", 0..3_000));
    let report = app
        .operator()
        .delete("/invalidate", &json!({ "tags": ["user-data"] }))
        .ok();

    assert_eq!(report["details"]["tags"], json!({ "user-data": 10 }));
    assert_eq!(count(&mut redis), 0);
}

#[test]
fn a_tag_may_have_any_characters_and_its_members_any_bytes() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set(b"\xff \n".as_slice(), "x").unwrap();
    let () = redis
        .set("cache:tags:user", "a key that is no tag of this name")
        .unwrap();
    let () = redis
        .sadd("cache:tags:user: [1] *?\\ é", b"\xff \n".as_slice())
        .unwrap();
    let report = app
        .operator()
        .delete("/invalidate", &json!({ "tags": ["user: [1] *?\\ é"] }))
        .ok();

    assert_eq!(report["stats"]["keysInvalidated"], 1);
    assert_eq!(count(&mut redis), 1);
}

#[test]
fn a_tag_of_another_type_is_a_conflict() {
    let app = App::start();
    let () = app.connection().set("cache:tags:user-data", "x").unwrap();
    let response = app
        .operator()
        .delete("/invalidate", &json!({ "tags": ["user-data"] }));
    let problem: Value = response.with_status(409);

    assert_eq!(problem["key"], "cache:tags:user-data");
    assert!(
        problem["detail"].as_str().unwrap().contains("type"),
        "{problem:#}"
    );
}

#[test]
fn a_key_of_another_type_is_named_by_every_route() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("cache:ttl", "x").unwrap();
    let () = redis.sadd("cache:warmup:status", "x").unwrap();

    for (path, key) in [("/ttl", "cache:ttl"), ("/warmup", "cache:warmup:status")] {
        let problem = app.viewer().get(path).with_status(409);
        assert_eq!(problem["key"], own_name(key), "{problem:#}");
        assert!(
            !problem["detail"].as_str().unwrap().contains("continues"),
            "{problem:#}"
        );
    }
}

#[test]
fn a_foreign_value_in_place_of_the_fences_does_not_stop_a_removal() {
    let app = App::start();
    let mut redis = app.connection();
    for remove in [
        |app: &App| {
            app.admin()
                .delete("/invalidate", &json!({ "patterns": ["users:*"] }))
                .ok()
        },
        |app: &App| {
            app.operator()
                .post("/clear", &json!({ "pattern": "users:*" }))
                .ok()
        },
    ] {
        let () = redis.set("users:1", "x").unwrap();
        let () = redis.set("cache:fences", "x").unwrap();
        remove(&app);
        assert!(!redis.exists::<_, bool>("users:1").unwrap());
        let kind: String = redis::cmd("TYPE")
            .arg("cache:fences")
            .query(&mut redis)
            .unwrap();
        assert_eq!(kind, "stream");
    }
}

#[test]
fn a_tag_never_removes_protected_keys() {
    let app = App::with(end_to_end::Options::new().variable("audit_redis_db", "0"));
    let mut redis = app.connection();
    app.operator()
        .post("/invalidate", &json!({ "keys": ["nothing"] }))
        .ok();
    let () = redis
        .mset(&[("a", 1), ("lock:x", 1), ("cache:other", 1)])
        .unwrap();
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    let () = redis
        .sadd(
            "cache:tags:evil",
            &[
                &own_name("cache:ttl"),
                &own_name("cache:audit"),
                "lock:x",
                "cache:other",
                "a",
            ],
        )
        .unwrap();
    let body = json!({ "tags": ["evil"], "dryRun": true });

    assert_eq!(
        app.operator().post("/invalidate", &body).ok()["details"]["tags"]["evil"],
        1
    );

    let report = app
        .operator()
        .post("/invalidate", &json!({ "tags": ["evil"] }))
        .ok();
    assert_eq!(report["details"]["tags"]["evil"], 1);

    for kept in ["cache:ttl", "cache:audit", "lock:x", "cache:other"] {
        assert!(redis.exists::<_, bool>(kept).unwrap(), "{kept}");
    }
    assert!(!redis.exists::<_, bool>("a").unwrap());
}
