//! The activity of one connection: its requests, and how long it has waited for its client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;

use super::limits::{Limits, MIN_READ_RATE};
use super::pace::{Pace, now, since};

/// A transfer that has not moved for this long gives way when there is no room left.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How long a client may need for all its unread bytes when the memory for responses is short.
const MAX_CATCH_UP: Duration = Duration::from_secs(60);

/// The activity of a connection. Instants are those of [`now`]; 0 stands for never.
///
/// Each wait for the client has a clock of its own, which only the awaited bytes advance. A client
/// that does not read its responses gains no time by sending (for example HTTP/2 PINGs), and one
/// that does not send gains none by reading.
#[derive(Default)]
pub struct Activity {
    accepted_at: u64,
    /// The end of the last request. Before the first, when the connection was accepted.
    idle_since: AtomicU64,
    /// The beginning of the request head that is being read; 0 between heads.
    head_began_at: AtomicU64,
    /// Set when the first request arrives.
    used: AtomicBool,
    multiplexed: AtomicBool,
    /// Set if the service answers the request head that was read last.
    served: AtomicBool,
    requests: AtomicUsize,
    /// Start of the time in which the client accepts no bytes; 0 while it does.
    blocked_since: AtomicU64,
    /// Bytes of bodies that the connection has received and not written.
    unwritten: AtomicUsize,
    /// Responses whose next part the client has to request.
    offered: AtomicUsize,
    /// Progress against [`MIN_READ_RATE`].
    read_pace: Pace,
    /// Progress against [`MAX_CATCH_UP`].
    catch_up_pace: Pace,
    /// Requests whose next part the client has to send.
    awaited: AtomicUsize,
    /// When a part of a request arrived last, or began to be awaited.
    last_sent_at: AtomicU64,
    /// Bytes of responses that the client has not read, including those the connection has not
    /// received yet.
    pub(super) unread: AtomicUsize,
    closing: AtomicBool,
    close_requested: Notify,
}

impl Activity {
    /// Starts the clocks of a connection that was just accepted.
    pub fn new() -> Self {
        let now = now();
        Self {
            accepted_at: now,
            idle_since: now.into(),
            ..Self::default()
        }
    }

    /// Asks the task of the connection to close it.
    pub fn close(&self) {
        self.closing.store(true, Relaxed);
        self.close_requested.notify_one();
    }

    /// Returns when [`Self::close`] has been called.
    pub async fn close_requested(&self) {
        self.close_requested.notified().await;
    }

    pub fn is_used(&self) -> bool {
        self.used.load(Relaxed)
    }

    /// Returns the instant since which the connection could be closed in favour of another, because
    /// it is idle or its transfers have stalled.
    pub fn waits_since(&self) -> Option<u64> {
        if self.closing.load(Relaxed) {
            return None;
        }
        match self.waits_for_client_since(&self.catch_up_pace) {
            Some(instant) => (since(instant) >= STALLED_AFTER).then_some(instant),
            None if self.requests.load(Relaxed) == 0 => Some(self.idle_since.load(Relaxed)),
            None => None,
        }
    }

    /// Returns true if the client has exceeded one of its time limits.
    pub fn is_overdue(&self, limits: &Limits) -> bool {
        if let Some(instant) = self.waits_for_client_since(&self.read_pace) {
            return since(instant) >= limits.stall;
        }
        if self.requests.load(Relaxed) > 0 {
            return false;
        }

        let head_began_at = if self.is_used() {
            self.head_began_at.load(Relaxed)
        } else {
            self.accepted_at
        };
        if head_began_at > 0 {
            since(head_began_at) >= limits.head
        } else {
            since(self.idle_since.load(Relaxed)) >= limits.idle
        }
    }

    /// Returns true if the client reads too slowly to keep its unread bytes in memory.
    ///
    /// The pace counts even while no transfer waits for the client: HTTP/2 does not ask for a body
    /// until the client grants a window.
    pub fn holds_memory(&self, limits: &Limits) -> bool {
        let has_stalled = self
            .waits_for_client_since(&self.catch_up_pace)
            .is_some_and(|instant| since(instant) >= STALLED_AFTER);
        self.unread.load(Relaxed) > 0
            && (has_stalled || since(self.read_pace.time()) >= limits.stall)
    }

    /// Returns the instant since which a transfer waits for the client, with `pace` as the clock for
    /// reading.
    fn waits_for_client_since(&self, pace: &Pace) -> Option<u64> {
        let reading = self.has_to_read().then(|| pace.time());
        let is_awaited = self.awaited.load(Relaxed) > 0;
        let sending = is_awaited.then(|| self.last_sent_at.load(Relaxed));
        let blocked_since = self.blocked_since.load(Relaxed);
        let blocked = (blocked_since > 0).then_some(blocked_since);
        [reading, sending, blocked].into_iter().flatten().min()
    }

