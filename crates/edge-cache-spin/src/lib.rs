//! What the components share: the Spin face of [`edge_cache`].
//!
//! A component parses its request, calls one function of `edge_cache` and renders the answer; everything else that an
//! endpoint needs is here, once. Only this crate names Spin's Redis, key-value, SQLite, PostgreSQL
//! and variables interfaces.

mod answer;
mod call;
mod config;
mod connection;
mod database;
mod event;
mod guard;
mod instance;
mod log;
mod origin;
mod postgres;
mod postgres_url;
mod problem;
mod request;
mod sources;
mod sqlite;
pub mod store;
mod timing;
mod together;

pub use answer::Answer;
pub use call::{Call, serve};
pub use config::Config;
pub use database::Database;
pub use event::{event, handle_event, publish};
pub use postgres::Postgres;
pub use problem::Problem;
pub use request::Request;
pub use sources::Sources;
pub use spin_sdk::wasip3::http::types::Response;
pub use sqlite::Sqlite;
pub use together::{Question, together};

#[doc(hidden)]
pub use spin_sdk::wasip3;

/// What a handler gives back.
pub type Outcome = Result<Answer, Problem>;
