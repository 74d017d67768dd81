//! Errors of the `redis` crate, and the kinds that they mean.

use std::error::Error as _;
use std::io;

use rustls::CertificateError;

use crate::error::{ErrorKind, RedisError, TlsFault};

/// Classifies an error of the `redis` crate.
pub(super) fn from_crate(error: &redis::RedisError) -> RedisError {
    RedisError::new(kind(error), error.to_string())
}

fn kind(error: &redis::RedisError) -> ErrorKind {
    use redis::ErrorKind as Theirs;

    let detail = error.detail().unwrap_or_default();
    if let Some(kind) = ErrorKind::from_reply_without_code(detail) {
        return kind;
    }

    match error.kind() {
        Theirs::ResponseError | Theirs::ExecAbortError => ErrorKind::from_error_reply(detail),
        Theirs::ExtensionError => {
            let code = error.code().and_then(ErrorKind::from_code);
            code.unwrap_or(ErrorKind::Server)
        }
        Theirs::AuthenticationFailed => ErrorKind::Authentication,
        Theirs::BusyLoadingError | Theirs::MasterDown => ErrorKind::Loading,
        Theirs::NoScriptError => ErrorKind::NoScript,
        Theirs::ReadOnly => ErrorKind::ReadOnly,
        Theirs::Moved
        | Theirs::Ask
        | Theirs::TryAgain
        | Theirs::ClusterDown
        | Theirs::CrossSlot => ErrorKind::Cluster,
        Theirs::TypeError => ErrorKind::Protocol,
        Theirs::InvalidClientConfig => ErrorKind::AddressForbidden,
        // So are replies that were cut off (`ParseError`).
        _ => tls_fault(error).map_or(ErrorKind::Unreachable, ErrorKind::Tls),
    }
}

/// Returns the fault of a TLS handshake; `None` for any other failure.
fn tls_fault(error: &redis::RedisError) -> Option<TlsFault> {
    let io_error: &io::Error = error.source()?.downcast_ref()?;
    let tls_error: &rustls::Error = io_error.get_ref()?.downcast_ref()?;

    Some(match tls_error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFault::HostName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
            _ => TlsFault::Untrusted,
        },
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            TlsFault::PlainServer
        }
        _ => TlsFault::Other,
    })
}
