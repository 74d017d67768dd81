//! What tests and benchmarks share: a private `redis-server`, the native connection to it and a proxy before it that fails
//! on demand, a private PostgreSQL.
//!
//! One server per test, because SCAN, INFO and FLUSHDB see the whole server. Everything here panics with a reason when the
//! surroundings are not as they must be: it never runs in production.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be set up must fail its test, and say why"
)]

mod native;
mod postgres;
mod proxy;
mod resp;
mod server;

pub use native::{NativeTransport, client};
pub use postgres::PostgresServer;
pub use proxy::{Fault, Proxy};
pub use server::{RedisServer, free_port};
