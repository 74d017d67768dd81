//! The host as a process: started with a manifest, used over HTTP, stopped with a signal. Its
//! component is in `../guest` and is built by the first test that needs it. Redis and PostgreSQL are
//! real servers, one for each test that needs one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot continue has failed"
)]

mod connections;
mod http;
mod lifecycle;
mod multiplexed;
mod parity;
mod postgres;
mod redis;
mod startup;
mod storage;
mod support;
mod triggers;
