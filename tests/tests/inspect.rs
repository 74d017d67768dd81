//! What `GET /api/cache/keys/{key}` shows of values.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::{App, Monitor};
use redis::Commands;
use serde_json::{Value, json};

/// Bytes of values that are read at most.
const MOST: usize = 64 * 1024;

fn inspect(app: &App, key: &str) -> Value {
    app.operator().get(&format!("/keys/{key}")).data()
}

/// Follows `nextCursor` to the end.
fn elements(app: &App, key: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let mut part = app.operator().get(&format!("/keys/{key}?limit={limit}&cursor={cursor}")).data();
        all.append(part["value"].as_array_mut().unwrap());
        match part["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

#[test]
fn a_string_is_shown_in_its_most_readable_form() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let cases: [(&[u8], Value, &str); 6] = [
        (br#"{"id":42,"tags":["a"]}"#, json!({ "id": 42, "tags": ["a"] }), "json"),
        (b"42", json!(42), "json"),
        (b"hello \"world\"\n", json!("hello \"world\"\n"), "text"),
        (b"", json!(""), "text"),
        ("é-🚀".as_bytes(), json!("é-🚀"), "text"),
        (b"\x00\xff\xfe", json!({ "base64": "AP/+" }), "base64"),
    ];
    for (bytes, value, format) in cases {
        let () = redis.set("key", bytes).unwrap();
        let key = inspect(&app, "key");
        assert_eq!((&key["value"], &key["valueFormat"]), (&value, &json!(format)));
        assert_eq!(
            (&key["length"], &key["type"], &key["truncated"]),
            (&json!(bytes.len()), &json!("string"), &json!(false))
        );
    }
}

#[test]
fn a_key_is_shown_with_its_expiry_encoding_and_size() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set_ex("users:1", "x", 600).unwrap();
    let key = inspect(&app, "users:1");
    let bytes: u64 = redis::cmd("MEMORY").arg("USAGE").arg("users:1").query(&mut redis).unwrap();
    assert!((599..=600).contains(&key["ttl"].as_i64().unwrap()), "{key:#}");
    assert_eq!(
        (&key["key"], &key["sizeBytes"], &key["encoding"]),
        (&json!("users:1"), &json!(bytes), &json!("embstr"))
    );
    assert_eq!(key["tags"], json!([]));
}

#[test]
fn a_warmed_key_is_shown_with_its_tags() {
    let app = App::start();
    app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok();
    assert_eq!(inspect(&app, "users:active:count")["tags"], json!(["user-data"]));
}

#[test]
fn a_string_of_64_kib_is_whole_and_a_longer_one_is_cut() {
    let app = App::start();
    let mut redis = app.redis().connection();
    for (length, is_cut) in [(MOST, false), (MOST + 1, true), (5 << 20, true)] {
        let () = redis.set("key", vec![b'x'; length]).unwrap();
        let key = inspect(&app, "key");
        assert_eq!((&key["truncated"], &key["length"]), (&json!(is_cut), &json!(length)));
        assert_eq!(key["value"].as_str().unwrap().len(), MOST);
    }
}

#[test]
fn a_cut_leaves_no_half_character_and_no_half_json() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set("key", "x".to_owned() + &"é".repeat(MOST)).unwrap();
    let key = inspect(&app, "key");
    assert_eq!((&key["valueFormat"], key["value"].as_str().unwrap().len()), (&json!("text"), MOST - 1));
    let () = redis.set("key", json!({ "long": "x".repeat(MOST) }).to_string()).unwrap();
    let key = inspect(&app, "key");
    assert_eq!((&key["valueFormat"], &key["truncated"]), (&json!("text"), &json!(true)));
}

#[test]
fn collections_are_shown_as_elements() {
    let app = App::start();
    let mut redis = app.redis().connection();
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
        ("stream", json!([{ "id": "7-1", "fields": ["field", "value"] }])),
    ];
    for (kind, value) in cases {
        let key = inspect(&app, kind);
        assert_eq!((&key["type"], &key["value"], &key["valueFormat"]), (&json!(kind), &value, &json!("elements")));
        assert_eq!((&key["length"], &key["nextCursor"]), (&json!(value.as_array().unwrap().len()), &Value::Null));
    }
}

