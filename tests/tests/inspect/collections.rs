//! Collections and their pages.

use end_to_end::{App, Options};
use redis::Commands;
use serde_json::{Value, json};

use crate::{MAX_VALUE_BYTES, inspect};

/// Returns all elements by following `nextCursor`.
fn elements(app: &App, key: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let mut part = app
            .operator()
            .get(&format!("/keys/{key}?limit={limit}&cursor={cursor}"))
            .data();
        all.append(part["value"].as_array_mut().unwrap());
        match part["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

#[test]
fn collections_are_shown_as_elements() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.rpush("list", &["b", "a"]).unwrap();
    let () = redis.sadd("set", "only").unwrap();
    let () = redis.hset("hash", "field", "value").unwrap();
    let () = redis.zadd("zset", "member", 1.5).unwrap();
    let () = redis.xadd("stream", "7-1", &[("field", "value")]).unwrap();
    let cases = [
        ("list", json!(["b", "a"])),
        ("set", json!(["only"])),
        ("hash", json!([{ "field": "field", "value": "value" }])),
        ("zset", json!([{ "member": "member", "score": "1.5" }])),
        (
            "stream",
            json!([{ "id": "7-1", "fields": ["field", "value"] }]),
        ),
    ];

    for (kind, value) in cases {
        let key = inspect(&app, kind);
        assert_eq!(key["type"], kind);
        assert_eq!(key["value"], value);
        assert_eq!(key["valueFormat"], "elements");
        assert_eq!(key["length"], value.as_array().unwrap().len());
        assert_eq!(key["nextCursor"], Value::Null);
    }
}

#[test]
fn elements_that_are_not_utf8_are_base64() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.rpush("list", &[b"\xff".as_slice(), b"text"]).unwrap();
    let () = redis
        .hset("hash", b"\xfe".as_slice(), b"\xff".as_slice())
        .unwrap();

    assert_eq!(
        inspect(&app, "list")["value"],
        json!([{ "base64": "/w==" }, "text"])
    );
    assert_eq!(
        inspect(&app, "hash")["value"],
        json!([{ "field": { "base64": "/g==" }, "value": { "base64": "/w==" } }])
    );
}

#[test]
fn bytes_of_a_stream_that_are_not_utf8_are_base64() {
    let app = App::start();
    let () = app
        .connection()
        .xadd("stream", "1-1", &[("field".as_bytes(), b"\xff".as_slice())])
        .unwrap();
    assert_eq!(
        inspect(&app, "stream")["value"],
        json!([{ "id": "1-1", "fields": ["field", { "base64": "/w==" }] }])
    );
}

#[test]
fn a_compact_collection_is_paged() {
    let app = App::with(Options::new().redis(&["--hash-max-ziplist-entries", "5000"]));
    let mut redis = app.connection();
    let fields: Vec<(String, u32)> = (0..5_000).map(|n| (format!("field:{n}"), n)).collect();
    let () = redis.hset_multiple("hash", &fields).unwrap();
    let part = app.operator().get("/keys/hash?limit=1").data();

    // Redis 6 has the older name.
    assert!(
        part["encoding"] == "listpack" || part["encoding"] == "ziplist",
        "{part:#}"
    );
    assert_eq!(part["value"].as_array().unwrap().len(), 1);
    assert!(part["nextCursor"].is_string(), "{part:#}");

    let mut all: Vec<String> = elements(&app, "hash", 700)
        .iter()
        .map(Value::to_string)
        .collect();
    all.sort();
    all.dedup();

    assert_eq!(all.len(), 5_000);
}

#[test]
fn collections_are_paged_to_the_last_element() {
    let app = App::start();
    let mut redis = app.connection();
    let mut pipe = redis::pipe();

    for n in 0..2_500 {
        pipe.rpush("list", n)
            .ignore()
            .sadd("set", format!("m{n}"))
            .ignore()
            .hset("hash", n, n)
            .ignore();
        pipe.zadd("zset", n, n)
            .ignore()
            .xadd("stream", format!("{}-0", n + 1), &[("n", n)])
            .ignore();
    }

    let () = pipe.query(&mut redis).unwrap();
    for key in ["list", "set", "hash", "zset", "stream"] {
        for limit in [7, 1_000] {
            let mut found: Vec<String> = elements(&app, key, limit)
                .iter()
                .map(Value::to_string)
                .collect();
            found.sort();
            found.dedup();
            assert_eq!(found.len(), 2_500, "{key} in parts of {limit}");
        }
    }
}

#[test]
fn the_elements_of_a_large_collection_stay_within_64_kib() {
    let app = App::start();
    let mut redis = app.connection();
    let mut pipe = redis::pipe();
    (0..1_000).for_each(|_| {
        pipe.rpush("list", vec![b'x'; 10_000]).ignore();
    });
    let () = pipe.query(&mut redis).unwrap();
    let key = app.operator().get("/keys/list?limit=1000").data();
    let bytes: usize = key["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|element| element.as_str().unwrap().len())
        .sum();

    assert_eq!(key["truncated"], true);
    assert_eq!(key["value"].as_array().unwrap().len(), 1_000);
    // The last elements are cut to 128 bytes each, so that none is missing.
    assert!(bytes <= MAX_VALUE_BYTES + 1_000 * 128, "{bytes} bytes");
}

#[test]
fn an_invalid_parameter_is_named() {
    let app = App::start();
    let () = app.connection().rpush("list", "x").unwrap();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%2B1", "cursor"),
        ("page=2", "page"),
    ] {
        let problem = app
            .operator()
            .get(&format!("/keys/list?{query}"))
            .with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[test]
fn a_cursor_of_another_type_is_not_a_failure() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.rpush("list", "x").unwrap();
    let () = redis.sadd("set", "x").unwrap();
    let () = redis.zadd("zset", "x", 1).unwrap();
    let () = redis.xadd("stream", "1-1", &[("f", "v")]).unwrap();

    for key in ["list", "set", "zset", "stream"] {
        for cursor in [
            "-",
            "--",
            "1-1-1",
            "-5",
            "99999999999999999999",
            "5-",
            "18446744073709551615",
        ] {
            let response = app.operator().get(&format!("/keys/{key}?cursor={cursor}"));
            assert!(
                [200, 422].contains(&response.status),
                "{key} {cursor}: {response:#?}"
            );
        }
    }
}
