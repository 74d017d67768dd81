//! A cache over Redis for services: typed values under keys, read through in one call, without
//! stampedes and without stale values after an invalidation.
//!
//! ```no_run
//! use std::time::Duration;
//! use edge_cache::{Cache, Options, Redis, HostRuntime};
//!
//! # async fn popular<C: Redis + HostRuntime>(connection: C) -> Result<(), String> {
//! let cache = Cache::new(connection);
//! let options = Options {
//!     ttl: Some(Duration::from_secs(900)),
//!     tags: &["product-catalog"],
//!     ..Options::default()
//! };
//! let top = cache
//!     .get_or_set("products:popular:list", &options, async || slow_query().await)
//!     .await?;
//! println!("{} products, {:?}", top.value.len(), top.outcome);
//! # Ok(())
//! # }
//! # async fn slow_query() -> Result<Vec<u64>, String> { Ok(vec![1]) }
//! ```
//!
//! | Room | Owns |
//! | --- | --- |
//! | [`cache`] | the calls of services: `get_or_set` and the rest |
//! | [`keyspace`] | keys and values in Redis: names, patterns, tags, fences, locks, codec, walks |
//! | [`redis`] | the door to Redis: commands, replies, a connection that heals, scripts |
//! | `scripts` | the Lua of each, `scripts/lib` for shared parts |
//! | `testing` | a Redis in memory for tests of services |
//!
//! The crate does not depend on Spin, HTTP or an async runtime: commands go out through the
//! [`Redis`] trait, and [`RedisClient`] implements it over any [`Transport`]. Spin components get their
//! cache from `edge-cache-spin`.
//!
//! | Feature | Brings |
//! | --- | --- |
//! | `testing` | `testing::Memory`, a Redis in memory for tests of services |
//! | `tokio` | `tokio::TokioCache`, a cache over the `redis` crate for services on Tokio |
//!
//! None is on by default. The crate needs Rust 1.95; a later version may need a later Rust, which the
//! changelog says.

pub mod cache;
mod error;
mod guarded;
pub mod keyspace;
#[cfg(test)]
mod properties;
pub mod redis;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tokio")]
pub mod tokio;
pub mod units;

#[cfg(feature = "tracing")]
pub use cache::TracingObserver;
pub use cache::{
    Cache, Fetched, LoadError, LoadOutcome, Loaded, LookupOutcome, Near, Observer, Options,
    Previous, SetItem, StoreError, StoreErrorReason,
};
pub use error::{Error, ErrorKind, RedisError, TlsFault};
pub use keyspace::key::KeyName;
pub use keyspace::namespace::Namespace;
pub use keyspace::pattern::Pattern;
pub use redis::{
    Arg, Command, ConnectionEvent, DeadlineClient, HostRuntime, NodeAddress, Redis, RedisClient,
    Replies, Reply, SlotMap, Topology, Transport, other_scheme,
};

/// The example of the README. `cargo test` compiles it.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
