//! The end-to-end tests' harness: the application on a host of its own, and a client that checks every answer.
//!
//! A test starts an [`App`] (a private `redis-server` and the application of `spin.toml`), asks it through a [`Client`] and
//! looks into Redis beside it. The client holds every answer against `openapi.yaml`, so a test only says what is special
//! to it. The host is `local-host`; with `EDGE_CACHE_HOST=spin` it is Spin, and the same tests run there.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot do its work must fail the test, and say why"
)]

mod app;
mod caller;
mod client;
mod contract;
mod every;
mod fill;
mod host;
mod monitor;
mod origin;
mod random;
mod raw;
mod reader;
mod routes;
mod wire;

pub use app::{App, Beside, Options, Scheduler, Subscriber};
pub use caller::Caller;
pub use client::{Answer, BASE, Client, encode};
pub use contract::{Contract, contract, repository};
pub use edge_cache_testing::{Fault, PostgresServer, Proxy, RedisServer, free_port};
pub use every::{PROMISED, ask_all, assert_all_recovered, assert_all_unavailable, is_logged, kinds, prepare};
pub use fill::{fill, keys, slots, unlink};
pub use host::is_spin;
pub use monitor::Monitor;
pub use origin::{ORIGIN_TOKEN, Origin};
pub use random::{Random, Request, fill_types};
pub use raw::raw;
pub use reader::{Reader, Waits};
pub use routes::{READ_THROUGH, Route};
pub use wire::{Heard, Wire};
