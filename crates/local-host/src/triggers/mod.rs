//! What makes components run, one module per trigger.

pub mod cron;
pub mod http;
pub mod redis;
