//! The nodes of a Cluster: its slots, and a connection to each node, opened when it is first needed.
//!
//! ```text
//! GET users:7      slot 4099 -> 10.0.0.2:7000 by the map of slots
//! MOVED 4099 ...   the slot has another owner: the command goes there, and the map is read again
//! ASK 4099 ...     this key has moved, its slot not yet: ASKING and the command, on a connection of their own
//! TRYAGAIN         the same command again in a moment
//! ```
//!
//! A node that replies so has not executed the command, so that one may be sent again, whatever it
//! does. The map is read from any node that replies.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::select_ok;

use super::command::Command;
use super::connector::Connector;
use super::deadline::Deadline;
use super::keyless::KeylessScripts;
use super::slot_map::{NodeAddress, SlotMap};
use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::own_slot::FENCES_ON_CLUSTER;

/// How long one node may take to report the slots, before another one is asked.
const MAP_LIMIT: Duration = Duration::from_millis(500);

/// A node, with its address where that is known.
type Askable<T> = (Option<NodeAddress>, Arc<Connector<T>>);

/// The nodes of a Cluster.
pub(super) struct Cluster<T: Transport> {
    nodes: Guarded<HashMap<NodeAddress, Arc<Connector<T>>>>,
    map: Guarded<Option<Arc<SlotMap>>>,
    /// Nodes have changed since the map was read.
    is_stale: AtomicBool,
    keyless: KeylessScripts,
}

impl<T: Transport> Cluster<T> {
    pub(super) fn new() -> Self {
        Self {
            nodes: Guarded::new(HashMap::new()),
            map: Guarded::new(None),
            is_stale: AtomicBool::new(false),
            keyless: KeylessScripts::default(),
        }
    }

    /// Lets the map be read again before the next command.
    pub(super) fn mark_stale(&self) {
        self.is_stale.store(true, Ordering::Release);
    }

    /// Records a redirection, and lets the map be read again.
    pub(super) fn move_slot(&self, slot: u16, to: NodeAddress) {
        let mut map = self.map.lock();
        if let Some(map) = map.as_mut() {
            Arc::make_mut(map).move_slot(slot, to);
        }
        self.mark_stale();
    }

    /// Returns the map of slots. No round trip while it is known; otherwise one, to all nodes at once.
    pub(super) async fn map(
        &self,
        seed: &Arc<Connector<T>>,
        deadline: &Deadline<'_, T>,
    ) -> Result<Arc<SlotMap>, RedisError> {
        let known = self.map.lock().clone();
        let is_stale = self.is_stale.swap(false, Ordering::AcqRel);
        if let Some(map) = &known
            && !is_stale
        {
            return Ok(Arc::clone(map));
        }

        Box::pin(self.ask_map(seed, known, deadline)).await
    }

    async fn ask_map(
        &self,
        seed: &Arc<Connector<T>>,
        known: Option<Arc<SlotMap>>,
        deadline: &Deadline<'_, T>,
    ) -> Result<Arc<SlotMap>, RedisError> {
        let asking = self.askable(seed, known.as_deref());
        let asking = asking
            .iter()
            .map(|(address, node)| Box::pin(ask_slots(node, address.as_ref(), deadline)));
        // The first reply counts: a node may be frozen, or gone.
        let asking: Vec<_> = asking.collect();
        match select_ok(asking).await {
            Ok((map, _)) => Ok(self.replace_map(map)),
            Err(error) => {
                self.mark_stale();
                known.ok_or(error)
            }
        }
    }

    /// Keeps a map that was just read, and closes the connections to nodes that are no primaries any more.
    fn replace_map(&self, mut map: SlotMap) -> Arc<SlotMap> {
        if map.keyless.are_refused() {
            self.keyless.record_refused();
        }
        map.keyless = self.keyless.clone();

        let primaries = map.primaries();
        let mut nodes = self.nodes.lock();
        nodes.retain(|address, _| primaries.contains(address));
        drop(nodes);

        let map = Arc::new(map);
        self.map.set(Some(Arc::clone(&map)));
        map
    }

