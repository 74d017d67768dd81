//! Records as the trail's scripts return them, with their positions in the trail.

use edge_cache::RedisError;
use edge_cache::redis::Replies;
use edge_cache::units;
use serde::Serialize;

use super::operation_id::complete_id;
use super::outcome::AuditOutcome;
use super::record::AuditRecord;
use super::streams::{AuditStream, STREAM_KEYS};
use crate::admin::rows::milliseconds_of;

/// The part of an unknown record that is shown.
const MAX_UNKNOWN_BYTES: usize = 512;

/// A record with its position in the trail.
#[derive(Debug, Serialize)]
pub struct AuditEntry {
    /// The record's id: ordered by time, unique within its stream.
    pub id: String,
    /// The stream it is in.
    pub stream: AuditStream,
    /// The record.
    #[serde(flatten)]
    pub record: AuditRecord,
}

/// Reads one entry of the script's reply, with the number of its stream (4: an intent).
pub(super) fn read_entry(replies: &mut Replies) -> Result<(usize, AuditEntry), RedisError> {
    let number = replies.count()? as usize;
    let id = replies.text()?;
    let text = replies.text()?;

    let mut record = parse_record(&text).unwrap_or_else(|| unknown_record(&id, &text));
    if let Some(summary) = &record.alike {
        record.keys_deleted = summary.keys_deleted;
    }
    if number > STREAM_KEYS.len() {
        record.operation_id = record
            .operation_id
            .map(|pending| complete_id(&pending, &id));
    }
    let stream = stream_of(number, &record);
    Ok((number, AuditEntry { id, stream, record }))
}

/// The stream a record belongs to. Earlier versions kept all records in the first.
fn stream_of(number: usize, record: &AuditRecord) -> AuditStream {
    let is_automatic = record.who == "channel" || record.action == "memory-relief";
    match number {
        2 => AuditStream::Denied,
        3 => AuditStream::Automatic,
        _ if record.action == "denied" => AuditStream::Denied,
        _ if is_automatic => AuditStream::Automatic,
        _ => AuditStream::Changes,
    }
}

/// Reads a record that this version understands.
fn parse_record(text: &str) -> Option<AuditRecord> {
    const ROLES: [&str; 4] = ["viewer", "operator", "admin", "-"];

    let mut record: AuditRecord = serde_json::from_str(text).ok()?;
    record.at = units::timestamp(humantime::parse_rfc3339(&record.at).ok()?);
    ROLES.contains(&record.role.as_str()).then_some(record)
}

/// Represents a record that was cut, or that a later version or another client wrote: its detail
/// is the beginning of the text.
fn unknown_record(id: &str, text: &str) -> AuditRecord {
    let ms = milliseconds_of(id);
    let end = text.floor_char_boundary(MAX_UNKNOWN_BYTES);

    AuditRecord {
        at: units::timestamp_of_ms(ms.unwrap_or(0)),
        detail: Some(text[..end].to_owned()),
        cut: end < text.len(),
        outcome: AuditOutcome::Unknown,
        ..AuditRecord::new("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_outcome_is_understood() {
        let written = AuditOutcome::ALL
            .into_iter()
            .filter(|outcome| *outcome != AuditOutcome::Unknown);
        for outcome in written {
            let record = AuditRecord {
                outcome,
                ..AuditRecord::new("warmup")
            };

            let read = parse_record(&record.to_json()).map(|read| read.outcome);

            assert_eq!(read, Some(outcome));
        }
    }

    #[test]
    fn a_record_with_a_later_outcome_is_not_understood() {
        let later = AuditRecord::new("warmup")
            .to_json()
            .replace("\"ok\"", "\"postponed\"");

        assert!(parse_record(&later).is_none(), "{later}");
    }

    #[test]
    fn an_unknown_record_shows_the_beginning_of_its_text() {
        let long = "é".repeat(9_000);
        for text in ["{", "null", "{\"at\":\"now\"}", "\u{fffd}", &long] {
            assert!(parse_record(text).is_none(), "{text}");

            let record = unknown_record("1700000000000-0", text);

            let shown = record.detail.unwrap();
            assert_eq!(record.action, "unknown");
            assert_eq!(record.at, "2023-11-14T22:13:20.000Z");
            assert!(text.starts_with(&shown), "{shown}");
            assert!(shown.len() <= MAX_UNKNOWN_BYTES, "{shown}");
        }
    }
}
