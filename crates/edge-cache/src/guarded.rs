//! A value that threads share: a mutex that is held for one step, never across a pause.
//!
//! In a component, which has one thread, it costs a flag.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value behind a mutex. A panic of a thread that held it does not make it unusable: each step
/// leaves the value consistent.
#[derive(Debug, Default)]
pub(crate) struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Locks the value for one step.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, value: T) {
        *self.lock() = value;
    }
}

impl<T: Copy> Guarded<T> {
    pub(crate) fn get(&self) -> T {
        *self.lock()
    }
}

impl<T: Default> Guarded<T> {
    /// Takes the value, and leaves the default one.
    pub(crate) fn take(&self) -> T {
        std::mem::take(&mut *self.lock())
    }
}
