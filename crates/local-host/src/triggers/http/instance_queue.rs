//! The queue in front of a component's instances: only a few requests at once look for one.
//!
//! An instance accepts another request as soon as its current ones wait for something. Requests
//! that arrive at the same moment would find every instance busy and create one each, with memory
//! and connections of its own: a thousand callers, three hundred instances. One after the other,
//! they share a few.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Consecutive checks without progress after which a request no longer queues, because the requests
/// ahead of it compute or are stuck.
///
/// Checks are counted instead of time: a thread that was not scheduled for a while would find all
/// requests late although none is stuck.
const MAX_IDLE_CHECKS: u32 = 5;
const CHECK_INTERVAL: Duration = Duration::from_millis(2);

/// Requests that look for an instance at once. With fewer, throughput falls; with more, a burst
/// creates more instances.
const PLACES: usize = 4;

/// The queue of a component on one thread.
pub struct InstanceQueue {
    places: Arc<Semaphore>,
    /// Requests that have found an instance.
    passed: Arc<AtomicU64>,
}

/// The place of a request that looks for an instance, until this is dropped.
pub struct QueuePlace {
    _permit: OwnedSemaphorePermit,
    passed: Arc<AtomicU64>,
}

impl InstanceQueue {
    pub fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            passed: Arc::default(),
        }
    }

    /// Waits for a place. `None` if the queue makes no progress.
    pub async fn wait_for_place(&self) -> Option<QueuePlace> {
        let permit = match self.places.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait_for_permit().await?,
        };
        Some(QueuePlace {
            _permit: permit,
            passed: self.passed.clone(),
        })
    }

    async fn wait_for_permit(&self) -> Option<OwnedSemaphorePermit> {
        let mut permit = std::pin::pin!(self.places.clone().acquire_owned());
        let mut passed_before = self.passed.load(Relaxed);
        let mut idle_checks = 0;
        while idle_checks < MAX_IDLE_CHECKS {
            if let Ok(permit) = timeout(CHECK_INTERVAL, permit.as_mut()).await {
                return permit.ok();
            }

            let passed = self.passed.load(Relaxed);
            if passed == passed_before {
                idle_checks += 1;
            } else {
                idle_checks = 0;
            }
            passed_before = passed;
        }
        None
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        self.passed.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue with all its places taken.
    async fn full_queue() -> (InstanceQueue, Vec<QueuePlace>) {
        let queue = InstanceQueue::new();
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.extend(queue.wait_for_place().await);
        }
        (queue, places)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_as_long_as_others_make_progress() {
        let (queue, mut places) = full_queue().await;
        let queue = Arc::new(queue);
        let wait = || {
            let queue = queue.clone();
            tokio::spawn(async move { queue.wait_for_place().await })
        };

        // A place becomes free every 9 ms, so the last request waits for 180 ms.
        let waiting: Vec<_> = (0..20).map(|_| wait()).collect();
        for request in waiting {
            tokio::time::sleep(CHECK_INTERVAL * MAX_IDLE_CHECKS - Duration::from_millis(1)).await;
            places.remove(0);
            places.push(request.await.unwrap().unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_does_not_wait_for_a_stuck_queue() {
        let (queue, _places) = full_queue().await;

        let limit = CHECK_INTERVAL * MAX_IDLE_CHECKS * 2;
        let place = timeout(limit, queue.wait_for_place()).await;

        assert!(place.unwrap().is_none());
    }
}
