//! Requests that no well-meaning client would send.

use end_to_end::{App, BASE, Caller, Route, raw};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

/// Every operation that takes a body.
fn with_body() -> Vec<(&'static str, String)> {
    let mut operations: Vec<_> = Route::all()
        .into_iter()
        // These routes take no body.
        .filter(|route| {
            let takes_none = ["/warmup/cancel", "/warmup/scheduled"].contains(&route.path)
                || route.path.starts_with("/jobs/")
                || route.path.starts_with("/operations/");
            route.body.is_some() && !takes_none
        })
        .map(|route| (route.method, route.address()))
        .collect();
    operations.dedup();
    operations
}

#[test]
fn a_body_that_is_not_a_json_object_is_malformed() {
    let app = App::start();
    let bodies: [&[u8]; 14] = [
        b"{",
        b"}",
        b"{\"pattern\"",
        b"{\"pattern\":\"a\",}",
        b"{'pattern':'a'}",
        b"pattern=users:*",
        b"[]",
        b"[{}]",
        b"\"users:*\"",
        b"7",
        b"true",
        b"null",
        b"{} {}",
        b"{\"pattern\":\"\xff\"}",
    ];

    for (method, path) in with_body() {
        for body in bodies {
            let problem = app.admin().send(method, &path, Some(body)).with_status(400);
            assert_eq!(
                problem["type"],
                "urn:edge-cache:problem:malformed-body",
                "{method} {path} {}",
                body.escape_ascii()
            );
        }
    }
}

#[test]
fn deep_nesting_is_malformed_and_does_not_trap() {
    let app = App::start();
    let bodies = [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        format!("{}1{}", "[".repeat(500_000), "]".repeat(500_000)),
    ];
    for (method, path) in with_body() {
        for body in &bodies {
            app.admin()
                .send(method, &path, Some(body.as_bytes()))
                .with_status(400);
        }
    }

    app.viewer().get("/stats").ok();
}

#[test]
fn a_body_above_1_mib_is_refused() {
    let app = App::start();
    let padded = |bytes: usize| {
        let empty = json!({ "pattern": "users:*", "padding": "" })
            .to_string()
            .len();
        json!({ "pattern": "users:*", "padding": "x".repeat(bytes - empty) })
            .to_string()
            .into_bytes()
    };

    for (method, path) in with_body() {
        // The body is read completely, so the error is about the field.
        assert_eq!(
            app.admin().send(method, &path, Some(&padded(MIB))).status,
            422,
            "{method} {path}"
        );
        let problem = app
            .admin()
            .send(method, &path, Some(&padded(MIB + 1)))
            .with_status(413);
        assert_eq!(problem["maxBytes"], MIB);
    }
}

#[test]
fn a_chunked_body_above_1_mib_is_refused() {
    let app = App::start();
    let chunk = "x".repeat(0x8000);
    let head = format!(
        "POST {BASE}/clear HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        Caller::Admin.token().unwrap()
    );
    let body: String = (0..40).map(|_| format!("8000\r\n{chunk}\r\n")).collect();
    let response = raw(app.address(), format!("{head}{body}0\r\n\r\n").as_bytes());
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
}

#[test]
fn a_request_without_a_token_is_refused_before_its_body_is_sent() {
    let app = App::start();
    let body = vec![b'x'; 2 * MIB];
    for (caller, status) in [
        (Caller::Nobody, 401),
        (Caller::Viewer, 403),
        (Caller::Admin, 413),
    ] {
        let polite = app.client(caller).with_header("expect", "100-continue");
        polite
            .send("POST", &format!("{BASE}/clear"), Some(&body))
            .with_status(status);
    }
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    let app = App::start();
    let fields = [
        ("POST", "/clear", "pattern", "string"),
        ("POST", "/clear", "confirm", "flag"),
        ("POST", "/clear", "dryRun", "flag"),
        ("DELETE", "/invalidate", "keys", "list"),
        ("DELETE", "/invalidate", "patterns", "list"),
        ("DELETE", "/invalidate", "tags", "list"),
        ("POST", "/invalidate", "confirm", "flag"),
        ("POST", "/invalidate", "dryRun", "flag"),
        ("POST", "/warmup", "modules", "list"),
        ("POST", "/warmup", "force", "flag"),
        ("PUT", "/rules", "event", "string"),
        ("PATCH", "/keys/users:1", "ttl", "number"),
        ("PATCH", "/keys/users:1", "persist", "flag"),
    ];
    let values = [
        ("string", json!("x")),
        ("number", json!(7)),
        ("float", json!(1.5)),
        ("flag", json!(true)),
        ("list", json!(["users"])),
        ("object", json!({ "a": 1 })),
    ];

    for (method, path, field, right) in fields {
        for (_, value) in values.iter().filter(|(kind, _)| *kind != right) {
            let body = json!({ field: value }).to_string();
            let problem = app
                .admin()
                .send(method, &format!("{BASE}{path}"), Some(body.as_bytes()))
                .with_status(422);
            assert_eq!(
                problem["field"], field,
                "{method} {path} {body}: {problem:#}"
            );
        }
    }
}

