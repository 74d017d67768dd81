//! Hot keys on real servers: from the lookups of the library to the report.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Namespace, Options, Redis, RedisClient};
use edge_cache_admin::admin::hot_keys::{HotKeysReport, HotKeysRequest, record_rows};
use edge_cache_testing::{Cluster, RedisServer, client};
use redis::Commands;

type Client = RedisClient<TokioTransport>;

const MINUTE: Duration = Duration::from_secs(60);
/// 2026-01-31T12:00:00Z, the beginning of an hour.
const NOON: Duration = Duration::from_secs(1_769_860_800);

async fn read<R: Redis, A: Redis>(
    redis: &R,
    trail: &A,
    query: &str,
    now: SystemTime,
) -> HotKeysReport {
    let request = HotKeysRequest::parse(query).unwrap();
    request.run(redis, trail, now).await.unwrap()
}

/// Looks up these keys as many times, with a load of at least a millisecond.
async fn look_up(client: Client, keys: &[(&str, u64)]) {
    let cache = Cache::new(client);
    let options = Options {
        ttl: Some(Duration::from_secs(600)),
        early_refresh: 0.0,
        ..Options::default()
    };
    let load = async || {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok::<_, String>("x".repeat(100))
    };
    for round in 0..keys.iter().map(|(_, times)| *times).max().unwrap() {
        for (key, times) in keys {
            if round < *times {
                cache.get_or_set(key, &options, load).await.unwrap();
            }
        }
    }

    // They are added to Redis with the first lookup after a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cache.get_or_set(keys[0].0, &options, load).await.unwrap();
}

/// Sets what services have reported in a minute, as `counters/add.lua` does.
fn set_minute(server: &RedisServer, at: Duration, floor: u64, keys: &[(&str, u64)]) {
    let minute = format!("cache:hot:{}", at.as_secs() / 60);
    let mut redis = server.connection();
    let lookups: u64 = keys.iter().map(|(_, lookups)| lookups).sum();
    let fields = [("lookups", lookups), ("instances", 3), ("floor", floor)];
    let () = redis.hset_multiple(&minute, &fields).unwrap();
    for (key, lookups) in keys {
        set_figures(
            &mut redis,
            &minute,
            key,
            [*lookups, 0, 0, *lookups, 1, 5000, *lookups, lookups * 10],
        );
    }
}

/// Sets a key's figures, as `cmsgpack.pack` writes them.
fn set_figures(redis: &mut redis::Connection, minute: &str, key: &str, figures: [u64; 8]) {
    let mut packed = Vec::new();
    for figure in figures {
        packed.push(0xcf);
        packed.extend(figure.to_be_bytes());
    }
    let () = redis.hset(minute, format!("k{key}"), packed).unwrap();
}

fn at(time: Duration) -> SystemTime {
    UNIX_EPOCH + time
}

fn counts(report: &HotKeysReport) -> HashMap<&str, (u64, u64)> {
    let keys = report.keys.iter();
    keys.map(|key| (key.key.as_str(), (key.lookups, key.max_error)))
        .collect()
}