    fn has_to_read(&self) -> bool {
        self.offered.load(Relaxed) > 0 || self.unwritten.load(Relaxed) > 0
    }

    /// Records that bytes arrived.
    pub fn record_received(&self) {
        // Over HTTP/2, bytes between requests are not a head.
        if self.requests.load(Relaxed) > 0 || self.multiplexed.load(Relaxed) {
            return;
        }

        let _ = self
            .head_began_at
            .compare_exchange(0, now(), Relaxed, Relaxed);
        // While the last response is still being written, these bytes are read ahead of it.
        if self.unwritten.load(Relaxed) == 0 && self.blocked_since.load(Relaxed) == 0 {
            self.served.store(false, Relaxed);
        }
    }

    /// Records whether the client accepted the bytes of a write.
    pub fn record_write(&self, accepted: bool) {
        if accepted {
            self.blocked_since.store(0, Relaxed);
        } else {
            let _ = self
                .blocked_since
                .compare_exchange(0, now(), Relaxed, Relaxed);
        }
    }

    /// Returns true if the host itself answers the last request head, because it did not become a
    /// request.
    pub fn is_unserved(&self) -> bool {
        self.requests.load(Relaxed) == 0 && !self.served.load(Relaxed)
    }

    /// Records that the connection has received bytes of a response to write.
    pub fn record_unwritten(&self, bytes: usize) {
        self.unwritten.fetch_add(bytes, Relaxed);
    }

    /// Records that received bytes are written or given up.
    pub fn record_written(&self, bytes: usize) {
        let count = bytes as u64;
        let unread = self.unread.load(Relaxed) as u64;
        self.read_pace
            .advance(count, MIN_READ_RATE, Duration::from_secs(1));
        self.catch_up_pace
            .advance(count, unread.max(count), MAX_CATCH_UP);
        self.unwritten.fetch_sub(bytes, Relaxed);
    }
}

/// A request in flight, until its response has been passed to the connection.
pub struct RequestInFlight(Arc<Activity>);

impl RequestInFlight {
    pub fn begin(activity: &Arc<Activity>, multiplexed: bool) -> Self {
        activity.used.store(true, Relaxed);
        activity.served.store(true, Relaxed);
        activity.last_sent_at.store(now(), Relaxed);
        activity.head_began_at.store(0, Relaxed);
        activity.multiplexed.store(multiplexed, Relaxed);
        activity.requests.fetch_add(1, Relaxed);
        Self(activity.clone())
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        self.0.idle_since.store(now(), Relaxed);
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

/// A transfer of a body, which waits either for the host or for the client.
pub struct ClientWait {
    activity: Arc<Activity>,
    direction: Direction,
    is_waiting: bool,
}

/// The action that a transfer waits for.
#[derive(Clone, Copy)]
enum Direction {
    Read,
    Send,
}

impl ClientWait {
    /// Tracks a response, which the client has to read.
    pub fn for_reading(activity: &Arc<Activity>) -> Self {
        Self::new(activity, Direction::Read)
    }

    /// Tracks the body of a request, which the client has to send.
    pub fn for_sending(activity: &Arc<Activity>) -> Self {
        Self::new(activity, Direction::Send)
    }

    fn new(activity: &Arc<Activity>, direction: Direction) -> Self {
        Self {
            activity: activity.clone(),
            direction,
            is_waiting: false,
        }
    }

    /// Records that the client has sent the awaited part.
    pub fn record_arrival(&mut self) {
        self.activity.last_sent_at.store(now(), Relaxed);
        self.set_waiting(false);
    }

    /// Records whether the transfer waits for the client from now on.
    pub fn set_waiting(&mut self, is_waiting: bool) {
        if self.is_waiting == is_waiting {
            return;
        }
        self.is_waiting = is_waiting;

        let activity = &self.activity;
        match (self.direction, is_waiting) {
            (Direction::Read, true) => {
                if !activity.has_to_read() {
                    activity.read_pace.restart();
                    activity.catch_up_pace.restart();
                }
                activity.offered.fetch_add(1, Relaxed);
            }
            (Direction::Send, true) => {
                if activity.awaited.fetch_add(1, Relaxed) == 0 {
                    activity.last_sent_at.store(now(), Relaxed);
                }
            }
            (Direction::Read, false) => {
                activity.offered.fetch_sub(1, Relaxed);
            }
            (Direction::Send, false) => {
                activity.awaited.fetch_sub(1, Relaxed);
            }
        }
    }
}

impl Drop for ClientWait {
    fn drop(&mut self) {
        self.set_waiting(false);
    }
}
