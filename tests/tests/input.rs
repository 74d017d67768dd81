//! Unknown input: every route refuses it with 422.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::fs;

use end_to_end::{App, Client, Response, contract, fill, keys, repository};
use redis::Commands;
use serde_json::{Value, json};

/// A documented operation with a concrete path.
struct Operation {
    method: String,
    path: String,
    document: &'static Value,
}

impl Operation {
    fn takes_body(&self) -> bool {
        self.document.get("requestBody").is_some()
    }

    /// Returns the names of its query parameters.
    fn parameters(&self) -> Vec<&'static str> {
        let parameters = self.document["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| contract().resolve(parameter));
        parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect()
    }

    fn send(&self, client: &Client, query: &str, body: Option<&str>) -> Response {
        client.send(
            &self.method,
            &format!("{}{query}", self.path),
            body.map(str::as_bytes),
        )
    }
}

/// Returns all documented operations except those of the dashboard, whose page uses the query
/// itself.
fn operations() -> Vec<Operation> {
    let concrete = |template: &str| {
        let values = [
            ("config/{key}", "config/shop.currency"),
            ("{key}", "users:1"),
            ("{id}", "4985"),
            ("{slug}", "homepage"),
        ];
        values
            .iter()
            .fold(template.to_owned(), |path, (name, value)| {
                path.replace(name, value)
            })
    };

    let of_path = |(template, methods): (String, Vec<String>)| {
        let of_method = move |method: String| {
            let document = &contract().document()["paths"][&template][method.to_ascii_lowercase()];
            Operation {
                path: concrete(&template),
                method,
                document,
            }
        };
        methods.into_iter().map(of_method).collect::<Vec<_>>()
    };

    let paths = contract()
        .paths()
        .into_iter()
        .filter(|(path, _)| !path.starts_with("/admin"));
    paths.flat_map(of_path).collect()
}

/// Starts an application with some keys, and returns them.
fn with_keys() -> (App, Vec<String>) {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3);
    fill(&mut redis, "products:", 0..3);
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    let all = keys(&mut redis, "*");
    (app, all)
}

/// Checks that no key was changed and no change recorded.
fn assert_untouched(app: &App, before: &[String]) {
    let mut after = keys(&mut app.connection(), "*");
    after.retain(|key| !key.starts_with("cache:warmup:") && key != "cache:events");
    assert_eq!(after, before);
    assert_eq!(app.admin().get("/audit").data()["entries"], json!([]));
}

#[test]
fn every_route_of_the_manifest_has_a_documented_operation() {
    let manifest: toml::Value =
        toml::from_str(&fs::read_to_string(repository().join("spin.toml")).unwrap()).unwrap();
    let documented = contract().paths();

    for trigger in manifest["trigger"]["http"].as_array().unwrap() {
        let route = trigger["route"].as_str().unwrap();
        let below = route.strip_suffix("...");
        let leads = |path: &String| {
            below.map_or(path == route, |below| format!("{path}/").starts_with(below))
        };
        assert!(
            documented.keys().any(leads),
            "{route} has no documented operation"
        );
    }
}

#[test]
fn an_unknown_parameter_is_refused_before_anything_changes() {
    let (app, before) = with_keys();
    for operation in operations() {
        let reads_query = !operation.parameters().is_empty();
        let body = if reads_query {
            "{}"
        } else {
            r#"{"pattern":"users:*","confirm":true}"#
        };
        let body = operation.takes_body().then_some(body);
        for query in ["?unknown=1", "?unknown", "?%75nknown=1&unknown=2"] {
            let response = operation.send(&app.admin(), query, body);
            // The search requires its own parameter before it checks others.
            let field = response.body["field"].as_str().unwrap_or_default();
            let is_named =
                field == "unknown" || operation.parameters().contains(&field) || field == "prefix";
            assert!(
                is_named,
                "{} {}: {response:#?}",
                operation.method, operation.path
            );
            response.with_status(422);
        }
    }

    for path in [
        "/clear",
        "/expire",
        "/invalidate",
        "/warmup",
        "/warmup/cancel",
        "/warmup/scheduled",
        "/events",
    ] {
        let body = json!({ "pattern": "users:*" });
        assert_eq!(
            app.admin()
                .post(&format!("{path}?dryRun=true"), &body)
                .with_status(422)["field"],
            "dryRun"
        );
    }

    assert_untouched(&app, &before);
}

