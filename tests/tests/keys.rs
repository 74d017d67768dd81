//! `GET /api/cache/keys`, and `GET` and `PATCH /api/cache/keys/{key}`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{App, Monitor, ONE_SERVER, encode, fill, hard_names, keys, runs_on};
use redis::Commands;
use serde_json::{Value, json};

fn set_all(app: &App, names: &[Vec<u8>]) {
    let mut redis = app.connection();
    for (index, name) in names.iter().enumerate() {
        let () = redis.set(name, format!("value {index}")).unwrap();
    }
}

/// Returns all rows by following the cursor in small pages.
fn rows(app: &App) -> Vec<Value> {
    app.list_keys("&limit=5")
}

/// Returns the name of a row's key: `keyBase64` if present, else `key`.
fn name_of(row: &Value) -> Vec<u8> {
    match row["keyBase64"].as_str() {
        Some(encoded) => BASE64.decode(encoded).unwrap(),
        None => row["key"].as_str().unwrap().as_bytes().to_vec(),
    }
}

/// Returns the body that names a row's key.
fn entry_of(row: &Value) -> Value {
    match row["keyBase64"].as_str() {
        Some(encoded) => json!({ "keyBase64": encoded }),
        None => json!({ "key": row["key"] }),
    }
}

#[test]
fn keys_are_listed_with_type_ttl_and_size() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set_ex("users:active:count", "42", 580).unwrap();
    let () = redis.rpush("products:popular:list", &["1", "2"]).unwrap();
    let listed = app.list_keys("");
    let row = |key: &str| {
        let mut rows = listed.iter();
        rows.find(|row| row["key"] == key).unwrap().clone()
    };
    let count = row("users:active:count");
    let list = row("products:popular:list");

    assert_eq!(count["type"], "string");
    assert_eq!(count["path"], "entry?key=users:active:count");
    assert!(
        (579..=580).contains(&count["ttl"].as_i64().unwrap()),
        "{count}"
    );
    assert_eq!(list["type"], "list");
    assert_eq!(list["ttl"], -1);

    let bytes: u64 = redis::cmd("MEMORY")
        .arg("USAGE")
        .arg("products:popular:list")
        .query(&mut redis)
        .unwrap();
    assert_eq!(list["sizeBytes"], bytes);
    assert_eq!(listed.len(), 2);
}

#[test]
fn a_page_of_all_keys_has_no_cursor() {
    if !runs_on(ONE_SERVER, "a page of a Cluster is from one node") {
        return;
    }
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..2);

    let page = app.viewer().get("/keys").data();

    assert_eq!(
        page["pagination"],
        json!({ "total": 2, "returned": 2, "nextCursor": null, "hasMore": false })
    );
}

#[test]
fn an_empty_cache_is_an_empty_page() {
    if !runs_on(ONE_SERVER, "each node of a Cluster has a page") {
        return;
    }
    let page = App::start().viewer().get("/keys").data();
    assert_eq!(
        page,
        json!({ "keys": [], "pagination": { "total": 0, "returned": 0, "nextCursor": null, "hasMore": false } })
    );
}

#[test]
fn the_total_is_known_for_all_keys_and_on_request() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..2_500);
    fill(&mut app.connection(), "cache:x:", 0..10);
    let total = |query: &str| {
        app.viewer().get(&format!("/keys?limit=3{query}")).data()["pagination"]["total"].clone()
    };

    assert_eq!(total(""), 2_510);
    assert_eq!(total("&pattern=*"), 2_510);
    assert_eq!(total("&pattern=users:*"), Value::Null);
    assert_eq!(total("&pattern=users:*&exact=true"), 2_500);
    assert_eq!(total("&pattern=*&type=hash&exact=true"), 0);
    assert_eq!(total("&type=string"), Value::Null);
}

#[test]
fn only_keys_of_the_type_are_listed() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("a", "x").unwrap();
    let () = redis.sadd("b", "x").unwrap();
    let () = redis.hset("c", "f", "x").unwrap();
    let () = redis.zadd("d", "x", 1).unwrap();
    let () = redis.xadd("e", "*", &[("f", "x")]).unwrap();

    for (kind, key) in [
        ("string", "a"),
        ("set", "b"),
        ("hash", "c"),
        ("zset", "d"),
        ("stream", "e"),
    ] {
        let listed = app.list_keys(&format!("&type={kind}"));
        assert_eq!(listed.len(), 1, "{kind}");
        assert_eq!(listed[0]["key"], key, "{kind}");
    }
}

