//! The signal that ends all triggers.

use futures_util::future::{BoxFuture, Shared};

/// Completes when the host has to stop. Running work may end; nothing new begins.
pub type Stop = Shared<BoxFuture<'static, ()>>;
