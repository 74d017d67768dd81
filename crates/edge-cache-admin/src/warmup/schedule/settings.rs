//! Settings of the schedule.

use std::time::Duration;

use edge_cache::keyspace::pattern::Pattern;

/// The interval of warmups, and the patterns to clear when memory is short.
#[derive(Debug, Clone)]
pub struct ScheduleSettings {
    /// The time between two warmups.
    pub interval: Duration,
    /// The patterns to clear when memory passes the alert, in this order; empty: none.
    pub relief: Vec<Pattern>,
    /// The alert, in percent of `maxmemory`.
    pub memory_percent: f64,
}
