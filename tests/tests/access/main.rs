//! Roles and tokens: every route requires its role, and denied attempts are limited.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod attempts;
mod log;
mod roles;
mod tokens;

use end_to_end::{App, Caller, Client, Options};

/// A client with an address of its own, so that its attempts are counted separately.
fn from_elsewhere(app: &App, caller: Caller, number: usize) -> Client {
    let address = format!("192.0.2.{}, 198.51.100.{}", number % 7, number);
    app.client(caller).with_header("x-forwarded-for", &address)
}

fn behind_a_proxy() -> App {
    App::with(Options::new().variable("trusted_proxies", "1"))
}
