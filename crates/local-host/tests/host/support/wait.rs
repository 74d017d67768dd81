//! Waiting for something that another process does.

use std::time::{Duration, Instant};

/// Longest wait before a test fails.
pub const TIMEOUT: Duration = Duration::from_secs(90);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `find` returns a value. `None` after [`TIMEOUT`].
pub fn wait_for<T>(mut find: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let value = find();
        if value.is_some() || Instant::now() > deadline {
            return value;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Waits until `condition` holds, and fails after [`TIMEOUT`].
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let held = wait_for(|| condition().then_some(()));
    assert!(held.is_some(), "the condition did not hold in time");
}
