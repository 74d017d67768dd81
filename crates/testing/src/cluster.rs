//! A private Redis Cluster or Valkey Cluster: three primaries with a replica each, removed when
//! dropped. It is ready after a little more than 2 s, in which primaries accept no writes.

mod join;
mod moving;
mod options;
mod topology;

use std::collections::BTreeSet;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

pub use options::ClusterOptions;

use crate::RedisServer;
use crate::node::Node;
use crate::slots::slot_of_key;
use join::PRIMARIES;
use topology::{Role, View};

/// The time limit for a cluster to start or to recover.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// The time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// A running cluster. Nodes have numbers: 0 to 2 are the primaries at first, and 3 to 5 their replicas
/// in the same order.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    password: Option<String>,
}

impl Cluster {
    /// Starts a cluster with the default options.
    ///
    /// # Panics
    /// Panics when the servers are not installed or do not form a cluster.
    pub fn start() -> Self {
        Self::with(ClusterOptions::new())
    }

    /// Starts a cluster and waits until all slots are served and all replicas are linked.
    ///
    /// # Panics
    /// Panics when the servers are not installed or do not form a cluster; prints their logs.
    pub fn with(options: ClusterOptions) -> Self {
        let count = if options.has_replicas {
            2 * PRIMARIES
        } else {
            PRIMARIES
        };
        let server_options = options.of_server();
        let server_options: Vec<&str> = server_options.iter().map(String::as_str).collect();
        let start = || RedisServer::of_kind(options.kind, &server_options);

        let servers: Vec<RedisServer> = thread::scope(|scope| {
            let starting: Vec<_> = (0..count).map(|_| scope.spawn(start)).collect();
            starting
                .into_iter()
                .map(|thread| thread.join().expect("a node that starts"))
                .collect()
        });

        let nodes = servers
            .into_iter()
            .map(|server| Node::new(server, options.password.clone()));
        let cluster = Self {
            nodes: nodes.collect(),
            password: options.password,
        };
        join::join(&cluster.nodes);
        cluster.wait_until_ok();
        cluster
    }

    /// The address of the first node, password included.
    pub fn url(&self) -> String {
        self.node(0).url(0)
    }

    /// A node, whether or not it runs.
    ///
    /// # Panics
    /// Panics when there are fewer nodes.
    pub fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes that own slots now, in the order of their slots.
    pub fn primaries(&self) -> Vec<usize> {
        let ports = self.primary_ports().into_iter();
        ports.map(|port| self.number_of_port(port)).collect()
    }

    /// The ports of the nodes that own slots now, in the order of their slots.
    pub fn primary_ports(&self) -> Vec<u16> {
        self.view().primaries()
    }

    /// The nodes that are replicas of this one now and reply.
    pub fn replicas_of(&self, primary: usize) -> Vec<usize> {
        let port = self.node(primary).port();
        let is_replica = |number: &usize| {
            let view = self.view_of(*number);
            matches!(view.map(|view| view.role), Some(Role::Replica { primary, .. }) if primary == port)
        };
        (0..self.nodes.len()).filter(is_replica).collect()
    }

    /// The node that owns a slot now.
    ///
    /// # Panics
    /// Panics when none does.
    pub fn owner_of_slot(&self, slot: u16) -> usize {
        let owner = self.view().owners[usize::from(slot)];
        self.number_of_port(owner.unwrap_or_else(|| panic!("no node owns slot {slot}")))
    }

    /// The node that owns each slot now.
    ///
    /// # Panics
    /// Panics when a slot has no owner.
    pub fn owners_of_slots(&self) -> Vec<usize> {
        let owners = self.view().owners.into_iter();
        owners
            .map(|port| self.number_of_port(port.expect("each slot has an owner")))
            .collect()
    }

    /// The node that owns a key's slot now.
    ///
    /// # Panics
    /// Panics when none does.
    pub fn owner_of_key(&self, key: &str) -> usize {
        self.owner_of_slot(slot_of_key(key.as_bytes()))
    }

    /// Ends a node at once, as a crash would.
    pub fn kill(&mut self, number: usize) {
        self.nodes[number].kill();
    }

    /// Starts a killed node again, on the same port, with the identity that it had and without keys.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn restart(&mut self, number: usize) {
        self.nodes[number].launch();
    }

    /// Stops a node's process: connections stay open, and commands get no reply.
    pub fn freeze(&self, number: usize) {
        self.node(number).freeze();
    }

    /// Continues a frozen node.
    pub fn thaw(&self, number: usize) {
        self.node(number).thaw();
    }

    /// Waits until the nodes that reply agree: each slot has an owner that replies, and each replica is
    /// linked to a primary that does. After a primary was killed or frozen, this is when its replica
    /// was promoted.
    ///
    /// # Panics
    /// Panics after 30 s.
    pub fn wait_until_ok(&self) {
        let deadline = Instant::now() + READY_LIMIT;
        while let Err(reason) = self.check() {
            assert!(
                Instant::now() < deadline,
                "the cluster is not ready: {reason}"
            );
            sleep(CHECK_INTERVAL);
        }
    }

    /// The reason that the cluster is not ready.
    fn check(&self) -> Result<(), String> {
        let replying = |number: &usize| self.nodes[*number].replies();
        let numbers: Vec<usize> = (0..self.nodes.len()).filter(replying).collect();
        let port = |number: &usize| self.nodes[*number].port();
        let ports: BTreeSet<u16> = numbers.iter().map(port).collect();

        let mut agreed: Option<View> = None;
        for number in numbers {
            let view = self
                .view_of(number)
                .ok_or_else(|| format!("node {number} does not reply"))?;
            self.check_view(number, &view, &ports)?;

            match &agreed {
                Some(first) if first.owners != view.owners => {
                    return Err(format!("node {number} knows other owners of slots"));
                }
                Some(_) => {}
                None => agreed = Some(view),
            }
        }
        Ok(())
    }

    /// Checks what one node reports; `replying` has the ports of the nodes that reply.
    fn check_view(
        &self,
        number: usize,
        view: &View,
        replying: &BTreeSet<u16>,
    ) -> Result<(), String> {
        let port = self.nodes[number].port();
        let owners: BTreeSet<u16> = view.owners.iter().flatten().copied().collect();
        let listed = |port: &u16| view.ports.contains(port);

        if !view.is_ok || view.owners.contains(&None) {
            return Err(format!("node {number} does not see all slots served"));
        }
        if !owners.is_subset(replying) {
            return Err(format!("node {number} counts on one that does not reply"));
        }
        match view.role {
            Role::Primary => Ok(()),
            Role::Replica { .. } if owners.contains(&port) => {
                Err(format!("node {number} owns slots as a replica"))
            }
            Role::Replica { primary, is_linked } if !is_linked || !replying.contains(&primary) => {
                Err(format!("node {number} is not linked to its primary"))
            }
            Role::Replica { primary, .. } if owners.contains(&primary) && !listed(&port) => {
                Err(format!("node {number} is not listed as a replica"))
            }
            Role::Replica { .. } => Ok(()),
        }
    }

    /// The topology that the first node that replies reports.
    fn view(&self) -> View {
        (0..self.nodes.len())
            .find_map(|number| self.view_of(number))
            .expect("a node that replies")
    }

    fn view_of(&self, number: usize) -> Option<View> {
        let node = &self.nodes[number];
        let mut connection = node
            .replies()
            .then(|| node.try_connection().ok())
            .flatten()?;
        View::read(&mut connection).ok()
    }

    fn number_of_port(&self, port: u16) -> usize {
        let number = self.nodes.iter().position(|node| node.port() == port);
        number.expect("a port of a node")
    }
}
