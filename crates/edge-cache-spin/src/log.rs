//! The log: one JSON line for each event on standard error, which the host collects.
//!
//! [`LogDetail`] says which events have a line. Only a full log has keys, paths and client addresses:
//! they may identify people. The exception is an audit record that Redis did not store, which exists
//! nowhere else.

use std::borrow::Cow;
use std::io::Write;
use std::sync::OnceLock;

use edge_cache::keyspace::gathered::FinishedWalk;
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

/// The value of the variable `log_detail`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LogDetail {
    /// Warnings and errors.
    Errors,
    /// Also a line for each request, without its path and its client's address.
    #[default]
    Requests,
    /// Everything: also paths, client addresses and a line for each lookup, with its key.
    Full,
}

impl LogDetail {
    /// Returns the detail with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "errors" => Some(Self::Errors),
            "requests" => Some(Self::Requests),
            "full" => Some(Self::Full),
            _ => None,
        }
    }

    /// The detail of this instance: the default until its variables are read.
    fn current() -> Self {
        DETAIL.get().copied().unwrap_or_default()
    }

    fn has_level(self, level: &str) -> bool {
        self != Self::Errors || level != "info"
    }
}

static DETAIL: OnceLock<LogDetail> = OnceLock::new();

/// Sets the detail of this instance.
pub(crate) fn set_detail(detail: LogDetail) {
    // Requests that began at the same time set the same one.
    let _ = DETAIL.set(detail);
}

/// A request that was served.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestLine<'a> {
    pub(crate) request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) method: &'a str,
    /// The route, whose parameters have names instead of values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) duration_ms: f64,
    pub(crate) who: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ip: Option<&'a str>,
}

/// True if the log has a line for a request with this status.
pub(crate) fn has_line_of(status: u16) -> bool {
    LogDetail::current().has_level(level_of(status))
}

fn level_of(status: u16) -> &'static str {
    if status >= 500 { "error" } else { "info" }
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
    if !LogDetail::current().has_level(level) {
        return;
    }
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
    let is_full = LogDetail::current() == LogDetail::Full;
    let route = request.route.map(shorten);
    let path = request.path.filter(|_| is_full).map(shorten);

    let line = RequestLine {
        route: route.as_deref(),
        path: path.as_deref(),
        ip: request.ip.filter(|_| is_full),
        ..*request
    };
    write_line(level_of(request.status), "request", line);
}

/// Logs failed stores and corrected options; in a full log also the outcome of every lookup.
pub struct LookupLog;

impl Observer for LookupLog {
    fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
        if LogDetail::current() == LogDetail::Full {
            let fields = json!({ "key": shorten(key), "outcome": outcome.name() });
            write_line("info", "cache", fields);
        }
    }

    fn store_failed(&self, key: &str, error: &StoreError) {
        let reason = error.reason.name();
        let fields = if LogDetail::current() == LogDetail::Full {
            json!({ "key": beginning(key), "reason": reason, "problem": error.message })
        } else {
            json!({ "reason": reason, "problem": error.message_without(key) })
        };
        write_line("warn", "cache.unstored", fields);
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        let problem =
            format!("Options::{option} is out of its range, and taken to the nearest end of it");
        let mut fields = json!({ "option": option, "problem": problem });
        if LogDetail::current() == LogDetail::Full {
            fields["key"] = beginning(key).into();
        }
        write_line("warn", "cache.option", fields);
    }
}

/// The beginning of a key.
fn beginning(key: &str) -> String {
    key.chars().take(MAX_KEY_CHARACTERS).collect()
}

/// Logs a domain event that was handled.
pub(crate) fn event(kind: &str, keys_invalidated: u64, keys_marked_stale: u64) {
    write_line(
        "info",
        "event",
        json!({
            "type": shorten(kind),
            "keysInvalidated": keys_invalidated,
            "keysMarkedStale": keys_marked_stale,
        }),
    );
}

/// Logs a gathered walk that has ended.
pub(crate) fn removals(walk: &FinishedWalk) {
    write_line(
        "info",
        "event.removed",
        json!({
            "patterns": walk.patterns.len() + walk.stale_patterns.len(),
            "keysDeleted": walk.keys_deleted,
            "keysMarkedStale": walk.keys_marked_stale,
        }),
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
    fn a_log_of_errors_has_no_line_of_information() {
        let has_info = |name| LogDetail::named(name).map(|detail| detail.has_level("info"));

        assert_eq!(has_info("errors"), Some(false));
        assert_eq!(has_info("requests"), Some(true));
        assert_eq!(has_info("full"), Some(true));
        assert!(LogDetail::Errors.has_level("warn"));
        assert!(LogDetail::Errors.has_level(level_of(503)));
        assert_eq!(LogDetail::named("Full"), None);
    }

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
