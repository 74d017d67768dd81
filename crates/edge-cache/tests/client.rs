//! The connection that heals itself, against a real server that is frozen, killed and restarted.

use std::cell::Cell;
use std::future::pending;
use std::time::{Duration, Instant};

use edge_cache::tokio::TokioTransport;
use edge_cache::{Command, ErrorKind, Redis, RedisClient, RedisError, Reply, Transport};
use edge_cache_testing::{Fault, Proxy, RedisServer, client, free_port, transport};

async fn ping(redis: &impl Redis) -> Result<Vec<Reply>, ErrorKind> {
    redis
        .execute(Command::read("PING"))
        .await
        .map_err(|error| error.kind)
}

/// The connections that a server has accepted, including the one that counts them.
fn connections_received(server: &RedisServer) -> u64 {
    let info: String = redis::cmd("INFO")
        .arg("stats")
        .query(&mut server.connection())
        .unwrap();
    let count = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"))
        .unwrap();
    count.parse().unwrap()
}

#[tokio::test]
async fn a_broken_connection_is_reopened_within_the_same_command() {
    let mut server = RedisServer::start();
    let redis = client(&server.url(0));
    ping(&redis).await.unwrap();

    server.kill();
    assert_eq!(ping(&redis).await, Err(ErrorKind::Unreachable));

    server.launch();
    ping(&redis).await.unwrap();

    // The open connection is dead, the server is not: the caller does not notice.
    server.kill();
    server.launch();
    ping(&redis).await.unwrap();
}

#[tokio::test]
async fn a_retry_without_an_answer_reports_why_it_was_needed() {
    let mut server = RedisServer::start();
    let redis = client(&server.url(0));
    ping(&redis).await.unwrap();

    server.kill();
    // Accepts the new connection, and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", server.port())).unwrap();
    let began = Instant::now();
    assert_eq!(ping(&redis).await, Err(ErrorKind::Unreachable));

    assert!(
        began.elapsed() > Duration::from_secs(1),
        "it was tried again"
    );
    drop(silent);
}

#[tokio::test]
async fn a_command_that_must_not_run_twice_is_not_risked_on_a_dead_connection() {
    let mut server = RedisServer::start();
    let redis = client(&server.url(0));
    ping(&redis).await.unwrap();

    server.kill();
    server.launch();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let reply = redis.execute(Command::new("INCR").arg("n")).await.unwrap();

    assert_eq!(reply, [Reply::Int(1)]);
}

#[tokio::test]
async fn a_connection_is_not_checked_after_a_slow_reply() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    let redis = client(&proxy.url(0));
    ping(&redis).await.unwrap();

    proxy.fail(Fault::Slow(Duration::from_millis(150)));
    for _ in 0..3 {
        redis.execute(Command::new("INCR").arg("n")).await.unwrap();
    }

    assert_eq!(proxy.commands(), ["INCR"; 3]);
}

#[tokio::test]
async fn a_server_that_does_not_answer_costs_no_more_than_the_time_limit() {
    let server = RedisServer::start();
    let redis = RedisClient::new(transport(&server.url(0)), Duration::from_millis(300));
    ping(&redis).await.unwrap();

    server.freeze();
    let started = Instant::now();
    let first = ping(&redis).await;
    let second = ping(&redis).await;
    let took = started.elapsed();

    assert_eq!(first, Err(ErrorKind::Timeout));
    assert_eq!(second, Err(ErrorKind::Timeout), "opening is bounded too");
    assert!(took < Duration::from_secs(5), "{took:?}");
    server.thaw();
    ping(&redis).await.unwrap();
}

#[tokio::test]
async fn commands_with_a_common_deadline_share_its_time() {
    let server = RedisServer::start();
    let redis = RedisClient::new(transport(&server.url(0)), Duration::from_secs(60));
    let short = redis.within(Duration::from_millis(300));
    ping(&short).await.unwrap();

    server.freeze();
    let started = Instant::now();
    let (first, second) = futures_util::future::join(ping(&short), ping(&short)).await;
    let third = ping(&short).await;
    let took = started.elapsed();

    assert_eq!(first, Err(ErrorKind::Timeout));
    assert_eq!(second, Err(ErrorKind::Timeout));
    assert_eq!(third, Err(ErrorKind::Timeout), "no time is left");
    assert!(took < Duration::from_secs(20), "{took:?}");
    server.thaw();
    ping(&redis.within(Duration::from_secs(60))).await.unwrap();
}

