//! Lookups whose load is run by the caller, against a real `redis-server`: in a component that
//! cannot await, and in one that can.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod awaited;
mod blocking;
mod synchronous;
