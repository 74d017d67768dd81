//! Filters and exports of the audit trail.

use end_to_end::App;
use serde_json::{Value, json};

use crate::with_id;

/// The request ids of records.
fn ids(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry["requestId"].as_str().unwrap())
        .collect()
}

/// Changes of two callers, and a denied attempt.
fn app_with_records() -> App {
    let app = App::start();
    let [one, two, three, four, five] = ["one", "two", "three", "four", "five"];
    with_id(app.operator(), one)
        .delete("/invalidate", &json!({ "keys": ["users:1"] }))
        .ok();
    with_id(app.admin(), two)
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    with_id(app.admin(), three)
        .patch("/keys/users:2", &json!({ "ttl": 5 }))
        .with_status(404);
    with_id(app.viewer(), four)
        .post("/clear", &json!({ "pattern": "users:*" }))
        .with_status(403);
    with_id(app.admin(), five)
        .put("/ttl", &json!({ "prefix": "users", "ttl": 60 }))
        .ok();
    app
}

#[test]
fn filters_take_the_records_that_match_all_of_them() {
    let app = app_with_records();
    let cases = [
        ("who=support", vec!["one"]),
        ("who=deploy", vec!["five", "three", "two"]),
        ("action=clear", vec!["two"]),
        ("action=denied", vec!["four"]),
        ("outcome=failed", vec!["three"]),
        ("outcome=ok&who=deploy", vec!["five", "two"]),
        ("key=users:1", vec!["two", "one"]),
        ("key=users:?", vec!["three", "two", "one"]),
        ("key=users:2&outcome=ok", vec!["two"]),
        ("from=2026-01-01T00:00:00Z&action=ttl", vec!["five"]),
        ("to=2026-01-01T00:00:00Z", vec![]),
        ("who=nobody", vec![]),
    ];

    for (query, expected) in cases {
        let page = app.admin().get(&format!("/audit?{query}")).data();
        assert_eq!(
            ids(page["entries"].as_array().unwrap()),
            expected,
            "{query}"
        );
        assert_eq!(page["pagination"]["hasMore"], false, "{query}");

        let exported = app.admin().lines(&format!("/audit?{query}"));
        assert_eq!(exported.len(), expected.len(), "{query}");
    }
}

#[test]
fn pages_of_a_filter_lead_to_the_oldest_record() {
    let app = App::start();
    add_records(&app, 12_000);

    let mut found = Vec::new();
    let mut pages = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/audit?who=rare&limit=2&cursor={cursor}");
        let page = app.admin().get(&path).data();
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 2);
        found.extend(ids(entries).iter().map(|id| (*id).to_owned()));
        pages += 1;
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }

    let expected: Vec<_> = (0..12_000).filter(|n| n % 4000 == 0).rev().collect();
    assert_eq!(
        found,
        expected.iter().map(usize::to_string).collect::<Vec<_>>()
    );
    assert!(pages >= 3, "a page looked at more than 5,000 records");
}

#[test]
fn an_export_has_every_record_in_a_line() {
    let app = App::start();
    add_records(&app, 2_500);

    let lines = app.admin().lines("/audit");

    let expected: Vec<_> = (0..2_500).rev().map(|n| n.to_string()).collect();
    assert_eq!(ids(&lines), expected);
    let page = app.admin().get("/audit?limit=1").data();
    assert_eq!(lines[0], page["entries"][0]);
    let cursor = page["pagination"]["nextCursor"].as_str().unwrap();
    let rest = app.admin().lines(&format!("/audit?cursor={cursor}"));
    assert_eq!(ids(&rest), expected[1..]);
}

#[test]
fn an_export_has_the_rules_of_a_list() {
    let app = App::start();
    let client = app.admin().with_header("accept", "application/x-ndjson");
    let problem = client.get("/audit?limit=5").with_status(422);
    assert_eq!(problem["field"], "limit");
    let operator = app.operator().with_header("accept", "application/x-ndjson");
    operator.get("/audit").with_status(403);
}

/// Adds records whose request ids count them. Every 4,000th is of the caller `rare`.
fn add_records(app: &App, count: usize) {
    let mut pipe = redis::pipe();
    for number in 0..count {
        let who = if number % 4000 == 0 { "rare" } else { "often" };
        let record = json!({ "at": "2026-01-01T00:00:00.000Z", "who": who, "role": "admin", "action": "clear", "keysDeleted": 1,
                             "durationMs": 1, "ip": "", "requestId": number.to_string(), "outcome": "ok" });
        pipe.cmd("XADD")
            .arg(&["cache:audit", "*", "record", &record.to_string()])
            .ignore();
    }
    let () = pipe.query(&mut app.trail()).unwrap();
}
