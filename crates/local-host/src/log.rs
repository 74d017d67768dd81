//! Log lines of the host itself: errors on stderr, and the addresses it serves on stdout.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shortest time between two lines of a [`RateLimitedError`].
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Logs an error. A closed stderr does not stop the host.
pub fn error(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "local-host: {text}");
}

/// Logs what is served.
pub fn info(text: impl Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// An error that many requests meet at once. It is logged once a second instead of once a request.
#[derive(Default)]
pub struct RateLimitedError(Mutex<Option<Instant>>);

impl RateLimitedError {
    /// Logs the error unless it was logged within the last second.
    pub fn log(&self, text: impl Display) {
        let Ok(mut last) = self.0.lock() else { return };
        if last.is_none_or(|at| at.elapsed() >= MIN_INTERVAL) {
            *last = Some(Instant::now());
            error(text);
        }
    }
}
