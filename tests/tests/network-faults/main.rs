//! Faults between the application and Redis: replies that are late, cut, garbled or missing, and
//! errors in their place.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod changes;
mod replies;
mod streams;

use end_to_end::{App, Options, assert_all_recovered};

/// Starts an application behind a proxy with the default user of Redis. A login would be one more
/// reply to replace, and any error in its place would be a failed login.
fn proxied() -> App {
    let app = App::with(Options::new().proxied().default_user());
    assert_all_recovered(&app);
    app
}

/// Ends the fault, and releases the locks of warmups and walks whose release was lost.
fn heal(app: &App) {
    app.proxy().heal();
    let mut trail = app.trail();
    let () = redis::cmd("DEL")
        .arg(
            (1..=4)
                .map(|n| format!("cache:{{walks}}:{n}"))
                .collect::<Vec<_>>(),
        )
        .query(&mut trail)
        .unwrap();

    let () = redis::cmd("DEL")
        .arg("lock:cache:warmup")
        .query(&mut app.connection())
        .unwrap();
}
