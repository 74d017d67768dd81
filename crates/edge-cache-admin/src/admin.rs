//! Operations of the administration.

pub mod audit;
pub mod change_expiry;
pub mod clear;
pub mod events;
pub mod health;
pub mod inspect_key;
pub mod invalidate;
pub mod list_keys;
pub mod metrics;
pub mod nodes;
mod remove_key;
mod replication;
pub mod role;
pub mod rule_table;
pub mod share;
pub mod stats;
pub mod ttl_table;
pub mod walks;
