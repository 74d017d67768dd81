//! The healing connection against a real server that is frozen, killed and restarted.

use std::time::{Duration, Instant};

use edge_cache::{Client, Command, ErrorKind, Redis, Reply};
use edge_cache_testing::{NativeTransport, RedisServer, client, free_port};

async fn ping(redis: &impl Redis) -> Result<Vec<Reply>, ErrorKind> {
    redis.execute(Command::read("PING")).await.map_err(|error| error.kind)
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
    server.kill();
    server.launch();
    // The connection in hand is dead, the server is not: nobody notices.
    ping(&redis).await.unwrap();
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
async fn a_server_that_does_not_answer_costs_no_more_than_the_limit() {
    let server = RedisServer::start();
    let redis = Client::new(NativeTransport::new(server.url(0)), Duration::from_millis(300));
    ping(&redis).await.unwrap();
    server.freeze();
    let started = Instant::now();
    assert_eq!(ping(&redis).await, Err(ErrorKind::Timeout));
    assert_eq!(ping(&redis).await, Err(ErrorKind::Timeout), "opening is bounded too");
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    server.thaw();
    ping(&redis).await.unwrap();
}

#[tokio::test]
async fn commands_of_one_deadline_share_its_time() {
    let server = RedisServer::start();
    let redis = Client::new(NativeTransport::new(server.url(0)), Duration::from_secs(60));
    let short = redis.within(Duration::from_millis(300));
    ping(&short).await.unwrap();
    server.freeze();
    let started = Instant::now();
    let overlapping = futures_util::future::join(ping(&short), ping(&short)).await;
    assert_eq!(overlapping, (Err(ErrorKind::Timeout), Err(ErrorKind::Timeout)));
    assert_eq!(ping(&short).await, Err(ErrorKind::Timeout), "no time is left");
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    server.thaw();
    ping(&redis.within(Duration::from_secs(60))).await.unwrap();
}

#[tokio::test]
async fn nobody_listening_is_told_after_three_tries() {
    let redis = client(&format!("redis://127.0.0.1:{}/0", free_port()));
    assert_eq!(ping(&redis).await, Err(ErrorKind::Unreachable));
}

#[tokio::test]
async fn overlapping_commands_share_one_connection() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let pings = (0..50).map(|_| ping(&redis));
    assert!(futures_util::future::join_all(pings).await.iter().all(Result::is_ok));
    let info: String = redis::cmd("INFO").arg("stats").query(&mut server.connection()).unwrap();
    let connections = info.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
    // One is this very connection, one the client's.
    assert_eq!(connections, "2");
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such() {
    let server = RedisServer::with(&["--requirepass", "right"]);
    let url = server.url(0).replace("redis://", "redis://:wrong@");
    assert_eq!(ping(&client(&url)).await, Err(ErrorKind::Authentication));
    assert_eq!(ping(&client(&server.url(0))).await, Err(ErrorKind::Authentication));
}

#[tokio::test]
async fn a_primary_that_was_demoted_is_left_within_a_second() {
    let (server, successor) = (RedisServer::start(), RedisServer::start());
    let redis = client(&server.url(0));
    let opened = || -> u64 {
        let info: String = redis::cmd("INFO").arg("stats").query(&mut server.connection()).unwrap();
        let count = info.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap();
        // This one is not meant.
        count.parse::<u64>().unwrap() - 1
    };
    ping(&redis).await.unwrap();
    let port = successor.port().to_string();
    redis::cmd("REPLICAOF").arg("127.0.0.1").arg(port).exec(&mut server.connection()).unwrap();
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let before = opened();
    for _ in 0..3 {
        let refused = redis.execute(Command::new("SET").arg("a").arg("b")).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::ReadOnly);
        ping(&redis).await.unwrap();
    }
    assert_eq!(
        opened(),
        before + 2,
        "its address may lead to the successor now; this one is not asked for more each time"
    );
}
