//! The bytes of one response that its client has not read yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::activity::Activity;
use super::connections::Connections;

/// The share of a response in the unread bytes of its connection and of all connections.
pub struct UnreadBytes {
    left: AtomicUsize,
    activity: Arc<Activity>,
    all: Arc<Connections>,
}

impl UnreadBytes {
    pub fn new(bytes: usize, activity: &Arc<Activity>, all: &Arc<Connections>) -> Arc<Self> {
        let unread = Self {
            left: AtomicUsize::new(0),
            activity: activity.clone(),
            all: all.clone(),
        };
        unread.add(bytes);
        Arc::new(unread)
    }

    pub fn add(&self, bytes: usize) {
        self.left.fetch_add(bytes, Relaxed);
        self.activity.unread.fetch_add(bytes, Relaxed);
        self.all.add_unread(bytes);
    }

    /// Records that the connection has received bytes to write.
    pub fn record_unwritten(&self, bytes: usize) {
        self.activity.record_unwritten(bytes);
    }

    /// Records that received bytes are written or given up.
    pub fn record_written(&self, bytes: usize) {
        self.activity.record_written(bytes);
        self.remove(bytes);
    }

    fn remove(&self, bytes: usize) {
        let bytes = subtract_up_to(&self.left, bytes);
        // The bytes of a connection that is being closed were subtracted all at once.
        let bytes = subtract_up_to(&self.activity.unread, bytes);
        self.all.remove_unread(bytes);
    }
}

impl Drop for UnreadBytes {
    fn drop(&mut self) {
        self.remove(self.left.load(Relaxed));
    }
}

/// Subtracts at most `bytes` from a count and returns how many.
fn subtract_up_to(count: &AtomicUsize, bytes: usize) -> usize {
    let before = count.fetch_update(Relaxed, Relaxed, |count| Some(count - count.min(bytes)));
    before.unwrap_or_else(|count| count).min(bytes)
}
