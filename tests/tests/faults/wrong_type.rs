//! Keys of another type under names of edge-cache.

use std::collections::BTreeSet;

use end_to_end::Connection;
use end_to_end::{App, BASE, Client, Options, Response, contract};
use serde_json::{Value, json};

use crate::command;

/// A request: method, path below [`BASE`], and body, null for none.
type Request = (&'static str, &'static str, Value);

/// A job that does not exist.
const JOB: &str = "/jobs/0123456789abcdef0123";
/// An operation that does not exist.
const OPERATION: &str = "/operations/1-0-1-0123456789abcdef";
const PROBLEM: &str = "urn:edge-cache:problem:redis-wrong-type";

/// Keys of edge-cache with their logical database, and requests that need each of them.
fn keys_with_requests() -> Vec<(&'static str, &'static str, Vec<Request>)> {
    let tag = || json!({ "tags": ["t"] });
    let dry_tag = || json!({ "tags": ["t"], "dryRun": true });
    let invalidations = || {
        vec![
            ("DELETE", "/invalidate", tag()),
            ("POST", "/invalidate", tag()),
            ("DELETE", "/invalidate", dry_tag()),
            ("POST", "/invalidate", dry_tag()),
        ]
    };
    let ttl = json!({ "prefix": "test", "ttl": 60 });
    let users = json!({ "modules": ["users"] });
    let dry_users = json!({ "modules": ["users"], "dryRun": true });
    let dry_clear = json!({ "pattern": "users:*", "dryRun": true });
    let expire = json!({ "tags": ["t"], "ttl": 60 });

    vec![
        ("0", "cache:tags:t", invalidations()),
        ("0", "cache:tags:t", vec![("POST", "/expire", expire)]),
        ("0", "cache:tags-aside:{cache:tags:t}", invalidations()),
        (
            "0",
            "cache:jobs:states",
            vec![
                ("GET", "/jobs", Value::Null),
                ("GET", JOB, Value::Null),
                ("POST", "/jobs/0123456789abcdef0123/cancel", Value::Null),
                ("POST", "/jobs/0123456789abcdef0123/pause", Value::Null),
                ("POST", "/jobs/0123456789abcdef0123/resume", Value::Null),
                ("POST", "/jobs/0123456789abcdef0123/execute", json!({})),
            ],
        ),
        (
            "0",
            "cache:ttl",
            vec![
                ("GET", "/ttl", Value::Null),
                ("PUT", "/ttl", ttl),
                ("DELETE", "/ttl", json!({ "prefix": "test" })),
                ("POST", "/warmup", users),
                ("POST", "/warmup", dry_users),
                ("POST", "/warmup/scheduled", Value::Null),
            ],
        ),
        (
            "0",
            "cache:rules",
            vec![
                ("GET", "/rules", Value::Null),
                ("PUT", "/rules", json!({ "event": "test", "keys": ["a"] })),
                ("DELETE", "/rules", json!({ "event": "test" })),
            ],
        ),
        (
            "0",
            "cache:warmup:status",
            vec![
                ("GET", "/warmup", Value::Null),
                ("POST", "/warmup/cancel", Value::Null),
                ("POST", "/warmup/scheduled", Value::Null),
            ],
        ),
        (
            "0",
            "cache:warmup:modules",
            vec![("GET", "/warmup/plan", Value::Null)],
        ),
        (
            "0",
            "cache:warmup:schedule",
            vec![
                ("GET", "/warmup/plan", Value::Null),
                ("POST", "/warmup/scheduled", Value::Null),
            ],
        ),
        (
            "0",
            "cache:undo:1-0-1-0123456789abcdef",
            vec![(
                "POST",
                "/operations/1-0-1-0123456789abcdef/undo",
                Value::Null,
            )],
        ),
        // In the database of the audit trail.
        (
            "1",
            "cache:audit:analyses",
            vec![
                ("POST", "/analysis", json!({})),
                ("GET", "/analysis", Value::Null),
            ],
        ),
        (
            "1",
            "cache:{walks}:1",
            vec![
                ("GET", "/keys?pattern=users:*&exact=true", Value::Null),
                ("POST", "/clear", dry_clear),
                ("DELETE", "/invalidate", dry_tag()),
            ],
        ),
    ]
}

/// Stores a sorted set, which edge-cache keeps under none of its names.
fn set_other_type(redis: &mut Connection, key: &str) {
    command(redis, &["DEL", key]);
    command(redis, &["ZADD", key, "1", "x"]);
}

fn send(client: &Client, (method, path, body): &Request) -> Response {
    let text = body.to_string();
    let body = (!body.is_null()).then_some(text.as_bytes());
    client.send(method, &format!("{BASE}{path}"), body)
}

/// Checks that a problem's detail names the key and its type.
fn assert_names_key(problem: &Value, key: &str) {
    assert_eq!(problem["type"], PROBLEM, "{key}: {problem:#}");
    let detail = problem["detail"].as_str().unwrap();
    let named = format!("`{key}` is a zset");
    assert!(detail.contains(&named), "{key}: {problem:#}");
}

