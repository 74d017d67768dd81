//! Error texts of hosts, and the kinds of Redis errors that they mean. No other file knows them.
//!
//! Hosts pass on the texts of the `redis` crate. Spin uses the system's TLS library (OpenSSL on
//! Linux) and `local-host` uses rustls, so each TLS fault has several texts.

#[cfg(test)]
mod tests;

use edge_cache::{ErrorKind, RedisError, TlsFault};

/// Parts of texts, in lower case, and the TLS faults that they mean. The first match counts.
/// OpenSSL puts "certificate verify failed" before each more precise text.
const TLS_TEXTS: [(&str, TlsFault); 23] = [
    // rustls.
    ("notvalidforname", TlsFault::HostName),
    ("certificate not valid for name", TlsFault::HostName),
    ("invalid peer certificate: expired", TlsFault::Expired),
    ("invalid peer certificate: notvalidyet", TlsFault::Expired),
    ("certificate expired", TlsFault::Expired),
    ("certificate not valid yet", TlsFault::Expired),
    ("invalid peer certificate", TlsFault::Untrusted),
    ("invalidcontenttype", TlsFault::PlainServer),
    ("received fatal alert", TlsFault::Other),
    ("peer is incompatible", TlsFault::Other),
    ("received corrupt message", TlsFault::Other),
    // OpenSSL.
    ("hostname mismatch", TlsFault::HostName),
    ("ip address mismatch", TlsFault::HostName),
    ("certificate has expired", TlsFault::Expired),
    ("certificate is not yet valid", TlsFault::Expired),
    ("certificate verify failed", TlsFault::Untrusted),
    ("wrong version number", TlsFault::PlainServer),
    ("packet length too long", TlsFault::PlainServer),
    ("ssl routines", TlsFault::Other),
    // Security Framework (macOS) and SChannel (Windows).
    ("certificate was not trusted", TlsFault::Untrusted),
    ("root certificate which is not trusted", TlsFault::Untrusted),
    ("host name mismatch", TlsFault::HostName),
    ("cn name does not match", TlsFault::HostName),
];

/// Parts of texts, in lower case, that never mean a TLS fault: a reply of the server, which arrives
/// after TLS is agreed on, and a connection that closes.
const NOT_TLS_TEXTS: [&str; 3] = ["responseerror", "signalled by the server", "eof"];

/// Names that the `redis` crate has for errors, and their kinds.
const NAMED_KINDS: [(&str, ErrorKind); 15] = [
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
    // A connection that broke, or a reply that was cut off.
    ("IoError", ErrorKind::Unreachable),
    ("ParseError", ErrorKind::Unreachable),
];

/// Classifies the text of a host for a failed command (`Other(text)` in Spin's interface).
///
/// The text is that of the `redis` crate: `An error was signalled by the server - <Name>: <detail>`
/// for codes that the crate knows, `<CODE>: <detail>` for others, and the operating system's text
/// for a broken connection.
pub fn redis_error(text: &str) -> RedisError {
    let kind = tls_fault(text)
        .map(ErrorKind::Tls)
        .or_else(|| kind_by_name(text))
        .or_else(|| kind_by_code(text))
        .unwrap_or(ErrorKind::Unreachable);

    RedisError::new(kind, text)
}

/// Returns the kind of a text with a name that the `redis` crate knows.
fn kind_by_name(text: &str) -> Option<ErrorKind> {
    // Without a detail the crate writes no space before the dash.
    let (_, rest) = text.split_once("- ")?;
    let (name, detail) = rest.split_once(':').unwrap_or((rest, ""));
    let name = name.trim();
    let detail = detail.trim();

    if let Some(kind) = ErrorKind::from_reply_without_code(detail) {
        return Some(kind);
    }
    let (_, kind) = NAMED_KINDS.iter().find(|(known, _)| *known == name)?;
    if *kind == ErrorKind::Server {
        // An error inside a script is in the detail.
        return Some(ErrorKind::from_error_reply(detail));
    }
    Some(*kind)
}

/// Returns the kind of a text that begins with a server's code and a colon. Other texts may begin with
/// a word in capital letters, too: `TLS error`.
fn kind_by_code(text: &str) -> Option<ErrorKind> {
    let code = text.split(':').next()?;
    let is_word = !code.contains(' ');
    is_word.then(|| ErrorKind::from_code(code))?
}

/// Returns the TLS fault that a host's text means; `None` for any other failure.
fn tls_fault(text: &str) -> Option<TlsFault> {
    let text = text.to_ascii_lowercase();
    if NOT_TLS_TEXTS.iter().any(|part| text.contains(part)) {
        return None;
    }

    TLS_TEXTS
        .iter()
        .find(|(part, _)| text.contains(part))
        .map(|(_, fault)| *fault)
}
