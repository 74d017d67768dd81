//! Audit records: who did what, when, from where, and how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use edge_cache::keyspace::key::{self, KeyName};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::units;
use serde::{Deserialize, Serialize};

use super::difference::ValueDifference;
use super::operation_id::pending_id;
use super::outcome::AuditOutcome;
use super::streams::AuditStream;
use crate::admin::invalidate::InvalidateRequest;
use crate::admin::purge;
use crate::error::Error;

/// The most key names in a record.
const MAX_KEY_NAMES: usize = 100;

/// Changes beyond a quota that share one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeSummary {
    /// The number of changes.
    pub count: u64,
    /// Number of them that failed.
    pub failed: u64,
    /// Keys they removed.
    pub keys_deleted: u64,
    /// When the first of them began; equal to `at` of the record.
    pub since: String,
}

/// A change or an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// When it began: RFC 3339 in UTC.
    pub at: String,
    /// The token's name; `-` when no token was recognised.
    pub who: String,
    /// The token's role; `-` when no token was recognised.
    pub role: String,
    /// `clear`, `invalidate`, `warmup`, `expire`, `denied` and the like.
    pub action: String,
    /// The pattern; `*` for a global clear.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern: Option<String>,
    /// Patterns of an invalidation.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub patterns: Vec<String>,
    /// Names of keys, the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keys: Vec<String>,
    /// Names among `keys` that are displayed with escapes, in base64.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub keys_base64: BTreeMap<String, String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tags: Vec<String>,
    /// Anything else worth knowing: modules of a warmup, the route of a denied attempt.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// The changed part of an edited value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub difference: Option<ValueDifference>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// True if a text was shortened (it then ends in `…`) or names were left out.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cut: bool,
    /// In a summary record, the changes it stands for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alike: Option<ChangeSummary>,
    /// Keys removed.
    pub keys_deleted: u64,
    /// Keys whose expiry was changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keys_changed: Option<u64>,
    /// Keys marked stale, of a soft purge.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keys_marked_stale: Option<u64>,
    /// Keys written, of a warmup.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keys_written: Option<u64>,
    /// Time it took, in milliseconds.
    pub duration_ms: u64,
    /// The client address.
    pub ip: String,
    /// The request's id.
    pub request_id: String,
    /// The id of the operation, for records of changes that began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operation_id: Option<String>,
    /// The job that it began, changed or ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job_id: Option<String>,
    /// The time from which an invalidation is in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub in_force_at: Option<String>,
    /// Its outcome. Must stay the last member: scripts look for it at the end.
    pub outcome: AuditOutcome,
    /// The stream it belongs to.
    #[serde(skip)]
    pub stream: AuditStream,
}

impl AuditRecord {
    /// A record of an action that begins now. Complete it with [`AuditRecord::finish`].
    pub fn new(action: &str) -> Self {
        Self {
            at: units::now(),
            who: "-".into(),
            role: "-".into(),
            action: action.into(),
            pattern: None,
            patterns: Vec::new(),
            keys: Vec::new(),
            keys_base64: BTreeMap::new(),
            tags: Vec::new(),
            detail: None,
            difference: None,
            error: None,
            cut: false,
            alike: None,

            keys_deleted: 0,
            keys_changed: None,
            keys_marked_stale: None,
            keys_written: None,
            duration_ms: 0,

            ip: String::new(),
            request_id: String::new(),
            operation_id: None,
            job_id: None,
            in_force_at: None,
            outcome: AuditOutcome::Ok,
            stream: AuditStream::default(),
        }
    }

    /// A record of an invalidation, with what the request names.
    pub fn of_invalidation(action: &str, request: &InvalidateRequest) -> Self {
        let mut record = Self::new(action).with_keys(&request.keys);
        record.patterns = request.patterns.iter().map(Pattern::display).collect();
        record.tags = request
            .tags
            .iter()
            .map(|tag| tag.as_str().to_owned())
            .collect();
        record.add_detail(purge::describe(request.mode()));
        record
    }

