//! Reading the nodes' own logs, and keeping what is new.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Command, OnNode, Redis};
use edge_cache::{RedisError, Topology, script};
use futures_util::future::{join_all, join3};
use serde::Serialize;

use super::entry::{KeptEntry, LogKind};
use super::known_node::{KnownNode, LogCommand, StoredNode, is_refusal};
use super::logged::LoggedCommand;
use super::{ENTRIES, MAX_ENTRIES, NODES};
use crate::admin::nodes;
use crate::error::Error;

/// Appends entries to the kept ones.
static APPEND: Script = script!(once "slowlog/append", []);

/// The newest entries that are read of a server's log, which keeps 128 by default.
const MAX_READ: u64 = 128;

/// A node's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeLog {
    /// The node's address; null for a single server.
    pub node: Option<String>,
    /// Why its log cannot be read; null if it can.
    pub refused: Option<String>,
}

/// A reading of all nodes.
#[derive(Debug)]
pub struct Collected {
    /// Every node, in the order of their addresses.
    pub nodes: Vec<NodeLog>,
    /// Number of new entries.
    pub appended: u64,
    /// Why new entries could not be kept.
    pub problem: Option<RedisError>,
}

/// A node after its log was read.
struct ReadNode {
    address: Option<String>,
    before: String,
    known: KnownNode,
    entries: Vec<KeptEntry>,
    /// Why it could not be read this time.
    error: Option<RedisError>,
}

/// Reads the log of each node and keeps new entries. One round trip to what is known of the nodes, one
/// to each node (two the first time), and one if there is something new.
///
/// # Errors
/// Those of the connection to the trail.
pub async fn collect_entries<R: Redis, A: Redis>(redis: &R, trail: &A) -> Result<Collected, Error> {
    let known = StoredNode::read_all(trail).await?;
    let topology = match nodes::slots_of(redis).await? {
        Some(map) => Topology::Cluster(Arc::clone(&map)),
        None => Topology::Single,
    };

    let now = seconds_since_1970();
    let nodes = topology.nodes(redis);
    let reading = nodes.iter().map(|node| {
        let address = node.address().map(ToString::to_string);
        let stored = known.get(address.as_deref().unwrap_or_default()).cloned();
        read_node(node, address, stored.unwrap_or_default(), now)
    });
    let nodes = join_all(reading).await;

    let appended = append(trail, &nodes).await;
    Ok(Collected {
        nodes: nodes.iter().map(ReadNode::report).collect(),
        appended: *appended.as_ref().unwrap_or(&0),
        problem: appended.err(),
    })
}

async fn read_node<R: Redis>(
    node: &OnNode<'_, R>,
    address: Option<String>,
    stored: StoredNode,
    now: u64,
) -> ReadNode {
    let mut read = ReadNode {
        address,
        before: stored.json,
        known: stored.known,
        entries: Vec::new(),
        error: None,
    };
    if read.known.refusal(now).is_some() {
        return read;
    }

    match read_logs(node, read.known.command).await {
        Ok((command, logs)) => {
            read.known.command = Some(command);
            read.known.refused = None;
            for (kind, logged) in logs {
                read.keep_new(kind, logged);
            }
        }
        Err(error) if is_refusal(&error) => read.known.record_refusal(&error, now),
        Err(error) => read.error = Some(error),
    }
    read
}

type Logs = Vec<(LogKind, Vec<LoggedCommand>)>;

/// Reads a node's logs by the command that it is known to have, else by the one that it turns out to
/// have.
async fn read_logs<R: Redis>(
    node: &OnNode<'_, R>,
    known: Option<LogCommand>,
) -> Result<(LogCommand, Logs), RedisError> {
    if known != Some(LogCommand::Slowlog) {
        match read_command_logs(node).await {
            Err(error) if is_refusal(&error) => {}
            logs => return Ok((LogCommand::Commandlog, logs?)),
        }
    }
    let slowlog = Command::read("SLOWLOG").arg("GET").arg(MAX_READ);
    let slow = LoggedCommand::read_all(node.execute(slowlog).await?);
    Ok((LogCommand::Slowlog, vec![(LogKind::Slow, slow)]))
}

async fn read_command_logs<R: Redis>(node: &OnNode<'_, R>) -> Result<Logs, RedisError> {
    let read = |kind: &'static str| {
        let get = Command::read("COMMANDLOG").arg("GET").arg(MAX_READ);
        node.execute(get.arg(kind))
    };
    let (slow, requests, replies) =
        join3(read("slow"), read("large-request"), read("large-reply")).await;

    Ok(vec![
        (LogKind::Slow, LoggedCommand::read_all(slow?)),
        (LogKind::LargeRequest, LoggedCommand::read_all(requests?)),
        (LogKind::LargeReply, LoggedCommand::read_all(replies?)),
    ])
}

/// Keeps the new entries of all nodes. One round trip, none if nothing is new.
async fn append<A: Redis>(trail: &A, nodes: &[ReadNode]) -> Result<u64, RedisError> {
    let mut args = vec![Arg::from(MAX_ENTRIES)];
    for node in nodes {
        let now = serde_json::to_string(&node.known).unwrap_or_default();
        if now == node.before {
            continue;
        }
        args.push(node.address.as_deref().unwrap_or_default().into());
        args.push(node.before.as_str().into());
        args.push(now.into());
        args.push(node.entries.len().into());
        let entries = node.entries.iter();
        args.extend(entries.map(|entry| serde_json::to_string(entry).unwrap_or_default().into()));
    }
    if args.len() == 1 {
        return Ok(0);
    }

    let mut replies = APPEND
        .run(trail, [ENTRIES.into(), NODES.into()], args)
        .await?;
    replies.count()
}

impl ReadNode {
    /// Keeps entries that are newer than what was read before, oldest first.
    fn keep_new(&mut self, kind: LogKind, logged: Vec<LoggedCommand>) {
        let before = self.known.positions.get(&kind).copied();
        let mut new: Vec<LoggedCommand> = logged
            .into_iter()
            .filter(|entry| before.is_none_or(|before| (entry.at, entry.id) > before))
            .collect();
        new.sort_by_key(|entry| (entry.at, entry.id));

        if let Some(newest) = new.last() {
            self.known.positions.insert(kind, (newest.at, newest.id));
        }
        let node = self.address.as_deref();
        self.entries.extend(
            new.into_iter()
                .map(|entry| KeptEntry::new(kind, node, entry)),
        );
    }

    fn report(&self) -> NodeLog {
        let refused = self.known.refused.as_ref().map(|refused| &refused.reason);
        let error = self.error.as_ref().map(|error| &error.message);
        NodeLog {
            node: self.address.clone(),
            refused: error.or(refused).cloned(),
        }
    }
}

fn seconds_since_1970() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs()
}
