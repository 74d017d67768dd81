//! Hot keys: those that services look up most.
//!
//! The library counts lookups by key and adds them to a hash of their minute (`cache:hot:<minute>`, see
//! `scripts/counters/add.lua`). The schedule turns each minute that has ended into a row, and each hour
//! too. Rows are kept beside the audit trail, like those of the history.
//!
//! ```text
//! cache:hot:29384051                 the keys of this minute; expires after 11 minutes
//! cache:audit:hotkeys:minutes        61 rows of up to 16 KiB
//! cache:audit:hotkeys:hours          25 rows of up to 16 KiB: 1.4 MB in all
//! ```
//!
//! A count is an estimate. `missing` is how much it may be off because a key was not among the kept ones
//! for a while, and `variance` that of sampling.

mod frequency;
mod record;
mod report;
mod row;
mod summary;

pub use frequency::KeyFrequency;
pub use record::record_rows;
pub use report::{HotKey, HotKeysReport, HotKeysRequest, HotModule};

/// Rows of minutes (a stream).
const MINUTES: &str = "cache:audit:hotkeys:minutes";
/// Rows of hours (a stream).
const HOURS: &str = "cache:audit:hotkeys:hours";
/// Rows kept of each kind: an hour, a day; and the one that has just begun.
const MAX_MINUTES: u64 = 61;
const MAX_HOURS: u64 = 25;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;
/// Minutes whose hashes are read, as long as the library keeps them.
const LIVE_MINUTES: u64 = 11;
