//! The rules of a Redis cache and of its administration.
//!
//! Nothing here knows of Spin, HTTP or an async runtime: commands go out through the [`Redis`] trait, and [`Client`] makes
//! one of any [`Transport`]. Each operation is a module with the same verbs in the same order: `Request::parse` checks,
//! `run` talks to Redis, a `Report` comes back.

pub mod access;
pub mod alias;
pub mod audit;
pub mod body;
pub mod browse;
mod cache;
pub mod clear;
mod client;
mod codec;
mod counters;
mod error;
pub mod events;
mod fence;
pub mod format;
pub mod health;
#[cfg(all(test, feature = "compile"))]
mod hostile;
pub mod info;
pub mod inspect;
pub mod invalidate;
pub mod key;
pub mod metrics;
pub mod pattern;
mod redis;
mod script;
mod slice;
pub mod stats;
mod sweep;
pub mod tag;
pub mod ttl;
pub mod warmup;

pub use cache::{Cache, Fetched, Item, Options, Outcome, Runtime};
pub use client::{Client, ConnectionEvent, Transport, Within};
pub use error::{Error, ErrorKind, RedisError};
pub use key::KeyName;
pub use pattern::Pattern;
pub use redis::{Arg, Command, Redis, Replies, Reply};
