//! Strings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{App, BASE, Caller, Monitor, ONE_SERVER, raw, runs_on};
use redis::Commands;
use serde_json::{Value, json};

use crate::{MAX_VALUE_BYTES, inspect};

#[test]
fn a_string_is_shown_in_its_most_readable_form() {
    let app = App::start();
    let mut redis = app.connection();
    let cases: [(&[u8], Value, &str); 6] = [
        (
            br#"{"id":42,"tags":["a"]}"#,
            json!({ "id": 42, "tags": ["a"] }),
            "json",
        ),
        (b"42", json!(42), "json"),
        (b"hello \"world\"\n", json!("hello \"world\"\n"), "text"),
        (b"", json!(""), "text"),
        ("é-🚀".as_bytes(), json!("é-🚀"), "text"),
        (b"\x00\xff\xfe", json!({ "base64": "AP/+" }), "base64"),
    ];

    for (bytes, value, format) in cases {
        let () = redis.set("key", bytes).unwrap();
        let key = inspect(&app, "key");
        assert_eq!(key["value"], value);
        assert_eq!(key["valueFormat"], format);
        assert_eq!(key["length"], bytes.len());
        assert_eq!(key["type"], "string");
        assert_eq!(key["truncated"], false);
    }
}

#[test]
fn a_key_is_shown_with_its_expiry_encoding_and_size() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set_ex("users:1", "x", 600).unwrap();
    let key = inspect(&app, "users:1");
    let bytes: u64 = redis::cmd("MEMORY")
        .arg("USAGE")
        .arg("users:1")
        .query(&mut redis)
        .unwrap();

    assert!(
        (599..=600).contains(&key["ttl"].as_i64().unwrap()),
        "{key:#}"
    );
    assert_eq!(key["key"], "users:1");
    assert_eq!(key["sizeBytes"], bytes);
    assert_eq!(key["encoding"], "embstr");
    assert_eq!(key["tags"], json!([]));
}

#[test]
fn a_warmed_key_is_shown_with_its_tags() {
    let app = App::start();
    app.admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    assert_eq!(
        inspect(&app, "users:active:count")["tags"],
        json!(["user-data"])
    );
}

#[test]
fn a_string_above_64_kib_is_cut() {
    let app = App::start();
    let mut redis = app.connection();
    for (length, is_cut) in [
        (MAX_VALUE_BYTES, false),
        (MAX_VALUE_BYTES + 1, true),
        (5 << 20, true),
    ] {
        let () = redis.set("key", vec![b'x'; length]).unwrap();
        let key = inspect(&app, "key");
        assert_eq!(key["truncated"], is_cut);
        assert_eq!(key["length"], length);
        assert_eq!(key["value"].as_str().unwrap().len(), MAX_VALUE_BYTES);
    }
}

#[test]
fn a_cut_string_ends_at_a_character_and_is_not_json() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis
        .set("key", "x".to_owned() + &"é".repeat(MAX_VALUE_BYTES))
        .unwrap();
    let key = inspect(&app, "key");

    assert_eq!(key["valueFormat"], "text");
    assert_eq!(key["value"].as_str().unwrap().len(), MAX_VALUE_BYTES - 1);

    let () = redis
        .set(
            "key",
            json!({ "long": "x".repeat(MAX_VALUE_BYTES) }).to_string(),
        )
        .unwrap();
    let key = inspect(&app, "key");
    assert_eq!(key["valueFormat"], "text");
    assert_eq!(key["truncated"], true);
}

#[test]
fn json_is_shown_with_all_digits_and_fields() {
    let app = App::start();
    let text = r#" {"a": 12345678901234567890123, "b": 1.10, "c": 1, "c": 2}"#;
    let () = app.connection().set("key", text).unwrap();

    assert_eq!(inspect(&app, "key")["raw"], text);

    let request = format!(
        "GET {BASE}/keys/key HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        Caller::Operator.token().unwrap()
    );
    let response = raw(app.address(), request.as_bytes());
    assert!(
        response.contains(&format!("\"value\":{}", text.trim())),
        "{response}"
    );
}

#[test]
fn an_entry_in_its_grace_is_stale_here_and_in_the_list() {
    let app = App::start();
    let key = "products:4985:details";
    let shown = || {
        let mut listed = app.list_keys("&pattern=products:*");
        assert_eq!(listed[0]["key"], key, "{listed:?}");
        [listed.swap_remove(0), inspect(&app, key)]
    };
    app.nobody()
        .send("GET", "/api/products/4985", None)
        .with_status(200);

    for fresh in shown() {
        // The sample shop gives it a grace of 300 s.
        let ttl = fresh["ttl"].as_i64().unwrap();
        assert_eq!(fresh["freshFor"], ttl - 300, "{fresh}");
        assert_eq!(fresh["stale"], false, "{fresh}");
    }

    // Less than the grace is left.
    let () = app.connection().expire(key, 200).unwrap();
    for stale in shown() {
        assert_eq!(stale["freshFor"], 0, "{stale}");
        assert_eq!(stale["stale"], true, "{stale}");
    }
}

#[test]
fn an_entry_is_shown_with_what_the_library_knows_of_it() {
    let app = App::start();
    app.nobody()
        .send("GET", "/api/products/4985", None)
        .with_status(200);
    let () = app.connection().set("foreign", 1).unwrap();

    let entry = inspect(&app, "products:4985:details");
    assert_eq!(entry["graceSeconds"], 300.0);
    assert!(entry["loadMs"].as_u64().unwrap() < 10_000, "{entry}");
    assert!(
        entry["storedAt"].as_str().unwrap().ends_with('Z'),
        "{entry}"
    );
    assert_eq!(entry["valueFormat"], "json");
    assert_ne!(entry["tags"], json!([]));

    let foreign = inspect(&app, "foreign");
    for unknown in ["graceSeconds", "loadMs", "storedAt"] {
        assert_eq!(foreign[unknown], Value::Null, "{foreign}");
    }
}

#[test]
fn a_ttl_of_any_length_is_exact() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis::cmd("SET")
        .arg("key")
        .arg(1)
        .arg("EXAT")
        .arg(9_223_372_036_854_775_u64)
        .query(&mut redis)
        .unwrap();
    let left: i64 = redis.ttl("key").unwrap();

    for shown in [inspect(&app, "key"), app.list_keys("").swap_remove(0)] {
        let ttl = shown["ttl"].as_i64().unwrap();
        assert!((left - 5..=left).contains(&ttl), "{ttl} instead of {left}");
        assert_eq!(shown["ttlText"], ttl.to_string());
    }
}

#[test]
fn a_huge_binary_is_read_only_in_part() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("key", vec![0xff_u8; 20 << 20]).unwrap();
    let key = inspect(&app, "key");

    assert_eq!(key["truncated"], true);
    assert_eq!(key["valueFormat"], "base64");
    assert_eq!(
        BASE64
            .decode(key["value"]["base64"].as_str().unwrap())
            .unwrap()
            .len(),
        MAX_VALUE_BYTES
    );
}

#[test]
fn inspecting_costs_one_round_trip() {
    if !runs_on(ONE_SERVER, "cluster-cost.rs counts a Cluster's") {
        return;
    }
    let app = App::start();
    let () = app.connection().hset("hash", "f", "v").unwrap();
    inspect(&app, "hash");
    let mut monitor = Monitor::start(app.redis());
    inspect(&app, "hash");
    assert_eq!(monitor.commands(), ["evalsha"]);
}
