//! Fixtures of tests and benchmarks: a private `redis-server` or a Redis in memory in its place, a
//! native connection to it, a proxy that injects faults, and a private PostgreSQL.
//!
//! Each test has its own server, because SCAN, INFO and FLUSHDB see the whole server. A fixture that
//! cannot be set up panics with the reason; none of this runs in production.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be set up fails its test with the reason"
)]

mod entry;
mod memory_server;
mod native;
mod postgres;
mod proxy;
mod resp;
mod server;

pub use entry::store_entry;
pub use native::{client, transport};
pub use postgres::PostgresServer;
pub use proxy::{Fault, Proxy};
pub use server::{RedisServer, free_port};
