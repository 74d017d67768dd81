//! `GET /api/cache/health`, and the probes below it.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod cost;
mod status;
mod unreachable;

use std::thread;

use end_to_end::App;

/// Lets each thread of the host open its connection, because the time for that does not count as
/// latency: a check that opens one while Redis is paused finds it fast.
fn open_connections(app: &App) {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| app.nobody().get("/health").ok());
        }
    });
}
