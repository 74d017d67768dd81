//! The log: one JSON line for each event on standard error, which the host collects.

use std::borrow::Cow;
use std::io::Write;

use edge_cache::{ConnectionEvent, LookupOutcome, Observer, StoreError, units};
use edge_cache_admin::admin::audit::AuditRecord;
use serde::Serialize;
use serde_json::{Value, json};

/// Longest key in a line about the cache, in characters.
const MAX_KEY_CHARACTERS: usize = 256;
/// Longest name in a line, in bytes. Clients choose names, and every request has a line.
const MAX_NAME_BYTES: usize = 256;
/// Longest error text beside an audit record, in characters.
const MAX_PROBLEM_CHARACTERS: usize = 256;

/// A request that was served.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestLine<'a> {
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

fn write_line(level: &str, event: &str, fields: impl Serialize) {
    let line = Line {
        at: units::now(),
        level,
        event,
        fields,
    };

    // Standard error is not buffered, and each write is a call of the host.
    let mut text = serde_json::to_vec(&line).unwrap_or_default();
    text.push(b'\n');
    // A failure to log cannot be logged.
    let _ = std::io::stderr().write_all(&text);
}

/// Shortens a long name to its beginning and its length.
fn shorten(name: &str) -> Cow<'_, str> {
    if name.len() <= MAX_NAME_BYTES {
        return name.into();
    }
    let start = &name[..name.floor_char_boundary(MAX_NAME_BYTES)];
    format!("{start}... ({} bytes)", name.len()).into()
}

/// Logs a served request.
pub(crate) fn request(request: &RequestLine<'_>) {
    let level = if request.status >= 500 {
        "error"
    } else {
        "info"
    };

    let path = shorten(request.path);
    write_line(
        level,
        "request",
        RequestLine {
            path: &path,
            ..*request
        },
    );
}

/// Logs the outcome of every lookup in the cache.
pub struct LookupLog;

impl Observer for LookupLog {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        let fields = json!({ "key": shorten(key), "outcome": outcome.name() });
        write_line("info", "cache", fields);
    }

    fn store_failed(&self, key: &str, error: &StoreError) {
        let (reason, problem) = (error.reason.name(), &error.message);
        let fields = json!({ "key": beginning(key), "reason": reason, "problem": problem });
        write_line("warn", "cache.unstored", fields);
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        let problem =
            format!("Options::{option} is out of its range, and taken to the nearest end of it");
        let fields = json!({ "key": beginning(key), "option": option, "problem": problem });
        write_line("warn", "cache.option", fields);
    }
}

/// The beginning of a key.
fn beginning(key: &str) -> String {
    key.chars().take(MAX_KEY_CHARACTERS).collect()
}

/// Logs a domain event that was handled.
pub(crate) fn event(kind: &str, keys_invalidated: u64) {
    write_line(
        "info",
        "event",
        json!({ "type": shorten(kind), "keysInvalidated": keys_invalidated }),
    );
}

/// Logs a gathered walk that has ended.
pub(crate) fn removals(patterns: usize, keys_deleted: u64) {
    write_line(
        "info",
        "event.removed",
        json!({ "patterns": patterns, "keysDeleted": keys_deleted }),
    );
}

/// Logs a failure. Call it once, where the failure is handled.
pub(crate) fn failure(request_id: &str, event: &str, problem: &str) {
    write_line(
        "error",
        event,
        json!({ "requestId": request_id, "problem": problem }),
    );
}

/// Logs an audit record that Redis did not store. Hosts can keep these lines apart by their event.
pub(crate) fn unwritten_record(record: &AuditRecord, problem: &str) {
    let problem: String = problem.chars().take(MAX_PROBLEM_CHARACTERS).collect();
    let fields = json!({
        "requestId": record.request_id,
        "problem": format!("{problem}; the record is in this line"),
        "record": record,
    });
    write_line("error", "audit.failed", fields);
}

/// Logs an event of a connection to Redis.
pub(crate) fn connection(purpose: &str, event: &ConnectionEvent<'_>) {
    let (level, name, mut fields) = match event {
        ConnectionEvent::Connected(duration) => (
            "info",
            "redis.connected",
            json!({ "durationMs": units::milliseconds(*duration) }),
        ),
        ConnectionEvent::Ready => ("info", "redis.ready", json!({})),
        ConnectionEvent::Error(problem) => ("error", "redis.error", json!({ "problem": problem })),
        ConnectionEvent::Closed => ("warn", "redis.closed", json!({})),
        ConnectionEvent::Reconnecting(attempt) => {
            ("warn", "redis.reconnecting", json!({ "attempt": attempt }))
        }
    };

    fields["connection"] = Value::from(purpose);
    write_line(level, name, fields);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_shortened_between_characters() {
        assert_eq!(shorten("users:1"), "users:1");
        assert_eq!(shorten(&"a".repeat(256)).len(), 256);
        let long = format!("a{}", "é".repeat(30_000));
        assert_eq!(
            shorten(&long),
            format!("a{}... (60001 bytes)", "é".repeat(127))
        );
    }
}
