//! Attempts that must fail: tokens in addresses, spellings of paths, forged cursors, lines and fields smuggled into log and
//! trail, bodies that unfold.

use end_to_end::{App, BASE, Caller, raw};
use serde_json::{Value, json};

fn is_success(answer: &str) -> bool {
    answer.split(' ').nth(1).is_some_and(|status| status.starts_with('2'))
}

#[test]
fn a_token_in_the_address_is_none() {
    let app = App::start();
    let token = Caller::Admin.token().unwrap();
    for query in ["token", "access_token", "authorization", "Authorization", "bearer"] {
        app.nobody().get(&format!("/audit?{query}={token}")).with_status(401);
    }
    let cookie = app.nobody().with_header("cookie", &format!("token={token}; authorization=Bearer {token}"));
    cookie.get("/audit").with_status(401);
    // What was tried is in the trail and the log, the token in neither.
    let trail = app.admin().get("/audit").ok();
    assert_eq!(trail["data"]["entries"][0]["detail"], format!("GET {BASE}/audit"));
    assert!(app.logs(&["/audit", "401"]) && !trail.to_string().contains(token) && !app.log().contains(token));
}

#[test]
fn paths_with_tricks_lead_nowhere_they_should_not() {
    let app = App::start();
    end_to_end::fill(&mut app.redis().connection(), "users:", 0..3);
    let ask = |method: &str, path: &str, body: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            Caller::Operator.token().unwrap(),
            body.len()
        );
        raw(app.address(), request.as_bytes())
    };
    // An operator may clear the keys of a pattern, and no more: neither here nor under another spelling of the path.
    let everything = json!({ "confirm": true }).to_string();
    for path in [
        "/api/cache/clear",
        "//api/cache/clear",
        "/api/cache/clear/",
        "/api/cache/./clear",
        "/api/cache/keys/../clear",
        "/api/cache/keys/%2e%2e/clear",
        "/api/cache%2fclear",
        "/api/cache/clear;x=1",
        "/api/cache/clear%00",
        "/API/cache/clear",
        "//api/users/cache/clear/../../../cache/clear",
        "http://a/api/cache/clear",
    ] {
        let answer = ask("POST", path, &everything);
        assert!(!is_success(&answer) && !answer.starts_with("HTTP/1.1 5"), "{path}: {answer}");
    }
    // An old address clears its own module however it is spelled.
    for path in ["//api/users/cache/clear", "/api/blog/refresh-cache/", "//api/blog/refresh-cache"] {
        let () = redis::cmd("SET").arg("blog:1").arg("x").query(&mut app.redis().connection()).unwrap();
        let answer = ask("POST", path, "{}");
        assert!(is_success(&answer) && !answer.contains("Full cache"), "{path}: {answer}");
    }
    let left = end_to_end::keys(&mut app.redis().connection(), "*");
    assert!(left.is_empty(), "{left:?}");
    // A method that takes a change is refused where there is none to make.
    for path in ["/api/cache/keys", "//api/cache/keys", "/api/cache/keys?x=/users:1"] {
        let answer = ask("PATCH", path, r#"{"ttl":600}"#);
        assert!(answer.starts_with("HTTP/1.1 405"), "{path}: {answer}");
    }
}

#[test]
fn a_cursor_that_was_tampered_with_is_refused_or_leads_nowhere_else() {
    let app = App::start();
    end_to_end::fill(&mut app.redis().connection(), "users:", 0..300);
    let () = redis::cmd("SET").arg("secret:1").arg("x").query(&mut app.redis().connection()).unwrap();
    let page = |pattern: &str, cursor: &str| {
        app.viewer().get(&format!("/keys?pattern={pattern}&limit=10&cursor={}", end_to_end::encode(cursor)))
    };
    let first = page("users:*", "0").data();
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap().to_owned();
    page("users:*", &cursor).ok();
    // A cursor belongs to the walk it came from.
    for pattern in ["*", "secret:*", "users:1*"] {
        assert_eq!(page(pattern, &cursor).with_status(422)["field"], "cursor");
    }
    let refused = |cursor: &str| {
        let answer = page("users:*", cursor);
        if answer.status == 200 {
            let keys = answer.body["data"]["keys"].as_array().unwrap().clone();
            assert!(keys.iter().all(|key| key["key"].as_str().unwrap().starts_with("users:")), "{cursor}: {answer:#?}");
        } else {
            assert_eq!((answer.status, &answer.body["field"]), (422, &json!("cursor")), "{cursor}: {answer:#?}");
        }
        answer.status == 422
    };
    // The check covers the position and itself; behind them come hashes of keys that this client had, which it may change.
    let checked = cursor.match_indices('.').nth(1).map_or(cursor.len(), |(at, _)| at);
    assert!(checked > 10, "{cursor}");
    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(refused(&forged) || at >= checked, "{forged} for {cursor}");
    }
    refused(&cursor[..cursor.len() - 1]);
    for other in [&cursor[1..], "-1", "0x10", "18446744073709551616", "0\r\nFLUSHALL", "*", "1e3"] {
        assert!(refused(other), "{other}");
    }
}

