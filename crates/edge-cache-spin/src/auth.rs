//! Authentication by token, roles, limits on attempts, and the client's address.

mod attempt_limiter;
mod authentication;
mod authorization;
mod client_address;
mod tokens;

pub use attempt_limiter::AttemptLimiter;
pub use client_address::TrustedProxies;
pub use tokens::{Caller, Tokens, is_long_enough};
