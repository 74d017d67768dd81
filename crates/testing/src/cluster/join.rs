//! Joining servers to a cluster.

use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::Connection;

use crate::node::{Node, run};
use crate::slots::SLOTS;

/// The number of primaries.
pub(super) const PRIMARIES: usize = 3;
/// The time limit for nodes to know each other.
const MEETING_LIMIT: Duration = Duration::from_secs(15);

/// The slots of a primary at first.
fn slots_of_primary(number: usize) -> Range<usize> {
    let bound = |number: usize| usize::from(SLOTS) * number / PRIMARIES;
    bound(number)..bound(number + 1)
}

/// Joins the servers: the first three are the primaries, and those after them their replicas in the
/// same order. The cluster is ready a little later.
///
/// Every server meets every other one, because it would hear of them only once a second.
pub(super) fn join(nodes: &[Node]) {
    let mut connections: Vec<Connection> = nodes.iter().map(Node::connection).collect();
    for (number, connection) in connections.iter_mut().enumerate() {
        // Equal epochs would be resolved later, one at a time. Only a lonely node accepts one.
        let epoch = (number + 1).to_string();
        expect(connection, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
    }

    for (number, connection) in connections.iter_mut().enumerate() {
        if number < PRIMARIES {
            let mut slots = redis::cmd("CLUSTER");
            slots.arg("ADDSLOTS");
            slots.arg(slots_of_primary(number).collect::<Vec<_>>());
            slots.exec(connection).expect("slots without owners");
        }

        for other in &nodes[number + 1..] {
            let port = other.port().to_string();
            expect(connection, &["CLUSTER", "MEET", "127.0.0.1", &port]);
        }
    }

    let (primaries, replicas) = connections.split_at_mut(PRIMARIES);
    for (primary, replica) in primaries.iter_mut().zip(replicas) {
        replicate(primary, replica);
    }
}

/// Makes one node the replica of another as soon as it knows it.
fn replicate(primary: &mut Connection, replica: &mut Connection) {
    let id: String = redis::cmd("CLUSTER")
        .arg("MYID")
        .query(primary)
        .expect("the identity of a node");

    let deadline = Instant::now() + MEETING_LIMIT;
    while let Err(error) = run(replica, &["CLUSTER", "REPLICATE", &id]) {
        let is_unknown = error.to_string().contains("Unknown node");
        assert!(
            is_unknown && Instant::now() < deadline,
            "a replica cannot join: {error}"
        );
        sleep(Duration::from_millis(10));
    }
}

fn expect(connection: &mut Connection, words: &[&str]) {
    if let Err(error) = run(connection, words) {
        panic!("{words:?}: {error}");
    }
}
