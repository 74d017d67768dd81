//! The pace of a job: matching keys per second, and a rest that grows while a node is slow.

use std::time::{Duration, Instant};

use edge_cache::redis::{Command, Redis};
use edge_cache::units;
use futures_util::future::join_all;

use super::record::{Job, JobWork};

/// The shortest and the longest rest between two batches while a node is slow.
const MIN_REST_MS: u64 = 50;
const MAX_REST_MS: u64 = 5000;

/// The most keys of a node that may match in one batch, at a pace; `None` for no limit. The wait
/// after it counts those of all nodes.
pub(super) fn quota_of_batch(work: &JobWork) -> Option<u64> {
    let rate = work.max_keys_per_second?;
    Some((rate / 5).max(1))
}

/// The rest after a batch, in milliseconds, from the one before: doubled while a node is slow,
/// halved while none is.
fn next_rest_ms(rest_ms: u64, is_slow: bool) -> u64 {
    if is_slow {
        (rest_ms * 2).clamp(MIN_REST_MS, MAX_REST_MS)
    } else if rest_ms <= MIN_REST_MS {
        0
    } else {
        rest_ms / 2
    }
}

/// Measures the latency of the slowest node by `PING`, which waits for whatever the node does, and
/// adapts the rest of the job to a limit in milliseconds. One round trip; none without a limit.
pub(super) async fn adapt_rest<R: Redis>(redis: &R, job: &mut Job, limit_ms: Option<u64>) {
    let Some(limit_ms) = limit_ms else {
        return;
    };
    let Ok(topology) = redis.topology().await else {
        return;
    };
    let nodes = topology.nodes(redis);
    let pings = nodes.iter().map(|node| async move {
        let sent = Instant::now();
        node.execute(Command::read("PING")).await.ok()?;
        Some(sent.elapsed())
    });

    let slowest = join_all(pings).await.into_iter().flatten().max();
    job.latency_us = slowest.map(|latency| units::milliseconds(latency * 1000));
    let is_slow = slowest.is_some_and(|latency| latency > Duration::from_millis(limit_ms));
    job.rest_ms = next_rest_ms(job.rest_ms, is_slow);
}

/// The time from the beginning of a batch to that of the next: its keys keep to the pace, and the
/// rest follows the walk, which took so long.
pub(super) fn time_of_batch(job: &Job, matched: u64, walk: Duration) -> Duration {
    let rest = Duration::from_millis(job.rest_ms);
    let takes = job
        .work
        .max_keys_per_second
        .map_or(0, |rate| matched.saturating_mul(1000) / rate.max(1));
    Duration::from_millis(takes).max(walk + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_grows_while_a_node_is_slow_and_ends_when_it_is_not() {
        let mut rests = vec![0];
        for is_slow in [true, true, true, false, false, false] {
            rests.push(next_rest_ms(rests.last().copied().unwrap(), is_slow));
        }

        assert_eq!(rests, [0, 50, 100, 200, 100, 50, 0]);
        assert_eq!(next_rest_ms(4000, true), MAX_REST_MS);
    }
}
