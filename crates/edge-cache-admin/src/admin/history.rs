//! History: a row of figures a minute, kept for a day, and one every 15 minutes, kept for 30 days; and
//! marks of what people did, on the same axis.
//!
//! The schedule writes the rows, from the figures that each wake-up reads anyway. A row has the
//! counters' increases since the row before, so it is never negative: a node that restarted has
//! counted from zero. Whoever writes names the row that it counts from, so several schedules write each
//! minute once. A minute that nobody wrote is a gap; the next row counts from before it, and says how
//! many seconds it covers.
//!
//! ```text
//! 12:00  row: 60 s, 1,200 hits          12:01  row: 60 s, 1,180 hits
//! 12:02 to 12:04: no schedule ran       12:05  row: 240 s, 4,800 hits
//! ```
//!
//! A row has at most 500 bytes, so that both streams stay below 3 MB. Nodes and modules that find no room
//! are only in its sums.
//!
//! The streams are kept beside the audit trail (`cache:audit:history:*`), where no clear reaches them.

mod bucket;
mod counters;
mod current;
mod lookups;
mod marks;
mod record;
mod report;
mod request;
mod row;
mod waves;

pub(crate) use current::CurrentFigures;
pub(crate) use marks::read_changes;
pub(crate) use record::record_row;
pub use report::{HistoryReport, HistoryRow, ServiceLookups};
pub use request::HistoryRequest;

/// Rows of minutes (a stream).
const MINUTES: &str = "cache:audit:history:minutes";
/// Rows of quarters of an hour (a stream).
const QUARTERS: &str = "cache:audit:history:quarters";
/// The counters at the newest row (a string).
const STATE: &str = "cache:audit:history:state";
/// Rows kept of each kind: a day, 30 days.
const MAX_MINUTES: u64 = 1440;
const MAX_QUARTERS: u64 = 2880;
const MINUTE_MS: u64 = 60_000;
const QUARTER_MS: u64 = 900_000;
