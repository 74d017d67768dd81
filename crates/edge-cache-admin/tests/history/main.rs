//! The history on real servers. Time is that of the server, which a proxy sets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kept;
mod marks;
mod rows;
mod shared;