#[test]
fn an_unknown_field_is_named_with_the_known_ones() {
    let app = App::start();
    // An event may have any fields.
    for (method, path) in with_body()
        .into_iter()
        .filter(|(_, path)| !path.ends_with("/events"))
    {
        for field in ["unknown", "PATTERN", "Confirm", "", "é", "__proto__"] {
            let mut body = Route::all()
                .into_iter()
                .find(|route| route.method == method && route.address() == path)
                .unwrap()
                .body
                .unwrap();
            body[field] = json!(true);

            let problem = app
                .admin()
                .send(method, &path, Some(body.to_string().as_bytes()))
                .with_status(422);

            assert_eq!(problem["field"], field, "{method} {path}: {problem:#}");
            assert!(
                problem["detail"].as_str().unwrap().contains("known are"),
                "{problem:#}"
            );
        }
    }
}

#[test]
fn a_long_unknown_field_is_shortened_in_the_problem() {
    let app = App::start();
    let body = json!({ "x".repeat(500_000): 1 });
    let response = app.admin().post("/clear", &body);
    assert!(
        response.body.to_string().len() < 10_000,
        "the response has {} bytes",
        response.body.to_string().len()
    );
    response.with_status(422);
}

#[test]
fn extreme_numbers_are_refused_or_accepted() {
    let app = App::start();
    let () = redis::cmd("SET")
        .arg("users:1")
        .arg("x")
        .query(&mut app.connection())
        .unwrap();

    for number in [
        "0",
        "-0",
        "-1",
        "1e3",
        "1.0",
        "315360001",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e400",
        "1e-400",
    ] {
        let response = app.admin().send(
            "PATCH",
            &format!("{BASE}/keys/users:1"),
            Some(format!("{{\"ttl\":{number}}}").as_bytes()),
        );
        assert!(
            [200, 400, 422].contains(&response.status),
            "{number}: {response:#?}"
        );
    }
}

fn is_success(response: &str) -> bool {
    response
        .split(' ')
        .nth(1)
        .is_some_and(|status| status.starts_with('2'))
}

#[test]
fn invalid_http_does_no_harm() {
    let app = App::start();
    let token = Caller::Admin.token().unwrap();
    let requests: Vec<Vec<u8>> = vec![
        b"\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        b"*1\r\n$4\r\nPING\r\n".to_vec(),
        [vec![0; 1000], vec![0xff; 1000]].concat(),
        format!("GET {BASE}/stats HTTP/1.1\r\n\r\n").into_bytes(),
        format!("GET {BASE}/stats HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n").into_bytes(),
        [format!("GET {BASE}/stats HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ").as_bytes(), b"\xff\r\nconnection: close\r\n\r\n"].concat(),
        format!("POST {BASE}/clear HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: 100\r\n\r\n{{\"confirm\":true").into_bytes(),
        format!("POST {BASE}/clear HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: -1\r\n\r\n{{}}").into_bytes(),
        format!("POST {BASE}/clear HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-length: 5\r\ncontent-length: 17\r\n\r\n{{\"confirm\":true}}").into_bytes(),
        format!("POST {BASE}/clear HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
        format!("GET {BASE}/keys?pattern={} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "a".repeat(200_000)).into_bytes(),
        format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\nconnection: close\r\n\r\n", "a".repeat(2_000_000)).into_bytes(),
        format!("GET {BASE}/keys/%zz%2 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n").into_bytes(),
    ];
    end_to_end::fill(&mut app.connection(), "users:", 0..3);

    for request in &requests {
        let response = raw(app.address(), request);
        let start = &request[..request.len().min(80)];
        assert!(
            !is_success(&response),
            "{}: {response}",
            start.escape_ascii()
        );
    }

    assert_eq!(app.viewer().get("/stats").data()["keyCount"], 3);

    app.nobody().get("/health").ok();
}

#[test]
fn invalid_percent_encoding_is_taken_literally() {
    let app = App::start();
    let () = redis::cmd("SET")
        .arg("%zz%2")
        .arg("x")
        .query(&mut app.connection())
        .unwrap();
    let response = raw(
        app.address(),
        format!(
            "GET {BASE}/keys/%zz%2 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            Caller::Operator.token().unwrap()
        )
        .as_bytes(),
    );

    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

#[test]
fn a_name_that_looks_like_a_header_adds_no_header() {
    let app = App::start();
    let problem = app
        .operator()
        .get("/keys/entry?key=a%0D%0Aset-cookie:%20x=1%0D%0A%0D%0A%3Chtml%3E")
        .with_status(404);
    assert!(
        problem["detail"].as_str().unwrap().contains("set-cookie"),
        "{problem:#}"
    );

    let response = app.nobody().send("GET", "/a%0d%0aset-cookie:x", None);
    assert_eq!(response.header("set-cookie"), None);
}

#[test]
fn a_name_that_looks_like_a_command_is_not_executed() {
    let app = App::start();
    end_to_end::fill(&mut app.connection(), "users:", 0..3);
    for name in [
        "FLUSHALL",
        "a\r\nFLUSHALL\r\n",
        "*1\r\n$8\r\nFLUSHALL\r\n",
        "\"; redis.call('FLUSHALL') --",
        "{x}",
    ] {
        app.operator()
            .get(&format!("/keys/entry?key={}", end_to_end::encode(name)))
            .with_status(404);
        app.admin()
            .delete(
                "/invalidate",
                &json!({ "keys": [name], "tags": [name.replace(char::is_control, " ")] }),
            )
            .ok();
        let listed: Value = app
            .viewer()
            .get(&format!("/keys?pattern={}", end_to_end::encode(name)))
            .data();
        assert_eq!(listed["pagination"]["returned"], 0, "{name}");
    }

    assert_eq!(end_to_end::keys(&mut app.connection(), "users:*").len(), 3);
}
