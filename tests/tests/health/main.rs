//! `GET /api/cache/health`, and the probes below it.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod cost;
mod replication;
mod status;
mod unreachable;
