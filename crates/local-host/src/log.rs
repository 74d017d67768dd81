//! What the host itself says, a line each: on stderr about what goes wrong, on stdout about what it serves.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often a [`Seldom`] speaks.
const SELDOM: Duration = Duration::from_secs(1);

/// Says what went wrong. Nobody reading is no reason to stop.
pub fn problem(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "local-host: {text}");
}

/// Says what is served.
pub fn notice(text: impl Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Something that goes wrong for many requests at once: said once a second, not once a request.
#[derive(Default)]
pub struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Says what went wrong unless that was just said.
    pub fn say(&self, text: impl Display) {
        let Ok(mut said) = self.0.lock() else { return };
        if said.is_none_or(|at| at.elapsed() >= SELDOM) {
            *said = Some(Instant::now());
            problem(text);
        }
    }
}
