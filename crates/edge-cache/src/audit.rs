//! The audit trail: who changed or tried to change what, in a stream of its own logical database.
//!
//! One record is one JSON document in one field, so that a page reads with a fixed stride.

use std::time::Duration;

use futures_util::future::join;
use serde::{Deserialize, Serialize};

use crate::access::client_network;
use crate::body::Query;
use crate::counters;
use crate::error::{Error, RedisError};
use crate::format;
use crate::invalidate;
use crate::key::{AUDIT, COUNTERS, KeyName};
use crate::pattern::Pattern;
use crate::redis::{Arg, Command, Redis, Replies};
use crate::script::RECORD;

/// About how many records the trail keeps.
const KEPT: u64 = 100_000;
/// Names of keys kept in a record.
const NAMED: usize = 100;
/// Denied attempts a client has in a minute before it is turned away.
const DENIED_A_MINUTE: u64 = 20;
/// Records that a minute has of denied attempts without a token, of those with one, and of automatic changes.
const ALL_A_MINUTE: u64 = 300;

/// What was done, or tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The token's name, `-` where none was recognised.
    pub who: String,
    /// The token's role, `-` where none was recognised.
    pub role: String,
    /// `clear`, `invalidate`, `warmup`, `expire`, or `denied`.
    pub action: String,
    /// The pattern, `*` for a global clear.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern: Option<String>,
    /// Patterns of an invalidation.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub patterns: Vec<String>,
    /// Keys by name, the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keys: Vec<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
    /// Anything else worth knowing: modules of a warmup, the route of a denied attempt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Keys removed.
    pub keys_deleted: u64,
    /// How long it took.
    pub duration_ms: u64,
    /// The client's address.
    pub ip: String,
    /// The request's id.
    pub request_id: String,
    /// `ok`, `failed`, `partial`, `denied`; `running` in a record written before the end, which another follows.
    pub outcome: String,
}

impl Record {
    /// A record of an action by somebody, to be completed with [`Record::finish`].
    pub fn new(action: &str) -> Self {
        Self {
            at: format::now(),
            who: "-".into(),
            role: "-".into(),
            action: action.into(),
            pattern: None,
            patterns: Vec::new(),
            keys: Vec::new(),
            tags: Vec::new(),
            detail: None,
            error: None,
            keys_deleted: 0,
            duration_ms: 0,
            ip: String::new(),
            request_id: String::new(),
            outcome: "ok".into(),
        }
    }

    /// Adds how it ended.
    pub fn finish(&mut self, elapsed: Duration, result: Result<u64, &Error>) {
        self.duration_ms = format::milliseconds(elapsed);
        match result {
            Ok(deleted) => self.keys_deleted = deleted,
            Err(Error::Partial { deleted, source }) => {
                (self.outcome, self.keys_deleted) = ("partial".into(), *deleted);
                self.error = Some(source.message.clone());
            }
            Err(error) => {
                self.outcome = "failed".into();
                self.error = Some(error.to_string());
            }
        }
    }

    /// A record of an invalidation: what it names.
    pub fn of(action: &str, invalidation: &invalidate::Request) -> Self {
        let mut record = Self::new(action).with_keys(invalidation.keys.iter().map(KeyName::display));
        record.patterns = invalidation.patterns.iter().map(Pattern::display).collect();
        record.tags = invalidation.tags.iter().map(|tag| tag.as_str().to_owned()).collect();
        record
    }

    /// Adds the names of keys, the first 100 of them.
    pub fn with_keys(mut self, keys: impl ExactSizeIterator<Item = String>) -> Self {
        let more = keys.len().saturating_sub(NAMED);
        self.keys = keys.take(NAMED).collect();
        if more > 0 {
            self.detail = Some(format!("and {more} more keys"));
        }
        self
    }

    fn to_json(&self) -> Result<String, RedisError> {
        use crate::error::ErrorKind::Protocol;
        serde_json::to_string(self).map_err(|error| RedisError::new(Protocol, error.to_string()))
    }

