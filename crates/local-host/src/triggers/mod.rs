//! The triggers, which run components: one module each.

pub mod cron;
pub mod http;
pub mod redis;
mod stop;

pub use stop::Stop;
