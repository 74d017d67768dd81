//! What makes components run, one module per trigger.

pub mod http;
