//! What can go wrong: with Redis ([`RedisError`]) and with a request ([`Error`]).
//!
//! The HTTP status of each lives elsewhere, in the one file of the Spin face that maps them. No variant ever carries a
//! password or a token.

use std::fmt;

/// Why a Redis command failed, as far as it changes what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection could be opened, or it broke.
    Unreachable,
    /// No answer within the time limit.
    Timeout,
    /// User name or password are wrong or missing.
    Authentication,
    /// The user may not do this (`NOPERM`).
    Permission,
    /// Memory is full and the policy is `noeviction` (`OOM`).
    OutOfMemory,
    /// The server is a read-only replica.
    ReadOnly,
    /// The server is still loading its data set, or its primary is away.
    Loading,
    /// A script of somebody else runs too long (`BUSY`).
    Busy,
    /// The server refuses writes because it cannot persist (`MISCONF`).
    PersistenceFailed,
    /// The script is not in the server's cache; handled inside this crate.
    NoScript,
    /// The key holds another type.
    WrongType,
    /// A Cluster redirection or cross-slot refusal.
    Cluster,
    /// The host, or the server, has no room for another connection.
    TooManyConnections,
    /// The host does not allow the address, or it is malformed.
    AddressForbidden,
    /// The reply has not the documented shape.
    Protocol,
    /// Any other error the server answered.
    Server,
}

/// A failed Redis command: its kind and the server's or host's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisError {
    /// What happened.
    pub kind: ErrorKind,
    /// The server's or host's own words.
    pub message: String,
}

impl std::error::Error for RedisError {}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl RedisError {
    /// An error of a known kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Whether the connection itself failed, so that a new one may help.
    pub fn is_connection(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable | ErrorKind::Timeout)
    }

    /// Whether the server, or the host, says that it cannot serve now, but may in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Loading | ErrorKind::Busy | ErrorKind::TooManyConnections)
    }

    /// Classifies the text a host gives for a failed command (`Other(text)` of Spin's interface).
    ///
    /// The text is that of the `redis` crate: `An error was signalled by the server - <Kind>: <detail>` for codes the
    /// crate knows, `<CODE>: <detail>` for others, and the operating system's words for a broken connection.
    pub fn from_host_text(text: &str) -> Self {
        let kind = Self::kind_of_known(text).or_else(|| Self::kind_of_code(text)).unwrap_or(ErrorKind::Unreachable);
        Self::new(kind, text)
    }

    fn kind_of_known(text: &str) -> Option<ErrorKind> {
        const KNOWN: [(&str, ErrorKind); 13] = [
            ("NoScriptError", ErrorKind::NoScript),
            ("BusyLoadingError", ErrorKind::Loading),
            ("MasterDown", ErrorKind::Loading),
            ("ReadOnly", ErrorKind::ReadOnly),
            ("AuthenticationFailed", ErrorKind::Authentication),
            ("Moved", ErrorKind::Cluster),
            ("Ask", ErrorKind::Cluster),
            ("TryAgain", ErrorKind::Cluster),
            ("ClusterDown", ErrorKind::Cluster),
            ("CrossSlot", ErrorKind::Cluster),
            ("TypeError", ErrorKind::Protocol),
            ("ExecAbortError", ErrorKind::Server),
            ("ResponseError", ErrorKind::Server),
        ];
        // Without a detail the crate writes no space before the dash.
        let (_, rest) = text.split_once("- ")?;
        let (kind, detail) = rest.split_once(':').unwrap_or((rest, ""));
        // This has no code of its own.
        if detail.trim().starts_with("max number of clients reached") {
            return Some(ErrorKind::TooManyConnections);
        }
        // Choosing a logical database before logging in is refused without a code.
        if detail.trim().starts_with("Authentication required") {
            return Some(ErrorKind::Authentication);
        }
        let (_, found) = KNOWN.iter().find(|(name, _)| *name == kind.trim())?;
        // A script that hits an error wraps the original one.
        match found {
            ErrorKind::Server => Some(Self::kind_within(detail.trim())),
            other => Some(*other),
        }
    }

    /// From Redis 7 on the code of an error that a script hits comes first; Redis 6.2 puts it behind where in the script that
    /// was, and has none for what the user of the script may not do. A refused choice of the database has none either.
    fn kind_within(detail: &str) -> ErrorKind {
        if detail.contains("The user executing the script can't") || detail.contains("this user has no permissions") {
            return ErrorKind::Permission;
        }
        let wrapped = detail.starts_with("Error running script");
        let parts = detail.split(": ").take(if wrapped { usize::MAX } else { 1 });
        let mut kinds = parts.filter_map(|part| Self::kind_of_code(part.trim_start_matches('-')));
        kinds.find(|kind| *kind != ErrorKind::Server).unwrap_or(ErrorKind::Server)
    }

    fn kind_of_code(text: &str) -> Option<ErrorKind> {
        let code: &str = text.split([':', ' ']).next()?;
        match code {
            "OOM" => Some(ErrorKind::OutOfMemory),
            "NOPERM" => Some(ErrorKind::Permission),
            "NOAUTH" | "WRONGPASS" => Some(ErrorKind::Authentication),
            "READONLY" => Some(ErrorKind::ReadOnly),
            "LOADING" | "MASTERDOWN" => Some(ErrorKind::Loading),
            "BUSY" => Some(ErrorKind::Busy),
            "MISCONF" => Some(ErrorKind::PersistenceFailed),
            "NOSCRIPT" => Some(ErrorKind::NoScript),
            "WRONGTYPE" => Some(ErrorKind::WrongType),
            "MOVED" | "ASK" | "CLUSTERDOWN" | "CROSSSLOT" | "TRYAGAIN" => Some(ErrorKind::Cluster),
            "ERR" => Some(ErrorKind::Server),
            code if code.len() >= 3 && code.bytes().all(|b| b.is_ascii_uppercase()) => Some(ErrorKind::Server),
            _ => None,
        }
    }
}