#[tokio::test]
async fn a_port_without_a_server_is_reported_as_unreachable() {
    let redis = client(&format!("redis://127.0.0.1:{}/0", free_port()));

    assert_eq!(ping(&redis).await, Err(ErrorKind::Unreachable));
}

/// A server that closes the next `closes` connections while they are opened, and does not answer
/// attempts to use TLS.
struct Closing {
    transport: TokioTransport,
    closes: Cell<u32>,
    tls_attempts: Cell<u32>,
}

impl Transport for &Closing {
    type Connection = <TokioTransport as Transport>::Connection;
    type Timer = <TokioTransport as Transport>::Timer;

    async fn open(&self) -> Result<Self::Connection, RedisError> {
        match self.closes.get() {
            0 => self.transport.open().await,
            left => {
                self.closes.set(left - 1);
                Err(RedisError::new(
                    ErrorKind::Unreachable,
                    "connection reset by peer",
                ))
            }
        }
    }

    async fn try_other_scheme(&self) -> Result<(), RedisError> {
        self.tls_attempts.set(self.tls_attempts.get() + 1);
        pending().await
    }

    async fn send(
        &self,
        connection: &Self::Connection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError> {
        self.transport.send(connection, command).await
    }

    fn timer(&self, duration: Duration) -> Self::Timer {
        self.transport.timer(duration)
    }

    fn random(&self) -> u64 {
        self.transport.random()
    }
}

#[tokio::test]
async fn a_server_is_asked_for_tls_once_no_retry_is_left_and_for_a_short_time() {
    let server = RedisServer::start();
    let closing = Closing {
        transport: transport(&server.url(0)),
        closes: Cell::new(2),
        tls_attempts: Cell::new(0),
    };

    let redis = RedisClient::new(&closing, Duration::from_secs(15));
    ping(&redis).await.unwrap();
    let attempts = closing.tls_attempts.get();
    assert_eq!(attempts, 0, "the third try succeeded");

    closing.closes.set(u32::MAX);
    let redis = RedisClient::new(&closing, Duration::from_secs(15));
    let started = Instant::now();
    assert_eq!(ping(&redis).await, Err(ErrorKind::Unreachable));

    let took = started.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let attempts = closing.tls_attempts.get();
    assert_eq!(attempts, 1, "no retry was left");

    assert_eq!(ping(&redis).await, Err(ErrorKind::Unreachable));
    let attempts = closing.tls_attempts.get();
    assert_eq!(attempts, 1, "it was asked a moment ago");
}

#[tokio::test]
async fn overlapping_commands_share_one_connection() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let pings = (0..50).map(|_| ping(&redis));
    let replies = futures_util::future::join_all(pings).await;

    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    let connections = connections_received(&server);
    assert_eq!(connections, 2, "the client's, and the one that counts");
}

#[tokio::test]
async fn a_wrong_or_missing_password_is_reported_as_such() {
    let server = RedisServer::with(&["--requirepass", "right"]);
    let wrong = server.url(0).replace("redis://", "redis://:wrong@");
    let missing = server.url(0);

    for url in [wrong, missing] {
        let refused = ping(&client(&url)).await;
        assert_eq!(refused, Err(ErrorKind::Authentication), "{url}");
    }
}

#[tokio::test]
async fn a_connection_to_a_demoted_primary_is_replaced_once_and_not_at_every_refusal() {
    let (server, successor) = (RedisServer::start(), RedisServer::start());
    let redis = client(&server.url(0));
    ping(&redis).await.unwrap();
    redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(successor.port().to_string())
        .exec(&mut server.connection())
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1050)).await;

    let before = connections_received(&server);
    for _ in 0..3 {
        let write = Command::new("SET").arg("a").arg("b");
        let refused = redis.execute(write).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::ReadOnly);
        ping(&redis).await.unwrap();
    }
    // One more is the connection that counts.
    let replacements = connections_received(&server) - before - 1;

    assert_eq!(
        replacements, 1,
        "the address may lead to the successor now; a connection younger than a second is kept"
    );
}