#[test]
fn an_unexpected_body_is_refused_before_anything_changes() {
    let (app, before) = with_keys();
    for operation in operations() {
        let send = |body: &str| operation.send(&app.admin(), "", Some(body));
        if operation.takes_body() {
            send(r#"{"unknown":1}"#).with_status(422);
            send("garbage").with_status(400);
            continue;
        }
        assert_eq!(
            send(r#"{"dryRun":true}"#).with_status(422)["field"],
            "dryRun"
        );
        for body in ["garbage", "[]", "\"\"", "0", "null", "{}{}"] {
            assert_eq!(
                send(body).with_status(422)["field"],
                "body",
                "{} {}: {body}",
                operation.method,
                operation.path
            );
        }
        send(&" ".repeat((1 << 20) + 1)).with_status(413);
    }

    assert_untouched(&app, &before);
}

#[test]
fn a_duplicate_field_is_named() {
    let (app, before) = with_keys();
    for operation in operations() {
        if operation.takes_body() {
            let response = operation.send(&app.admin(), "", Some(r#"{"a":{"b":[{"c":1,"c":1}]}}"#));
            assert_eq!(response.with_status(422)["field"], "a.b[0].c");
        }
        for name in operation.parameters() {
            let response = operation.send(&app.admin(), &format!("?{name}=1-1&{name}=1-1"), None);
            // A missing required parameter is reported before others.
            let field = response.with_status(422)["field"]
                .as_str()
                .unwrap()
                .to_owned();
            let is_needed = operation.path.ends_with("/entry") && field == "key";
            assert!(
                field == name || is_needed,
                "{field} for {name}: {} {}",
                operation.method,
                operation.path
            );
        }
    }

    let refused = |path: &str, body: &str| {
        app.admin()
            .send("POST", &format!("/api/cache{path}"), Some(body.as_bytes()))
            .with_status(422)
    };
    assert_eq!(
        refused(
            "/clear",
            r#"{"pattern":"users:*","dryRun":true,"dryRun":false}"#
        )["field"],
        "dryRun"
    );
    assert_eq!(
        refused("/clear", r#"{"pattern":"users:*","pattern":"products:*"}"#)["field"],
        "pattern"
    );

    let nested = refused(
        "/invalidate",
        r#"{"keys":["a",{"base64":"dXNlcnM6MQ==","base64":"dXNlcnM6Mg=="}]}"#,
    );
    assert_eq!(nested["field"], "keys[1].base64");
    assert_eq!(
        refused("/events", r#"{"type":"user.updated","id":"1","id":"2"}"#)["field"],
        "id"
    );
    assert_untouched(&app, &before);
}

#[test]
fn an_event_id_that_would_lose_digits_is_refused() {
    let app = App::start();
    let send_event = |id: &str| {
        let body = format!(r#"{{"type":"user.updated","id":{id}}}"#);
        app.operator()
            .send("POST", "/api/cache/events", Some(body.as_bytes()))
    };
    for id in ["12345678901234567890123", "1.10", "1e3"] {
        assert_eq!(send_event(id).with_status(422)["field"], "id", "{id}");
    }

    for id in ["9007199254740993", "18446744073709551615"] {
        assert_eq!(
            send_event(id).ok()["details"]["patterns"][format!("users:{id}:*")],
            0
        );
    }
}

#[test]
fn trailing_slashes_are_ignored() {
    let app = App::start();
    for operation in operations() {
        for slash in ["/", "//"] {
            let response = operation.send(&app.admin(), &format!("{slash}?unknown=1"), None);
            assert_eq!(
                response.status, 422,
                "{} {}{slash}: {response:#?}",
                operation.method, operation.path
            );
        }
    }

    for path in [
        "/health/",
        "/health/live/",
        "/health/ready/",
        "/stats/",
        "/keys/",
        "/warmup/",
        "/warmup/plan/",
        "/ttl/",
        "/rules/",
        "/audit/",
    ] {
        app.admin().get(path).ok();
    }

    app.nobody().send("GET", "/admin/", None).with_status(200);
    let denied = app.nobody().send("POST", "/api/cache/health/", None);
    assert_eq!(denied.status, 405);
    assert_eq!(denied.header("allow"), Some("GET"));

    app.nobody()
        .send("GET", "/api/cache/warmup/nothing/", None)
        .with_status(404);
}
