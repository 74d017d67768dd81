//! Time and randomness, which the library needs from its host in addition to Redis.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Timers and random numbers of a host.
#[expect(
    async_fn_in_trait,
    reason = "whether the futures are Send depends on the implementation: those of components are not"
)]
pub trait HostRuntime {
    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// Returns a random number, good enough that two instances do not get the same.
    fn random(&self) -> u64;
}

impl<R: HostRuntime> HostRuntime for &R {
    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }

    fn random(&self) -> u64 {
        (**self).random()
    }
}

impl<R: HostRuntime> HostRuntime for Arc<R> {
    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }

    fn random(&self) -> u64 {
        (**self).random()
    }
}

impl<R: HostRuntime> HostRuntime for Rc<R> {
    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }

    fn random(&self) -> u64 {
        (**self).random()
    }
}
