//! The slow commands of each node, kept beyond the 128 entries of a server's own log.
//!
//! `SLOWLOG` is read on each node, `COMMANDLOG` where the server has it (Valkey 8.1 and later), which
//! also has large requests and large replies. New entries are appended to a stream, the last 2,000
//! are kept. Whoever asks for the log and each wake-up of the schedule read the nodes; what was read
//! of a node is recorded with the entries in one step, so none is kept twice.
//!
//! Values never leave this module: an entry has the command, the names of its first keys, and the
//! number of its arguments. A script of edge-cache is shown by its name.
//!
//! A node that refuses is asked again after an hour.
//!
//! The stream is kept beside the audit trail (`cache:audit:slowlog`), where no clear reaches it.

mod collect;
mod command;
mod entry;
mod group;
mod known_node;
mod logged;
mod own_scripts;
mod page;

pub use collect::{Collected, NodeLog, collect_entries};
pub use entry::LogKind;
pub use group::SlowGroup;
pub use page::{SlowEntry, SlowlogPage, SlowlogRequest};

/// The kept entries (a stream).
const ENTRIES: &str = "cache:audit:slowlog";
/// The state of each node: its newest entry, and why it refuses (a hash of JSON).
const NODES: &str = "cache:audit:slowlog:nodes";
/// Entries kept: about 1 MB.
const MAX_ENTRIES: u64 = 2000;
