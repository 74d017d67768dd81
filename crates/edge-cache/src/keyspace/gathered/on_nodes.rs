//! The gathered walk of a Cluster: one node after the other, in the order of their addresses; and that of soft purges.
//!
//! A slice is removed at its node; how far the walk is stands in the slot of edge-cache's own keys. So each
//! slice takes two round trips. Where slots have moved, the walk starts again. A server that refuses scripts without keys
//! is walked with plain commands, and so is any server for soft purges.

use std::collections::BTreeMap;

use super::walk::{Progress, WALK_KEYS, Walk, read_progress};
use crate::error::RedisError;
use crate::keyspace::fence::StreamId;
use crate::keyspace::key::{KeyName, REMOVALS};
use crate::keyspace::purge::SoftGrace;
use crate::keyspace::{removal, scan, soft_purge};
use crate::redis::info::read_run_id;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Command, HostRuntime, OnNode, Redis, Replies, Topology};
use crate::script;

static DELETE_SLICE: Script = script!(once "removals/delete_slice_on_node", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL_ON_NODE,
    shared::GATHERED_SLICE,
]);

/// How often a walk with plain commands starts again because another process replies. A proxy may pass each command to
/// another one.
const MAX_RESTARTS: u32 = 3;

static ADVANCE: Script = script!(once "removals/advance", [shared::FENCES, shared::GATHERED]);

/// A walk over the nodes of a Cluster, or over a single server.
pub(super) struct NodeWalk {
    topology: Topology,
    position: Position,
}

/// How far a walk is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Position {
    /// Digest of the map of slots.
    map: u32,
    /// The address of the node; empty for a single server.
    node: String,
    /// The process that returned the cursor.
    run_id: String,
    cursor: String,
    /// How often the walk has started again at this node.
    restarts: u32,
}

/// A slice that was removed.
struct DeletedSlice {
    run_id: String,
    restarts: u32,
    next_cursor: String,
    /// How many keys were removed that count.
    counted: u64,
    /// How many keys were marked stale.
    marked: u64,
}

impl NodeWalk {
    /// Begins where the turn before has stopped; `None` on a single server without soft purges. One
    /// round trip.
    pub(super) async fn begin<R: Redis>(
        redis: &R,
        walk: &Walk,
    ) -> Result<Option<Self>, RedisError> {
        let topology = redis.newest_topology().await?;
        let map = match &topology {
            Topology::Cluster(map) => map.digest(),
            Topology::Single if walk.soft.is_empty() => return Ok(None),
            Topology::Single => 0,
        };

        let read = Command::read("HGET").arg(REMOVALS).arg("cursor");
        let stored = Replies::new(redis.execute(read).await?).optional_bytes()?;
        let known = stored.and_then(|text| Position::parse(&String::from_utf8(text).ok()?));
        let nodes = topology.nodes(redis);
        let is_known = |position: &Position| {
            position.map == map && nodes.iter().any(|node| name_of(node) == position.node)
        };

        let start = Position {
            map,
            node: nodes.first().map(name_of).unwrap_or_default(),
            cursor: "0".to_owned(),
            ..Position::default()
        };
        let position = known.filter(is_known).unwrap_or(start);
        Ok(Some(Self { topology, position }))
    }

    /// Removes the keys of one slice, or marks them stale; `None` when the next turn has begun. Two
    /// round trips; with soft purges four or more.
    pub(super) async fn delete_slice<R: Redis + HostRuntime>(
        &mut self,
        redis: &R,
        walk: &Walk,
        search: &[Arg],
    ) -> Result<Option<Progress>, RedisError> {
        let (next, counted, marked) = self.delete_on_node(redis, walk, search).await?;
        let is_moved = next.is_none() && redis.newest_topology().await? != self.topology;
        let next = if is_moved {
            Some(Position::default())
        } else {
            next
        };

        let position = next.as_ref().map(Position::render).unwrap_or_default();
        let args = [
            walk.next.number().into(),
            position.into(),
            counted.into(),
            marked.into(),
        ];
        let progress = read_progress(ADVANCE.run(redis, WALK_KEYS.map(Arg::from), args).await?)?;

        if is_moved {
            if let Some(again) = Self::begin(redis, walk).await? {
                *self = again;
            }
        } else if let Some(next) = next {
            self.position = next;
        }
        Ok(progress)
    }

