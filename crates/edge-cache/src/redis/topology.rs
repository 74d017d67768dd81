//! Check of the server's kind, once for each connection that is opened.
//!
//! A node of a Redis Cluster returns scans, counts and `INFO` of itself alone, and a script that
//! touches keys of several slots can disable scripts there for every client. So a node is refused
//! before anything else is sent to it. So is a Sentinel, which replies to `PING` and holds no keys.
//!
//! ```text
//! HELLO -> mode: standalone    the connection is used
//! HELLO -> mode: cluster       every route but liveness: 503 cluster-not-supported; services get their loader's value
//! HELLO -> mode: sentinel      503 sentinel-not-supported
//! ```

use super::command::Command;
use super::info::Info;
use super::reply::{Replies, Reply};
use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};

/// Refuses a node of a Cluster and a Sentinel. One round trip (`HELLO`, a few microseconds of the
/// server's time) for each connection; a second (`INFO cluster`) where `HELLO` is unknown or not
/// permitted. A server that replies to neither counts as a single one.
///
/// # Errors
/// [`ErrorKind::ClusterUnsupported`], [`ErrorKind::SentinelUnsupported`], and those of the
/// connection.
pub async fn check<T: Transport>(
    transport: &T,
    connection: &T::Connection,
) -> Result<(), RedisError> {
    let mode = match transport.send(connection, &Command::read("HELLO")).await {
        Ok(replies) => mode(&replies),
        Err(error) if is_unknown(&error) => None,
        Err(error) => return Err(error),
    };

    match mode {
        Some(mode) => check_mode(&mode),
        None => check_info(transport, connection).await,
    }
}

fn check_mode(mode: &str) -> Result<(), RedisError> {
    match mode {
        "cluster" => Err(cluster()),
        "sentinel" => Err(sentinel()),
        _ => Ok(()),
    }
}

async fn check_info<T: Transport>(
    transport: &T,
    connection: &T::Connection,
) -> Result<(), RedisError> {
    let command = Command::read("INFO").arg("cluster");
    let text = match transport.send(connection, &command).await {
        Ok(replies) => Replies::new(replies).text(),
        Err(error) if is_unknown(&error) => return Ok(()),
        Err(error) => return Err(error),
    };

    let info = text.map(Info::new).unwrap_or_default();
    if info.text("cluster_enabled") == Some("1") {
        Err(cluster())
    } else {
        Ok(())
    }
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

fn cluster() -> RedisError {
    RedisError::new(
        ErrorKind::ClusterUnsupported,
        "this server is a node of a Redis Cluster, which is not supported yet; nothing was read or changed. Use a server with \
         `cluster-enabled no`",
    )
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
    fn a_cluster_node_and_a_sentinel_are_refused() {
        let refusal = |mode| check_mode(mode).unwrap_err().kind;

        assert_eq!(refusal("sentinel"), ErrorKind::SentinelUnsupported);
        assert_eq!(refusal("cluster"), ErrorKind::ClusterUnsupported);
        assert!(check_mode("standalone").is_ok());
    }
}
