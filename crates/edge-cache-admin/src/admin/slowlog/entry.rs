//! An entry as it is kept in Redis.

use std::time::{Duration, UNIX_EPOCH};

use edge_cache::redis::Replies;
use edge_cache::{RedisError, units};
use serde::{Deserialize, Serialize};

use super::command::KeptCommand;
use super::logged::LoggedCommand;

/// The end of the year 9999, the last that RFC 3339 can express.
const MAX_SECONDS: u64 = 253_402_300_799;

/// The log that an entry was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// Commands that took long.
    Slow,
    /// Commands of many bytes.
    LargeRequest,
    /// Commands with a reply of many bytes.
    LargeReply,
}

/// An entry, without the values of the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptEntry {
    pub(super) kind: LogKind,
    /// When the command ran, in seconds since 1970.
    pub(super) at: u64,
    /// How long it took in microseconds, or its bytes.
    pub(super) value: u64,
    pub(super) command: String,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) keys: Vec<String>,
    pub(super) arguments: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) script: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub(super) client: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub(super) client_name: String,
    /// The node's address on a Cluster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) node: Option<String>,
}

impl KeptEntry {
    pub(super) fn new(kind: LogKind, node: Option<&str>, logged: LoggedCommand) -> Self {
        let command = KeptCommand::new(&logged.words);
        Self {
            kind,
            at: logged.at,
            value: logged.value,
            command: command.name,
            keys: command.keys,
            arguments: command.arguments,
            script: command.script,
            client: logged.client,
            client_name: logged.client_name,
            node: node.map(str::to_owned),
        }
    }

    /// Reads the kept entries of a reply, each with its id. Entries of other clients are skipped.
    pub(super) fn read_all(replies: &mut Replies) -> Result<Vec<(String, Self)>, RedisError> {
        let mut packed = replies.packed()?;
        let mut entries = Vec::with_capacity(packed.remaining() / 2);
        while packed.remaining() > 0 {
            let id = packed.text()?;
            let json = packed.bytes()?;
            entries.extend(serde_json::from_slice(&json).ok().map(|entry| (id, entry)));
        }
        Ok(entries)
    }

    /// The beginning of its first key: `users:*`; the whole name if it has one segment. `None` for a
    /// command without keys.
    pub(super) fn prefix(&self) -> Option<String> {
        let key = self.keys.first()?;
        Some(match key.split_once(':') {
            Some((module, _)) => format!("{module}:*"),
            None => key.clone(),
        })
    }
}

/// Microseconds as milliseconds with two decimals.
pub(super) fn milliseconds(microseconds: u64) -> f64 {
    units::latency_ms(Duration::from_micros(microseconds))
}

/// Seconds since 1970 in RFC 3339.
pub(super) fn time(seconds: u64) -> String {
    units::timestamp(UNIX_EPOCH + Duration::from_secs(seconds.min(MAX_SECONDS)))
}
