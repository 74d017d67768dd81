//! Detection of a server that uses TLS where the configuration does not, or the reverse.

use super::transport::Transport;
use crate::error::{ErrorKind, RedisError, TlsFault};

/// Returns the address of the same server with TLS switched on or off, without login and database.
/// The password is left out, because the other way may be unencrypted.
pub fn other_scheme(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let other = if scheme == "rediss" {
        "redis"
    } else {
        "rediss"
    };
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    let server = server.split('/').next()?;
    Some(format!("{other}://{server}"))
}

/// Tries the server with TLS switched the other way; the error says so if it replies. One more
/// connection.
pub(super) async fn find_mismatch<T: Transport>(transport: &T) -> Option<RedisError> {
    let has_replied = match transport.try_other_scheme().await {
        Ok(()) => true,
        Err(error) => is_reply(error.kind),
    };
    if !has_replied {
        return None;
    }

    let (fault, problem) = if transport.is_tls() {
        (TlsFault::PlainServer, "the server speaks Redis without TLS")
    } else {
        (
            TlsFault::TlsServer,
            "the server closed a connection without TLS and accepts one with it",
        )
    };
    Some(RedisError::new(ErrorKind::Tls(fault), problem))
}

/// Returns whether an error of this kind shows that the server understood the other way.
fn is_reply(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Tls(fault) => matches!(
            fault,
            TlsFault::Untrusted | TlsFault::HostName | TlsFault::Expired
        ),
        ErrorKind::Authentication
        | ErrorKind::Server
        | ErrorKind::Permission
        | ErrorKind::Loading => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_scheme_has_no_login() {
        let other = other_scheme("rediss://u:p%40s@db.example:6380/3");
        assert_eq!(other.unwrap(), "redis://db.example:6380");

        let other = other_scheme("redis://[::1]:6379/0");
        assert_eq!(other.unwrap(), "rediss://[::1]:6379");
    }
}
