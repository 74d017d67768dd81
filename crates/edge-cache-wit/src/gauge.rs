//! The pauses and commands that an instance's futures wait for.
//!
//! A turn outlives the call that began it, so its future must not hold a timer of the host, which
//! belongs to one call. Pauses are therefore only instants, and whoever polls a future asks when the
//! next one ends.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use edge_cache::{ErrorKind, RedisError};

/// Pauses, replies in flight and the last refusal of one connection.
#[derive(Debug, Default)]
pub struct Gauge {
    /// The earliest end of a pause among those polled since the last [`Gauge::forget_pauses`].
    next_pause: Cell<Option<Instant>>,
    /// Commands whose replies have not arrived.
    in_flight: Cell<usize>,
    /// Why Redis cannot be used until the configuration changes.
    refusal: RefCell<Option<String>>,
}

impl Gauge {
    /// Returns a pause of this length.
    pub fn pause(self: &Rc<Self>, duration: Duration) -> Pause {
        Pause {
            until: Instant::now() + duration,
            gauge: Rc::clone(self),
        }
    }

    /// Forgets the pauses, before a future is polled.
    pub(crate) fn forget_pauses(&self) {
        self.next_pause.set(None);
    }

    /// Returns how long the future that was just polled pauses; `None` if it does not.
    pub(crate) fn next_pause(&self) -> Option<Duration> {
        let until = self.next_pause.get()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Polls a future, and adds the commands that it began and subtracts those that ended.
    pub(crate) fn count_in_flight<R>(
        &self,
        count: &mut usize,
        poll: impl FnOnce() -> Poll<R>,
    ) -> Poll<R> {
        let before = self.in_flight.get();
        let polled = poll();
        *count = (*count + self.in_flight.get()).saturating_sub(before);
        polled
    }

    /// Counts a command until the returned guard is dropped.
    pub(crate) fn begin_command(&self) -> InFlight<'_> {
        self.in_flight.update(|count| count + 1);
        InFlight(self)
    }

    /// Remembers a failure that only another configuration can end. A reply ends it, too.
    pub(crate) fn record(&self, error: Option<&RedisError>) {
        match error {
            None => *self.refusal.borrow_mut() = None,
            Some(error) if is_refusal(error.kind) => {
                *self.refusal.borrow_mut() = Some(error.message.clone());
            }
            Some(_) => {}
        }
    }

    /// Returns why Redis cannot be used until the configuration changes.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.borrow().clone()
    }
}

/// Returns whether an error lasts until the configuration changes.
fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AddressForbidden
            | ErrorKind::Authentication
            | ErrorKind::ClusterDatabase
            | ErrorKind::SentinelUnsupported
            | ErrorKind::Tls(_)
    )
}

/// Counts a command as in flight until it is dropped.
pub(crate) struct InFlight<'a>(&'a Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.update(|count| count - 1);
    }
}

/// A pause, which ends when it is polled after its end.
#[derive(Debug)]
pub struct Pause {
    until: Instant,
    gauge: Rc<Gauge>,
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        let next = self.gauge.next_pause.get();
        let earlier = next.map_or(self.until, |next| next.min(self.until));
        self.gauge.next_pause.set(Some(earlier));
        Poll::Pending
    }
}
