//! Texts of both hosts, and the kinds of errors that they mean.

use super::*;

/// The beginning of OpenSSL's text for a certificate that it refuses.
const OPENSSL: &str = "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:\
                       ../ssl/statem/statem_clnt.c:1889:";

#[rustfmt::skip]
const RUSTLS_TEXTS: [(&str, TlsFault); 6] = [
    ("invalid peer certificate: UnknownIssuer", TlsFault::Untrusted),
    ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", TlsFault::Untrusted),
    ("invalid peer certificate: NotValidForName", TlsFault::HostName),
    ("invalid peer certificate: certificate not valid for name \"localhost\"; certificate is only valid for other", TlsFault::HostName),
    ("invalid peer certificate: certificate expired: verification time 2 (UNIX), not after 1", TlsFault::Expired),
    ("received corrupt message of type InvalidContentType", TlsFault::PlainServer),
];

/// Texts that follow [`OPENSSL`].
const OPENSSL_REASONS: [(&str, TlsFault); 5] = [
    ("self-signed certificate", TlsFault::Untrusted),
    (
        "unable to get local issuer certificate",
        TlsFault::Untrusted,
    ),
    ("hostname mismatch", TlsFault::HostName),
    ("IP address mismatch", TlsFault::HostName),
    ("certificate has expired", TlsFault::Expired),
];

#[rustfmt::skip]
const OPENSSL_TEXTS: [(&str, TlsFault); 2] = [
    ("error:0A00010B:SSL routines:ssl3_get_record:wrong version number", TlsFault::PlainServer),
    ("error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure", TlsFault::Other),
];

/// Texts that follow `An error was signalled by the server - `.
#[rustfmt::skip]
const SIGNALLED: [(&str, ErrorKind); 9] = [
    ("NoScriptError: No matching script.", ErrorKind::NoScript),
    ("ReadOnly: You can't write", ErrorKind::ReadOnly),
    ("MasterDown: Link with MASTER is down", ErrorKind::Loading),
    ("BusyLoadingError: Redis is loading", ErrorKind::Loading),
    ("ResponseError: unknown command", ErrorKind::Server),
    ("ResponseError: unknown command 'certificate verify failed'", ErrorKind::Server),
    ("ResponseError: OOM command not allowed", ErrorKind::OutOfMemory),
    ("ResponseError: Error running script: WHO knows", ErrorKind::Server),
    ("ResponseError: max number of clients reached", ErrorKind::TooManyConnections),
];

/// Texts that follow `Error running script (call to f_0a1b): `.
#[rustfmt::skip]
const IN_SCRIPTS: [(&str, ErrorKind); 3] = [
    ("@user_script:7: @user_script: 7: -READONLY You can't write against a read only replica.", ErrorKind::ReadOnly),
    ("@user_script:9: WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind::WrongType),
    ("@user_script:9: The user executing the script can't run this command or subcommand", ErrorKind::Permission),
];

#[rustfmt::skip]
const OTHER_TEXTS: [(&str, ErrorKind); 19] = [
    ("Password authentication failed - AuthenticationFailed: WRONGPASS", ErrorKind::Authentication),
    ("Password authentication failed- AuthenticationFailed", ErrorKind::Authentication),
    ("Redis server refused to switch database - ResponseError: this user has no permissions to run the 'select' command", ErrorKind::Permission),
    ("Redis server refused to switch database - ResponseError: SELECT is not allowed in cluster mode", ErrorKind::ClusterDatabase),
    ("Redis server refused to switch database - ResponseError: Authentication required.", ErrorKind::Authentication),
    ("NOREPLICAS: Not enough good replicas to write.", ErrorKind::NotEnoughReplicas),
    ("OOM: command not allowed when used memory > 'maxmemory'.", ErrorKind::OutOfMemory),
    ("NOPERM: this user has no permissions to run the 'eval' command", ErrorKind::Permission),
    ("NOAUTH: Authentication required.", ErrorKind::Authentication),
    ("MISCONF: Redis is configured to save RDB snapshots", ErrorKind::PersistenceFailed),
    ("WRONGTYPE: Operation against a key", ErrorKind::WrongType),
    ("BUSY: Redis is busy running a script", ErrorKind::Busy),
    ("Could not convert Redis response - TypeError: Redis Map type is not supported", ErrorKind::Protocol),
    ("Connection refused (os error 111)", ErrorKind::Unreachable),
    ("broken pipe", ErrorKind::Unreachable),
    ("tls handshake eof", ErrorKind::Unreachable),
    ("TLS error - IoError: unexpected EOF", ErrorKind::Unreachable),
    ("TLS was refused", ErrorKind::Unreachable),
    ("SSL Handshake error - IoError: unexpected EOF", ErrorKind::Unreachable),
];

fn assert_kind(text: &str, kind: ErrorKind) {
    assert_eq!(redis_error(text).kind, kind, "{text}");
}

#[test]
fn tls_faults_of_rustls_are_recognised() {
    for (text, fault) in RUSTLS_TEXTS {
        assert_kind(text, ErrorKind::Tls(fault));
    }
}

#[test]
fn tls_faults_of_openssl_are_recognised() {
    for (reason, fault) in OPENSSL_REASONS {
        assert_kind(&format!("{OPENSSL} ({reason})"), ErrorKind::Tls(fault));
    }
    for (text, fault) in OPENSSL_TEXTS {
        assert_kind(text, ErrorKind::Tls(fault));
    }
}

#[test]
fn a_tls_fault_is_a_failure_of_the_connection() {
    for (text, _) in RUSTLS_TEXTS {
        assert!(redis_error(text).is_connection(), "{text}");
    }
}

#[test]
fn replies_of_the_server_are_classified() {
    for (text, kind) in SIGNALLED {
        assert_kind(
            &format!("An error was signalled by the server - {text}"),
            kind,
        );
    }
}

#[test]
fn errors_inside_scripts_are_classified_by_their_own_code() {
    for (text, kind) in IN_SCRIPTS {
        let wrapped = format!("ResponseError: Error running script (call to f_0a1b): {text}");
        assert_kind(
            &format!("An error was signalled by the server - {wrapped}"),
            kind,
        );
    }
}

#[test]
fn other_texts_are_classified() {
    for (text, kind) in OTHER_TEXTS {
        assert_kind(text, kind);
    }
}
