//! The interfaces of Spin that this host implements, one file each: its definition, the state that
//! an instance keeps for it, and its functions.
//!
//! An interface knows neither components nor instances. A `...Grant` holds what the manifest grants
//! a component, a `...State` what one instance has open.

pub mod key_value;
pub mod postgres;
pub mod redis;
pub mod sqlite;
mod streams;
pub mod variables;

use wasmtime::component::ResourceTable;

/// The largest reply a component receives, as in Spin.
pub const MAX_REPLY_BYTES: usize = 128 << 20;

/// Stores or connections of one kind that an instance may have open, as in Spin.
const MAX_HANDLES: usize = 256;

/// Spin's error text for a reply above [`MAX_REPLY_BYTES`].
pub fn reply_too_large() -> String {
    format!("query result exceeds limit of {MAX_REPLY_BYTES} bytes")
}

/// An empty table for at most `capacity` handles.
fn handle_table(capacity: usize) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(capacity);
    table
}
