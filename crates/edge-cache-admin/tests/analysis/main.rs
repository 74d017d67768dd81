//! Analyses on real servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod exact;
mod full;
mod kept;
mod sampled;
mod shared;
mod sizes;
