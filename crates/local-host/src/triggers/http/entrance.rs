//! The entrance of a component: few requests at once are on their way into its instances.
//!
//! An instance takes another request once what it has waits for something. Requests that come at the same moment would find
//! every instance busy and make one each, with memory and connections of its own: a thousand callers, three hundred instances.
//! One after the other they share a few.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// When nobody has got through between so many looks, requests no longer wait: those before them compute, or are stuck.
///
/// Looks, not a time: a thread that got no processor for a while comes back to find all of them late, and nobody stuck.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// With fewer less is served in the same time, with more a crowd makes more instances.
const PLACES: usize = 4;

/// A component's entrance on one thread.
pub struct Entrance {
    places: Arc<Semaphore>,
    passed: Arc<AtomicU64>,
}

/// A request on its way in, until this is dropped.
pub struct Entering {
    _place: OwnedSemaphorePermit,
    passed: Arc<AtomicU64>,
}

impl Entrance {
    pub fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), passed: Arc::default() }
    }

    /// Waits until there is a place, or nobody gets through.
    pub async fn enter(&self) -> Option<Entering> {
        let place = match self.places.clone().try_acquire_owned() {
            Ok(place) => place,
            Err(_) => self.turn().await?,
        };
        Some(Entering { _place: place, passed: self.passed.clone() })
    }

    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let mut turn = std::pin::pin!(self.places.clone().acquire_owned());
        let mut passed = self.passed.load(Ordering::Relaxed);
        let mut looks = 0;
        while looks < LOOKS {
            if let Ok(place) = timeout(BETWEEN_LOOKS, turn.as_mut()).await {
                return place.ok();
            }
            let before = std::mem::replace(&mut passed, self.passed.load(Ordering::Relaxed));
            looks = if passed == before { looks + 1 } else { 0 };
        }
        None
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entrance with all its places taken.
    async fn full() -> (Entrance, Vec<Entering>) {
        let entrance = Entrance::new();
        let mut inside = Vec::new();
        for _ in 0..entrance.places.available_permits() {
            inside.extend(entrance.enter().await);
        }
        (entrance, inside)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_as_long_as_others_get_through() {
        let (entrance, mut inside) = full().await;
        let entrance = Arc::new(entrance);
        let enter = || {
            let entrance = entrance.clone();
            tokio::spawn(async move { entrance.enter().await })
        };
        // Each has its turn 9 ms after the one before: the last has waited for 180 ms.
        for one in (0..20).map(|_| enter()).collect::<Vec<_>>() {
            tokio::time::sleep(BETWEEN_LOOKS * LOOKS - Duration::from_millis(1)).await;
            inside.remove(0);
            inside.push(one.await.unwrap().unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_gets_through_nobody_waits_for_long() {
        let (entrance, _inside) = full().await;
        assert!(timeout(BETWEEN_LOOKS * LOOKS * 2, entrance.enter()).await.unwrap().is_none());
    }
}
