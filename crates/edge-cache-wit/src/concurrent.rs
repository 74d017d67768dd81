//! Futures in a component that can await. The host's timer of a call ends with the call.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::gauge::Gauge;
use crate::lookup::{self, Found, Lookup, Progress};

/// The pause of a future that waits for another caller of the same instance. No call can wake
/// another one.
const POLL_PAUSE: Duration = Duration::from_millis(10);

/// The host's timers.
pub trait Timer {
    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// Runs a lookup until it ends or the caller has to load.
pub async fn look_up(mut lookup: Lookup, timer: &impl Timer) -> Found {
    let gauge = lookup.gauge();
    let advancing = poll_fn(|context| match lookup.poll(context) {
        Progress::Waits => Poll::Pending,
        progress @ (Progress::Ended(_) | Progress::Loads) => Poll::Ready(progress),
    });
    let progress = run(&gauge, timer, advancing).await;
    lookup.into_found(progress)
}

/// Stores the loaded value. Returns why it is not in the cache.
pub async fn store(lookup: Lookup, value: String, timer: &impl Timer) -> Option<String> {
    let problem = lookup.fill(value).err();
    let ended = finish(lookup, timer).await;
    problem.or_else(|| lookup::store_problem(ended))
}

/// Ends a failed load. Returns the stale value that stands in.
pub async fn fail(lookup: Lookup, reason: String, timer: &impl Timer) -> Option<String> {
    lookup.fail(reason);
    lookup::stand_in(finish(lookup, timer).await)
}

/// Finishes a lookup that was given up.
pub async fn settle(lookup: Lookup, timer: &impl Timer) {
    // Its result has no reader.
    let _ = finish(lookup, timer).await;
}

/// Renews the lock of a load where that is due; false if the load has ended.
pub async fn extend(lookup: &mut Lookup, timer: &impl Timer) -> bool {
    let gauge = lookup.gauge();
    let renewing = poll_fn(|context| match lookup.poll(context) {
        Progress::Waits => Poll::Pending,
        progress => Poll::Ready(!matches!(progress, Progress::Ended(_))),
    });
    run(&gauge, timer, renewing).await
}

/// Runs a future, and polls it again when its next pause has ended.
pub async fn run<F: Future>(gauge: &Gauge, timer: &impl Timer, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut in_flight = 0;
    let mut pausing: Option<Pin<Box<dyn Future<Output = ()> + '_>>> = None;

    poll_fn(|context| {
        loop {
            gauge.forget_pauses();
            let poll = || future.as_mut().poll(context);
            let polled = gauge.count_in_flight(&mut in_flight, poll);
            if polled.is_ready() {
                return polled;
            }

            // A reply wakes this call by itself.
            let idle = Some(POLL_PAUSE).filter(|_| in_flight == 0);
            pausing = gauge
                .next_pause()
                .or(idle)
                .map(|pause| Box::pin(timer.sleep(pause)) as _);
            if !has_ended(&mut pausing, context) {
                return Poll::Pending;
            }
        }
    })
    .await
}

fn has_ended(
    pausing: &mut Option<Pin<Box<dyn Future<Output = ()> + '_>>>,
    context: &mut Context<'_>,
) -> bool {
    pausing
        .as_mut()
        .is_some_and(|pausing| pausing.as_mut().poll(context).is_ready())
}

async fn finish(mut lookup: Lookup, timer: &impl Timer) -> lookup::Ended {
    let gauge = lookup.gauge();
    let ending = poll_fn(|context| match lookup.poll(context) {
        Progress::Ended(ended) => Poll::Ready(ended),
        Progress::Loads | Progress::Waits => Poll::Pending,
    });
    run(&gauge, timer, ending).await
}
