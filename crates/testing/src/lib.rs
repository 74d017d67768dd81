//! Fixtures of tests and benchmarks: a private `redis-server` or a Redis in memory in its place, a
//! native connection to it, a proxy that injects faults and restricts commands, a private cluster,
//! servers with Sentinels, and a private PostgreSQL.
//!
//! Each test has its own server, because SCAN, INFO and FLUSHDB see the whole server. A fixture that
//! cannot be set up panics with the reason; none of this runs in production.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be set up fails its test with the reason"
)]

mod cluster;
mod entry;
mod kind;
mod memory_server;
mod native;
mod node;
mod ports;
mod postgres;
mod process;
mod proxy;
mod replication;
mod resp;
mod restricted;
mod sentinels;
mod server;
mod slots;

pub use cluster::{Cluster, ClusterOptions};
pub use entry::store_entry;
pub use kind::ServerKind;
pub use native::{client, transport};
pub use node::Node;
pub use ports::free_port;
pub use postgres::PostgresServer;
pub use proxy::{Fault, Proxy, Restrictions, SelectRule, SlotRule};
pub use replication::wait_for_replicas;
pub use restricted::Restricted;
pub use sentinels::{SentinelOptions, Sentinels};
pub use server::RedisServer;
pub use slots::slot_of_key;
