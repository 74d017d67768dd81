//! A flag that is raised while something is going on, and lowered however that ends.

use std::cell::Cell;

/// Lowers the flag when it is dropped.
pub(super) struct Raised<'a>(&'a Cell<bool>);

impl<'a> Raised<'a> {
    /// Raises the flag.
    pub(super) fn new(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
