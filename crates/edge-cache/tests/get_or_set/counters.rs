//! Lookup counters, and the server's own hit rate.

use std::time::Duration;

use edge_cache::Options;
use edge_cache_testing::RedisServer;
use redis::Commands;

use crate::{cache, ttl};

/// The share of hits among the key lookups that the server counts during some work.
async fn hit_ratio(server: &RedisServer, work: impl Future<Output = ()>) -> f64 {
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut server.connection())
        .unwrap();

    work.await;

    let info: String = redis::cmd("INFO")
        .arg("stats")
        .query(&mut server.connection())
        .unwrap();
    let count = |field: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    let (hits, misses) = (count("keyspace_hits:"), count("keyspace_misses:"));
    hits / (hits + misses)
}

fn counter(server: &RedisServer, name: &str) -> Option<u64> {
    server.connection().hget("cache:lookups", name).unwrap()
}

#[tokio::test]
async fn lookups_are_counted_by_module() {
    let server = RedisServer::start();
    let cache = cache(&server);

    let look_up = async |times| {
        for _ in 0..times {
            cache
                .get_or_set("users:1", &ttl(60_000), async || Ok::<_, String>(1))
                .await
                .unwrap();
        }
    };

    look_up(64).await;
    // They are added to Redis with the first lookup after a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    look_up(1).await;

    assert_eq!(counter(&server, "users:miss"), Some(1));
    let hits = counter(&server, "users:hit");
    assert!(hits >= Some(31), "{hits:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_few_lookups_and_every_load_are_counted() {
    let server = RedisServer::start();
    let (cache, options) = (cache(&server), ttl(60_000));
    let load = async || Ok::<_, String>(1);
    let brief_load = async || {
        std::thread::sleep(Duration::from_micros(300));
        Ok::<_, String>(1)
    };

    cache.get_or_set("users:1", &options, load).await.unwrap();
    assert_eq!(counter(&server, "users:miss"), Some(1));
    assert_eq!(counter(&server, "users:loads"), Some(1));

    cache
        .get_or_set("users:2", &options, brief_load)
        .await
        .unwrap();
    assert_eq!(counter(&server, "users:loads"), Some(2));
    let load_us = counter(&server, "users:load_us");
    assert!(load_us >= Some(300), "{load_us:?}");

    tokio::time::sleep(Duration::from_millis(1100)).await;
    cache.get_or_set("users:1", &options, load).await.unwrap();
    assert_eq!(counter(&server, "users:miss"), Some(2));
    assert_eq!(counter(&server, "users:hit"), Some(1));
}

#[tokio::test]
async fn a_hit_is_not_a_miss_to_the_server() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let tagged = Options {
        tags: &["t"],
        ..ttl(60_000)
    };
    let () = server.connection().set("foreign", 1).unwrap();
    let load = async || Ok::<_, String>(1);
    let unused = async || Err::<u32, _>("not called for a hit");

    for (key, options) in [
        ("plain", ttl(60_000)),
        ("tagged", tagged),
        ("foreign", ttl(60_000)),
    ] {
        cache.get_or_set(key, &options, load).await.unwrap();

        let hits = async {
            for _ in 0..200 {
                cache.get_or_set(key, &options, unused).await.unwrap();
            }
        };
        let ratio = hit_ratio(&server, hits).await;

        assert!(ratio > 0.99, "{key}: {ratio}");
    }
}

#[tokio::test]
async fn the_servers_hit_rate_is_close_to_that_of_the_lookups() {
    let server = RedisServer::start();
    let cache = cache(&server);

    // Each key is loaded once and found four times.
    let lookups = async {
        for n in 0..1000 {
            let key = format!("users:{}", n / 5);
            cache
                .get_or_set(&key, &ttl(60_000), async || Ok::<_, String>(1))
                .await
                .unwrap();
        }
    };
    let ratio = hit_ratio(&server, lookups).await;

    assert!((0.70..0.90).contains(&ratio), "{ratio}");
}
