//! Free ports of the loopback interface.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::TcpListener;

/// The distance between the port of a cluster's node and that of its bus.
const BUS_OFFSET: u16 = 10_000;
/// The ports for nodes: with their buses they are below those that systems give to outgoing
/// connections, so that a node that was killed finds its port free again.
const NODE_PORTS: std::ops::Range<u16> = 11_000..22_000;

/// A port that was free a moment ago.
///
/// # Panics
/// Panics when the loopback interface has no free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
    listener
        .local_addr()
        .expect("the address of a bound socket")
        .port()
}

/// A port that was free a moment ago, as was the one 10,000 higher, for the bus of a cluster's node.
pub(crate) fn free_node_port() -> u16 {
    loop {
        let random = RandomState::new().build_hasher().finish();
        let offset = random % NODE_PORTS.len() as u64;
        let port = NODE_PORTS.start + u16::try_from(offset).expect("less than the number of ports");

        if is_free(port) && is_free(port + BUS_OFFSET) {
            return port;
        }
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
