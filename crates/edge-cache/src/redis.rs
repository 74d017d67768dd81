//! The one door to Redis: a command goes out, a flat list of replies comes back.
//!
//! Spin's `execute` flattens nested arrays, so [`Reply`] has no nesting either, and every script
//! replies with a fixed stride that [`Replies`] reads. All implementations (Spin's connection, the
//! native one in tests) go through [`RedisClient`], which adds time limits, reconnection and retries.
//!
//! | File | Owns |
//! | --- | --- |
//! | `connection` | [`Redis`], the trait that the rest of the library uses |
//! | `command`, `reply` | what goes out and what comes back |
//! | `concurrently` | round trips that overlap |
//! | `transport`, `runtime` | what a host offers: connections; time and randomness |
//! | `client` | [`RedisClient`]: time limits and retries over a transport |
//! | `clock` | an estimate of Redis' clock |
//! | `connector`, `raised`, `server_mode`, `tls` | opening a connection, and why it cannot be opened |
//! | `keyless` | which servers refuse scripts without keys |
//! | `topology`, `slot_map`, `node` | the nodes that hold the keys, and a connection to one of them |
//! | `sentinel` | the primary that Sentinels name |
//! | `url` | addresses within URLs |
//! | `router`, `cluster`, `redirect`, `key_positions` | sending each command to the node of its key |
//! | `script` | Lua scripts |
//! | `info`, `wrong_type` | `INFO`; which key has the wrong type |

mod client;
mod clock;
mod cluster;
mod command;
mod concurrently;
mod connection;
mod connector;
mod deadline;
mod deadline_client;
pub mod info;
mod key_positions;
mod keyless;
mod node;
mod raised;
mod redirect;
mod reply;
mod router;
mod runtime;
pub mod script;
mod sentinel;
mod server_mode;
mod slot_map;
mod tls;
mod topology;
mod transport;
mod url;
pub(crate) mod wrong_type;

pub use client::RedisClient;
pub use clock::ServerClock;
pub use command::{Arg, Command};
pub use concurrently::concurrently;
pub use connection::Redis;
pub use deadline_client::DeadlineClient;
pub use node::OnNode;
pub use reply::{Replies, Reply};
pub use runtime::HostRuntime;
pub use slot_map::{NodeAddress, SlotMap};
pub use tls::other_scheme;
pub use topology::{ExpectedTopology, Topology};
pub use transport::{ConnectionEvent, Transport};
pub use url::{at_node, database_of, node_of};
