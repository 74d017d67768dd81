//! `GET /api/cache/audit`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod filters;
mod list;
mod operations;
mod records;
mod storage;

use end_to_end::{App, Client};
use serde_json::Value;

fn entries(app: &App) -> Vec<Value> {
    app.admin().get("/audit?limit=100").data()["entries"]
        .as_array()
        .unwrap()
        .clone()
}

/// Compares the given fields.
fn assert_has(entry: &Value, expected: &Value) {
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&entry[field], value, "{field} of {entry:#}");
    }
}

fn with_id(client: Client, id: &str) -> Client {
    client.with_header("x-request-id", id)
}
