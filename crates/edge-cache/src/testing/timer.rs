//! Waiting by the server's clock: a pause also ends when the clock is turned past its end.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_timer::Delay;

use super::lock::lock;
use super::server::Server;

/// Tasks that wait, to be woken when the clock is turned.
#[derive(Debug, Default)]
pub(super) struct Sleepers {
    wakers: HashMap<u64, Waker>,
    next: u64,
}

impl Sleepers {
    /// Takes all tasks, so that the caller can wake them.
    pub(super) fn take(&mut self) -> Vec<Waker> {
        self.wakers.drain().map(|(_, waker)| waker).collect()
    }
}

/// A pause.
pub(super) struct Pause {
    server: Arc<Mutex<Server>>,
    sleepers: Arc<Mutex<Sleepers>>,
    number: u64,
    until: Duration,
    /// Ends the pause where nobody turns the clock.
    real: Delay,
}

impl Pause {
    pub(super) fn new(
        server: &Arc<Mutex<Server>>,
        sleepers: &Arc<Mutex<Sleepers>>,
        duration: Duration,
    ) -> Self {
        let number = {
            let mut sleepers = lock(sleepers);
            sleepers.next += 1;
            sleepers.next
        };

        Self {
            until: lock(server).now().saturating_add(duration),
            server: Arc::clone(server),
            sleepers: Arc::clone(sleepers),
            number,
            real: Delay::new(duration),
        }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Registered before the clock is read, so that no turn is missed.
        let waker = context.waker().clone();
        lock(&self.sleepers).wakers.insert(self.number, waker);
        if lock(&self.server).now() >= self.until {
            return Poll::Ready(());
        }
        Pin::new(&mut self.real).poll(context)
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        lock(&self.sleepers).wakers.remove(&self.number);
    }
}
