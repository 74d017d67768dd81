//! Failures: of Redis ([`RedisError`]) and of the library's operations ([`Error`]).
//!
//! No variant ever carries a password or a token.

use std::fmt;

/// Why a Redis command failed, as far as the reaction depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection could be opened, or it broke.
    Unreachable,
    /// No reply within the time limit.
    Timeout,
    /// The user name or password is wrong or missing.
    Authentication,
    /// The Redis user lacks the right (`NOPERM`).
    Permission,
    /// Memory is full and the policy is `noeviction` (`OOM`).
    OutOfMemory,
    /// The server is a read-only replica.
    ReadOnly,
    /// The server is loading its data, or cannot reach its primary.
    Loading,
    /// Another client's script runs too long (`BUSY`).
    Busy,
    /// The server refuses writes because it cannot persist its data (`MISCONF`).
    PersistenceFailed,
    /// The server refuses writes because too few replicas follow it (`NOREPLICAS`).
    NotEnoughReplicas,
    /// The server does not have the script; handled inside this crate.
    NoScript,
    /// The key holds another type.
    WrongType,
    /// A Cluster redirection or cross-slot refusal.
    Cluster,
    /// A Cluster has one logical database, and another one was selected.
    ClusterDatabase,
    /// The server is a Sentinel, which is not supported: it holds no keys.
    SentinelUnsupported,
    /// The TLS handshake failed.
    Tls(TlsFault),
    /// The host or the server has no room for another connection.
    TooManyConnections,
    /// The host forbids the address, or the address is malformed.
    AddressForbidden,
    /// The reply does not have the documented shape.
    Protocol,
    /// Any other error of the server.
    Server,
}

/// Why a TLS handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is not signed by an authority that this machine trusts.
    Untrusted,
    /// The certificate is for another host name.
    HostName,
    /// The certificate has expired or is not valid yet.
    Expired,
    /// `redis_tls` is on and the server speaks plain Redis.
    PlainServer,
    /// `redis_tls` is off and the server speaks TLS.
    TlsServer,
    /// Anything else, such as no common version.
    Other,
}

/// A failed Redis command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisError {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The server's or host's message.
    pub message: String,
    /// The key that caused it, where that is known: one whose value has the wrong type.
    pub key: Option<String>,
}

impl ErrorKind {
    /// Classifies an error reply of the server.
    ///
    /// Since Redis 7, an error within a script begins with its code. Redis 6.2 puts the place in the
    /// script before it, and gives no code when the script's user lacks a right. Neither does Valkey
    /// from 8 on, which names the user. A forbidden database has no code either.
    pub fn from_error_reply(detail: &str) -> Self {
        if detail.contains("The user executing the script can't")
            || detail.contains("has no permissions to ")
        {
            return Self::Permission;
        }

        if let Some(kind) = Self::from_reply_without_code(detail) {
            return kind;
        }

        let has_place = ["Error running script", "@user_script"]
            .iter()
            .any(|place| detail.starts_with(place));
        let parts = detail.split(": ");
        let parts = parts.take(if has_place { usize::MAX } else { 1 });
        parts
            .filter_map(|part| Self::from_code(part.trim_start_matches('-')))
            .find(|kind| *kind != Self::Server)
            .unwrap_or(Self::Server)
    }

    /// Classifies an error reply that Redis sends without a code of its own; `None` for any other.
    pub fn from_reply_without_code(detail: &str) -> Option<Self> {
        if detail.starts_with("max number of clients reached") {
            return Some(Self::TooManyConnections);
        }
        // A Cluster node has only one logical database, and another one was selected.
        if detail.contains("not allowed in cluster mode") {
            return Some(Self::ClusterDatabase);
        }
        // A logical database was selected before the login.
        if detail.starts_with("Authentication required") {
            return Some(Self::Authentication);
        }
        None
    }

    /// Classifies an error by the code at its beginning; `None` without a code.
    pub fn from_code(text: &str) -> Option<Self> {
        let code: &str = text.split([':', ' ']).next()?;

        match code {
            "OOM" => Some(Self::OutOfMemory),
            "NOPERM" => Some(Self::Permission),
            "NOAUTH" | "WRONGPASS" => Some(Self::Authentication),
            "READONLY" => Some(Self::ReadOnly),
            "LOADING" | "MASTERDOWN" => Some(Self::Loading),
            "BUSY" => Some(Self::Busy),
            "MISCONF" => Some(Self::PersistenceFailed),
            "NOREPLICAS" => Some(Self::NotEnoughReplicas),
            "NOSCRIPT" => Some(Self::NoScript),
            "WRONGTYPE" => Some(Self::WrongType),
            "MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT" | "TRYAGAIN" => Some(Self::Cluster),
            "ERR" => Some(Self::Server),
            code if code.len() >= 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
                Some(Self::Server)
            }
            _ => None,
        }
    }
}

