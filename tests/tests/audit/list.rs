//! Pages of the audit trail.

use end_to_end::App;
use serde_json::{Value, json};

use crate::{assert_has, entries, with_id};

#[test]
fn pages_lead_to_the_oldest_record() {
    let app = App::start();
    for n in 0..23 {
        with_id(app.operator(), &n.to_string())
            .delete("/invalidate", &json!({ "keys": ["a"] }))
            .ok();
    }

    for limit in [1, 5, 23, 50] {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app
                .admin()
                .get(&format!("/audit?limit={limit}&cursor={cursor}"))
                .data();
            let entries = page["entries"].as_array().unwrap();
            assert!(entries.len() <= limit);
            assert_eq!(page["pagination"]["total"], 23);
            assert_eq!(page["pagination"]["returned"], entries.len());
            ids.extend(
                entries
                    .iter()
                    .map(|entry| entry["requestId"].as_str().unwrap().parse::<u32>().unwrap()),
            );
            match page["pagination"]["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(ids, (0..23).rev().collect::<Vec<_>>(), "limit {limit}");
    }
}

#[test]
fn an_invalid_parameter_is_named() {
    let app = App::start();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=1", "cursor"),
        ("cursor=1-2-3-4", "cursor"),
        ("cursor=0-0", "cursor"),
        ("cursor=0-00", "cursor"),
        ("cursor=000-0", "cursor"),
        ("cursor=1-1-4", "cursor"),
        ("whom=me", "whom"),
        ("outcome=good", "outcome"),
        ("key=a[", "key"),
        ("from=now", "from"),
        ("from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "to"),
    ] {
        let problem = app.admin().get(&format!("/audit?{query}")).with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}

#[test]
fn a_cursor_beyond_the_largest_id_is_not_a_failure() {
    let app = App::start();
    for cursor in ["18446744073709551615-18446744073709551615", "0-0", "0-1"] {
        let response = app.admin().get(&format!("/audit?cursor={cursor}"));
        assert!([200, 422].contains(&response.status), "{response:#?}");
    }
}

#[test]
fn denied_and_automatic_records_are_stored_apart_and_listed_together() {
    let app = App::start();
    with_id(app.operator(), "a")
        .delete("/invalidate", &json!({ "keys": ["a"] }))
        .ok();
    with_id(app.viewer(), "b")
        .post("/clear", &json!({ "confirm": true }))
        .with_status(403);
    let record = json!({ "at": "2026-01-01T00:00:00.000Z", "who": "channel", "role": "-", "action": "event", "keysDeleted": 1,
                         "durationMs": 1, "ip": "", "requestId": "c", "outcome": "ok" });
    let mut redis = app.trail();
    let () = redis::cmd("XADD")
        .arg(&["cache:audit:automatic", "*", "record", &record.to_string()])
        .query(&mut redis)
        .unwrap();
    // A foreign record does not break the list.
    let () = redis::cmd("XADD")
        .arg(&["cache:audit", "*", "foo", "bar"])
        .query(&mut redis)
        .unwrap();
    let listed: Vec<(Value, Value)> = entries(&app)
        .iter()
        .map(|entry| (entry["stream"].clone(), entry["requestId"].clone()))
        .collect();
    let expected = [
        ("changes", ""),
        ("automatic", "c"),
        ("denied", "b"),
        ("changes", "a"),
    ];

    assert_eq!(
        listed,
        expected.map(|(stream, id)| (json!(stream), json!(id)))
    );
    assert_has(
        &entries(&app)[0],
        &json!({ "action": "unknown", "detail": "foo bar", "outcome": "unknown" }),
    );
}
