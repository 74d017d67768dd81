//! Attacks that must fail: tokens in addresses, unusual paths, forged cursors, lines and fields
//! injected into the log and the audit trail, bodies that expand.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use end_to_end::{App, BASE, Caller, Options, Response, raw};
use serde_json::{Value, json};

fn is_success(response: &str) -> bool {
    response
        .split(' ')
        .nth(1)
        .is_some_and(|status| status.starts_with('2'))
}

#[test]
fn a_token_in_the_address_is_ignored() {
    let app = App::start();
    let token = Caller::Admin.token().unwrap();
    for query in [
        "token",
        "access_token",
        "authorization",
        "Authorization",
        "bearer",
    ] {
        app.nobody()
            .get(&format!("/audit?{query}={token}"))
            .with_status(401);
    }

    let cookie = app.nobody().with_header(
        "cookie",
        &format!("token={token}; authorization=Bearer {token}"),
    );
    cookie.get("/audit").with_status(401);
    // The attempt is in the audit trail and the log; the token is in neither.
    let trail = app.admin().get("/audit").ok();

    assert_eq!(
        trail["data"]["entries"][0]["detail"],
        format!("GET {BASE}/audit")
    );
    assert!(app.logs(&["/audit", "401"]));
    assert!(!trail.to_string().contains(token));
    assert!(!app.log().contains(token));
}

#[test]
fn an_unusual_spelling_of_a_path_does_not_bypass_the_role() {
    let app = App::start();
    end_to_end::fill(&mut app.connection(), "users:", 0..3);
    let send = |method: &str, path: &str, body: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            Caller::Operator.token().unwrap(),
            body.len()
        );
        raw(app.address(), request.as_bytes())
    };
    // An operator may clear only the keys of a pattern, under every spelling of the path.
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
        let response = send("POST", path, &everything);
        assert!(!is_success(&response), "{path}: {response}");
        assert!(!response.starts_with("HTTP/1.1 5"), "{path}: {response}");
    }

    // An old address clears its own module in every spelling.
    for path in [
        "//api/users/cache/clear",
        "/api/blog/refresh-cache/",
        "//api/blog/refresh-cache",
    ] {
        let () = redis::cmd("SET")
            .arg("blog:1")
            .arg("x")
            .query(&mut app.connection())
            .unwrap();
        let response = send("POST", path, "{}");
        assert!(is_success(&response), "{path}: {response}");
        assert!(!response.contains("Full cache"), "{path}: {response}");
    }

    let left = end_to_end::keys(&mut app.connection(), "*");
    assert!(left.is_empty(), "{left:?}");

    // A method for changes is refused where nothing can be changed.
    for path in [
        "/api/cache/keys",
        "//api/cache/keys",
        "/api/cache/keys?x=/users:1",
    ] {
        let response = send("PATCH", path, r#"{"ttl":600}"#);
        assert!(response.starts_with("HTTP/1.1 405"), "{path}: {response}");
    }
}

/// Requests a page of keys.
fn page(app: &App, pattern: &str, cursor: &str) -> Response {
    let cursor = end_to_end::encode(cursor);
    app.viewer()
        .get(&format!("/keys?pattern={pattern}&limit=10&cursor={cursor}"))
}

/// Starts an application with many keys, and returns the cursor of the second page.
fn start_with_cursor() -> (App, String) {
    let app = App::start();
    let mut redis = app.connection();
    end_to_end::fill(&mut redis, "users:", 0..300);
    end_to_end::fill(&mut redis, "secret:", 1..2);

    let first = page(&app, "users:*", "0").data();
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    (app, cursor.to_owned())
}

#[test]
fn a_cursor_belongs_to_its_walk() {
    let (app, cursor) = start_with_cursor();
    page(&app, "users:*", &cursor).ok();
    for pattern in ["*", "secret:*", "users:1*"] {
        let problem = page(&app, pattern, &cursor).with_status(422);
        assert_eq!(problem["field"], "cursor");
    }
}