    /// Writes the record, and counts it: two commands that overlap.
    ///
    /// # Errors
    /// Those of the connection. A count that is lost harms nobody but a chart, so that is not told.
    pub async fn write<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let (written, _) = join(self.add(redis), counters::count(redis, self)).await;
        written
    }

    /// Writes what is known of a change that goes on: where it is cut off, this is its trace. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_running<R: Redis>(&self, elapsed: Duration, redis: &R) -> Result<(), RedisError> {
        let mut running = self.clone();
        (running.outcome, running.duration_ms) = ("running".into(), format::milliseconds(elapsed));
        running.add(redis).await
    }

    async fn add<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let trimmed = Command::new("XADD").arg(AUDIT).arg("MAXLEN").arg("~").arg(KEPT);
        redis.execute(trimmed.arg("*").arg("record").arg(self.to_json()?)).await.map(drop)
    }

    /// Writes a denied attempt and counts it: one round trip. Past 20 in a minute of one token, or without a token of one
    /// client address, or past 300 of all such, nothing is written any more, or they would push out of the trail what was
    /// done; the time until the count of that token or address starts again comes back where it is past.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_denied<R: Redis>(&self, redis: &R) -> Result<Option<Duration>, RedisError> {
        let counters = match self.who.as_str() {
            "-" => [format!("cache:denied:{}", client_network(&self.ip)), "cache:denied".into()],
            who => [format!("cache:denied:@{who}"), "cache:denied:@".into()],
        };
        let (attempts, left) = self.write_at_most(DENIED_A_MINUTE, counters, redis).await?;
        Ok((attempts > DENIED_A_MINUTE).then_some(left))
    }

    /// Writes a change that no person made, and counts it: one round trip. Past 300 of them in a minute it is only counted.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_automatic<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let counters = [format!("cache:recorded:{}", self.action), "cache:recorded".into()];
        self.write_at_most(ALL_A_MINUTE, counters, redis).await.map(drop)
    }

    /// Writes it unless more came in this minute than `most` of the first counter, or 300 of the second. How many the first has, and
    /// the time until that starts again.
    async fn write_at_most<R: Redis>(
        &self,
        most: u64,
        counters: [String; 2],
        redis: &R,
    ) -> Result<(u64, Duration), RedisError> {
        let [own, all] = counters.map(Arg::from);
        let counts = counters::counts(self).into_iter().flat_map(|(name, count)| [name.into(), count.into()]);
        let args = [most.into(), ALL_A_MINUTE.into(), self.to_json()?.into(), KEPT.into()].into_iter().chain(counts);
        let mut replies = RECORD.run(redis, [own, all, AUDIT.into(), COUNTERS.into()], args).await?;
        let (come, left) = (replies.count()?, replies.int()?);
        Ok((come, Duration::from_millis(u64::try_from(left).unwrap_or(0))))
    }
}

/// A checked `GET /audit`.
#[derive(Debug)]
pub struct Request {
    limit: u64,
    cursor: Option<String>,
}

/// A page of the trail, newest first.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The records.
    pub entries: Vec<Entry>,
    /// Where the walk stands.
    pub pagination: Pagination,
}

/// A record with its place in the trail.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The record's id: ordered by time.
    pub id: String,
    /// The record.
    #[serde(flatten)]
    pub record: Record,
}

/// Where a walk through the trail stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// All records of the trail.
    pub total: u64,
    /// Records on this page.
    pub returned: usize,
    /// What to send for older ones; null at the end.
    pub next_cursor: Option<String>,
    /// Whether there may be older ones.
    pub has_more: bool,
}

impl Request {
    /// Reads `limit` (1 to 100, 50 by default) and `cursor`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut query = Query::parse(query);
        let limit = query.number("limit", 100, 50)?;
        let cursor = query.text("cursor")?;
        let number = |part: &str| part.parse::<u64>().ok().filter(|_| !part.starts_with('+'));
        let place = |id: &String| id.split_once('-').and_then(|(ms, seq)| number(ms).zip(number(seq)));
        // Before 0-0, however it is written, there is nothing, and Redis refuses to look there.
        if cursor.as_ref().is_some_and(|id| place(id).is_none_or(|place| place == (0, 0))) {
            return Err(Error::invalid("cursor", "must be the `nextCursor` of an earlier page"));
        }
        query.finish("limit, cursor")?;
        Ok(Self { limit, cursor })
    }

    /// Reads the page: two commands, overlapping.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<Report, Error> {
        let before = self.cursor.as_ref().map_or_else(|| "+".to_owned(), |id| format!("({id}"));
        let range = Command::read("XREVRANGE").arg(AUDIT).arg(before).arg("-").arg("COUNT").arg(self.limit);
        let length = Command::read("XLEN").arg(AUDIT);
        let (range, length) = join(redis.execute(range), redis.execute(length)).await;
        let (mut replies, total) = (Replies::new(range?), Replies::new(length?).count()?);
        let mut entries = Vec::new();
        while replies.remaining() > 0 {
            let (id, _field, json) = (replies.text()?, replies.text()?, replies.text()?);
            // A record of a later version may have what this one does not know; it is shown as far as it is understood.
            let record =
                serde_json::from_str(&json).unwrap_or_else(|_| Record { detail: Some(json), ..Record::new("unknown") });
            entries.push(Entry { id, record });
        }
        let returned = entries.len();
        let full = returned as u64 == self.limit;
        let next_cursor = entries.last().filter(|_| full).map(|entry| entry.id.clone());
        let pagination = Pagination { total, returned, has_more: next_cursor.is_some(), next_cursor };
        Ok(Report { entries, pagination })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_record_says_how_it_ended() {
        let mut record = Record::new("clear");
        let source = RedisError::new(ErrorKind::Unreachable, "broken pipe");
        record.finish(Duration::from_millis(12), Err(&Error::Partial { deleted: 47, source }));
        assert_eq!((record.outcome.as_str(), record.keys_deleted, record.duration_ms), ("partial", 47, 12));
        assert_eq!((record.detail, record.error.as_deref()), (None, Some("broken pipe")));
    }

    #[test]
    fn a_record_names_no_more_than_100_keys() {
        let record = Record::new("invalidate").with_keys((0..1000).map(|n| n.to_string()));
        assert_eq!((record.keys.len(), record.detail.as_deref()), (100, Some("and 900 more keys")));
    }

    #[test]
    fn a_cursor_is_a_stream_id() {
        assert!(Request::parse("cursor=1700000000000-3&limit=10").is_ok());
        for bad in ["cursor=x", "cursor=1", "cursor=0-0", "cursor=%2B1-1", "cursor=%2B", "limit=101"] {
            assert!(Request::parse(bad).is_err(), "{bad}");
        }
    }
}