    /// Adds to the detail.
    pub fn add_detail(&mut self, added: Option<String>) {
        self.detail = match (self.detail.take(), added) {
            (Some(detail), Some(added)) => Some(format!("{detail}; {added}")),
            (detail, added) => detail.or(added),
        };
    }

    /// Adds how many keys a purge has removed, and marked stale.
    pub fn count(&mut self, removed: u64, marked_stale: u64) {
        self.keys_deleted = removed;
        self.keys_marked_stale = (marked_stale > 0).then_some(marked_stale);
    }

    /// Marks it as an automatic change.
    #[must_use]
    pub fn automatic(self) -> Self {
        Self {
            stream: AuditStream::Automatic,
            ..self
        }
    }

    /// Makes it the record of an operation, from 128 random bits in hexadecimal. The id is complete when
    /// the intent has been written.
    #[must_use]
    pub fn as_operation(self, random: &str) -> Self {
        let pending = pending_id(self.stream, random);
        Self {
            operation_id: Some(pending),
            ..self
        }
    }

    /// Adds the names of keys, at most 100. The detail says how many more there are.
    pub fn with_keys(mut self, keys: &[KeyName]) -> Self {
        let named = &keys[..keys.len().min(MAX_KEY_NAMES)];
        self.keys = named.iter().map(KeyName::display).collect();
        self.keys_base64 = key::base64_by_display(named);

        let left_out = keys.len() - named.len();
        if left_out > 0 {
            self.detail = Some(format!("and {left_out} more keys"));
        }
        self
    }

    /// Adds how long it took and how it ended: with the number of keys it deleted, or an error.
    pub fn finish(&mut self, elapsed: Duration, result: Result<u64, &Error>) {
        self.duration_ms = units::milliseconds(elapsed);
        match result {
            Ok(deleted) => self.keys_deleted = deleted,
            Err(Error::Partial { deleted, source }) => {
                self.outcome = AuditOutcome::Partial;
                self.keys_deleted = *deleted;
                self.error = Some(source.message.clone());
            }
            Err(Error::PartlyChanged { changed, source }) => {
                self.outcome = AuditOutcome::Partial;
                self.keys_changed = Some(*changed);
                self.error = Some(source.message.clone());
            }
            Err(error) => {
                self.outcome = AuditOutcome::Failed;
                self.error = Some(error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edge_cache::{ErrorKind, RedisError};

    #[test]
    fn a_change_that_failed_half_way_is_recorded_as_partial() {
        let mut record = AuditRecord::new("clear");
        let source = RedisError::new(ErrorKind::Unreachable, "broken pipe");
        let error = Error::Partial {
            deleted: 47,
            source,
        };

        record.finish(Duration::from_millis(12), Err(&error));

        assert_eq!(record.outcome.as_str(), "partial");
        assert_eq!(record.keys_deleted, 47);
        assert_eq!(record.duration_ms, 12);
        assert_eq!(record.detail, None);
        assert_eq!(record.error.as_deref(), Some("broken pipe"));
    }

    #[test]
    fn a_record_names_at_most_100_keys() {
        let keys: Vec<_> = (0..1000)
            .map(|number| KeyName::new(number.to_string()))
            .collect();

        let record = AuditRecord::new("invalidate").with_keys(&keys);

        assert_eq!(record.keys.len(), 100);
        assert_eq!(record.detail.as_deref(), Some("and 900 more keys"));
    }

    #[test]
    fn names_that_are_no_text_are_recorded_in_base64_too() {
        let keys = [b"a".as_slice(), b"b\xff", b"b\\xff"].map(KeyName::new);

        let record = AuditRecord::new("invalidate").with_keys(&keys);

        assert_eq!(record.keys, ["a", r"b\xff", r"b\\xff"]);
        let expected = [(r"b\xff", "Yv8="), (r"b\\xff", "Ylx4ZmY=")];
        let expected = expected.map(|(name, base64)| (name.to_owned(), base64.to_owned()));
        assert_eq!(record.keys_base64, BTreeMap::from(expected));
    }
}