#[test]
fn elements_that_are_not_utf8_are_base64() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.rpush("list", &[b"\xff".as_slice(), b"text"]).unwrap();
    let () = redis.hset("hash", b"\xfe".as_slice(), b"\xff".as_slice()).unwrap();
    assert_eq!(inspect(&app, "list")["value"], json!([{ "base64": "/w==" }, "text"]));
    assert_eq!(
        inspect(&app, "hash")["value"],
        json!([{ "field": { "base64": "/g==" }, "value": { "base64": "/w==" } }])
    );
}

#[test]
fn a_stream_with_bytes_that_are_not_utf8_is_shown() {
    let app = App::start();
    let () = app.redis().connection().xadd("stream", "1-1", &[("field".as_bytes(), b"\xff".as_slice())]).unwrap();
    assert_eq!(inspect(&app, "stream")["value"][0]["id"], "1-1");
}

#[test]
fn collections_are_paged_to_the_last_element() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let mut made = redis::pipe();
    for n in 0..2_500 {
        made.rpush("list", n).ignore().sadd("set", format!("m{n}")).ignore().hset("hash", n, n).ignore();
        made.zadd("zset", n, n).ignore().xadd("stream", format!("{}-0", n + 1), &[("n", n)]).ignore();
    }
    let () = made.query(&mut redis).unwrap();
    for key in ["list", "set", "hash", "zset", "stream"] {
        for limit in [7, 1_000] {
            let mut found: Vec<String> = elements(&app, key, limit).iter().map(Value::to_string).collect();
            found.sort();
            found.dedup();
            assert_eq!(found.len(), 2_500, "{key} in parts of {limit}");
        }
    }
}

#[test]
fn the_elements_of_a_large_collection_stay_within_64_kib() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let mut made = redis::pipe();
    (0..1_000).for_each(|_| {
        made.rpush("list", vec![b'x'; 10_000]).ignore();
    });
    let () = made.query(&mut redis).unwrap();
    let key = app.operator().get("/keys/list?limit=1000").data();
    let bytes: usize = key["value"].as_array().unwrap().iter().map(|element| element.as_str().unwrap().len()).sum();
    assert_eq!((&key["truncated"], key["value"].as_array().unwrap().len()), (&json!(true), 1_000));
    // The last elements are cut to 128 bytes each, so that none is left out.
    assert!(bytes <= MOST + 1_000 * 128, "{bytes} bytes");
}

#[test]
fn a_huge_binary_is_shown_without_reading_it_all() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set("key", vec![0xff_u8; 20 << 20]).unwrap();
    let key = inspect(&app, "key");
    assert_eq!((&key["truncated"], &key["valueFormat"]), (&json!(true), &json!("base64")));
    assert_eq!(BASE64.decode(key["value"]["base64"].as_str().unwrap()).unwrap().len(), MOST);
}

#[test]
fn inspecting_costs_one_round_trip() {
    let app = App::start();
    let () = app.redis().connection().hset("hash", "f", "v").unwrap();
    inspect(&app, "hash");
    let mut monitor = Monitor::start(app.redis());
    inspect(&app, "hash");
    assert_eq!(monitor.commands(), ["evalsha"]);
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let app = App::start();
    let () = app.redis().connection().rpush("list", "x").unwrap();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%2B1", "cursor"),
        ("page=2", "page"),
    ] {
        let problem = app.operator().get(&format!("/keys/list?{query}")).with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[test]
fn a_cursor_that_does_not_fit_the_type_is_refused_or_answered_but_never_a_failure() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.rpush("list", "x").unwrap();
    let () = redis.sadd("set", "x").unwrap();
    let () = redis.zadd("zset", "x", 1).unwrap();
    let () = redis.xadd("stream", "1-1", &[("f", "v")]).unwrap();
    for key in ["list", "set", "zset", "stream"] {
        for cursor in ["-", "--", "1-1-1", "-5", "99999999999999999999", "5-", "18446744073709551615"] {
            let answer = app.operator().get(&format!("/keys/{key}?cursor={cursor}"));
            assert!([200, 422].contains(&answer.status), "{key} {cursor}: {answer:#?}");
        }
    }
}
