//! A failed TLS handshake has another kind of error than a server that cannot be reached.

use std::time::Duration;

use edge_cache::{Command, ErrorKind, Redis, RedisClient, TlsFault};
use edge_cache_testing::{RedisServer, free_port, transport};

async fn kind(url: String) -> ErrorKind {
    let redis = RedisClient::new(transport(&url), Duration::from_secs(10));
    redis.execute(Command::read("PING")).await.unwrap_err().kind
}

#[tokio::test]
async fn each_fault_of_tls_has_a_kind_of_its_own() {
    let server = RedisServer::with_tls();
    let tls_port = server.tls_port();

    assert_eq!(
        kind(format!("rediss://localhost:{tls_port}/0")).await,
        ErrorKind::Tls(TlsFault::Untrusted)
    );
    assert_eq!(
        kind(format!("redis://127.0.0.1:{tls_port}/0")).await,
        ErrorKind::Tls(TlsFault::TlsServer)
    );
    assert_eq!(
        kind(format!("rediss://localhost:{}/0", server.port())).await,
        ErrorKind::Tls(TlsFault::PlainServer)
    );
    assert_eq!(
        kind(format!("rediss://localhost:{}/0", free_port())).await,
        ErrorKind::Unreachable
    );
    assert_eq!(
        kind(format!("redis://localhost:{}/0", free_port())).await,
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn a_password_is_never_sent_without_tls_to_find_out() {
    let server = RedisServer::start();
    let mut other = server.connection();
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();
    let url = format!("rediss://user:secret@localhost:{}/3", server.port());

    assert_eq!(kind(url).await, ErrorKind::Tls(TlsFault::PlainServer));

    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();

    assert!(
        !info.contains("cmdstat_auth") && !info.contains("cmdstat_select"),
        "{info}"
    );
}
