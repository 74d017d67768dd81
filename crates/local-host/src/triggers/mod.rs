//! What makes components run, one module per trigger.

pub mod cron;
pub mod http;
pub mod redis;

use futures_util::future::{BoxFuture, Shared};

/// Comes when the host is told to stop. What is at work then may end, and nothing new begins.
pub type Stop = Shared<BoxFuture<'static, ()>>;
