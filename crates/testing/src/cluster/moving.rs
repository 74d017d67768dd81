//! Moving slots between primaries, in the steps that `redis-cli` takes.

use std::ops::Range;

use redis::Connection;

use super::Cluster;
use crate::node::run;

/// The most keys that one command moves.
const KEYS_AT_ONCE: usize = 1000;

impl Cluster {
    /// Moves slots with their keys from one node to another, and waits until all nodes know it.
    ///
    /// # Panics
    /// Panics when a node refuses a step.
    pub fn move_slots(&self, slots: Range<u16>, from: usize, to: usize) {
        let mut connections = self.primary_connections(from, to);
        let identities = [self.identity(from), self.identity(to)];
        for slot in slots {
            begin(&mut connections, slot, &identities);
            self.move_keys_of_slot(&mut connections[0], slot, to);
            finish(&mut connections, slot, &identities[1]);
        }

        self.wait_until_ok();
    }

    /// Begins to move a slot: its keys stay where they are. The source then answers `ASK` for keys that
    /// it does not have, and the target serves them after `ASKING`. Both answer `TRYAGAIN` when a
    /// command has keys on both sides, see [`Cluster::move_keys`].
    ///
    /// # Panics
    /// Panics when a node refuses it.
    pub fn begin_moving_slot(&self, slot: u16, from: usize, to: usize) {
        let mut connections = self.primary_connections(from, to);
        let identities = [self.identity(from), self.identity(to)];
        begin(&mut connections, slot, &identities);
    }

    /// Moves keys of a slot whose move has begun.
    ///
    /// # Panics
    /// Panics when a node refuses it.
    pub fn move_keys(&self, keys: &[&str], from: usize, to: usize) {
        let keys = keys.iter().map(|key| key.as_bytes().to_vec());
        let keys: Vec<Vec<u8>> = keys.collect();
        self.migrate(&mut self.node(from).connection(), &keys, to);
    }

    /// Ends the move of a slot, and waits until all nodes know it.
    ///
    /// # Panics
    /// Panics when a node refuses it.
    pub fn finish_moving_slot(&self, slot: u16, from: usize, to: usize) {
        let mut connections = self.primary_connections(from, to);
        self.move_keys_of_slot(&mut connections[0], slot, to);
        finish(&mut connections, slot, &self.identity(to));
        self.wait_until_ok();
    }

    /// Connections to the source, the target, and the primaries beside them.
    fn primary_connections(&self, from: usize, to: usize) -> Vec<Connection> {
        let others = self
            .primaries()
            .into_iter()
            .filter(|node| ![from, to].contains(node));
        let nodes = [from, to].into_iter().chain(others);
        nodes.map(|node| self.node(node).connection()).collect()
    }

    fn move_keys_of_slot(&self, source: &mut Connection, slot: u16, to: usize) {
        loop {
            let keys: Vec<Vec<u8>> = redis::cmd("CLUSTER")
                .arg("GETKEYSINSLOT")
                .arg(slot)
                .arg(KEYS_AT_ONCE)
                .query(source)
                .expect("the keys of a slot");
            if keys.is_empty() {
                return;
            }
            self.migrate(source, &keys, to);
        }
    }

    fn migrate(&self, source: &mut Connection, keys: &[Vec<u8>], to: usize) {
        let mut command = redis::cmd("MIGRATE");
        command.arg("127.0.0.1").arg(self.node(to).port()).arg("");
        command.arg(0).arg(5000);
        if let Some(password) = &self.password {
            command.arg("AUTH").arg(password);
        }

        let moved = command.arg("KEYS").arg(keys).exec(source);
        moved.unwrap_or_else(|error| panic!("cannot move keys: {error}"));
    }

    fn identity(&self, node: usize) -> String {
        let identity = redis::cmd("CLUSTER")
            .arg("MYID")
            .query(&mut self.node(node).connection());
        identity.expect("the identity of a node")
    }
}

fn begin(connections: &mut [Connection], slot: u16, identities: &[String; 2]) {
    let slot = slot.to_string();
    let [from, to] = identities;
    set_slot(&mut connections[1], &[&slot, "IMPORTING", from]);
    set_slot(&mut connections[0], &[&slot, "MIGRATING", to]);
}

/// Gives the slot to its new owner: there first, so that no node points to one without the slot.
fn finish(connections: &mut [Connection], slot: u16, owner: &str) {
    let slot = slot.to_string();
    let (source, rest) = connections.split_at_mut(1);
    let (target, others) = rest.split_at_mut(1);
    for connection in target.iter_mut().chain(source).chain(others) {
        set_slot(connection, &[&slot, "NODE", owner]);
    }
}

fn set_slot(connection: &mut Connection, words: &[&str]) {
    let words = [&["CLUSTER", "SETSLOT"], words].concat();
    if let Err(error) = run(connection, &words) {
        panic!("{words:?}: {error}");
    }
}
