//! A flag that is raised while something is going on, and lowered however that ends.

use std::sync::atomic::{AtomicBool, Ordering};

/// Lowers the flag when it is dropped.
pub(super) struct Raised<'a>(&'a AtomicBool);

impl<'a> Raised<'a> {
    /// Raises the flag; `None` if it was raised already.
    pub(super) fn raise(flag: &'a AtomicBool) -> Option<Self> {
        let was_raised = flag.swap(true, Ordering::AcqRel);
        (!was_raised).then(|| Self(flag))
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
