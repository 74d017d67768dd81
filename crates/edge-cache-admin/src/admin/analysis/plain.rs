//! Tallying with plain commands, for nodes that refuse scripts without keys. Such services do not
//! document their cursors either, so a sample walks the whole keyspace by name, and looks at every so
//! many-th key.

use std::collections::HashMap;

use edge_cache::keyspace::scan;
use edge_cache::redis::{Command, OnNode, Redis, Replies, Reply, concurrently};
use edge_cache::{ErrorKind, KeyName, RedisError};
use futures_util::future::join;

use super::large_keys::LargeKey;
use super::segments::{GroupName, groups_of};
use super::slice::NodeTally;
use super::tally::{Tally, VisitedKey};

/// Names of a slice.
const SLICE_NAMES: usize = 1000;
/// Estimated bytes of a key, and of an element of a collection.
const KEY_BYTES: u64 = 64;
const ELEMENT_BYTES: u64 = 64;

/// The choice of every so many-th key of a walk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    /// The share of the keys that are looked at.
    pub(super) share: f64,
    /// The part of the next key that is due.
    pub(super) due: f64,
}

impl Choice {
    /// The choice of all keys.
    pub(crate) fn all() -> Self {
        Self {
            share: 1.0,
            due: 0.0,
        }
    }

    fn takes_next(&mut self) -> bool {
        self.due += self.share;
        let takes = self.due >= 1.0;
        self.due -= f64::from(u8::from(takes));
        takes
    }
}

impl NodeTally {
    /// Tallies the chosen keys of a slice of a walk, and returns the next cursor, `0` at the end. Three
    /// round trips for each 64 chosen keys, and one.
    pub(crate) async fn tally_plainly<R: Redis>(
        &mut self,
        node: &OnNode<'_, R>,
        cursor: &[u8],
        choice: &mut Choice,
    ) -> Result<Vec<u8>, RedisError> {
        let (next, mut names) = scan::read_names(node, cursor, b"*", SLICE_NAMES, "").await?;
        let namespace = node.namespace();
        let is_other = |name: &KeyName| {
            !namespace.is_default() && name.is_protected() && namespace.is_of_other(name.as_bytes())
        };
        names.retain(|_| choice.takes_next());
        let found = names.len();
        names.retain(|name| !is_other(name));
        self.keys_of_others += (found - names.len()) as u64;

        self.learn_refusals(node, &names).await?;
        let (is_estimated, knows_idle) = (self.is_estimated, self.knows_idle);
        let reading = names
            .iter()
            .map(|name| read_key(node, name, is_estimated, knows_idle));
        let keys = concurrently(reading.collect()).await?;

        let found = names.iter().zip(keys);
        self.add_run(found.filter_map(|(name, key)| Some((name, key?))));
        Ok(next)
    }

    /// Finds out whether the server refuses `MEMORY USAGE` and `OBJECT IDLETIME`, so that it is not asked
    /// for every key.
    async fn learn_refusals<R: Redis>(
        &mut self,
        node: &OnNode<'_, R>,
        names: &[KeyName],
    ) -> Result<(), RedisError> {
        let Some(first) = names.first().filter(|_| self.runs == 0) else {
            return Ok(());
        };
        let memory = unless_refused(node.execute(memory_usage(first)).await)?;
        self.is_estimated |= memory.is_none();
        if self.knows_idle {
            let idle = unless_refused(node.execute(idle_time(first)).await)?;
            self.knows_idle = idle.is_some();
        }
        Ok(())
    }

    fn add_run<'a>(&mut self, keys: impl Iterator<Item = (&'a KeyName, VisitedKey)>) {
        let mut all = Tally::default();
        let mut groups: HashMap<GroupName, Tally> = HashMap::new();
        for (name, key) in keys {
            all.add_key(&key);
            for group in groups_of(name, self.depth) {
                groups.entry(group).or_default().add_key(&key);
            }
            self.large.add(LargeKey {
                name: name.as_bytes().to_vec(),
                kind: key.kind,
                bytes: key.bytes,
                elements: None,
            });
        }

        let sums = (all.keys, all.bytes);
        self.runs += 1;
        self.empty_runs += u64::from(all.keys == 0);
        all.end_run(sums);
        self.sketch.all.add(&all);
        for (name, mut tally) in groups {
            tally.end_run(sums);
            self.sketch.add(name, &tally);
        }
    }
}

/// Reads a key; `None` if it is gone. Two round trips.
async fn read_key<R: Redis>(
    node: &OnNode<'_, R>,
    name: &KeyName,
    is_estimated: bool,
    knows_idle: bool,
) -> Result<Option<VisitedKey>, RedisError> {
    let kind = node.execute(of_key("TYPE", name));
    let left = node.execute(of_key("PTTL", name));
    let idle = async {
        if !knows_idle {
            return Ok(None);
        }
        unless_refused(node.execute(idle_time(name)).await)
    };
    let ((kind, left), idle) = join(join(kind, left), idle).await;
    let kind = Replies::new(kind?).text()?;
    if kind == "none" {
        return Ok(None);
    }

    let bytes = if is_estimated {
        estimate_bytes(node, name, &kind).await?
    } else {
        node.execute(memory_usage(name)).await.map(number)?
    };
    Ok(bytes.map(|bytes| VisitedKey {
        kind,
        bytes,
        left_ms: Replies::new(left.unwrap_or_default()).int().unwrap_or(-1),
        idle_seconds: idle.ok().flatten().and_then(number).unwrap_or_default(),
    }))
}

/// Estimates the memory of a key from its type and length, as the script does.
async fn estimate_bytes<R: Redis>(
    node: &OnNode<'_, R>,
    name: &KeyName,
    kind: &str,
) -> Result<Option<u64>, RedisError> {
    let (command, each) = match kind {
        "string" => ("STRLEN", 1),
        "list" => ("LLEN", ELEMENT_BYTES),
        "set" => ("SCARD", ELEMENT_BYTES),
        "zset" => ("ZCARD", ELEMENT_BYTES),
        "hash" => ("HLEN", ELEMENT_BYTES),
        "stream" => ("XLEN", ELEMENT_BYTES),
        _ => return Ok(Some(KEY_BYTES)),
    };
    let length = unless_refused(node.execute(of_key(command, name)).await)?;
    let length = length.and_then(number).unwrap_or_default();
    Ok(Some(
        KEY_BYTES + name.as_bytes().len() as u64 + length * each,
    ))
}

fn of_key(command: &'static str, name: &KeyName) -> Command {
    Command::read(command).arg(name.as_bytes())
}

fn memory_usage(name: &KeyName) -> Command {
    let usage = Command::read("MEMORY").arg("USAGE").arg(name.as_bytes());
    usage.arg("SAMPLES").arg("5")
}

fn idle_time(name: &KeyName) -> Command {
    let idle = Command::read("OBJECT").arg("IDLETIME");
    idle.arg(name.as_bytes())
}

fn number(replies: Vec<Reply>) -> Option<u64> {
    Replies::new(replies).count().ok()
}

/// Returns `None` for a command that the server does not have, or that the user may not run.
fn unless_refused<T>(result: Result<T, RedisError>) -> Result<Option<T>, RedisError> {
    match result {
        Err(error) if matches!(error.kind, ErrorKind::Server | ErrorKind::Permission) => Ok(None),
        result => result.map(Some),
    }
}
