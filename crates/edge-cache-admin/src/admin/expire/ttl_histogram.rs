//! Keys by their TTL, as responses show them.

use edge_cache::keyspace::bulk_expiry::Lives;
use serde::Serialize;

/// The number of keys by their TTL.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TtlHistogram {
    /// Without a TTL.
    none: u64,
    /// Below a minute.
    under1_minute: u64,
    /// From 1 minute to below 5.
    from1_to5_minutes: u64,
    /// From 5 minutes to below an hour.
    from5_to60_minutes: u64,
    /// From an hour to a day.
    from1_to24_hours: u64,
    /// Above a day.
    over1_day: u64,
}

impl From<Lives> for TtlHistogram {
    fn from(lives: Lives) -> Self {
        Self {
            none: lives.none,
            under1_minute: lives.under_1_minute,
            from1_to5_minutes: lives.from_1_to_5_minutes,
            from5_to60_minutes: lives.from_5_to_60_minutes,
            from1_to24_hours: lives.from_1_to_24_hours,
            over1_day: lives.over_1_day,
        }
    }
}