    /// The nodes that can be asked for the slots, with their addresses where these are known.
    fn askable(&self, seed: &Arc<Connector<T>>, map: Option<&SlotMap>) -> Vec<Askable<T>> {
        let mut askable = vec![(seed.transport().address(), Arc::clone(seed))];
        for address in map.map(SlotMap::primaries).unwrap_or_default() {
            if let Ok(node) = self.connector(seed, &address)
                && !Arc::ptr_eq(&node, seed)
            {
                askable.push((Some(address), node));
            }
        }
        askable
    }

    /// Returns the connector to a node.
    pub(super) fn connector(
        &self,
        seed: &Arc<Connector<T>>,
        address: &NodeAddress,
    ) -> Result<Arc<Connector<T>>, RedisError> {
        if seed.transport().address().as_ref() == Some(address) {
            return Ok(Arc::clone(seed));
        }
        let mut nodes = self.nodes.lock();
        if let Some(known) = nodes.get(address) {
            return Ok(Arc::clone(known));
        }

        let created = seed.to_node(address).map(Arc::new).ok_or_else(|| {
            let problem = "this connection reaches one server only, and it is a node of a Cluster";
            RedisError::new(ErrorKind::Cluster, problem)
        })?;
        nodes.insert(address.clone(), Arc::clone(&created));
        Ok(created)
    }

    /// The number of the connection to a node; 0 before it is opened.
    pub(super) fn connection_number_of(
        &self,
        seed: &Arc<Connector<T>>,
        address: &NodeAddress,
    ) -> u64 {
        let connector = self.connector(seed, address);
        connector.map_or(0, |connector| connector.connection_number())
    }

    /// The number of the connection to the node that has edge-cache's own keys.
    pub(super) fn own_connection_number(&self, seed: &Arc<Connector<T>>) -> u64 {
        let map = self.map.lock().clone();
        let owner = map.and_then(|map| map.owner_of_key(FENCES_ON_CLUSTER.as_bytes()).cloned());
        owner.map_or(0, |owner| self.connection_number_of(seed, &owner))
    }
}

/// Asks a node for the slots. One round trip.
///
/// A server that does not know the question has all slots: the client was told that it is a Cluster. Where it is a proxy
/// before several servers, a script without keys would visit one of them and say nothing of the others; `SCAN` visits all.
async fn ask_slots<T: Transport>(
    node: &Connector<T>,
    address: Option<&NodeAddress>,
    deadline: &Deadline<'_, T>,
) -> Result<SlotMap, RedisError> {
    let command = Command::read("CLUSTER").arg("SLOTS");
    let limit = Deadline::after(MAP_LIMIT.min(deadline.left()), node.transport());
    let open = node.connection(&limit).await?;

    let sending = node.transport().send(&open.connection, &command);
    let replies = match limit.bound(sending).await.flatten() {
        Ok(replies) => replies,
        Err(error) if is_unknown(&error) || is_disabled(&error) => {
            let may_be_proxy = is_unknown(&error);
            let map = SlotMap::of_one(address.ok_or(error)?.clone());
            if may_be_proxy {
                map.keyless.record_refused();
            }
            return Ok(map);
        }
        Err(error) => {
            if error.is_connection() {
                node.close(&open);
            }
            return Err(error);
        }
    };

    let map = SlotMap::read(&replies, address);
    if map.primaries().is_empty() {
        let problem =
            "the Cluster has no slots yet: it is not set up, or this node does not belong to it";
        return Err(RedisError::new(ErrorKind::Cluster, problem));
    }
    Ok(map)
}

/// Returns whether the server does not know the question. A user who may not ask it is an error: other nodes would be
/// left out without a word.
fn is_unknown(error: &RedisError) -> bool {
    says(error, &["unknown command", "unknown subcommand"])
}

/// Returns whether the server could be a node of a Cluster, and is not: Redis and Dragonfly say so.
fn is_disabled(error: &RedisError) -> bool {
    says(error, &["cluster support disabled", "cluster is disabled"])
}

fn says(error: &RedisError, any: &[&str]) -> bool {
    let text = error.message.to_ascii_lowercase();
    error.kind == ErrorKind::Server && any.iter().any(|words| text.contains(words))
}
