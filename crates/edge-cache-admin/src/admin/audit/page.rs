//! Reading the trail page by page, newest first, from all of its streams.

use std::time::{Duration, UNIX_EPOCH};

use edge_cache::RedisError;
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis, Replies};
use edge_cache::{script, units};
use serde::Serialize;

use super::outcome::AuditOutcome;
use super::place::TrailPlace;
use super::record::AuditRecord;
use super::streams::{AuditStream, STREAM_BOUNDS, STREAM_KEYS, TRAIL_KEYS};
use crate::error::Error;
use crate::input::Parameters;
use crate::lua;

/// Reads a page of the audit trail.
static READ_PAGE: Script = script!(repeatable "audit/read_page", [lua::TRAIL]);

/// The most records on a page, and how many without a `limit`.
const MAX_PAGE_RECORDS: u64 = 100;
const DEFAULT_PAGE_RECORDS: u64 = 50;
/// The approximate size at which a page ends.
const MAX_PAGE_BYTES: u64 = 256 << 10;
/// The longest record that is read whole. This version writes 4 KiB at most; earlier versions had
/// no limit.
const MAX_RECORD_READ_BYTES: u64 = 16 << 10;
/// The most running changes on the first page.
const MAX_RUNNING: u64 = 20;
/// The part of an unknown record that is shown.
const MAX_UNKNOWN_BYTES: usize = 512;

/// A checked `GET /audit`.
#[derive(Debug)]
pub struct AuditPageRequest {
    limit: u64,
    cursor: Option<Cursor>,
}

/// The last record of a page: its id, and its stream's number. Earlier versions gave no number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    id: String,
    stream: usize,
}

/// A page of the trail, newest first.
#[derive(Debug, Serialize)]
pub struct AuditPage {
    /// The records.
    pub entries: Vec<AuditEntry>,
    /// Changes that have begun and not ended, at most 20; on the first page only.
    pub running: Vec<AuditEntry>,
    /// The position in the trail.
    pub pagination: AuditPagination,
}

/// A page, and where the trail is kept.
#[derive(Debug, Serialize)]
pub struct AuditPageWithPlace {
    #[serde(flatten)]
    page: AuditPage,
    trail: TrailPlace,
}

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

/// The position of a page in the trail.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPagination {
    /// All records of the trail.
    pub total: u64,
    /// Records on this page.
    pub returned: usize,
    /// The cursor of the next, older page; null on the last.
    pub next_cursor: Option<String>,
    /// True if there are older records.
    pub has_more: bool,
}

impl Cursor {
    /// Reads `<milliseconds>-<number>-<stream>`, or an id without a stream, as earlier versions
    /// gave it.
    fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| part.parse::<u64>().ok().filter(|_| !part.starts_with('+'));

        let mut parts = text.split('-');
        let ms = number(parts.next()?)?;
        let sequence = number(parts.next()?)?;
        let stream = match parts.next() {
            None => STREAM_KEYS.len(),
            Some(part) => usize::try_from(number(part)?).ok()?,
        };

        // Redis rejects ids before 0-0.
        let is_first_id = (ms, sequence) == (0, 0);
        let is_stream = (1..=STREAM_KEYS.len()).contains(&stream);
        if parts.next().is_some() || is_first_id || !is_stream {
            return None;
        }
        Some(Self {
            id: format!("{ms}-{sequence}"),
            stream,
        })
    }

    /// The id from which a stream is read. Of records with equal ids, the one in the lower stream
    /// comes first.
    fn start_of(&self, stream: usize) -> String {
        if stream <= self.stream {
            format!("({}", self.id)
        } else {
            self.id.clone()
        }
    }
}

impl AuditPageRequest {
    /// Reads `limit` (1 to 100, 50 by default) and `cursor`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let limit = parameters.number("limit", MAX_PAGE_RECORDS, DEFAULT_PAGE_RECORDS)?;
        let cursor = parameters
            .text("cursor")?
            .map(|text| {
                Cursor::parse(&text).ok_or_else(|| {
                    Error::invalid("cursor", "must be the `nextCursor` of an earlier page")
                })
            })
            .transpose()?;
        parameters.reject_unknown("limit, cursor")?;