#[test]
fn what_clients_send_cannot_add_a_line_to_the_log_or_a_field_to_the_trail() {
    let app = App::start();
    let line = "\n{\"level\":\"error\",\"event\":\"forged\",\"who\":\"deploy\"}\n";
    let field = "\",\"who\":\"somebody-else\",\"outcome\":\"ok";
    for text in [line, field, "\r\nforged: 1", "\u{2028}forged", "\u{1b}[2Jforged"] {
        let name = end_to_end::encode(text);
        app.operator().get(&format!("/keys/{name}")).with_status(404);
        app.viewer().get(&format!("/keys/{name}")).with_status(403);
        app.nobody().send("GET", &format!("/{name}"), None).with_status(404);
        app.operator().delete("/invalidate", &json!({ "keys": [text] })).ok();
        app.operator().post("/clear", &json!({ "pattern": format!("users:{text}*") }));
        app.operator().post("/events", &json!({ "type": text }));
        app.operator().post("/events", &json!({ "type": "product.updated", "id": text }));
        app.admin().send("PUT", "/api/cache/ttl", Some(json!({ "prefix": text, "ttl": 60 }).to_string().as_bytes()));
    }
    for header in ["x-forwarded-for", "user-agent", "x-request-id", "spin-client-addr"] {
        app.admin().with_header(header, "1.2.3.4\" forged \\n").post("/clear", &json!({ "pattern": "users:*" })).ok();
    }
    let trail = app.admin().get("/audit?limit=100").data();
    for entry in trail["entries"].as_array().unwrap() {
        assert!(["support", "deploy", "monitoring"].contains(&entry["who"].as_str().unwrap()), "{entry:#}");
        assert_eq!(entry["ip"], "127.0.0.1", "{entry:#}");
    }
    app.viewer().with_header("x-request-id", "the-end").get("/stats").ok();
    assert!(app.logs(&["the-end"]));
    // Every line is one of the components' own, whole.
    for line in app.log().lines().filter(|line| line.contains("forged")) {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(parsed["event"] != "forged" && !line.contains('\u{1b}'), "{line}");
    }
}

#[test]
fn a_body_that_would_unfold_to_something_huge_does_not() {
    let app = App::start();
    let deep = format!("{{\"keys\":{}{}}}", "[".repeat(120), "]".repeat(120));
    let many = format!("{{\"keys\":[{}\"x\"]}}", "\"x\",".repeat(200_000));
    let wide = format!("{{{}\"keys\":[\"x\"]}}", "\"keys\":[\"y\"],".repeat(50_000));
    let escaped = format!("{{\"pattern\":\"{}\"}}", "\\u0000".repeat(150_000));
    let number = format!("{{\"ttl\":1{}}}", "0".repeat(900_000));
    for (method, path, body) in [
        ("DELETE", "/invalidate", deep),
        ("DELETE", "/invalidate", many),
        ("POST", "/clear", escaped),
        ("PATCH", "/keys/users:1", number),
    ] {
        let answer = app.admin().send(method, &format!("{BASE}{path}"), Some(body.as_bytes()));
        assert!([400, 422].contains(&answer.status), "{method} {path}: {answer:#?}");
        assert!(answer.body.to_string().len() < 10_000, "{method} {path}: the answer is long");
    }
    // Of a member that comes often the last counts.
    let report = app.admin().send("DELETE", &format!("{BASE}/invalidate"), Some(wide.as_bytes())).ok();
    assert_eq!(report["details"]["keysNotFound"], json!(["x"]));
    // What says that it is compressed is not unpacked.
    let packed = app.admin().with_header("content-encoding", "gzip");
    packed.send("POST", &format!("{BASE}/clear"), Some(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")).with_status(400);
    app.viewer().get("/stats").ok();
}
