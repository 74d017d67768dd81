//! One structured line per event on standard error, which the host collects.

use std::io::Write;

use edge_cache::{ConnectionEvent, Outcome, format};
use serde::Serialize;
use serde_json::{Value, json};

/// A served request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Served<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) duration_ms: f64,
    pub(crate) who: &'a str,
    pub(crate) ip: &'a str,
}

#[derive(Serialize)]
struct Line<'a, T> {
    at: String,
    level: &'a str,
    event: &'a str,
    #[serde(flatten)]
    fields: T,
}

fn line(level: &str, event: &str, fields: impl Serialize) {
    let line = Line { at: format::now(), level, event, fields };
    // In one piece: standard error is not buffered, and a component pays for each write with a call of its host.
    let mut text = serde_json::to_vec(&line).unwrap_or_default();
    text.push(b'\n');
    // A log that cannot be written has nowhere to say so.
    let _ = std::io::stderr().write_all(&text);
}

/// A request was answered.
pub(crate) fn served(request: &Served<'_>) {
    let level = if request.status >= 500 { "error" } else { "info" };
    line(level, "request", request);
}

/// A look-up in the cache ended.
pub(crate) fn looked_up(key: &str, outcome: Outcome) {
    line("info", "cache", json!({ "key": key, "outcome": outcome.name() }));
}

/// An event was handled.
pub(crate) fn event(kind: &str, keys_invalidated: u64) {
    line("info", "event", json!({ "type": kind, "keysInvalidated": keys_invalidated }));
}

/// Something failed; told once, where it is handled.
pub(crate) fn failure(request_id: &str, what: &str, problem: &str) {
    line("error", what, json!({ "requestId": request_id, "problem": problem }));
}

/// Something happened to a connection.
pub(crate) fn connection(purpose: &str, event: &ConnectionEvent<'_>) {
    let (level, name, detail) = match event {
        ConnectionEvent::Connected(took) => {
            ("info", "redis.connected", json!({ "durationMs": format::milliseconds(*took) }))
        }
        ConnectionEvent::Ready => ("info", "redis.ready", json!({})),
        ConnectionEvent::Error(problem) => ("error", "redis.error", json!({ "problem": problem })),
        ConnectionEvent::Closed => ("warn", "redis.closed", json!({})),
        ConnectionEvent::Reconnecting(attempt) => ("warn", "redis.reconnecting", json!({ "attempt": attempt })),
    };
    let mut detail = detail;
    detail["connection"] = Value::from(purpose);
    line(level, name, detail);
}
