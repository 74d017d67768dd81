//! The topology of a cluster as one of its nodes sees it.

use redis::{Connection, RedisResult, Value, from_redis_value};

use crate::node::run;
use crate::slots::SLOTS;

/// The cluster as one node reports it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) is_ok: bool,
    /// The port of each slot's primary.
    pub(super) owners: Vec<Option<u16>>,
    /// The ports of all nodes that serve slots.
    pub(super) ports: Vec<u16>,
    pub(super) role: Role,
}

/// The role of the node itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Primary,
    Replica { primary: u16, is_linked: bool },
}

impl View {
    /// Asks a node. Three commands.
    ///
    /// # Errors
    /// The node does not reply, or is not one of a cluster.
    pub(super) fn read(connection: &mut Connection) -> RedisResult<Self> {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(connection)?;
        let (owners, ports) = read_slots(connection)?;
        Ok(Self {
            is_ok: info.contains("cluster_state:ok"),
            owners,
            ports,
            role: read_role(connection)?,
        })
    }

    /// The ports of the primaries, in the order of their slots.
    pub(super) fn primaries(&self) -> Vec<u16> {
        let mut ports = Vec::new();
        for port in self.owners.iter().flatten() {
            if !ports.contains(port) {
                ports.push(*port);
            }
        }
        ports
    }
}

/// The port of each slot's primary, and the ports of all nodes.
fn read_slots(connection: &mut Connection) -> RedisResult<(Vec<Option<u16>>, Vec<u16>)> {
    let ranges: Vec<Vec<Value>> = redis::cmd("CLUSTER").arg("SLOTS").query(connection)?;
    let mut owners = vec![None; usize::from(SLOTS)];
    let mut all = Vec::new();
    for range in ranges {
        let first: usize = from_redis_value(&range[0])?;
        let last: usize = from_redis_value(&range[1])?;

        let mut ports = Vec::new();
        for node in &range[2..] {
            let node: Vec<Value> = from_redis_value(node)?;
            ports.push(from_redis_value::<u16>(&node[1])?);
        }

        owners[first..=last].fill(ports.first().copied());
        all.extend(ports);
    }

    Ok((owners, all))
}

fn read_role(connection: &mut Connection) -> RedisResult<Role> {
    let role: Vec<Value> = from_redis_value(&run(connection, &["ROLE"])?)?;
    let name: String = from_redis_value(&role[0])?;
    if name == "master" {
        return Ok(Role::Primary);
    }

    let state: String = from_redis_value(&role[3])?;
    Ok(Role::Replica {
        primary: from_redis_value(&role[2])?,
        is_linked: state == "connected",
    })
}