#[tokio::test]
async fn what_the_library_counts_is_listed() {
    let server = RedisServer::start();
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    look_up(
        client(&server.url(0)),
        &[("shop:a", 400), ("shop:b", 200), ("users:1", 40)],
    )
    .await;

    let report = read(&redis, &trail, "minutes=10", SystemTime::now()).await;

    let first = &report.keys[0];
    assert_eq!(
        (first.key.as_str(), first.module.as_str()),
        ("shop:a", "shop")
    );
    assert!((609..=641).contains(&report.lookups), "{report:?}");
    assert!(
        first.lookups.abs_diff(400) <= first.max_error + 40,
        "{first:?}"
    );
    assert!(first.hit_share.unwrap() > 0.9, "{first:?}");
    assert!(first.bytes_sent > 100 * 300, "{first:?}");
    assert!(first.time_saved_ms > 2 * 300, "{first:?}");
    assert_eq!(report.modules[0].module, "shop");
    assert!(report.modules[0].share > 0.8, "{report:?}");
    assert_eq!(report.instances, 1);
    let reason = report.frequencies_reason.unwrap();
    assert!(
        reason.contains("maxmemory-policy is noeviction"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_minute_that_has_ended_becomes_a_row_once() {
    let server = RedisServer::start();
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    set_minute(&server, NOON, 0, &[("a", 50), ("b", 20)]);
    set_minute(&server, NOON + MINUTE, 5, &[("a", 30), ("c", 10)]);

    let too_early = record_rows(&redis, &trail, at(NOON + 2 * MINUTE)).await;
    assert_eq!(too_early.unwrap(), 1, "the second minute has just ended");
    let now = at(NOON + 2 * MINUTE + Duration::from_secs(10));
    assert_eq!(record_rows(&redis, &trail, now).await.unwrap(), 1);
    assert_eq!(record_rows(&redis, &trail, now).await.unwrap(), 0);

    // The rows outlive the hashes, and are not added to them.
    let both = read(&redis, &trail, "minutes=5", now).await;
    let () = redis::cmd("FLUSHDB")
        .query(&mut server.connection())
        .unwrap();
    let stored = read(&redis, &trail, "minutes=5", now).await;
    assert_eq!(both.keys, stored.keys);
    let counts = counts(&stored);
    assert_eq!(counts["a"], (80, 0));
    assert_eq!(
        counts["b"],
        (20, 5),
        "it may have had 5 in the second minute"
    );
    assert_eq!(stored.lookups, 110);
    assert_eq!(stored.instances, 3);
    assert_eq!(stored.keys[0].load_ms, Some(5.0));
}

#[tokio::test]
async fn an_hour_becomes_a_row() {
    let server = RedisServer::start();
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    for minute in 0..60 {
        set_minute(&server, NOON + minute * MINUTE, 0, &[("a", 10), ("b", 1)]);
        let now = NOON + (minute + 1) * MINUTE + Duration::from_secs(20);
        record_rows(&redis, &trail, at(now)).await.unwrap();
    }
    set_minute(&server, NOON + 60 * MINUTE, 0, &[("a", 7)]);

    let now = at(NOON + 61 * MINUTE);
    let mut audit = server.connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut audit).unwrap();
    let hours: u64 = redis::cmd("XLEN")
        .arg("cache:audit:hotkeys:hours")
        .query(&mut audit)
        .unwrap();
    assert_eq!(hours, 1);
    let report = read(&redis, &trail, "minutes=120", now).await;
    assert_eq!(counts(&report)["a"], (607, 0));
    assert_eq!(report.from, "2026-01-31T11:00:00.000Z");
    let report = read(&redis, &trail, "minutes=60&limit=1", now).await;
    assert_eq!(counts(&report).len(), 1);
    assert_eq!(report.modules.len(), 2);
}

#[tokio::test]
async fn frequencies_are_those_of_a_server_that_evicts_by_them() {
    let server = RedisServer::with(&["--maxmemory-policy", "allkeys-lfu"]);
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    let mut connection = server.connection();
    let () = connection.set("seldom", "value").unwrap();
    let () = connection.set("often", "value").unwrap();
    for _ in 0..500 {
        let _: String = connection.get("often").unwrap();
    }

    let report = read(&redis, &trail, "", SystemTime::now()).await;

    let frequencies = report.frequencies.unwrap();
    let names: Vec<&str> = frequencies.iter().map(|known| known.key.as_str()).collect();
    assert_eq!(names, ["often", "seldom"]);
    assert!(frequencies[0].frequency > frequencies[1].frequency);
    assert_eq!(report.frequencies_reason, None);
}

#[tokio::test]
async fn on_a_cluster_and_in_a_namespace_it_is_the_same() {
    let cluster = Cluster::start();
    let in_shop = |url: &str| client(url).in_namespace(Namespace::parse("shop").unwrap());
    let connect = || in_shop(&cluster.url());
    let redis = connect();
    look_up(connect(), &[("shop:a", 200), ("shop:b", 100)]).await;

    let report = read(&redis, &redis, "", SystemTime::now()).await;
    assert_eq!(report.keys[0].key, "shop:a");
    let later = SystemTime::now() + 3 * MINUTE;
    assert!(record_rows(&redis, &redis, later).await.unwrap() >= 1);
    let stored = read(&redis, &redis, "", later).await;
    assert_eq!(stored.keys[0].key, "shop:a");

    let other = client(&cluster.url());
    let report = read(&other, &other, "", SystemTime::now()).await;
    assert_eq!(report.lookups, 0, "another namespace");
}
