//! The kind of a server: a single one, a node of a Cluster, or a Sentinel. It is found out once for
//! each connection that is opened.
//!
//! ```text
//! HELLO -> mode: standalone    the server holds all keys
//! HELLO -> mode: cluster       it holds those of its slots
//! HELLO -> mode: sentinel      it holds none: 503 sentinel-not-supported
//! ```

use std::sync::atomic::{AtomicU8, Ordering};

use super::command::Command;
use super::info::Info;
use super::reply::{Replies, Reply};
use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};

/// The kind of a server that holds keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerMode {
    /// It holds all keys.
    Single,
    /// A node of a Cluster.
    Cluster,
}

/// The kind of server that was found last. Each command reads it.
#[derive(Debug, Default)]
pub(super) struct FoundMode(AtomicU8);

impl FoundMode {
    /// The kind; `None` before it was found.
    pub(super) fn get(&self) -> Option<ServerMode> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(ServerMode::Single),
            2 => Some(ServerMode::Cluster),
            _ => None,
        }
    }

    pub(super) fn set(&self, mode: ServerMode) {
        let number = match mode {
            ServerMode::Single => 1,
            ServerMode::Cluster => 2,
        };
        self.0.store(number, Ordering::Release);
    }
}

/// Finds out the kind of a server. One round trip (`HELLO`, a few microseconds of the server's time)
/// for each connection; a second (`INFO cluster`) where `HELLO` is unknown or not permitted. A server
/// that replies to neither counts as a single one.
///
/// # Errors
/// [`ErrorKind::SentinelUnsupported`], and those of the connection.
pub(super) async fn find<T: Transport>(
    transport: &T,
    connection: &T::Connection,
) -> Result<ServerMode, RedisError> {
    let mode = match transport.send(connection, &Command::read("HELLO")).await {
        Ok(replies) => mode(&replies),
        Err(error) if is_unknown(&error) => None,
        Err(error) => return Err(error),
    };

    match mode {
        Some(mode) => of_name(&mode),
        None => ask_info(transport, connection).await,
    }
}

fn of_name(mode: &str) -> Result<ServerMode, RedisError> {
    match mode {
        "cluster" => Ok(ServerMode::Cluster),
        "sentinel" => Err(sentinel()),
        _ => Ok(ServerMode::Single),
    }
}

async fn ask_info<T: Transport>(
    transport: &T,
    connection: &T::Connection,
) -> Result<ServerMode, RedisError> {
    let command = Command::read("INFO").arg("cluster");
    let text = match transport.send(connection, &command).await {
        Ok(replies) => Replies::new(replies).text(),
        Err(error) if is_unknown(&error) => return Ok(ServerMode::Single),
        Err(error) => return Err(error),
    };

    let info = text.map(Info::new).unwrap_or_default();
    Ok(match info.text("cluster_enabled") {
        Some("1") => ServerMode::Cluster,
        _ => ServerMode::Single,
    })
}

/// Returns whether the command is unknown or not permitted, which says nothing about the server.
fn is_unknown(error: &RedisError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Server | ErrorKind::Permission | ErrorKind::Protocol
    )
}

/// Finds `mode` among `HELLO`'s names and values. Modules are nested in the reply, so it has no
/// fixed stride.
fn mode(replies: &[Reply]) -> Option<String> {
    let text = |reply: &Reply| match reply {
        Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
        Reply::Status(status) => Some(status.clone()),
        _ => None,
    };

    let at = replies
        .iter()
        .position(|reply| text(reply).as_deref() == Some("mode"))?;
    replies.get(at + 1).and_then(text)
}

fn sentinel() -> RedisError {
    RedisError::new(
        ErrorKind::SentinelUnsupported,
        "this server is a Sentinel, which holds no keys; use the address of the primary that it watches",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_found_by_its_name_whatever_follows() {
        let text = |text: &str| Reply::Bytes(text.into());
        let hello = [
            "server", "redis", "version", "8.0.2", "mode", "sentinel", "role", "sentinel",
            "modules", "name", "mode",
        ];

        assert_eq!(mode(&hello.map(text)).as_deref(), Some("sentinel"));
        assert_eq!(mode(&[Reply::Nil, text("mode")]), None);
    }

    #[test]
    fn a_sentinel_is_refused() {
        let refused = of_name("sentinel").unwrap_err();

        assert_eq!(refused.kind, ErrorKind::SentinelUnsupported);
        assert_eq!(of_name("cluster"), Ok(ServerMode::Cluster));
        assert_eq!(of_name("standalone"), Ok(ServerMode::Single));
    }
}