#[test]
fn a_key_of_another_type_is_named_by_every_request_that_needs_it() {
    let app = App::start();
    let admin = app.admin();
    let mut redis = app.connection();

    for (database, key, requests) in keys_with_requests() {
        command(&mut redis, &["SELECT", database]);
        set_other_type(&mut redis, key);
        for request in &requests {
            let problem = send(&admin, request).with_status(409);
            assert_names_key(&problem, key);
            assert_eq!(problem["key"], key, "{request:?}: {problem:#}");
        }

        // The key belongs to somebody else and stays. Once it is gone, the requests succeed.
        let removed: u64 = redis::cmd("DEL").arg(key).query(&mut redis).unwrap();
        assert_eq!(removed, 1, "{key}");
        for request in &requests {
            let response = send(&admin, request);
            assert!([200, 404].contains(&response.status), "{response:#?}");
        }
    }
}

/// The operations that document this problem, as `METHOD /path`.
fn documented_operations() -> BTreeSet<String> {
    let document = contract().document();
    let mut documented = BTreeSet::new();
    for (path, methods) in contract().paths() {
        for method in methods {
            let responses = &document["paths"][&path][method.to_ascii_lowercase()]["responses"];
            let Some(response) = responses.get("409") else {
                continue;
            };
            let content = &contract().resolve(response)["content"];
            if content.to_string().contains(PROBLEM) {
                documented.insert(format!("{method} {path}"));
            }
        }
    }
    documented
}

#[test]
fn only_requests_that_need_such_a_key_document_the_conflict() {
    let requests = keys_with_requests()
        .into_iter()
        .flat_map(|(_, _, requests)| requests);
    let mut expected: BTreeSet<String> = requests
        .map(|(method, path, _)| {
            let path = path.split('?').next().unwrap_or_default();
            let path = path.replace(JOB, "/jobs/{id}");
            let path = path.replace(OPERATION, "/operations/{id}");
            format!("{method} {BASE}{path}")
        })
        .collect();
    // A rule may name tags. The built-in ones do not.
    expected.insert(format!("POST {BASE}/events"));

    assert_eq!(documented_operations(), expected);
}

#[test]
fn a_warmup_names_the_key_of_another_type_that_stops_it() {
    let app = App::start();
    let mut redis = app.connection();
    for key in ["cache:warmup:cancel", "cache:warmup:modules"] {
        set_other_type(&mut redis, key);
        let problem = app
            .admin()
            .post("/warmup", &json!({ "modules": ["users"] }))
            .with_status(409);
        assert_names_key(&problem, key);
        command(&mut redis, &["DEL", key]);
    }
}

#[test]
fn a_warmup_counts_the_entries_whose_tag_set_has_another_type() {
    let app = App::start();
    let mut redis = app.connection();
    set_other_type(&mut redis, "cache:tags:user-data");

    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["users", "config"] }))
        .ok();

    let modules = report["details"]["modules"].as_array().unwrap();
    let [config, users] = modules.as_slice() else {
        panic!("{report:#}")
    };
    assert_eq!(config["errors"], 0, "{report:#}");
    assert_eq!(users["keysCreated"], 0, "{report:#}");
    assert_eq!(users["errors"], 3, "{report:#}");
    let first = users["firstError"].as_str().unwrap();
    assert!(
        first.contains("`cache:tags:user-data` is a zset"),
        "{first}"
    );
}

#[test]
fn a_service_is_served_although_a_tag_set_has_another_type() {
    let app = App::with(Options::new().variable("log_detail", "full"));
    let mut redis = app.connection();
    let outcome = || {
        let response = app.nobody().send("GET", "/api/users/stats", None);
        let outcome = response.header("x-cache").unwrap_or_default().to_owned();
        response.ok();
        outcome
    };
    let change_expiry = || {
        let change = json!({ "ttl": 600 });
        app.admin().patch("/keys/users:stats", &change).data()
    };

    set_other_type(&mut redis, "cache:tags:user-data");
    assert_eq!([outcome(), outcome()], ["MISS", "MISS"], "it is not stored");
    assert!(
        app.logs(&[
            "cache.unstored",
            "\"key\":\"users:stats\"",
            "\"reason\":\"redis\"",
            "`cache:tags:user-data` is a zset",
        ]),
        "the log does not name the key"
    );

    command(&mut redis, &["DEL", "cache:tags:user-data"]);
    assert_eq!([outcome(), outcome()], ["MISS", "HIT"]);

    // An entry that is stored already stays usable.
    set_other_type(&mut redis, "cache:tags:user-data");
    assert_eq!(outcome(), "HIT");
    assert_eq!(change_expiry()["ttl"], 600);
    assert_eq!(outcome(), "HIT");
}