    /// Removes the keys of one slice at its node, or marks them stale: the next position, how many
    /// keys were removed, and how many marked.
    async fn delete_on_node<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        walk: &Walk,
        search: &[Arg],
    ) -> Result<(Option<Position>, u64, u64), RedisError> {
        let nodes = self.topology.nodes(redis);
        let mut from_this = nodes
            .iter()
            .skip_while(|node| name_of(node) != self.position.node);
        let Some(node) = from_this.next() else {
            return Ok((None, 0, 0));
        };

        let deleted = if walk.soft.is_empty() {
            self.delete_with_script(node, search).await?
        } else {
            None
        };
        let deleted = match deleted {
            Some(deleted) => deleted,
            None => self.delete_plainly(node, walk).await?,
        };

        let next = if deleted.next_cursor == "0" {
            from_this.next().map(|node| Position {
                map: self.position.map,
                node: name_of(node),
                cursor: "0".to_owned(),
                ..Position::default()
            })
        } else {
            Some(Position {
                run_id: deleted.run_id,
                cursor: deleted.next_cursor,
                restarts: deleted.restarts,
                ..self.position.clone()
            })
        };
        Ok((next, deleted.counted, deleted.marked))
    }

    /// Removes the keys of one slice; `None` where the node refuses scripts without keys.
    async fn delete_with_script<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        search: &[Arg],
    ) -> Result<Option<DeletedSlice>, RedisError> {
        let Position {
            cursor,
            run_id,
            restarts,
            ..
        } = &self.position;
        let start = [cursor.as_str().into(), run_id.as_str().into()];
        let args = start.into_iter().chain(search.iter().cloned());
        let Some(mut replies) = node.run_keyless(&DELETE_SLICE, args).await? else {
            return Ok(None);
        };

        let next_cursor = replies.text()?;
        let run_id = replies.text()?;
        let counted = replies.count()?;
        let refused: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
        Ok(Some(DeletedSlice {
            run_id,
            restarts: *restarts,
            next_cursor,
            counted: counted + removal::delete_by_slot(node, &refused).await?,
            marked: 0,
        }))
    }

    /// Removes the keys of one slice with plain commands, or marks them stale. Two round trips, and one for each 64 slots that
    /// the keys are in; for marked keys two.
    async fn delete_plainly<R: Redis + HostRuntime>(
        &self,
        node: &OnNode<'_, R>,
        walk: &Walk,
    ) -> Result<DeletedSlice, RedisError> {
        let run_id = read_run_id(node).await?;
        let mut restarts = self.position.restarts;
        let mut cursor = self.position.cursor.as_str();
        if run_id != self.position.run_id && cursor != "0" && restarts < MAX_RESTARTS {
            restarts += 1;
            cursor = "0";
        }

        let is_removed = |name: &KeyName| walk.patterns.iter().any(|pattern| pattern.removes(name));
        let is_taken = |name: &KeyName| is_removed(name) || walk.soft_purge_of(name).is_some();
        let (next_cursor, names) =
            scan::take_names(node, cursor.as_bytes(), &walk.head(), is_taken).await?;

        let (removed, stale): (Vec<KeyName>, Vec<KeyName>) =
            names.into_iter().partition(is_removed);
        let counted = removal::delete_by_slot(node, &removed).await?;
        let marked = mark_each(node, walk, stale).await?;
        Ok(DeletedSlice {
            run_id,
            restarts,
            next_cursor: String::from_utf8_lossy(&next_cursor).into_owned(),
            counted,
            marked,
        })
    }
}

/// The address of a node; empty for a single server.
fn name_of<R: Redis>(node: &OnNode<'_, R>) -> String {
    let address = node.address().map(ToString::to_string);
    address.unwrap_or_default()
}

/// Marks each key stale for the newest purge that covers it; how many.
async fn mark_each<R: Redis + HostRuntime>(
    node: &OnNode<'_, R>,
    walk: &Walk,
    names: Vec<KeyName>,
) -> Result<u64, RedisError> {
    let mut by_purge: BTreeMap<StreamId, (SoftGrace, Vec<KeyName>)> = BTreeMap::new();
    for name in names {
        if let Some(purge) = walk.soft_purge_of(&name) {
            let (_, names) = by_purge
                .entry(purge.fence)
                .or_insert_with(|| (purge.grace, Vec::new()));
            names.push(name);
        }
    }

    let mut marked = 0;
    for (fence, (grace, names)) in by_purge {
        marked += soft_purge::mark_found(node, names, fence, grace).await?;
    }
    Ok(marked)
}

impl Position {
    fn render(&self) -> String {
        let Self {
            map,
            node,
            run_id,
            cursor,
            restarts,
        } = self;
        format!("{map} {node} {run_id} {cursor} {restarts}")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        Some(Self {
            map: parts.next()?.parse().ok()?,
            node: parts.next()?.to_owned(),
            run_id: parts.next()?.to_owned(),
            cursor: parts.next()?.to_owned(),
            restarts: parts.next()?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_stored() {
        let position = Position {
            map: 7,
            node: "[fe80::1]:7000".to_owned(),
            run_id: String::new(),
            cursor: "18446744073709551615".to_owned(),
            restarts: 2,
        };

        assert_eq!(Position::parse(&position.render()), Some(position));
        assert_eq!(Position::parse("0"), None);
    }
}
