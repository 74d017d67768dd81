//! `/api/cache/keys/entry`: one key, named in the query or the body.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use end_to_end::App;
use redis::Commands;
use serde_json::{Value, json};

fn exists(app: &App, key: &str) -> bool {
    app.connection().exists(key).unwrap()
}

#[test]
fn a_path_that_proxies_may_alter_is_refused_with_a_safe_form() {
    let app = App::start();
    for name in ["", ".", "..", "/", "a/", "/a", "a//b", "a/../b"] {
        let () = app.connection().set(name, "x").unwrap();
    }
    for path in [
        "%2E",
        "%2E%2E",
        "%2F",
        "a%2F",
        "%2Fa",
        "a%2F%2Fb",
        "a//b",
        "a/%2E%2E/b",
        "a%5Cb",
        "%FF",
        "a%0Ab",
        "a/",
    ] {
        for response in [
            app.operator().get(&format!("/keys/{path}")),
            app.admin()
                .patch(&format!("/keys/{path}"), &json!({ "ttl": 5 })),
        ] {
            let problem = response.with_status(422);
            assert_eq!(problem["field"], "key", "{path}");
            assert!(
                problem["detail"]
                    .as_str()
                    .unwrap()
                    .contains("/api/cache/keys/entry?key="),
                "{problem:#}"
            );
        }
    }

    let ttls: Vec<i64> = ["", ".", "..", "/", "a/"]
        .map(|name| app.connection().ttl(name).unwrap())
        .into();
    assert_eq!(ttls, [-1; 5]);
}

#[test]
fn an_empty_name_in_the_path_is_the_list() {
    let app = App::start();
    let () = app.connection().set("", "x").unwrap();
    assert_eq!(app.viewer().get("/keys/").data()["keys"][0]["key"], "");
    app.admin()
        .patch("/keys/", &json!({ "ttl": 5 }))
        .with_status(405);
}

#[test]
fn an_empty_name_is_valid() {
    let app = App::start();
    let () = app.connection().set("", "empty").unwrap();
    assert_eq!(
        app.operator().get("/keys/entry?key=").data()["value"],
        "empty"
    );
    assert_eq!(
        app.operator().get("/keys/entry?keyBase64=").data()["value"],
        "empty"
    );

    assert_eq!(
        app.admin()
            .patch("/keys/entry", &json!({ "key": "", "ttl": 60 }))
            .data(),
        json!({ "key": "", "ttl": 60 })
    );
}

#[test]
fn a_key_must_be_named_once_and_alone() {
    let app = App::start();
    let () = app.connection().set("a", "x").unwrap();
    let cases = [
        ("", "key"),
        ("key=a&keyBase64=YQ==", "keyBase64"),
        ("key=a&key=b", "key"),
        ("keyBase64=a*b", "keyBase64"),
        ("key=a&name=b", "name"),
        ("key=a&limit=0", "limit"),
    ];

    for (query, field) in cases {
        assert_eq!(
            app.operator()
                .get(&format!("/keys/entry?{query}"))
                .with_status(422)["field"],
            field,
            "{query}"
        );
    }

    let bodies = [
        (json!({}), "key"),
        (json!({ "key": 7 }), "key"),
        (json!({ "key": "a", "keyBase64": "YQ==" }), "keyBase64"),
        (json!({ "keyBase64": "?" }), "keyBase64"),
        (json!({ "key": "a", "dryRun": true }), "dryRun"),
    ];
    for (body, field) in bodies {
        assert_eq!(
            app.operator().delete("/keys/entry", &body).with_status(422)["field"],
            field,
            "{body}"
        );
        assert_eq!(
            app.operator().post("/keys/entry", &body).with_status(422)["field"],
            field,
            "{body}"
        );
    }

    assert_eq!(
        app.operator()
            .delete("/keys/entry?key=a", &json!({ "key": "a" }))
            .with_status(422)["field"],
        "key"
    );
    assert!(exists(&app, "a"));
}

