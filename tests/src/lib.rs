//! The harness of the end-to-end tests: the application on a host of its own, and a client that
//! checks every response.
//!
//! A test starts an [`App`] (a private `redis-server` and the application of `spin.toml`), sends
//! requests through a [`Client`], and reads Redis directly. The client checks every response
//! against `openapi.yaml`, so a test asserts only what is special to it. The host is `local-host`;
//! with `EDGE_CACHE_HOST=spin` the same tests run on Spin. The Redis is one server; with
//! `EDGE_CACHE_TEST_TOPOLOGY` it is a Cluster, or a server with one database.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot continue must fail the test with the reason"
)]

mod all_routes;
mod app;
mod backend;
mod caller;
mod client;
mod connection;
mod contract;
mod event_stream;
mod fill;
mod host;
mod monitor;
mod names;
mod nginx;
mod nodes;
mod old_addresses;
mod options;
mod origin;
mod own_names;
mod random;
mod raw;
mod reader;
mod redis_user;
mod routes;
mod service;
mod shop;
mod topology;
mod triggers;
mod wire;

pub use all_routes::{
    MAX_RESPONSE_TIME, assert_all_recovered, assert_all_unavailable, create_route_data,
    is_record_logged, problem_types, release_walks, send_all,
};
pub use app::{App, SecondProcess};
pub use caller::Caller;
pub use client::{BASE, Client, Response, encode};
pub use connection::Connection;
pub use contract::{Contract, contract, repository};
pub use edge_cache_testing::{Fault, PostgresServer, Proxy, RedisServer, free_port};
pub use event_stream::EventStream;
pub use fill::{fill, hash_table_bytes, keys, unlink};
pub use host::is_spin;
pub use monitor::Monitor;
pub use names::hard_names;
pub use nginx::Nginx;
pub use options::Options;
pub use origin::{ORIGIN_TOKEN, Origin};
pub use own_names::own_name;
pub use random::{Random, Request, fill_types};
pub use raw::raw;
pub use reader::{Reader, Waits};
pub use redis_user::{documented_user, start_server_with_user};
pub use routes::{READ_THROUGH, Route};
pub use service::Service;
pub use topology::{ONE_SERVER, Topology, runs_on};
pub use triggers::{Scheduler, Subscriber};
pub use wire::{Wire, WireResponse};
