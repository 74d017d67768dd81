//! The same questions to this host and to Spin: what they answer must not differ. Runs where the `spin` program is on the
//! PATH or named by `SPIN`; elsewhere it says that it did not run.

use edge_cache_testing::PostgresServer;

use crate::support::{Host, RedisServer};

const GRANTS: &str = "allowed_outbound_hosts = ['{{ redis }}', '{{ postgres_origin }}', 'postgres://127.0.0.1:1', 'http://self', 'http://*.spin.internal', \
     'redis://127.0.0.1:1', 'http://127.0.0.1:1']\n\
     key_value_stores = ['default']\nsqlite_databases = ['default']\nenvironment = { A = 'b' }";

/// Asked in this order, each host with a Redis and a PostgreSQL of its own.
const QUESTIONS: &[&str] = &[
    "/redis",
    "/redis/parallel",
    "/redis/many",
    "/redis/replies",
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

type Servers = (RedisServer, PostgresServer);

/// The answer without what is different in every run: addresses and ports.
fn ask(host: &Host, (redis, postgres): &Servers, path: &str) -> String {
    let headers = [("spin-client-addr", "1.2.3.4:5"), ("connection", "close"), ("x-twice", "1"), ("x-twice", "2")];
    let answer = host.ask_with(path, &headers);
    let body = answer.body.replace(&host.address, "HOST").replace(&redis.url, "REDIS");
    let body = body.replace(&postgres.port().to_string(), "PORT");
    let mut lines: Vec<_> = body.lines().map(mask).collect();
    if path.contains("/headers") {
        lines.sort();
    }
    format!("{} {}", answer.status, lines.join("\n"))
}

/// The port of a client is the kernel's choice.
fn mask(line: &str) -> String {
    match line.split_once("spin-client-addr: 127.0.0.1:") {
        Some((before, _)) => format!("{before}spin-client-addr: 127.0.0.1:PORT"),
        None => line.to_owned(),
    }
}

#[test]
fn spin_gives_the_same_answers() {
    let servers = || (RedisServer::start(), PostgresServer::start());
    let application = |(redis, postgres): &Servers| redis.application_with(GRANTS).postgres(postgres);
    let (ours, theirs) = (servers(), servers());
    let Some(spin) = application(&theirs).start_on_spin() else {
        eprintln!("not run: there is no `spin` on the PATH and SPIN does not name one");
        return;
    };
    let host = application(&ours).start();
    let differ: Vec<_> = QUESTIONS
        .iter()
        .map(|path| (path, ask(&host, &ours, path), ask(&spin, &theirs, path)))
        .filter(|(_, ours, theirs)| ours != theirs)
        .collect();
    assert!(differ.is_empty(), "ours and Spin's: {differ:#?}");
}
