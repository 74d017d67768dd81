//! Who may do what, and what becomes of those who may not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use end_to_end::{Answer, App, BASE, Caller, Client, Options, Route, contract};
use redis::Commands;
use serde_json::{Value, json};

/// A client that comes from an address of its own, so that its attempts are counted for themselves.
fn from_elsewhere(app: &App, caller: Caller, number: usize) -> Client {
    let address = format!("192.0.2.{}, 198.51.100.{}", number % 7, number);
    app.client(caller).with_header("x-forwarded-for", &address)
}

fn behind_a_proxy() -> App {
    App::with(Options::new().variable("trusted_proxies", "1"))
}

fn ensure_key(app: &App) {
    let () = app.redis().connection().set("users:1", "x").unwrap();
}

#[test]
fn every_route_asks_for_its_role() {
    let app = behind_a_proxy();
    for (number, route) in Route::all().iter().enumerate() {
        for caller in Caller::ALL {
            ensure_key(&app);
            let answer = route.ask(&from_elsewhere(&app, caller, number));
            let expected = match caller {
                caller if caller >= route.role || route.role == Caller::Nobody => route.expected(),
                Caller::Nobody | Caller::Stranger => 401,
                _ => 403,
            };
            assert_eq!(answer.status, expected, "{caller:?} {route:?}: {answer:#?}");
            if expected == 403 {
                let detail = answer.body["detail"].as_str().unwrap();
                assert!(detail.contains("needs the role") && detail.contains(caller.role()), "{detail}");
            }
        }
    }
}

#[test]
fn who_may_not_changes_nothing() {
    let app = behind_a_proxy();
    ensure_key(&app);
    let mut redis = app.redis().connection();
    for (number, route) in Route::protected().iter().enumerate() {
        for caller in Caller::ALL.into_iter().filter(|caller| *caller < route.role) {
            route.ask(&from_elsewhere(&app, caller, number));
            let left: i64 = redis.ttl("users:1").unwrap();
            assert_eq!(left, -1, "{caller:?} {route:?}");
        }
    }
    assert!(end_to_end::keys(&mut redis, "products:*").is_empty());
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn a_method_that_a_path_does_not_have_is_405_with_those_it_has() {
    let app = App::start();
    for (template, methods) in contract().paths() {
        let path = ["{key}", "{id}", "{slug}"].iter().fold(template, |path, name| path.replace(name, "1"));
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if methods.iter().any(|known| known == method) {
                continue;
            }
            let answer = app.nobody().send(method, &path, None);
            let mut allowed: Vec<&str> = answer.header("allow").unwrap_or_default().split(", ").collect();
            allowed.sort();
            assert_eq!(allowed, sorted(methods.clone()), "{method} {path}: {answer:#?}");
            answer.with_status(405);
        }
    }
}

#[test]
fn a_method_that_nobody_knows_is_405() {
    let app = App::start();
    app.nobody().send("PROPFIND", "/api/cache/stats", None).with_status(405);
}

