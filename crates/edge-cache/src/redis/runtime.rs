//! Time and randomness, which the library needs from its host in addition to Redis.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::forward_runtime;

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
    forward_runtime!(self => (**self));
}

impl<R: HostRuntime> HostRuntime for Arc<R> {
    forward_runtime!(self => (**self));
}

impl<R: HostRuntime> HostRuntime for Rc<R> {
    forward_runtime!(self => (**self));
}

/// Implements [`HostRuntime`] for a wrapper by the methods of its connection.
///
/// ```
/// use std::time::Duration;
/// use edge_cache::{HostRuntime, forward_runtime};
///
/// struct Logged<R>(R);
///
/// impl<R: HostRuntime> HostRuntime for Logged<R> {
///     forward_runtime!(self => self.0);
/// }
/// ```
#[macro_export]
macro_rules! forward_runtime {
    ($this:ident => $inner:expr) => {
        async fn sleep(&$this, duration: std::time::Duration) {
            $inner.sleep(duration).await;
        }

        fn random(&$this) -> u64 {
            $inner.random()
        }
    };
}
