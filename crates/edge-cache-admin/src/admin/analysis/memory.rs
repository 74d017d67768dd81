//! The memory and the number of keys that a node reports.

use edge_cache::RedisError;
use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, OnNode, Redis, Replies};
use futures_util::future::try_join;

use super::slice::NodeTally;

/// Memory and keys of a node.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NodeMemory {
    pub(super) keys: u64,
    /// `used_memory`; `None` where it is not reported.
    pub(super) used: Option<u64>,
    /// `maxmemory`; 0 without a limit, `None` where it is not reported.
    pub(super) max: Option<u64>,
    /// True if the server evicts by LFU: it then does not know how long keys are idle.
    pub(super) evicts_by_lfu: bool,
}

impl NodeMemory {
    /// One round trip.
    pub(crate) async fn read<R: Redis>(node: &OnNode<'_, R>) -> Result<Self, RedisError> {
        let info = async {
            let read = Command::read("INFO").arg("memory");
            match node.execute(read).await {
                Err(error) if error.is_unavailable() => Err(error),
                // Services refuse INFO, or a part of it.
                Err(_) => Ok(Info::default()),
                Ok(replies) => Ok(Info::new(Replies::new(replies).text()?)),
            }
        };
        let (info, size) = try_join(info, node.execute(Command::read("DBSIZE"))).await?;
        let policy = info.text("maxmemory_policy").unwrap_or_default();
        Ok(Self {
            keys: Replies::new(size).count()?,
            used: info.number("used_memory"),
            max: info.number("maxmemory"),
            evicts_by_lfu: policy.ends_with("-lfu"),
        })
    }

    /// A tally of the node's keys, without keys so far.
    pub(crate) fn new_tally(&self, depth: u8) -> NodeTally {
        NodeTally::new(depth, !self.evicts_by_lfu)
    }

    /// Adds another node. A figure that one of them lacks is unknown.
    pub(super) fn plus(self, other: &Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        Self {
            keys: self.keys.saturating_add(other.keys),
            used: sum(self.used, other.used),
            max: match (self.max, other.max) {
                // A node without a limit never evicts.
                (Some(0), _) | (_, Some(0)) => Some(0),
                (one, other) => sum(one, other),
            },
            evicts_by_lfu: self.evicts_by_lfu || other.evicts_by_lfu,
        }
    }
}
