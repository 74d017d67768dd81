//! The open connections: how many there are, how long each may do nothing, and how many bytes of
//! responses their clients have not read yet.
//!
//! Without these limits, a few hundred clients that send nothing use every file the process can
//! open, and a few that do not read use its memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::activity::Activity;
use super::limits::Limits;

/// All open connections.
pub struct Connections {
    limits: Limits,
    open: Mutex<HashMap<u64, Arc<Activity>>>,
    accepted: AtomicU64,
    /// Bytes of responses that clients have not read.
    unread: AtomicUsize,
}

/// The place of a connection, until this is dropped.
pub struct OpenConnection {
    number: u64,
    pub activity: Arc<Activity>,
    all: Arc<Connections>,
}

impl Connections {
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
            unread: AtomicUsize::new(0),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a place for a new connection. If all are taken, the connection that has waited for
    /// its client longest is closed. `None` if every connection is busy.
    pub fn admit(self: &Arc<Self>) -> Option<OpenConnection> {
        let is_full = self.open().len() >= self.limits.connections;
        if is_full && !self.close_longest_waiting() {
            return None;
        }

        let number = self.accepted.fetch_add(1, Relaxed);
        let activity = Arc::new(Activity::new());
        self.open().insert(number, activity.clone());
        Some(OpenConnection {
            number,
            activity,
            all: self.clone(),
        })
    }

    /// Closes the connection that has waited for its client longest; connections that were never
    /// used come first. Returns false if none waits.
    pub fn close_longest_waiting(&self) -> bool {
        let open = self.open();
        let waiting = open.values().filter_map(|activity| {
            let since = activity.waits_since()?;
            Some((activity, (activity.is_used(), since)))
        });

        match waiting.min_by_key(|(_, order)| *order) {
            Some((longest, _)) => {
                longest.close();
                true
            }
            None => false,
        }
    }

    /// Returns true if there is memory for another response. Otherwise first closes connections
    /// whose clients have stopped reading, or read too slowly for what they requested; those with
    /// the most unread bytes come first.
    pub fn has_memory(&self) -> bool {
        while self.unread.load(Relaxed) >= self.limits.unread_bytes {
            let open = self.open();
            let slow = open
                .values()
                .filter(|activity| activity.holds_memory(&self.limits));
            let Some(largest) = slow.max_by_key(|activity| activity.unread.load(Relaxed)) else {
                return false;
            };

            largest.close();
            // The thread of the connection frees the memory later. It no longer counts.
            let unread = largest.unread.swap(0, Relaxed);
            self.unread.fetch_sub(unread, Relaxed);
        }
        true
    }

    /// Returns the interval at which connections are checked, so that a limit is exceeded by at most
    /// a quarter of the shortest one.
    fn check_interval(&self) -> Duration {
        let Limits {
            head, idle, stall, ..
        } = self.limits;
        let shortest = head.min(idle).min(stall);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(5))
    }

    /// Adds to the unread bytes of all clients.
    pub(super) fn add_unread(&self, bytes: usize) {
        self.unread.fetch_add(bytes, Relaxed);
    }

    /// Subtracts from the unread bytes of all clients.
    pub(super) fn remove_unread(&self, bytes: usize) {
        self.unread.fetch_sub(bytes, Relaxed);
    }
}

impl OpenConnection {
    /// Returns when the connection has to be closed, because its client exceeded a time limit or
    /// another connection needs the room.
    pub async fn has_to_close(&self) {
        let mut checks = tokio::time::interval(self.all.check_interval());
        loop {
            tokio::select! {
                _ = checks.tick() => if self.activity.is_overdue(&self.all.limits) { return },
                () = self.activity.close_requested() => return,
            }
        }
    }

    pub fn all(&self) -> &Arc<Connections> {
        &self.all
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.all.open().remove(&self.number);
    }
}
