//! Shares one Redis check between concurrent requests of an instance.
//!
//! Probes and dashboards request `/health`, `/health/ready` and `/stats` often, and `/health` is
//! public. Concurrent requests share one check, including its failure. A request that arrives after
//! the check has ended starts a new one, so a response describes a moment at most one check before
//! its request. Event streams, which check again and again, also accept a recent outcome.
//!
//! ```text
//! A starts a check                         ->  healthy
//! B and C arrive while it is in flight     ->  get A's outcome without a command of their own
//! A's client disconnects before the end    ->  B checks, within the rest of its own time limit
//! ```

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::thread::LocalKey;
use std::time::{Duration, Instant};

use edge_cache_admin::warmup::WarmupStatus;
use spin_sdk::wasip3::wit_bindgen::StreamWriter;
use spin_sdk::wasip3::wit_stream;

use crate::http::serve::HandlerResult;

/// A check that concurrent requests share.
pub struct SharedCheck<T = HandlerResult> {
    in_flight: RefCell<Option<Rc<CheckInFlight<T>>>>,
    /// The last reusable outcome, and when its check began.
    last: RefCell<Option<(Instant, T)>>,
}

/// An outcome that several requests can receive.
pub trait Shareable: Sized {
    /// Returns a copy for another request; `None` if only one can have it.
    fn try_clone(&self) -> Option<Self>;

    /// True if later requests may reuse it. A failure may be over by then.
    fn is_reusable(&self) -> bool;
}

/// One run of a check, and the requests that wait for it.
struct CheckInFlight<T> {
    outcome: OnceCell<T>,
    /// Streams to which nothing is ever written. Each request is a task of its own, and only the
    /// end of a stream wakes the task that reads it.
    waiters: RefCell<Vec<StreamWriter<u8>>>,
}

/// Ends a check when dropped, so that the requests that wait for it go on, however it ended.
struct CheckGuard<T: 'static> {
    shared: &'static LocalKey<SharedCheck<T>>,
    check: Rc<CheckInFlight<T>>,
}

impl<T> SharedCheck<T> {
    /// Creates a check that is not running.
    pub const fn new() -> Self {
        Self {
            in_flight: RefCell::new(None),
            last: RefCell::new(None),
        }
    }

    /// Returns the last outcome if its check began within `max_age`.
    fn recent(&self, max_age: Duration) -> Option<T>
    where
        T: Shareable,
    {
        let last = self.last.borrow();
        let (began, outcome) = last.as_ref()?;
        if began.elapsed() >= max_age {
            return None;
        }
        outcome.try_clone()
    }
}

impl<T> Default for SharedCheck<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Default for CheckInFlight<T> {
    fn default() -> Self {
        Self {
            outcome: OnceCell::new(),
            waiters: RefCell::default(),
        }
    }
}

impl<T> CheckGuard<T> {
    fn begin(shared: &'static LocalKey<SharedCheck<T>>) -> Self {
        let check: Rc<CheckInFlight<T>> = Rc::default();
        shared.with(|shared| shared.in_flight.replace(Some(Rc::clone(&check))));
        Self { shared, check }
    }
}

impl<T> Drop for CheckGuard<T> {
    fn drop(&mut self) {
        self.shared.with(|shared| shared.in_flight.take());
        self.check.waiters.take();
    }
}

/// Returns the outcome of the check that is in flight, or runs `check`.
pub async fn share_check<T: Shareable>(
    shared: &'static LocalKey<SharedCheck<T>>,
    check: impl AsyncFnOnce() -> T,
) -> T {
    while let Some(in_flight) = shared.with(|shared| shared.in_flight.borrow().clone()) {
        let (writer, mut end) = wit_stream::new();
        in_flight.waiters.borrow_mut().push(writer);
        end.next().await;

        // There is no outcome if the request that ran the check ended before it.
        if let Some(outcome) = in_flight.outcome.get().and_then(T::try_clone) {
            return outcome;
        }
    }

    let guard = CheckGuard::begin(shared);
    let outcome = check().await;
    if let Some(copy) = outcome.try_clone() {
        let _ = guard.check.outcome.set(copy);
    }
    outcome
}

/// Like [`share_check`], but also accepts the outcome of a check that began within `max_age`.
pub async fn share_recent_check<T: Shareable>(
    shared: &'static LocalKey<SharedCheck<T>>,
    max_age: Duration,
    check: impl AsyncFnOnce() -> T,
) -> T {
    if let Some(outcome) = shared.with(|shared| shared.recent(max_age)) {
        return outcome;
    }

    share_check(shared, async || {
        let began = Instant::now();
        let outcome = check().await;

        let reusable = outcome.try_clone().filter(T::is_reusable);
        let last = reusable.map(|outcome| (began, outcome));
        shared.with(|shared| *shared.last.borrow_mut() = last);
        outcome
    })
    .await
}

/// A stream has one reader; everything else is shared.
impl Shareable for HandlerResult {
    fn try_clone(&self) -> Option<Self> {
        match self {
            Ok(response) => response.try_clone().map(Ok),
            Err(problem) => Some(Err(problem.clone())),
        }
    }

    fn is_reusable(&self) -> bool {
        self.is_ok()
    }
}

/// A warmup's progress, for the streams that follow it.
impl Shareable for Result<Option<WarmupStatus>, String> {
    fn try_clone(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn is_reusable(&self) -> bool {
        self.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::FutureExt;

    use super::*;

    type Progress = Result<Option<WarmupStatus>, String>;
    type Check = &'static LocalKey<SharedCheck<Progress>>;

    const LONG: Duration = Duration::from_secs(600);

    /// Requests a check, which ends at once with `outcome` if it runs.
    fn request(check: Check, max_age: Duration, runs: &Cell<u32>, outcome: Progress) -> Progress {
        let run = async || {
            runs.set(runs.get() + 1);
            outcome
        };
        let shared = share_recent_check(check, max_age, run);
        shared.now_or_never().unwrap()
    }

    fn failure(text: &str) -> Progress {
        Err(text.to_owned())
    }

    #[test]
    fn a_recent_success_is_reused() {
        thread_local! { static CHECK: SharedCheck<Progress> = const { SharedCheck::new() } }
        let runs = Cell::new(0);

        let first = request(&CHECK, LONG, &runs, Ok(None));
        let second = request(&CHECK, LONG, &runs, failure("second"));

        assert_eq!(first, Ok(None));
        assert_eq!(second, Ok(None));
        assert_eq!(runs.get(), 1);
    }

    #[test]
    fn a_recent_failure_is_not_reused() {
        thread_local! { static CHECK: SharedCheck<Progress> = const { SharedCheck::new() } }
        let runs = Cell::new(0);

        let first = request(&CHECK, LONG, &runs, failure("first"));
        let second = request(&CHECK, LONG, &runs, failure("second"));

        assert_eq!(first, failure("first"));
        assert_eq!(second, failure("second"));
        assert_eq!(runs.get(), 2);
    }

    #[test]
    fn a_failure_replaces_an_older_success() {
        thread_local! { static CHECK: SharedCheck<Progress> = const { SharedCheck::new() } }
        let runs = Cell::new(0);

        let first = request(&CHECK, LONG, &runs, Ok(None));
        let second = request(&CHECK, Duration::ZERO, &runs, failure("second"));
        let third = request(&CHECK, LONG, &runs, failure("third"));

        assert_eq!(first, Ok(None));
        assert_eq!(second, failure("second"));
        assert_eq!(third, failure("third"));
        assert_eq!(runs.get(), 3);
    }
}
