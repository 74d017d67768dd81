//! Roles: the requests that each caller may send.

use end_to_end::{App, Caller, Route, contract};
use redis::Commands;
use serde_json::json;

use crate::{behind_a_proxy, from_elsewhere};

fn ensure_key(app: &App) {
    let () = app.connection().set("users:1", "x").unwrap();
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn every_route_requires_its_role() {
    let app = behind_a_proxy();
    for (number, route) in Route::administration().iter().enumerate() {
        for caller in Caller::ALL {
            ensure_key(&app);
            let response = route.send(&from_elsewhere(&app, caller, number));
            let expected = match caller {
                caller if caller >= route.role || route.role == Caller::Nobody => route.expected(),
                Caller::Nobody | Caller::Stranger => 401,
                _ => 403,
            };
            assert_eq!(
                response.status, expected,
                "{caller:?} {route:?}: {response:#?}"
            );
            if expected == 403 {
                let detail = response.body["detail"].as_str().unwrap();
                assert!(detail.contains("needs the role"), "{detail}");
                assert!(detail.contains(caller.role()), "{detail}");
            }
        }
    }
}

#[test]
fn a_denied_request_changes_nothing() {
    let app = behind_a_proxy();
    ensure_key(&app);
    let mut redis = app.connection();

    for (number, route) in Route::protected().iter().enumerate() {
        for caller in Caller::ALL
            .into_iter()
            .filter(|caller| *caller < route.role)
        {
            route.send(&from_elsewhere(&app, caller, number));
            let ttl: i64 = redis.ttl("users:1").unwrap();
            assert_eq!(ttl, -1, "{caller:?} {route:?}");
        }
    }

    assert!(end_to_end::keys(&mut redis, "products:*").is_empty());
}

#[test]
fn an_unsupported_method_is_405_with_the_supported_ones() {
    let app = App::start();
    for (template, methods) in contract().paths() {
        let path = ["{key}", "{id}", "{slug}"]
            .iter()
            .fold(template, |path, name| path.replace(name, "1"));
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if methods.iter().any(|known| known == method) {
                continue;
            }

            let response = app.nobody().send(method, &path, None);
            let mut allowed: Vec<&str> = response
                .header("allow")
                .unwrap_or_default()
                .split(", ")
                .collect();
            allowed.sort();

            assert_eq!(
                allowed,
                sorted(methods.clone()),
                "{method} {path}: {response:#?}"
            );
            response.with_status(405);
        }
    }
}

#[test]
fn an_unknown_method_is_405() {
    let app = App::start();
    app.nobody()
        .send("PROPFIND", "/api/cache/stats", None)
        .with_status(405);
}

#[test]
fn only_admins_can_remove_protected_keys() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.hset("cache:ttl", "users", 60).unwrap();

    for pattern in ["cache:ttl", "cache:*", "lock:*"] {
        app.operator()
            .post("/clear", &json!({ "pattern": pattern }))
            .with_status(403);
    }

    app.operator()
        .delete("/invalidate", &json!({ "keys": ["users:1", "cache:ttl"] }))
        .with_status(403);
    assert!(redis.exists::<_, bool>("cache:ttl").unwrap());

    app.admin()
        .delete("/invalidate", &json!({ "keys": ["users:1", "cache:ttl"] }))
        .ok();
    assert!(!redis.exists::<_, bool>("cache:ttl").unwrap());
}

#[test]
fn only_a_known_caller_receives_its_name_and_role() {
    let app = App::start();
    for caller in [Caller::Viewer, Caller::Operator, Caller::Admin] {
        let response = app.client(caller).get("/stats");
        assert_eq!(response.header("x-caller"), Some(caller.name()));
        assert_eq!(response.header("x-caller-role"), Some(caller.role()));
    }

    let refused = app.viewer().get("/audit");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.header("x-caller-role"), Some("viewer"));

    for client in [app.nobody(), app.stranger()] {
        assert_eq!(client.get("/stats").header("x-caller"), None);
    }
}
