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
//! | `transport`, `runtime` | what a host offers: connections; time and randomness |
//! | `client` | [`RedisClient`]: time limits and retries over a transport |
//! | `clock` | an estimate of Redis' clock |
//! | `connector`, `raised`, `topology`, `tls` | opening a connection, and why it cannot be opened |
//! | `script` | Lua scripts |
//! | `info`, `wrong_type` | `INFO`; which key has the wrong type |

mod client;
mod clock;
mod command;
mod connection;
mod connector;
mod deadline;
pub mod info;
mod raised;
mod reply;
mod runtime;
pub mod script;
mod tls;
mod topology;
mod transport;
pub(crate) mod wrong_type;

pub use client::{DeadlineClient, RedisClient};
pub use clock::ServerClock;
pub use command::{Arg, Command};
pub use connection::Redis;
pub use reply::{Replies, Reply};
pub use runtime::HostRuntime;
pub use tls::other_scheme;
pub use transport::{ConnectionEvent, Transport};
