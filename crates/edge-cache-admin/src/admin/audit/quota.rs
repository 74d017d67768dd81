//! Quotas of the trail: how many records a token, or a client without one, may cause.

use edge_cache::redis::Arg;

use super::network::client_network;
use super::record::AuditRecord;
use super::streams::{AuditStream, STREAM_BOUNDS, TRAIL_KEYS};

/// Denied attempts that a client has in a minute before it is turned away.
pub const MAX_DENIED_PER_MINUTE: u64 = 20;
/// Denied attempts recorded in a minute without a token, and as many with one.
const MAX_ALL_DENIED_PER_MINUTE: u64 = 300;
/// Changes of one token, or automatic ones of one kind, recorded in a minute.
const MAX_CHANGES_PER_MINUTE: u64 = 300;
/// Bytes of one token's changes recorded in a day: a twelfth of the stream. A token therefore needs
/// twelve days to push out the records of others, and its summary records show it.
const MAX_CHANGE_BYTES_PER_DAY: u64 = 4 << 20;
/// Bytes of automatic changes of one kind recorded in a day.
const MAX_AUTOMATIC_BYTES_PER_DAY: u64 = 1 << 20;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

/// The two counters that decide whether a record is written by itself or summed up.
pub(super) struct Quota {
    /// One counts records in a minute, the other `added` within `window_ms`.
    counters: [String; 2],
    max_per_minute: u64,
    max_in_window: u64,
    added: u64,
    window_ms: u64,
}

impl Quota {
    /// The quota of a change whose record is `json`.
    pub(super) fn of_change(record: &AuditRecord, json: &str) -> Self {
        let (owner, max_in_window) = match record.stream {
            AuditStream::Automatic => (
                format!("automatic:{}", quota_owner(record)),
                MAX_AUTOMATIC_BYTES_PER_DAY,
            ),
            AuditStream::Changes | AuditStream::Denied => {
                (quota_owner(record), MAX_CHANGE_BYTES_PER_DAY)
            }
        };

        Self {
            counters: [
                format!("cache:audit:minute:{owner}"),
                format!("cache:audit:day:{owner}"),
            ],
            max_per_minute: MAX_CHANGES_PER_MINUTE,
            max_in_window,
            added: json.len() as u64,
            window_ms: DAY_MS,
        }
    }

    /// The quota of a denied attempt: per token, or per client network without one.
    pub(super) fn of_denied(record: &AuditRecord) -> Self {
        let counters = match record.who.as_str() {
            "-" => [
                format!("cache:denied:{}", client_network(&record.ip)),
                "cache:denied".into(),
            ],
            who => [format!("cache:denied:@{who}"), "cache:denied:@".into()],
        };

        Self {
            counters,
            max_per_minute: MAX_DENIED_PER_MINUTE,
            max_in_window: MAX_ALL_DENIED_PER_MINUTE,
            added: 1,
            window_ms: MINUTE_MS,
        }
    }

    /// Keys and arguments of a script that begins with `trail_quota.lua`.
    pub(super) fn script_call(
        self,
        record: &AuditRecord,
        json: String,
    ) -> (impl Iterator<Item = Arg>, Vec<Arg>) {
        let stream = record.stream.number();
        let summed_under = format!("{stream}|{}|{}", quota_owner(record), record.action);

        let keys = TRAIL_KEYS
            .into_iter()
            .map(Arg::from)
            .chain(self.counters.map(Arg::from));
        let args = vec![
            STREAM_BOUNDS.into(),
            stream.into(),
            json.into(),
            record.summary().into(),
            summed_under.into(),
            record.at.as_str().into(),
            self.max_per_minute.into(),
            self.max_in_window.into(),
            self.added.into(),
            self.window_ms.into(),
        ];
        (keys, args)
    }
}

/// The token whose quota a record takes, with its action for automatic changes.
fn quota_owner(record: &AuditRecord) -> String {
    match record.stream {
        AuditStream::Automatic => format!("{}:{}", record.who, record.action),
        AuditStream::Changes | AuditStream::Denied => record.who.clone(),
    }
}
