//! What the host itself says, a line each: on stderr about what goes wrong, on stdout about what it serves.

use std::fmt::Display;
use std::io::Write as _;

/// Says what went wrong. Nobody reading is no reason to stop.
pub fn problem(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "local-host: {text}");
}

/// Says what is served.
pub fn notice(text: impl Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}