#[test]
fn an_invalid_parameter_is_named() {
    let app = App::start();
    let stars = "pattern=".to_owned() + &"a*".repeat(17);
    let long = "pattern=".to_owned() + &"a".repeat(1025);
    let cases = [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.5", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=17", "cursor"),
        ("cursor=abc", "cursor"),
        ("cursor=%FF", "cursor"),
        ("type=a%20b", "type"),
        ("exact=1", "exact"),
        ("patern=users:*", "patern"),
        ("limit=1&limit=2", "limit"),
        (&stars, "pattern"),
        (&long, "pattern"),
    ];

    for (query, field) in cases {
        let problem = app.viewer().get(&format!("/keys?{query}")).with_status(422);
        assert_eq!(problem["field"], field, "{query}: {problem:#}");
    }
}

#[test]
fn a_cursor_of_another_walk_is_refused() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..100);
    let page = app.viewer().get("/keys?limit=3&pattern=users:*").data();
    let cursor = page["pagination"]["nextCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    app.viewer()
        .get(&format!("/keys?limit=50&pattern=users:*&cursor={cursor}"))
        .ok();

    for other in [
        "",
        "&pattern=*",
        "&pattern=users:1*",
        "&pattern=users:*&type=string",
    ] {
        let problem = app
            .viewer()
            .get(&format!("/keys?limit=3&cursor={cursor}{other}"))
            .with_status(422);
        assert_eq!(problem["field"], "cursor", "{other}");
    }
}

#[test]
fn a_page_of_any_size_costs_one_round_trip() {
    if !runs_on(ONE_SERVER, "cluster-cost.rs counts a Cluster's") {
        return;
    }
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..5_000);
    app.viewer().get("/keys").ok();
    let mut monitor = Monitor::start(app.redis());
    for limit in [1, 7, 100] {
        app.viewer().get(&format!("/keys?limit={limit}")).ok();
        assert_eq!(monitor.commands(), ["evalsha"], "limit {limit}");
    }
}

#[test]
fn every_listed_name_leads_to_its_key() {
    let app = App::start();
    let names = hard_names();
    set_all(&app, &names);
    let rows = rows(&app);

    assert_eq!(rows.len(), names.len());

    for row in &rows {
        let index = names
            .iter()
            .position(|name| *name == name_of(row))
            .unwrap_or_else(|| panic!("an unknown name: {row}"));
        let key = app
            .operator()
            .get(&format!("/keys/{}", row["path"].as_str().unwrap()))
            .data();
        assert_eq!(key["value"], format!("value {index}"), "{row}");
        assert_eq!(key["valueFormat"], "text", "{row}");
        assert_eq!(key["key"], row["key"]);
        assert_eq!(key["keyBase64"], row["keyBase64"]);
        let is_plain = std::str::from_utf8(&names[index]).is_ok_and(|name| name != "b\\xff");
        assert_eq!(row["keyBase64"].is_null(), is_plain, "{row}");
    }
}

#[test]
fn names_that_are_not_utf8_are_shown_escaped() {
    let app = App::start();
    set_all(&app, &[b"caf\xe9\\".to_vec()]);
    let listed = app.list_keys("");
    let row = json!({ "key": "caf\\xe9\\\\", "keyBase64": "Y2Fm6Vw=", "path": "entry?keyBase64=Y2Fm6Vw%3D" });
    for (field, value) in row.as_object().unwrap() {
        assert_eq!(listed[0][field], *value);
    }
}

#[test]
fn every_name_can_be_given_a_ttl() {
    let app = App::start();
    let names = hard_names();
    set_all(&app, &names);
    let mut redis = app.connection();

    for row in rows(&app) {
        let mut body = entry_of(&row);
        body["ttl"] = json!(600);
        let changed = app.admin().patch("/keys/entry", &body).data();
        assert_eq!(changed["key"], row["key"]);
        assert_eq!(changed["keyBase64"], row["keyBase64"]);
        assert_eq!(changed["ttl"], 600);
        let left: i64 = redis.ttl(name_of(&row)).unwrap();
        assert!((599..=600).contains(&left), "{row}: {left}");
    }
}

