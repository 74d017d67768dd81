//! Turns of the gathered walk, announced on the channel of domain events.
//!
//! A host hands over one message after the other, so a walk that one event began would hold up all
//! events behind it. Its turns are messages themselves: events that came meanwhile are handled
//! between two of them.

use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::keyspace::gathered::{self, FinishedWalk, Turn, TurnResult};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::redis::{HostRuntime, Redis};
use serde::{Deserialize, Serialize};

use crate::admin::audit::AuditRecord;

/// The type of the message. Rules for it have no effect on the channel.
const MESSAGE_TYPE: &str = "edge-cache.removals";
/// How long a turn takes: events behind it wait that long.
const TURN_TIME: Duration = Duration::from_millis(25);

/// The message that announces a turn.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovalTurn {
    #[serde(rename = "type")]
    kind: String,
    turn: u64,
}

impl RemovalTurn {
    /// The message for a turn.
    pub fn announcing(turn: Turn) -> Self {
        Self {
            kind: MESSAGE_TYPE.to_owned(),
            turn: turn.number(),
        }
    }

    /// Reads a message; `None` when it is another one.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let message: Self = serde_json::from_slice(payload).ok()?;
        (message.kind == MESSAGE_TYPE).then_some(message)
    }

    /// The message as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Runs the turn.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<R: Redis + HostRuntime>(&self, redis: &R) -> Result<TurnResult, RedisError> {
        gathered::run_turn(redis, Turn::announced(self.turn), TURN_TIME).await
    }
}

/// The audit record of a walk that has ended, with its counts; `None` where it has removed and marked
/// nothing.
pub fn record_of_walk(walk: &FinishedWalk) -> Option<AuditRecord> {
    if walk.keys_deleted + walk.keys_marked_stale == 0 {
        return None;
    }
    let mut record = AuditRecord::new("event-removal").automatic();
    record.who = "channel".to_owned();
    let patterns = walk.patterns.iter().chain(&walk.stale_patterns);
    record.patterns = patterns.map(Pattern::display).collect();
    record.count(walk.keys_deleted, walk.keys_marked_stale);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announced_turn_is_read_again() {
        let message = RemovalTurn::announcing(Turn::announced(7)).to_json();
        let read = RemovalTurn::parse(message.as_bytes()).unwrap();
        assert_eq!(read.turn, 7);
    }

    #[test]
    fn other_messages_are_no_turns() {
        for message in [
            r#"{"type":"product.updated","id":1}"#,
            r#"{"type":"edge-cache.removals"}"#,
            r#"{"type":"edge-cache.removals","turn":-1}"#,
            r#"{"type":"edge-cache.removals","turn":1,"id":2}"#,
            r#"{"type":"other","turn":1}"#,
            "{",
        ] {
            assert!(
                RemovalTurn::parse(message.as_bytes()).is_none(),
                "{message}"
            );
        }
    }
}
