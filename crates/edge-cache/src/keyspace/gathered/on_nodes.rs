//! The gathered walk of a Cluster: one node after the other, in the order of their addresses.
//!
//! A slice is removed at its node; how far the walk is stands in the slot of edge-cache's own keys. So each
//! slice takes two round trips. Where slots have moved, the walk starts again. A server that refuses scripts without keys
//! is walked with plain commands.

use super::walk::{WALK_KEYS, Walk, read_progress};
use crate::error::RedisError;
use crate::keyspace::key::{KeyName, REMOVALS};
use crate::keyspace::{removal, scan};
use crate::redis::info::Info;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Command, OnNode, Redis, Replies, Topology};
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

/// A walk over the nodes of a Cluster.
pub(super) struct NodeWalk {
    topology: Topology,
    position: Position,
}

/// How far a walk is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Position {
    /// Digest of the map of slots.
    map: u32,
    /// The address of the node.
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
}

impl NodeWalk {
    /// Begins where the turn before has stopped; `None` on a single server. One round trip.
    pub(super) async fn begin<R: Redis>(redis: &R) -> Result<Option<Self>, RedisError> {
        let topology = redis.newest_topology().await?;
        let Topology::Cluster(map) = &topology else {
            return Ok(None);
        };

        let read = Command::read("HGET").arg(REMOVALS).arg("cursor");
        let stored = Replies::new(redis.execute(read).await?).optional_bytes()?;
        let known = stored.and_then(|text| Position::parse(&String::from_utf8(text).ok()?));
        let is_known = |position: &Position| {
            let nodes = map.primaries();
            position.map == map.digest()
                && nodes.iter().any(|node| node.to_string() == position.node)
        };

        let first = map.primaries().into_iter().next();
        let start = Position {
            map: map.digest(),
            node: first.map(|node| node.to_string()).unwrap_or_default(),
            cursor: "0".to_owned(),
            ..Position::default()
        };
        let position = known.filter(is_known).unwrap_or(start);
        Ok(Some(Self { topology, position }))
    }

    /// Removes the keys of one slice: whether it was the last one, and how many keys the walk has removed
    /// so far; `None` when the next turn has begun. Two round trips.
    pub(super) async fn delete_slice<R: Redis>(
        &mut self,
        redis: &R,
        walk: &Walk,
        search: &[Arg],
    ) -> Result<Option<(bool, u64)>, RedisError> {
        let (next, counted) = self.delete_on_node(redis, walk, search).await?;
        let is_moved = next.is_none() && redis.newest_topology().await? != self.topology;
        let next = if is_moved {
            Some(Position::default())
        } else {
            next
        };

        let position = next.as_ref().map(Position::render).unwrap_or_default();
        let args = [walk.next.number().into(), position.into(), counted.into()];
        let progress = read_progress(ADVANCE.run(redis, WALK_KEYS.map(Arg::from), args).await?)?;

        if is_moved {
            if let Some(again) = Self::begin(redis).await? {
                *self = again;
            }
        } else if let Some(next) = next {
            self.position = next;
        }
        Ok(progress)
    }

    /// Removes the keys of one slice at its node: the next position, and how many keys were removed.
    async fn delete_on_node<R: Redis>(
        &self,
        redis: &R,
        walk: &Walk,
        search: &[Arg],
    ) -> Result<(Option<Position>, u64), RedisError> {
        let nodes = self.topology.nodes(redis);
        let name_of = |at: usize| {
            let address = nodes.get(at).and_then(|node| node.address());
            address.map(ToString::to_string)
        };
        let at = (0..nodes.len()).find(|at| name_of(*at).as_ref() == Some(&self.position.node));
        let Some((at, node)) = at.and_then(|at| Some((at, nodes.get(at)?))) else {
            return Ok((None, 0));
        };

        let deleted = self.delete_with_script(node, search).await?;
        let deleted = match deleted {
            Some(deleted) => deleted,
            None => self.delete_plainly(node, walk).await?,
        };

        let next = if deleted.next_cursor == "0" {
            name_of(at + 1).map(|node| Position {
                map: self.position.map,
                node,
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
        Ok((next, deleted.counted))
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
        }))
    }

    /// Removes the keys of one slice with plain commands. Two round trips, and one for each 64 slots that the keys are in.
    async fn delete_plainly<R: Redis>(
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

        let is_taken = |name: &KeyName| walk.patterns.iter().any(|pattern| pattern.removes(name));
        let (next_cursor, counted) =
            scan::delete_names(node, cursor.as_bytes(), &walk.head(), is_taken).await?;
        Ok(DeletedSlice {
            run_id,
            restarts,
            next_cursor: String::from_utf8_lossy(&next_cursor).into_owned(),
            counted,
        })
    }
}

/// Reads which process of the server replies; empty where the server does not say it. One round trip.
async fn read_run_id<R: Redis>(node: &OnNode<'_, R>) -> Result<String, RedisError> {
    let read = Command::read("INFO").arg("server");
    match node.execute(read).await {
        Ok(replies) => {
            let info = Info::new(Replies::new(replies).text()?);
            Ok(info.text("run_id").unwrap_or_default().to_owned())
        }
        Err(error) if error.is_unavailable() => Err(error),
        Err(_) => Ok(String::new()),
    }
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