/// Why a request could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON, or not an object.
    #[error("{0}")]
    Malformed(String),
    /// A field has a wrong type or value.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field's name, with its position where it is a list: `keys[3]`.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Something that would remove everything was asked for without `confirm`.
    #[error("{0}")]
    ConfirmationRequired(String),
    /// The caller's role is too low for this request.
    #[error("{0}")]
    RoleTooLow(String),
    /// The key does not exist.
    #[error("{0}")]
    NotFound(String),
    /// Another one is running.
    #[error("{0}")]
    Conflict(String),
    /// Redis failed before anything was changed.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Redis failed half-way; what was done until then is said.
    #[error("{source}; until then {deleted} keys were deleted. Repeating the request continues with the rest")]
    Partial {
        /// Keys deleted before the failure.
        deleted: u64,
        /// The failure.
        source: RedisError,
    },
    /// There is no room in memory for what was asked.
    #[error("{0}")]
    Full(String),
}

impl Error {
    /// A field with a wrong type or value.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        // An unknown field is named by the client, who may send a megabyte.
        let field = field.into().chars().take(100).collect();
        Self::Invalid { field, problem: problem.into() }
    }

    /// What Redis failed with, where it was Redis.
    pub(crate) fn redis(&self) -> Option<&RedisError> {
        match self {
            Self::Redis(error) | Self::Partial { source: error, .. } => Some(error),
            _ => None,
        }
    }

    /// Adds how many keys had been deleted when it failed.
    pub fn after(self, deleted: u64) -> Self {
        match self {
            Self::Redis(source) if deleted > 0 => Self::Partial { deleted, source },
            Self::Partial { deleted: more, source } => Self::Partial { deleted: deleted + more, source },
            Self::Full(problem) if deleted > 0 => {
                Self::Full(format!("{problem}; until then {deleted} keys were deleted"))
            }
            Self::Conflict(problem) if deleted > 0 => {
                Self::Conflict(format!("{problem}; until then {deleted} keys were deleted"))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_host_are_classified() {
        let cases = [
            ("An error was signalled by the server - NoScriptError: No matching script.", ErrorKind::NoScript),
            ("An error was signalled by the server - ReadOnly: You can't write", ErrorKind::ReadOnly),
            ("An error was signalled by the server - MasterDown: Link with MASTER is down", ErrorKind::Loading),
            ("An error was signalled by the server - BusyLoadingError: Redis is loading", ErrorKind::Loading),
            ("An error was signalled by the server - ResponseError: unknown command", ErrorKind::Server),
            ("An error was signalled by the server - ResponseError: OOM command not allowed", ErrorKind::OutOfMemory),
            (
                "An error was signalled by the server - ResponseError: Error running script (call to f_0a1b): @user_script:7: \
                 @user_script: 7: -READONLY You can't write against a read only replica.",
                ErrorKind::ReadOnly,
            ),
            (
                "An error was signalled by the server - ResponseError: Error running script (call to f_0a1b): @user_script:9: \
                 WRONGTYPE Operation against a key holding the wrong kind of value",
                ErrorKind::WrongType,
            ),
            (
                "An error was signalled by the server - ResponseError: Error running script (call to f_0a1b): @user_script:9: \
                 The user executing the script can't run this command or subcommand",
                ErrorKind::Permission,
            ),
            (
                "An error was signalled by the server - ResponseError: Error running script: WHO knows",
                ErrorKind::Server,
            ),
            (
                "An error was signalled by the server - ResponseError: max number of clients reached",
                ErrorKind::TooManyConnections,
            ),
            ("Password authentication failed - AuthenticationFailed: WRONGPASS", ErrorKind::Authentication),
            (
                "Redis server refused to switch database - ResponseError: this user has no permissions to run the 'select' command",
                ErrorKind::Permission,
            ),
            (
                "Redis server refused to switch database - ResponseError: Authentication required.",
                ErrorKind::Authentication,
            ),
            ("OOM: command not allowed when used memory > 'maxmemory'.", ErrorKind::OutOfMemory),
            ("NOPERM: this user has no permissions to run the 'eval' command", ErrorKind::Permission),
            ("Password authentication failed- AuthenticationFailed", ErrorKind::Authentication),
            ("NOAUTH: Authentication required.", ErrorKind::Authentication),
            ("MISCONF: Redis is configured to save RDB snapshots", ErrorKind::PersistenceFailed),
            ("WRONGTYPE: Operation against a key", ErrorKind::WrongType),
            ("BUSY: Redis is busy running a script", ErrorKind::Busy),
            ("Could not convert Redis response - TypeError: Redis Map type is not supported", ErrorKind::Protocol),
            ("Connection refused (os error 111)", ErrorKind::Unreachable),
            ("broken pipe", ErrorKind::Unreachable),
        ];
        for (text, kind) in cases {
            assert_eq!(RedisError::from_host_text(text).kind, kind, "{text}");
        }
    }
}
