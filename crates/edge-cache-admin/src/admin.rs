//! Operations of the administration.

mod alert;
pub mod audit;
pub mod change_expiry;
pub mod clear;
mod conditions;
pub mod events;
pub mod expire;
pub mod health;
pub mod inspect_key;
pub mod invalidate;
pub mod job_options;
pub mod list_keys;
pub mod metrics;
pub mod nodes;
pub(crate) mod reading;
mod remove_key;
mod replication;
pub mod role;
pub mod rule_table;
pub mod share;
pub mod stats;
pub mod ttl_table;
mod unreported;
pub mod walks;
