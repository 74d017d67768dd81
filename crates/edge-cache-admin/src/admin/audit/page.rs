//! Reading the trail page by page, newest first, from all of its streams.

use std::fmt;

use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis};
use edge_cache::script;
use serde::Serialize;

use super::entry::{AuditEntry, read_entry};
use super::filter::{AuditFilter, PARAMETERS};
use super::place::TrailPlace;
use super::streams::{STREAM_BOUNDS, STREAM_KEYS, TRAIL_KEYS};
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
/// Records that one call of the script looks at for a filter, so that it takes Redis a millisecond or
/// two, and how many of them it reads at once.
const LOOKED_AT_PER_CALL: u64 = 500;
const FILTERED_BATCH: u64 = 50;
/// Records that one page of a filter looks at.
const MAX_LOOKED_AT: u64 = 5000;

/// A checked `GET /audit`.
#[derive(Debug)]
pub struct AuditPageRequest {
    limit: u64,
    cursor: Option<Cursor>,
    filter: AuditFilter,
}

/// The part of a page that one call of the script reads.
struct Slice {
    total: u64,
    has_more: bool,
    looked_at: u64,
    entries: Vec<AuditEntry>,
    running: Vec<AuditEntry>,
    /// The last record that was looked at.
    last: Option<Cursor>,
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

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id, self.stream)
    }
}

impl AuditPageRequest {
    /// Reads `limit` (1 to 100, 50 by default), `cursor`, and the filters `who`, `action`, `outcome`,
    /// `key`, `from` and `to`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let limit = parameters.number("limit", MAX_PAGE_RECORDS, DEFAULT_PAGE_RECORDS)?;
        let request = Self {
            limit,
            cursor: read_cursor(&mut parameters)?,
            filter: AuditFilter::parse(&mut parameters)?,
        };
        parameters.reject_unknown(&format!("limit, cursor, {PARAMETERS}"))?;
        Ok(request)
    }

    /// Reads the request of an export, which has no `limit`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse_export(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        if parameters.bytes("limit").is_some() {
            let problem = "does not apply to an export, which has all records";
            return Err(Error::invalid("limit", problem));
        }
        let request = Self {
            limit: MAX_PAGE_RECORDS,
            cursor: read_cursor(&mut parameters)?,
            filter: AuditFilter::parse(&mut parameters)?,
        };
        parameters.reject_unknown(&format!("cursor, {PARAMETERS}"))?;
        Ok(request)
    }

    /// Reads the page. One round trip. A page of more than about 256 KiB ends early. With a filter one
    /// per 500 records that are looked at, up to 10: a page may then be short or empty, and has a
    /// cursor if there is more to look at.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<AuditPage, Error> {
        let mut page = self
            .read_slice(redis, self.cursor.as_ref(), self.limit)
            .await?;
        while !self.filter.is_empty() && page.has_more && page.looked_at < MAX_LOOKED_AT {
            let missing = self.limit.saturating_sub(page.entries.len() as u64);
            if missing == 0 {
                break;
            }
            let next = self.read_slice(redis, page.last.as_ref(), missing).await?;
            page.entries.extend(next.entries);
            page.looked_at += next.looked_at;
            page.has_more = next.has_more;
            page.last = next.last;
        }

        let next_cursor = page.last.filter(|_| page.has_more);
        let pagination = AuditPagination {
            total: page.total,
            returned: page.entries.len(),
            next_cursor: next_cursor.map(|cursor| cursor.to_string()),
            has_more: page.has_more,
        };
        Ok(AuditPage {
            entries: page.entries,
            running: page.running,
            pagination,
        })
    }

    /// The cursor that the request was given.
    pub(super) fn cursor(&self) -> Option<String> {
        self.cursor.as_ref().map(Cursor::to_string)
    }

    /// The request of the page behind this one; `None` after the last.
    pub(super) fn next_page(self, page: &AuditPage) -> Option<Self> {
        let cursor = page.pagination.next_cursor.as_deref()?;
        Some(Self {
            cursor: Some(Cursor::parse(cursor)?),
            ..self
        })
    }

    async fn read_slice<R: Redis>(
        &self,
        redis: &R,
        from: Option<&Cursor>,
        max_records: u64,
    ) -> Result<Slice, Error> {
        let args = self.script_args(from, max_records);
        let mut replies = READ_PAGE
            .run(redis, TRAIL_KEYS.map(Arg::from), args)
            .await?;

        let total = replies.count()?;
        let has_more = replies.count()? > 0;
        let looked_at = replies.count()?;
        let (stream, id) = (replies.count()? as usize, replies.text()?);
        let mut slice = Slice {
            total,
            has_more,
            looked_at,
            entries: Vec::new(),
            running: Vec::new(),
            last: (stream > 0).then_some(Cursor { id, stream }),
        };

        while replies.remaining() > 0 {
            let (stream, entry) = read_entry(&mut replies)?;
            if !self.filter.takes(&entry) {
                continue;
            }
            if stream > STREAM_KEYS.len() {
                slice.running.push(entry);
            } else {
                slice.entries.push(entry);
            }
        }
        Ok(slice)
    }

    fn script_args(&self, from: Option<&Cursor>, max_records: u64) -> Vec<Arg> {
        let newest = self.filter.newest_id();
        let starts = [1, 2, 3].map(|stream| match from {
            Some(cursor) => cursor.start_of(stream),
            None => newest.clone().unwrap_or_else(|| "+".to_owned()),
        });
        let max_running = if from.is_some() { 0 } else { MAX_RUNNING };
        let (max_looked_at, batch) = if self.filter.is_empty() {
            (max_records, 1)
        } else {
            (LOOKED_AT_PER_CALL, FILTERED_BATCH)
        };
        let texts = self.filter.texts();

        let mut args = vec![
            STREAM_BOUNDS.into(),
            max_records.into(),
            MAX_PAGE_BYTES.into(),
            MAX_RECORD_READ_BYTES.into(),
        ];
        args.extend(starts.map(Arg::from));
        args.push(self.filter.oldest_id().into());
        args.extend([max_running, max_looked_at, batch, texts.all.len() as u64].map(Arg::from));
        args.extend(texts.all.into_iter().chain(texts.any).map(Arg::from));
        args
    }
}

fn read_cursor(parameters: &mut Parameters) -> Result<Option<Cursor>, Error> {
    let Some(text) = parameters.text("cursor")? else {
        return Ok(None);
    };
    let cursor = Cursor::parse(&text);
    let problem = "must be the `nextCursor` of an earlier page";
    cursor
        .map(Some)
        .ok_or_else(|| Error::invalid("cursor", problem))
}

impl AuditPage {
    /// Adds where the trail is kept.
    pub fn kept_in(self, trail: TrailPlace) -> AuditPageWithPlace {
        AuditPageWithPlace { page: self, trail }
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
}
