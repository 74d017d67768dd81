//! Redis frozen, killed, restarted, locked, read-only, full, or with keys of other clients: the
//! documented response in time, and automatic recovery.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod connection;
mod full;
mod permissions;
mod writes;
mod wrong_type;

use end_to_end::Connection;

fn command(redis: &mut Connection, words: &[&str]) {
    let (name, arguments) = words.split_first().unwrap();
    let _: redis::Value = redis::cmd(name).arg(arguments).query(redis).unwrap();
}

/// Closes the application's connections, so that it has to open new ones.
fn disconnect_clients(redis: &mut Connection) {
    command(redis, &["CLIENT", "KILL", "TYPE", "normal"]);
}
