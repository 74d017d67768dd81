//! The time of the last successful health check, kept in Spin's key-value store.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use edge_cache::units;
use edge_cache_spin::key_value;

/// Precision of the time. It is not written more often than this.
const PRECISION_SECONDS: u64 = 5;

thread_local! {
    /// The newest time that this instance knows to be stored, in seconds since 1970.
    static STORED: Cell<u64> = const { Cell::new(0) };
}

/// Returns the last time that the Redis at an address was seen; `None` if it is unknown.
pub(crate) async fn read(redis_address: &str) -> Option<String> {
    let seconds: u64 = key_value::read(&store_key(redis_address)).await?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Some(units::timestamp(time))
}

/// Records that the Redis at an address responds now.
pub(crate) async fn record(redis_address: &str) {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let is_due = |stored: u64| now.abs_diff(stored) >= PRECISION_SECONDS;
    let known = STORED.get();
    if !is_due(known) {
        return;
    }
    // Concurrent requests of this instance do not write it, too.
    STORED.set(now);

    // Under load many instances live shorter than the precision. Each reads what others stored,
    // because that is cheaper than writing.
    let key = store_key(redis_address);
    let is_new_instance = known == 0;
    if is_new_instance
        && let Some(stored) = key_value::read(&key).await
        && !is_due(stored)
    {
        STORED.set(stored);
        return;
    }
    key_value::write(&key, &now).await;
}

fn store_key(redis_address: &str) -> String {
    format!("health:last-seen:{redis_address}")
}
