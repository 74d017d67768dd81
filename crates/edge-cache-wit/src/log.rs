//! The provider's log: one JSON line for each event on standard error, which the host collects with
//! that of the caller. Lookups have none.

use std::io::Write as _;

use edge_cache::{ConnectionEvent, Observer, StoreError, units};
use serde_json::{Value, json};

/// Longest key in a line, in characters.
const MAX_KEY_CHARACTERS: usize = 256;

/// Logs values that could not be stored, and options out of their ranges.
#[derive(Debug)]
pub struct StoreLog;

impl Observer for StoreLog {
    fn store_failed(&self, key: &str, error: &StoreError) {
        let (reason, problem) = (error.reason.name(), &error.message);
        let fields = json!({ "key": beginning(key), "reason": reason, "problem": problem });
        write_line("warn", "cache.unstored", fields);
    }

    fn option_corrected(&self, key: &str, option: &'static str) {
        let problem = format!("{option} is out of its range, and set to the nearest end of it");
        let fields = json!({ "key": beginning(key), "option": option, "problem": problem });
        write_line("warn", "cache.option", fields);
    }
}

/// Logs a connection that failed.
pub fn log_connection(event: &ConnectionEvent<'_>) {
    match event {
        ConnectionEvent::Error(problem) => {
            write_line("error", "redis.error", json!({ "problem": problem }));
        }
        ConnectionEvent::Reconnecting(attempt) => {
            write_line("warn", "redis.reconnecting", json!({ "attempt": attempt }));
        }
        ConnectionEvent::Connected(_) | ConnectionEvent::Ready | ConnectionEvent::Closed => {}
    }
}

fn beginning(key: &str) -> String {
    key.chars().take(MAX_KEY_CHARACTERS).collect()
}

fn write_line(level: &str, event: &str, mut fields: Value) {
    fields["at"] = units::now().into();
    fields["level"] = level.into();
    fields["event"] = event.into();
    // One call of the host for a line. A failure to log cannot be logged.
    let _ = std::io::stderr().write_all(format!("{fields}\n").as_bytes());
}