        Ok(Self { limit, cursor })
    }

    /// Reads the page. One round trip. A page of more than about 256 KiB ends early.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<AuditPage, Error> {
        let mut replies = READ_PAGE
            .run(redis, TRAIL_KEYS.map(Arg::from), self.script_args())
            .await?;

        let total = replies.count()?;
        let has_more = replies.count()? > 0;
        let mut entries = Vec::new();
        let mut running = Vec::new();
        let mut last = None;
        while replies.remaining() > 0 {
            let (stream, entry) = read_entry(&mut replies)?;
            if stream > STREAM_KEYS.len() {
                running.push(entry);
            } else {
                last = Some(format!("{}-{stream}", entry.id));
                entries.push(entry);
            }
        }

        let pagination = AuditPagination {
            total,
            returned: entries.len(),
            next_cursor: last.filter(|_| has_more),
            has_more,
        };
        Ok(AuditPage {
            entries,
            running,
            pagination,
        })
    }

    fn script_args(&self) -> Vec<Arg> {
        let starts = [1, 2, 3].map(|stream| match &self.cursor {
            Some(cursor) => cursor.start_of(stream),
            None => "+".to_owned(),
        });
        let max_running = match self.cursor {
            Some(_) => 0,
            None => MAX_RUNNING,
        };

        let mut args = vec![
            STREAM_BOUNDS.into(),
            self.limit.into(),
            MAX_PAGE_BYTES.into(),
            MAX_RECORD_READ_BYTES.into(),
        ];
        args.extend(starts.map(Arg::from));
        args.push(max_running.into());
        args
    }
}

impl AuditPage {
    /// Adds where the trail is kept.
    pub fn kept_in(self, trail: TrailPlace) -> AuditPageWithPlace {
        AuditPageWithPlace { page: self, trail }
    }
}

/// Reads one entry of the script's reply, with the number of its stream (4: an intent).
fn read_entry(replies: &mut Replies) -> Result<(usize, AuditEntry), RedisError> {
    let number = replies.count()? as usize;
    let id = replies.text()?;
    let text = replies.text()?;

    let mut record = parse_record(&text).unwrap_or_else(|| unknown_record(&id, &text));
    if let Some(summary) = &record.alike {
        record.keys_deleted = summary.keys_deleted;
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
    let ms = id.split('-').next().and_then(|ms| ms.parse().ok());
    let at = UNIX_EPOCH + Duration::from_millis(ms.unwrap_or(0));
    let end = text.floor_char_boundary(MAX_UNKNOWN_BYTES);

    AuditRecord {
        at: units::timestamp(at),
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
    fn a_cursor_is_an_id_with_or_without_its_stream() {
        for good in [
            "cursor=1700000000000-3&limit=10",
            "cursor=1700000000000-3-2",
            "cursor=0-1-1",
        ] {
            assert!(AuditPageRequest::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn any_other_cursor_is_rejected() {
        for bad in [
            "x", "1", "0-0", "0-0-1", "000-0", "%2B1-1", "%2B", "1-2-0", "1-2-4", "1-2-3-4",
            "1-2-", "1--2",
        ] {
            let query = format!("cursor={bad}");
            assert!(AuditPageRequest::parse(&query).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_has_at_most_100_records() {
        assert!(AuditPageRequest::parse("limit=100").is_ok());
        assert!(AuditPageRequest::parse("limit=101").is_err());
    }

    #[test]
    fn of_records_with_equal_ids_each_is_read_once() {
        let cursor = Cursor::parse("5-1-2").unwrap();
        let starts = [1, 2, 3].map(|stream| cursor.start_of(stream));
        assert_eq!(starts, ["(5-1", "(5-1", "5-1"]);

        let without_stream = Cursor::parse("5-1").unwrap();
        let starts = [1, 2, 3].map(|stream| without_stream.start_of(stream));
        assert_eq!(starts, ["(5-1"; 3]);
    }

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
