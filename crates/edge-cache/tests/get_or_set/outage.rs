//! Lookups while Redis is unavailable.

use std::cell::Cell;
use std::time::{Duration, Instant};

use edge_cache::{Cache, LookupOutcome, RedisClient};
use edge_cache_testing::{RedisServer, client, free_port, transport};

use crate::{look_up, ttl};

#[tokio::test]
async fn without_redis_the_loader_serves_and_the_circuit_opens() {
    let cache = Cache::new(client(&format!("redis://127.0.0.1:{}/0", free_port())));
    let (loads, options) = (Cell::new(0), ttl(50));
    for n in 1..=5 {
        let loaded = look_up(&cache, "k", &options, &loads).await;
        assert_eq!(loaded.outcome, LookupOutcome::Bypass);
        assert_eq!(loaded.value, n);
    }

    let started = Instant::now();
    for _ in 0..100 {
        look_up(&cache, "k", &options, &loads).await;
    }

    // Each call that tried to connect would have taken 150 ms of pauses between its tries.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_frozen_server_delays_a_caller_by_about_the_command_limit() {
    let server = RedisServer::start();
    let cache = Cache::new(RedisClient::new(
        transport(&server.url(0)),
        Duration::from_millis(200),
    ));
    let (loads, options) = (Cell::new(0), ttl(60_000));
    look_up(&cache, "k", &options, &loads).await;

    server.freeze();
    let started = Instant::now();
    let loaded = look_up(&cache, "k", &options, &loads).await;
    let took = started.elapsed();

    assert_eq!(loaded.outcome, LookupOutcome::Bypass);
    assert!(
        took < Duration::from_secs(2),
        "ten times the limit: {took:?}"
    );
    server.thaw();
    let hit = look_up(&cache, "k", &options, &loads).await;
    assert_eq!(hit.outcome, LookupOutcome::Hit);
    assert_eq!(hit.value, 1);
}