#[test]
fn a_token_counts_only_as_a_bearer_token() {
    let app = behind_a_proxy();
    let token = Caller::Admin.token().unwrap();
    let ask = |number, header: &str| {
        from_elsewhere(&app, Caller::Nobody, number).with_header("authorization", header).get("/stats").status
    };
    let accepted = [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER {token}")];
    let refused = [
        token.to_owned(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {token}x"),
        format!("Bearer x{token}"),
        format!("Bearer {}", &token[1..]),
        format!("Bearer {}", token.to_uppercase()),
    ];
    for (number, header) in accepted.iter().enumerate() {
        assert_eq!(ask(number, header), 200, "{header}");
    }
    for (number, header) in refused.iter().enumerate() {
        assert_eq!(ask(100 + number, header), 401, "{header}");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let app = App::start();
    let none = app.nobody().get("/stats").with_status(401);
    assert!(none["detail"].as_str().unwrap().contains("Authorization: Bearer"), "{none:#}");
    let unknown = app.stranger().get("/stats").with_status(401);
    assert!(unknown["detail"].as_str().unwrap().contains("not known"), "{unknown:#}");
}

#[test]
fn without_a_configured_token_every_protected_route_says_how_to_set_one() {
    let app = App::with(Options::new().without_tokens());
    for route in Route::protected() {
        for caller in [Caller::Nobody, Caller::Admin] {
            let problem = route.ask(&app.client(caller)).with_status(401);
            assert!(problem["detail"].as_str().unwrap().contains("SPIN_VARIABLE_TOKENS"), "{route:?}: {problem:#}");
        }
    }
    app.nobody().get("/health").ok();
}

#[test]
fn twenty_attempts_a_minute_are_answered_and_further_ones_turned_away() {
    let app = App::start();
    let attempts: Vec<Answer> =
        (0..25).map(|n| app.client(if n % 2 == 0 { Caller::Nobody } else { Caller::Stranger }).get("/stats")).collect();
    let statuses: Vec<u16> = attempts.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [vec![401; 20], vec![429; 5]].concat());
    let wait: u64 = attempts[24].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // A valid token is never locked out, from the same address or not.
    app.viewer().get("/stats").ok();
    app.viewer().post("/clear", &json!({ "confirm": true })).with_status(403);
    app.nobody().get("/health").ok();
    // Every other route knows of it too: the count is in Redis.
    app.stranger().get("/audit").with_status(429);
}

#[test]
fn what_the_system_keeps_is_for_administrators_to_remove() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    for pattern in ["cache:ttl", "cache:*", "lock:*"] {
        app.operator().post("/clear", &json!({ "pattern": pattern })).with_status(403);
    }
    app.operator().delete("/invalidate", &json!({ "keys": ["users:1", "cache:ttl"] })).with_status(403);
    assert!(redis.exists::<_, bool>("cache:ttl").unwrap());
    app.admin().delete("/invalidate", &json!({ "keys": ["users:1", "cache:ttl"] })).ok();
    assert!(!redis.exists::<_, bool>("cache:ttl").unwrap());
}

#[test]
fn denied_attempts_of_a_known_token_do_not_push_others_records_out_of_the_trail() {
    let app = App::start();
    for _ in 0..30 {
        app.viewer().post("/clear", &json!({ "confirm": true })).with_status(403);
    }
    app.operator().post("/clear", &json!({ "confirm": true })).with_status(403);
    let trail = app.admin().get("/audit").data();
    assert_eq!(trail["pagination"]["total"], 21, "20 of one token in a minute, and the other's");
    let mut redis = app.redis().connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    let counted: u32 = redis.hget("cache:counters", "changes:denied/denied").unwrap();
    assert_eq!(counted, 31);
}

#[test]
fn attempts_are_counted_for_each_address() {
    let app = behind_a_proxy();
    for _ in 0..20 {
        from_elsewhere(&app, Caller::Stranger, 1).get("/stats").with_status(401);
    }
    from_elsewhere(&app, Caller::Stranger, 1).get("/stats").with_status(429);
    from_elsewhere(&app, Caller::Stranger, 2).get("/stats").with_status(401);
}

#[test]
fn a_client_cannot_escape_the_count_by_claiming_other_addresses() {
    let app = App::start();
    let statuses: Vec<u16> = (0..22)
        .map(|n| {
            let address = format!("203.0.113.{n}");
            let client = app
                .stranger()
                .with_header("x-forwarded-for", &address)
                .with_header("spin-client-addr", &format!("{address}:1"));
            client.get("/stats").status
        })
        .collect();
    assert_eq!(statuses[20..], [429, 429]);
}

#[test]
fn a_global_clear_does_not_let_those_turned_away_in_again() {
    let app = App::start();
    (0..21).for_each(|_| drop(app.stranger().get("/stats")));
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.stranger().get("/stats").with_status(429);
}

#[test]
fn tokens_and_passwords_never_show_up_anywhere() {
    let app = App::with(
        Options::new()
            .variable("redis_password", "the-password-of-redis")
            .redis(&["--requirepass", "another-password"]),
    );
    let secrets =
        Caller::ALL.into_iter().filter_map(Caller::token).chain(["the-password-of-redis", "another-password"]);
    let mut seen = String::new();
    for caller in Caller::ALL {
        for route in Route::all() {
            seen += &route.ask(&app.client(caller)).body.to_string();
        }
    }
    seen += &app.log();
    for secret in secrets {
        assert!(!seen.contains(secret), "{secret} shows up");
    }
}

#[test]
fn tokens_never_show_up_in_the_trail_or_the_log() {
    let app = behind_a_proxy();
    let mut seen = String::new();
    for (number, route) in Route::all().iter().enumerate() {
        for caller in Caller::ALL {
            seen += &route.ask(&from_elsewhere(&app, caller, number)).body.to_string();
        }
    }
    let trail = app.admin().get("/audit?limit=100").ok();
    assert!(trail["data"]["pagination"]["total"].as_u64().unwrap() > 50, "{trail:#}");
    seen += &trail.to_string();
    seen += &app.log();
    for token in Caller::ALL.into_iter().filter_map(Caller::token) {
        assert!(!seen.contains(token), "{token} shows up");
    }
}

#[test]
fn every_request_leaves_one_line_in_the_log() {
    let app = App::start();
    app.viewer().with_header("x-request-id", "find-me").get("/stats").ok();
    assert!(app.logs(&["find-me"]), "it is not in the log");
    let log = app.log();
    let lines: Vec<Value> =
        log.lines().filter(|line| line.contains("find-me")).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{log}");
    let line = &lines[0];
    assert_eq!((&line["status"], &line["method"], &line["who"]), (&json!(200), &json!("GET"), &json!("monitoring")));
    assert_eq!((&line["path"], &line["ip"]), (&json!(format!("{BASE}/stats")), &json!("127.0.0.1")));
}

#[test]
fn a_request_id_is_taken_over_when_it_is_plain_and_made_when_not() {
    let app = App::start();
    // The client checks which of both it is.
    for id in ["a", "A-b_c.d:9", &"x".repeat(128), &"x".repeat(129), "with space", "semi;colon", "\"quoted\"", "é", ""]
    {
        app.nobody().with_header("x-request-id", id).get("/health/live").ok();
        app.nobody().with_header("x-request-id", id).get("/stats").with_status(401);
    }
}

#[test]
fn whoever_is_recognised_is_told_name_and_role_and_nobody_else_is() {
    let app = App::start();
    for caller in [Caller::Viewer, Caller::Operator, Caller::Admin] {
        let answer = app.client(caller).get("/stats");
        assert_eq!(answer.header("x-caller"), Some(caller.name()));
        assert_eq!(answer.header("x-caller-role"), Some(caller.role()));
    }
    let refused = app.viewer().get("/audit");
    assert_eq!((refused.status, refused.header("x-caller-role")), (403, Some("viewer")));
    for client in [app.nobody(), app.stranger()] {
        assert_eq!(client.get("/stats").header("x-caller"), None);
    }
}