#[test]
fn every_name_can_be_removed() {
    let app = App::start();
    let names = hard_names();
    set_all(&app, &names);

    for (removed, row) in rows(&app).iter().enumerate() {
        let report = app.operator().delete("/keys/entry", &entry_of(row)).ok();
        assert_eq!(report["details"]["keys"], json!([row["key"]]));
        let left = keys(&mut app.connection(), "*").len();
        assert_eq!(left, names.len() - removed - 1, "{row}");
    }
}

#[test]
fn every_name_can_be_invalidated() {
    let app = App::start();
    let names = hard_names();
    set_all(&app, &names);
    let named: Vec<Value> = rows(&app)
        .iter()
        .map(|row| match row["keyBase64"].as_str() {
            Some(encoded) => json!({ "base64": encoded }),
            None => row["key"].clone(),
        })
        .collect();
    let report = app
        .operator()
        .delete("/invalidate", &json!({ "keys": named }))
        .ok();

    assert_eq!(report["stats"]["keysInvalidated"], names.len());
    assert_eq!(keys(&mut app.connection(), "*"), Vec::<String>::new());
}

#[test]
fn a_pattern_may_contain_bytes_that_are_not_utf8() {
    let app = App::start();
    set_all(&app, &[b"caf\xe9:1".to_vec(), "café:1".into()]);
    let listed = app.list_keys(&format!("&pattern={}", encode(b"caf\xe9*")));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["key"], "caf\\xe9:1");
}

#[test]
fn escaped_glob_characters_match_themselves() {
    let app = App::start();
    set_all(
        &app,
        &[
            b"a*b".to_vec(),
            b"axb".to_vec(),
            b"[a]".to_vec(),
            b"a".to_vec(),
        ],
    );
    let found = |pattern: &str| {
        let listed = app.list_keys(&format!("&pattern={}", encode(pattern)));
        let mut keys: Vec<String> = listed
            .iter()
            .map(|row| row["key"].as_str().unwrap().to_owned())
            .collect();
        keys.sort();
        keys
    };

    assert_eq!(found("a*b"), ["a*b", "axb"]);
    assert_eq!(found("a\\*b"), ["a*b"]);
    assert_eq!(found("\\[a\\]"), ["[a]"]);
    assert_eq!(found("[a]"), ["a"]);
}

#[test]
fn a_ttl_can_be_set_and_removed() {
    let app = App::start();
    set_all(&app, &[b"users:1".to_vec()]);
    let ttl = |body: Value| app.admin().patch("/keys/users:1", &body).data()["ttl"].clone();
    assert_eq!(ttl(json!({ "ttl": 600 })), 600);
    assert_eq!(ttl(json!({ "persist": true })), -1);
    assert_eq!(ttl(json!({ "ttl": 315_360_000 })), 315_360_000);
}

#[test]
fn a_change_needs_either_ttl_or_persist() {
    let app = App::start();
    set_all(&app, &[b"users:1".to_vec()]);
    let cases = [
        (json!({}), "ttl"),
        (json!({ "ttl": 0 }), "ttl"),
        (json!({ "ttl": -5 }), "ttl"),
        (json!({ "ttl": "600" }), "ttl"),
        (json!({ "ttl": 1.5 }), "ttl"),
        (json!({ "ttl": 315_360_001 }), "ttl"),
        (json!({ "persist": "yes" }), "persist"),
        (json!({ "persist": false }), "ttl"),
        (json!({ "ttl": 5, "persist": true }), "persist"),
        (json!({ "ttl": 5, "key": "x" }), "key"),
    ];

    for (body, field) in cases {
        let problem = app.admin().patch("/keys/users:1", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }

    assert_eq!(app.operator().get("/keys/users:1").data()["ttl"], -1);
}

#[test]
fn an_absent_key_is_a_404_that_names_it() {
    let app = App::start();
    for response in [
        app.operator().get("/keys/users:7"),
        app.admin().patch("/keys/users:7", &json!({ "ttl": 5 })),
    ] {
        let problem = response.with_status(404);
        assert!(
            problem["detail"].as_str().unwrap().contains("users:7"),
            "{problem:#}"
        );
    }
}
