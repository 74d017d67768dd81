//! The same requests to this host and to Spin: their responses must not differ. Runs where the `spin`
//! program is on the PATH or named by `SPIN`; elsewhere it prints that it did not run.

use edge_cache_testing::PostgresServer;

use crate::support::{Application, Host, RedisServer};

const GRANTS: &str = "allowed_outbound_hosts = ['{{ redis }}', '{{ postgres_origin }}', 'postgres://127.0.0.1:1', 'http://self', 'http://*.spin.internal', \
     'redis://127.0.0.1:1', 'http://127.0.0.1:1']\n\
     key_value_stores = ['default']\nsqlite_databases = ['default']\nenvironment = { A = 'b' }";

/// Paths requested in this order. Each host has a Redis and a PostgreSQL of its own.
const PATHS: &[&str] = &[
    "/redis",
    "/redis/parallel",
    "/redis/many",
    "/redis/replies",
    "/redis/synchronous",
    "/redis/synchronous/open?redis://10.0.0.1:6379",
    "/redis/open?redis://10.0.0.1:6379",
    "/redis/open?redis://127.0.0.1:1",
    "/redis/open?http://127.0.0.1:1",
    "/redis/open?",
    "/redis/open?redis://",
    "/redis/open?redis://h:port",
    "/kv",
    "/kv/open?default",
    "/kv/open?other",
    "/kv/get?b",
    "/sqlite?CREATE+TABLE+t(a);INSERT+INTO+t+VALUES(?);SELECT+a+FROM+t",
    "/sqlite?SELEC+1",
    "/sqlite?SELECT+1;SELECT+2",
    "/sqlite?SELECT+?,?",
    "/sqlite?ATTACH+'x.db'+AS+x",
    "/sqlite?SELECT+1.5,NULL,x'00ff','t'",
    "/sqlite?SELECT+*+FROM+none",
    "/sqlite?INSERT+INTO+t+VALUES(1)+RETURNING+a",
    "/sqlite/open?other",
    "/postgres",
    "/postgres/values",
    "/postgres/parameters",
    "/postgres/statements",
    "/postgres/synchronous",
    "/postgres/stream?0",
    "/postgres/stream?5000",
    "/postgres/partly",
    "/postgres/parallel",
    "/postgres/reuse",
    "/postgres/trust?/none.pem",
    "/postgres/open?postgres://127.0.0.1:1/x",
    "/postgres/open?host=127.0.0.1+port=1+user=u",
    "/postgres/open?redis://127.0.0.1:1",
    "/postgres/open?postgres://127.0.0.1:1?sslmode=perhaps",
    "/postgres/open?nonsense",
    "/postgres/open?",
    "/postgres/open?host=/tmp",
    "/variable?none",
    "/variable?a-b",
    "/variable?",
    "/variable?_a",
    "/environment?A",
    "/environment?PATH",
    "/file?/etc/passwd",
    "/file/write?/x",
    "/tcp?10.0.0.1:1",
    "/tcp?127.0.0.1:1",
    "/headers?a=b",
    "/headers/",
    "/uri?a=b%20c",
    "/a//b%2Fc/",
    "/.well-known/spin/health",
    "/.well-known/spin/info",
    "/.well-known/spin/other",
    "/send?http://self.alt/x",
    "/send?http://self.alt/headers",
    "/send?/x",
    "/send?http://guest.spin.internal/headers",
    "/send?http://127.0.0.1:1/",
    "/send?https://example.com/",
];

/// The servers of one host.
struct Servers {
    redis: RedisServer,
    postgres: PostgresServer,
}

impl Servers {
    fn start() -> Self {
        Self {
            redis: RedisServer::start(),
            postgres: PostgresServer::start(),
        }
    }

    fn application(&self) -> Application {
        let application = self.redis.application_with(GRANTS);
        application.postgres(&self.postgres)
    }
}

/// Requests `path` and returns the response without the addresses and ports that differ in every
/// run.
fn comparable_response(host: &Host, servers: &Servers, path: &str) -> String {
    let headers = [
        ("spin-client-addr", "1.2.3.4:5"),
        ("connection", "close"),
        ("x-twice", "1"),
        ("x-twice", "2"),
    ];
    let response = host.send_with(path, &headers);

    let body = response
        .body
        .replace(&host.address, "HOST")
        .replace(&servers.redis.url, "REDIS")
        .replace(&servers.postgres.port().to_string(), "PORT");
    let mut lines: Vec<_> = body.lines().map(without_client_port).collect();
    if path.contains("/headers") {
        lines.sort();
    }
    format!("{} {}", response.status, lines.join("\n"))
}

/// Replaces the port of a client, which the kernel chooses.
fn without_client_port(line: &str) -> String {
    match line.split_once("spin-client-addr: 127.0.0.1:") {
        Some((before, _)) => format!("{before}spin-client-addr: 127.0.0.1:PORT"),
        None => line.to_owned(),
    }
}

#[test]
fn spin_gives_the_same_responses() {
    let servers_of_host = Servers::start();
    let servers_of_spin = Servers::start();
    let Some(spin) = servers_of_spin.application().start_on_spin() else {
        eprintln!("not run: there is no `spin` on the PATH and SPIN does not name one");
        return;
    };
    let host = servers_of_host.application().start();

    let mut differences = Vec::new();
    for path in PATHS {
        let response_of_host = comparable_response(&host, &servers_of_host, path);
        let response_of_spin = comparable_response(&spin, &servers_of_spin, path);
        if response_of_host != response_of_spin {
            differences.push((path, response_of_host, response_of_spin));
        }
    }

    assert!(differences.is_empty(), "path, host, Spin: {differences:#?}");
}
