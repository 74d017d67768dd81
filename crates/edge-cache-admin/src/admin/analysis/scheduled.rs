//! The analysis that the schedule makes.

use std::time::{Duration, SystemTime};

use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::units;

use super::request::AnalysisRequest;
use super::store::{self, Lock};
use crate::error::Error;

/// Takes a sample if the newest analysis is older than the interval; an interval of zero means never.
/// Returns whether it did. One round trip while none is due, none if none ever is.
///
/// # Errors
/// Those of the connections.
pub async fn run_due_analysis<R: Redis + HostRuntime, A: Redis>(
    redis: &R,
    trail: &A,
    interval: Duration,
) -> Result<bool, Error> {
    if interval.is_zero() || !is_due(trail, interval).await? {
        return Ok(false);
    }
    let lock = match Lock::acquire(trail, redis.random()).await {
        Err(Error::Conflict(_)) => return Ok(false),
        lock => lock?,
    };

    // Another instance may have finished one since.
    let taken = match is_due(trail, interval).await {
        Ok(true) => {
            let request = AnalysisRequest::scheduled();
            let report = request.sample(redis, trail, "schedule", SystemTime::now());
            report.await.map(|_| true)
        }
        other => other,
    };
    lock.release().await;
    taken
}

async fn is_due<A: Redis>(trail: &A, interval: Duration) -> Result<bool, Error> {
    let newest = store::read_newest_ms(trail).await?;
    let now = units::since_1970_ms(SystemTime::now());
    Ok(newest.is_none_or(|at| at.saturating_add(units::milliseconds(interval)) <= now))
}