#[test]
fn a_forged_cursor_is_refused_or_stays_within_its_walk() {
    let (app, cursor) = start_with_cursor();
    let refused = |cursor: &str| {
        let response = page(&app, "users:*", cursor);
        if response.status == 200 {
            let keys = response.body["data"]["keys"].as_array().unwrap().clone();
            assert!(
                keys.iter()
                    .all(|key| key["key"].as_str().unwrap().starts_with("users:")),
                "{cursor}: {response:#?}"
            );
        } else {
            assert_eq!(response.status, 422, "{cursor}: {response:#?}");
            assert_eq!(response.body["field"], "cursor", "{cursor}: {response:#?}");
        }
        response.status == 422
    };
    // The checksum covers the position. The hashes after it are of keys that the client has
    // received, so it may change them.
    let checked = cursor
        .match_indices('.')
        .nth(1)
        .map_or(cursor.len(), |(at, _)| at);

    assert!(checked > 10, "{cursor}");

    for at in 0..cursor.len() {
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(refused(&forged) || at >= checked, "{forged} for {cursor}");
    }

    refused(&cursor[..cursor.len() - 1]);
    for other in [
        &cursor[1..],
        "-1",
        "0x10",
        "18446744073709551616",
        "0\r\nFLUSHALL",
        "*",
        "1e3",
    ] {
        assert!(refused(other), "{other}");
    }
}

/// Sends `text` as a name, a pattern, an event and a prefix.
fn send_in_every_field(app: &App, text: &str) {
    let name = end_to_end::encode(text);
    app.operator().get(&format!("/keys/{name}"));
    app.operator()
        .get(&format!("/keys/entry?key={name}"))
        .with_status(404);
    app.viewer().get(&format!("/keys/{name}")).with_status(403);
    app.viewer()
        .get(&format!("/keys/entry?key={name}"))
        .with_status(403);
    app.nobody()
        .send("GET", &format!("/{name}"), None)
        .with_status(404);
    app.operator()
        .delete("/invalidate", &json!({ "keys": [text] }))
        .ok();
    app.operator()
        .post("/clear", &json!({ "pattern": format!("users:{text}*") }));
    app.operator().post("/events", &json!({ "type": text }));
    app.operator()
        .post("/events", &json!({ "type": "product.updated", "id": text }));

    app.admin().send(
        "PUT",
        "/api/cache/ttl",
        Some(json!({ "prefix": text, "ttl": 60 }).to_string().as_bytes()),
    );
    app.admin().send(
        "PUT",
        "/api/cache/rules",
        Some(
            json!({ "event": text, "keys": [text] })
                .to_string()
                .as_bytes(),
        ),
    );
}

#[test]
fn input_cannot_add_a_line_to_the_log_or_a_field_to_the_audit_trail() {
    let app = App::with(Options::new().variable("log_detail", "full"));
    let line = "\n{\"level\":\"error\",\"event\":\"forged\",\"who\":\"deploy\"}\n";
    let field = "\",\"who\":\"somebody-else\",\"outcome\":\"ok";

    for text in [
        line,
        field,
        "\r\nforged: 1",
        "\u{2028}forged",
        "\u{1b}[2Jforged",
    ] {
        send_in_every_field(&app, text);
    }

    for header in [
        "x-forwarded-for",
        "user-agent",
        "x-request-id",
        "spin-client-addr",
    ] {
        app.admin()
            .with_header(header, "1.2.3.4\" forged \\n")
            .post("/clear", &json!({ "pattern": "users:*" }))
            .ok();
    }

    let trail = app.admin().get("/audit?limit=100").data();
    for entry in trail["entries"].as_array().unwrap() {
        assert!(
            ["support", "deploy", "monitoring"].contains(&entry["who"].as_str().unwrap()),
            "{entry:#}"
        );
        assert_eq!(entry["ip"], "127.0.0.1", "{entry:#}");
    }

    app.viewer()
        .with_header("x-request-id", "the-end")
        .get("/stats")
        .ok();
    assert!(app.logs(&["the-end"]));

    // Every line is a complete line of a component.
    for line in app.log().lines().filter(|line| line.contains("forged")) {
        let parsed: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(parsed["event"] != "forged", "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}

#[test]
fn a_body_that_expands_is_refused() {
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
        let response = app
            .admin()
            .send(method, &format!("{BASE}{path}"), Some(body.as_bytes()));
        assert!(
            [400, 422].contains(&response.status),
            "{method} {path}: {response:#?}"
        );
        assert!(
            response.body.to_string().len() < 10_000,
            "{method} {path}: the response is too long"
        );
    }

    // A duplicate member is named.
    let refused = app
        .admin()
        .send(
            "DELETE",
            &format!("{BASE}/invalidate"),
            Some(wide.as_bytes()),
        )
        .with_status(422);
    assert_eq!(refused["field"], "keys");

    // A compressed body is not decompressed.
    let packed = app.admin().with_header("content-encoding", "gzip");
    packed
        .send(
            "POST",
            &format!("{BASE}/clear"),
            Some(b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        )
        .with_status(400);
    app.viewer().get("/stats").ok();
}