impl std::error::Error for RedisError {}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl RedisError {
    /// Creates an error of a known kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            key: None,
        }
    }

    /// Advice to the caller of a request that failed half-way.
    pub fn next_step(&self) -> &'static str {
        match self.kind {
            ErrorKind::WrongType => {
                "Rename or remove that key; then repeat the request for the rest"
            }
            _ => "Repeating the request continues with the rest",
        }
    }

    /// Returns whether the connection itself failed and must be replaced.
    pub fn is_connection(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Tls(_)
        )
    }

    /// Returns whether the server is of an unsupported kind.
    pub fn is_unsupported(&self) -> bool {
        self.kind == ErrorKind::SentinelUnsupported
    }

    /// Returns whether the server or the host refuses now and may accept in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Loading | ErrorKind::Busy | ErrorKind::TooManyConnections
        )
    }

    /// Returns whether the server cannot be used at this moment: it is unreachable, or refuses for
    /// now.
    pub fn is_unavailable(&self) -> bool {
        self.is_connection() || self.is_transient()
    }

    /// Creates an error from an error reply that a script caught (in Redis 6.2 with a dash before
    /// it).
    pub fn from_script_text(text: &str) -> Self {
        Self::new(ErrorKind::from_error_reply(text), text)
    }
}

/// Why an operation of the library failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field has a wrong type or is out of its range.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field's name, with the position in a list: `keys[3]`.
        field: String,
        /// The problem, and how to correct it.
        problem: String,
    },
    /// Redis failed before anything was changed.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Redis failed half-way.
    #[error("{source}; {deleted} keys had been deleted before. {}", source.next_step())]
    Partial {
        /// Keys deleted before the failure.
        deleted: u64,
        /// The failure.
        source: RedisError,
    },
}

impl Error {
    /// Creates an error for a field with a wrong type or value.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        // A client chooses the names of unknown fields, and may send a megabyte.
        let field = field.into().chars().take(100).collect();
        Self::Invalid {
            field,
            problem: problem.into(),
        }
    }

    /// The failure of Redis, if it is one.
    pub fn redis(&self) -> Option<&RedisError> {
        match self {
            Self::Redis(error) | Self::Partial { source: error, .. } => Some(error),
            Self::Invalid { .. } => None,
        }
    }

    /// Adds the number of keys that had been deleted before the failure.
    pub fn after(self, deleted: u64) -> Self {
        match self {
            Self::Redis(source) if deleted > 0 => Self::Partial { deleted, source },
            Self::Partial {
                deleted: more,
                source,
            } => Self::Partial {
                deleted: deleted + more,
                source,
            },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_unreachable_or_busy_is_unavailable() {
        for kind in [
            ErrorKind::Unreachable,
            ErrorKind::Timeout,
            ErrorKind::TooManyConnections,
            ErrorKind::Loading,
            ErrorKind::Busy,
        ] {
            assert!(RedisError::new(kind, "x").is_unavailable(), "{kind:?}");
        }
    }

    #[test]
    fn a_server_that_refuses_a_command_is_available() {
        for kind in [
            ErrorKind::Permission,
            ErrorKind::OutOfMemory,
            ErrorKind::ReadOnly,
        ] {
            assert!(!RedisError::new(kind, "x").is_unavailable(), "{kind:?}");
        }
    }

    #[test]
    fn errors_within_scripts_are_classified_whichever_server_words_them() {
        let cases = [
            (
                "OOM command not allowed when used memory > 'maxmemory'. script: 1b5, on @user_script:9.",
                ErrorKind::OutOfMemory,
            ),
            (
                "@user_script: 9: -OOM command not allowed when used memory > 'maxmemory'.\r\n",
                ErrorKind::OutOfMemory,
            ),
            (
                "@user_script: 9: -NOREPLICAS Not enough good replicas to write.\r\n",
                ErrorKind::NotEnoughReplicas,
            ),
            (
                "Error running script (call to f_1b5): @user_script:1: @user_script: 1: -OOM command not allowed",
                ErrorKind::OutOfMemory,
            ),
            (
                "ERR ACL failure in script: User u2 has no permissions to run the 'setrange' command",
                ErrorKind::Permission,
            ),
            (
                "NOPERM this user has no permissions to run the 'setrange' command",
                ErrorKind::Permission,
            ),
            (
                "@user_script: 9: The user executing the script can't run this command or subcommand",
                ErrorKind::Permission,
            ),
        ];

        for (text, kind) in cases {
            assert_eq!(ErrorKind::from_error_reply(text), kind, "{text}");
        }
    }

    #[test]
    fn a_partial_failure_adds_up_what_was_deleted() {
        let error = Error::from(RedisError::new(ErrorKind::Timeout, "x"));

        let Error::Partial { deleted, .. } = error.after(2).after(3) else {
            panic!("must be partial");
        };

        assert_eq!(deleted, 5);
    }
}
