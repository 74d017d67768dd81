//! The Spin side of [`edge_cache`] and [`edge_cache_admin`], shared by all components.
//!
//! A component parses its request, calls one function of those crates and renders its report.
//! Everything else that an endpoint needs is here. A component that only needs a cache calls
//! [`cache`]. Only this crate uses Spin's Redis, key-value,
//! SQLite, PostgreSQL and variables interfaces.
//!
//! - `http`: requests, routes, responses and problems; `serve` is where a request enters.
//! - `auth` and `audit_recording`: tokens and roles; records of changes and denied attempts.
//! - `caches`, `instance`, `config` and `connection`: what an instance keeps between requests.
//! - `configuration`: the configuration file.
//! - `editing`, `event`, `invalidation`, `jobs` and `warmup_jobs`: what several components do in the same way.
//! - `sources` and `key_value`: Spin's databases, and its key-value store.
//! - `webhooks`: requests to the webhooks of alerts.

mod audit_recording;
pub mod auth;
mod caches;
mod config;
mod configuration;
mod connection;
mod editing;
mod event;
mod http;
mod instance;
mod invalidation;
mod jobs;
pub mod key_value;
mod log;
mod misconfiguration;
#[cfg(test)]
mod properties;
mod sources;
mod time_limits;
mod warmup_jobs;
mod webhooks;

pub use caches::{SpinCache, cache, cache_at};
pub use config::{BadVariable, Config};
pub use connection::SpinTransport;
pub use edge_cache_host_errors as host_errors;
pub use event::{handle_event, parse_event, publish_event, run_event};
pub use http::{
    Call, HandlerResult, Method, Problem, Request, Response, Route, SharedCheck, alias,
    decode_segment, key_from_path, serve, serve_misconfigured, serve_not_found, share_check,
    share_recent_check,
};
pub use instance::configured_cache;
pub use misconfiguration::Misconfiguration;
pub use sources::{Database, Postgres, Sources, Sqlite};
/// The host's response, which [`serve`] returns.
pub use spin_sdk::wasip3::http::types::Response as HostResponse;
pub use warmup_jobs::ConfiguredPlan;
pub use webhooks::Webhooks;

#[doc(hidden)]
pub use spin_sdk::wasip3;

/// The examples of the README and of the library's guide. `cargo test` compiles and runs them.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/library.md")]
    struct Library;
}
