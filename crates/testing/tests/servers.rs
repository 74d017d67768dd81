//! Every kind of server starts.

use edge_cache_testing::{RedisServer, ServerKind};

#[test]
fn every_kind_of_server_starts() {
    for (kind, version) in [
        (ServerKind::Redis62, "redis_version:6.2."),
        (ServerKind::Valkey8, "valkey_version:8."),
        (ServerKind::Valkey9, "valkey_version:9."),
        (ServerKind::Redis7, "_version:"),
    ] {
        let server = RedisServer::of_kind(kind, &[]);

        let info: String = redis::cmd("INFO")
            .arg("server")
            .query(&mut server.connection())
            .unwrap();

        assert!(info.contains(version), "{kind:?}: {info}");
    }
}

#[test]
fn a_killed_server_starts_again_on_its_port() {
    let mut server = RedisServer::of_kind(ServerKind::Valkey9, &[]);
    let port = server.port();

    server.kill();
    assert!(!server.is_running());
    server.launch();

    assert_eq!(server.port(), port);
    redis::cmd("PING").exec(&mut server.connection()).unwrap();
}
