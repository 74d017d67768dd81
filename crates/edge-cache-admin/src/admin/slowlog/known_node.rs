//! The state of a node between two readings: the log that it has, how far that was read, and its
//! refusal.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::{ErrorKind, RedisError};
use serde::{Deserialize, Serialize};

use super::NODES;
use super::entry::LogKind;

/// How long a node that refuses is not asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// The command that reads a node's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogCommand {
    Slowlog,
    Commandlog,
}

/// The newest entry that was read: its time and its id. Ids begin anew when a server starts.
pub(super) type Position = (u64, u64);

/// The state of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownNode {
    pub(super) command: Option<LogCommand>,
    #[serde(default)]
    pub(super) positions: BTreeMap<LogKind, Position>,
    #[serde(default)]
    pub(super) refused: Option<Refusal>,
}

/// A refusal of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// In seconds since 1970.
    at: u64,
}

/// The state of a node, and the JSON in which it is stored.
#[derive(Debug, Clone, Default)]
pub(super) struct StoredNode {
    pub(super) json: String,
    pub(super) known: KnownNode,
}

impl StoredNode {
    /// Reads what is known of all nodes, by their names. One round trip.
    pub(super) async fn read_all<R: Redis>(trail: &R) -> Result<HashMap<String, Self>, RedisError> {
        let replies = trail.execute(Command::read("HGETALL").arg(NODES)).await?;
        let parts = Replies::new(replies).rest()?;
        let (pairs, _) = parts.as_chunks::<2>();
        let nodes = pairs.iter().filter_map(|[name, json]| {
            let json = String::from_utf8(json.clone()).ok()?;
            let known = serde_json::from_str(&json).unwrap_or_default();
            Some((String::from_utf8(name.clone()).ok()?, Self { json, known }))
        });
        Ok(nodes.collect())
    }
}

impl KnownNode {
    /// The refusal, while the node is not asked again.
    pub(super) fn refusal(&self, now: u64) -> Option<&Refusal> {
        let refused = self.refused.as_ref()?;
        let is_recent = now.saturating_sub(refused.at) < ASK_AGAIN_AFTER.as_secs();
        is_recent.then_some(refused)
    }

    pub(super) fn record_refusal(&mut self, error: &RedisError, now: u64) {
        self.refused = Some(Refusal {
            reason: error.message.clone(),
            at: now,
        });
    }
}

/// True if the server replied that it does not allow or know the command.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind, ErrorKind::Permission | ErrorKind::Server)
}
