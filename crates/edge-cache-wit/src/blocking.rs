//! Futures in a component that cannot await: its calls of the host block, so a future is pending
//! only while it pauses or waits for another caller.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::gauge::Gauge;
use crate::lookup::{self, Found, Lookup, Progress};

/// The pause of a future that waits for another caller of the same instance.
const POLL_PAUSE: Duration = Duration::from_millis(10);
/// The shortest and the longest time that a caller sleeps before it retries.
const MIN_DELAY: Duration = Duration::from_millis(1);
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Advances a lookup as far as it comes without a pause. For [`Found::Wait`] also how long the caller
/// sleeps before it advances the lookup again.
pub fn advance(mut lookup: Lookup) -> (Found, Duration) {
    let progress = poll(&mut lookup);
    let pause = lookup.gauge().next_pause().unwrap_or(POLL_PAUSE);
    (
        lookup.into_found(progress),
        pause.clamp(MIN_DELAY, MAX_DELAY),
    )
}

/// Stores the loaded value. Returns why it is not in the cache.
pub fn store(lookup: Lookup, value: String) -> Option<String> {
    let problem = lookup.fill(value).err();
    let ended = finish(lookup);
    problem.or_else(|| lookup::store_problem(ended))
}

/// Ends a failed load. Returns the stale value that stands in.
pub fn fail(lookup: Lookup, reason: String) -> Option<String> {
    lookup.fail(reason);
    lookup::stand_in(finish(lookup))
}

/// Finishes a lookup that was given up.
pub fn settle(lookup: Lookup) {
    // Its result has no reader.
    let _ = finish(lookup);
}

/// Renews the lock of a load where that is due; false if the load has ended.
pub fn extend(lookup: &mut Lookup) -> bool {
    !matches!(poll(lookup), Progress::Ended(_))
}

/// Runs a future, blocking the instance while it pauses.
pub fn run<F: Future>(gauge: &Gauge, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        gauge.forget_pauses();
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::sleep(gauge.next_pause().unwrap_or(POLL_PAUSE));
    }
}

fn poll(lookup: &mut Lookup) -> Progress {
    lookup.gauge().forget_pauses();
    lookup.poll(&mut Context::from_waker(Waker::noop()))
}

fn finish(mut lookup: Lookup) -> lookup::Ended {
    let gauge = lookup.gauge();
    let ending = std::future::poll_fn(move |context| match lookup.poll(context) {
        Progress::Ended(ended) => Poll::Ready(ended),
        Progress::Loads | Progress::Waits => Poll::Pending,
    });
    run(&gauge, ending)
}
