//! Settings of the schedule.

use std::time::Duration;

use edge_cache::keyspace::pattern::Pattern;

use crate::admin::stats::Thresholds;

/// The interval of warmups, and the patterns to clear when memory is short.
#[derive(Debug, Clone)]
pub struct ScheduleSettings {
    /// The time between two warmups.
    pub interval: Duration,
    /// The time between two analyses of the keyspace; zero: none.
    pub analysis_interval: Duration,
    /// The patterns to clear when memory passes the alert, in this order; empty: none.
    pub relief: Vec<Pattern>,
    /// The thresholds of alerts. Above that of memory it is relieved.
    pub thresholds: Thresholds,
}
