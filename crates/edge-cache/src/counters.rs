//! What the administration did, counted in Redis: invalidations by kind, clears, warmups by result, keys removed.
//!
//! Look-ups are counted apart, by module ([`crate::key::LOOKUPS`]).

use crate::key::COUNTERS;
use crate::redis::{Arg, Redis};
use crate::script::COUNT;

/// More fields than this the hash never has.
const MOST: u64 = 100;

/// Adds to counters named `what:kind`; zeros are left out. One round trip, or none.
///
/// A count that is lost harms nobody but a chart, so a failure is not told.
pub(crate) async fn add<R: Redis>(redis: &R, counts: &[(&str, u64)]) {
    let pairs = counts.iter().filter(|(_, count)| *count > 0);
    let pairs: Vec<Arg> = pairs.flat_map(|(name, count)| [Arg::from(*name), (*count).into()]).collect();
    if !pairs.is_empty() {
        let _ = COUNT.run(redis, [COUNTERS.into()], [MOST.into()].into_iter().chain(pairs)).await;
    }
}