#[test]
fn removing_a_key_is_recorded_and_reported_like_an_invalidation() {
    let app = App::start();
    let () = app.connection().set("users:1", "x").unwrap();
    let report = app
        .operator()
        .delete("/keys/entry", &json!({ "key": "users:1" }))
        .ok();

    assert_eq!(report["stats"]["keysInvalidated"], 1);
    assert_eq!(report["details"]["keys"], json!(["users:1"]));
    assert!(!exists(&app, "users:1"));

    let problem = app
        .operator()
        .delete("/keys/entry", &json!({ "key": "users:1" }))
        .with_status(404);
    assert!(
        problem["detail"].as_str().unwrap().contains("users:1"),
        "{problem:#}"
    );

    let trail = app.admin().get("/audit").data();
    let outcomes: Vec<(&Value, &Value)> = trail["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["outcome"], &entry["keys"]))
        .collect();
    assert_eq!(
        outcomes,
        [
            (&json!("failed"), &json!(["users:1"])),
            (&json!("ok"), &json!(["users:1"]))
        ]
    );
}

#[test]
fn protected_keys_need_an_admin_and_the_trail_cannot_be_removed() {
    let app = App::with(end_to_end::Options::new().variable("audit_redis_db", "1"));
    let mut redis = app.connection();
    let () = redis.hset("cache:ttl", "test", 60).unwrap();
    let () = redis.xadd("cache:audit", "*", &[("record", "{}")]).unwrap();
    app.operator()
        .delete("/keys/entry", &json!({ "key": "cache:ttl" }))
        .with_status(403);
    app.admin()
        .delete("/keys/entry", &json!({ "key": "cache:ttl" }))
        .ok();

    assert_eq!(
        app.admin()
            .delete("/keys/entry", &json!({ "key": "cache:audit" }))
            .with_status(422)["field"],
        "key"
    );

    app.operator()
        .get("/keys/entry?key=cache:audit")
        .with_status(403);
    assert!(!exists(&app, "cache:ttl"));
    assert!(exists(&app, "cache:audit"));

    app.viewer()
        .get("/keys/entry?key=cache:audit")
        .with_status(403);
}

#[test]
fn a_byte_differs_from_the_text_of_its_escape() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set(b"b\xff".as_slice(), "byte").unwrap();
    let () = redis.set("b\\xff", "letters").unwrap();
    let page = app.viewer().get("/keys").data();
    let rows = page["keys"].as_array().unwrap();

    assert_ne!(rows[0]["key"], rows[1]["key"]);

    let dry = app
        .operator()
        .post("/clear", &json!({ "pattern": "b*", "dryRun": true }))
        .ok();
    let samples = dry["stats"]["sampleKeysBase64"].as_object().unwrap();
    assert!(
        rows.iter()
            .all(|row| samples[row["key"].as_str().unwrap()] == row["keyBase64"]),
        "{dry:#}"
    );

    let named = json!({ "keys": [{ "base64": "Yv8=" }, "b\\xff", "b"], "dryRun": true });
    let details = app.operator().post("/invalidate", &named).ok()["details"].take();
    assert_eq!(
        details["keysBase64"],
        json!({ "b\\xff": "Yv8=", "b\\\\xff": "Ylx4ZmY=" })
    );

    for row in rows {
        let found = app
            .operator()
            .get(&format!("/keys/{}", row["path"].as_str().unwrap()))
            .data();
        assert_eq!(found["key"], row["key"]);
        assert_eq!(found["keyBase64"], row["keyBase64"]);
    }

    assert_eq!(
        app.operator().get("/keys/entry?key=b%FF").data()["value"],
        "byte"
    );
    assert_eq!(
        app.operator().get("/keys/entry?key=b%5Cxff").data()["value"],
        "letters"
    );

    app.operator()
        .delete("/keys/entry", &json!({ "key": "b\\xff" }))
        .ok();
    assert_eq!(
        app.operator().get("/keys/entry?keyBase64=Yv8%3D").data()["value"],
        "byte"
    );
}

#[test]
fn a_name_too_long_for_an_address_is_read_by_its_body() {
    let app = App::start();
    let name = "n".repeat(200_000);
    let () = app.connection().set(&name, "long").unwrap();
    assert_eq!(
        app.operator()
            .post("/keys/entry", &json!({ "key": name }))
            .data()["value"],
        "long"
    );
}
