//! Administration of a Redis cache: the operations that operators run.
//!
//! Each operation is one module with the same verbs in the same order: a request is parsed and
//! checked, `run` talks to Redis, a report comes back.
//!
//! | Room | Holds |
//! | --- | --- |
//! | [`admin`] | one module for each operation: clear, invalidate, list keys, statistics, health, audit |
//! | [`jobs`] | operations that outlive their request |
//! | [`warmup`] | filling the cache by a plan, and the schedule that keeps it filled |
//! | [`configuration`] | the sections of an application's file: TTLs, rules, deprecated routes, plan |
//! | [`input`] | fields and parameters of requests, tables of files |
//!
//! Nothing here knows Spin, HTTP or an async runtime.

pub mod admin;
pub mod configuration;
mod error;
pub mod input;
pub mod jobs;
mod lua;
#[cfg(test)]
mod properties;
pub mod warmup;

pub use admin::role::Role;
pub use error::Error;
