//! Entries of the library: what it stores behind a value, and values that are compressed or in
//! chunks.

use std::time::Duration;

use edge_cache_testing::{RedisServer, store_entry};
use redis::Commands;
use serde_json::json;

use crate::inspect;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn tags_are_shown_few_or_many() {
    let server = RedisServer::start();
    let many: Vec<String> = (0..90)
        .map(|n| format!("{n:02}{}", "x".repeat(180)))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();

    for tags in [&[][..], &["a", "b"], &many] {
        store_entry(&server, "k", &1, MINUTE, tags).await;

        let report = inspect(&server, "k", "").await.unwrap();

        assert_eq!(report.tags, tags);
        assert_eq!(report.grace, Some(40_000));
        assert!(report.load_time < Some(1000), "{:?}", report.load_time);
        assert_eq!((report.value, report.value_format), (json!(1), "json"));
        assert!((85..=100).contains(&report.ttl), "{}", report.ttl);
        assert_eq!(report.fresh_for, Some(report.ttl - 40));
        let () = server.connection().del("k").unwrap();
    }
}

#[tokio::test]
async fn a_compressed_and_a_chunked_value_are_shown_as_they_were_written() {
    let server = RedisServer::start();
    // Random characters do not compress, so the value is stored in chunks.
    let mut state = 1_u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'#' + (state >> 33) as u8 % 50)
    };
    let noise: String = (0..9_000_000).map(|_| random()).collect();
    for (value, kind) in [("7".repeat(200_000), "string"), (noise, "list")] {
        let text = json!(value).to_string();
        store_entry(&server, "k", &value, MINUTE, &["a"]).await;

        let report = inspect(&server, "k", "").await.unwrap();

        let shown = report.value.as_str().unwrap();
        assert!(
            shown.len() > 60_000 && text.starts_with(shown),
            "{shown:.99}"
        );
        assert_eq!((report.kind.as_str(), report.truncated), (kind, true));
        assert!((85..=100).contains(&report.ttl), "{}", report.ttl);
        assert_eq!(report.fresh_for, Some(report.ttl - 40));
        assert_eq!(report.tags, ["a"]);
        let () = server.connection().del("k").unwrap();
    }
}

#[tokio::test]
async fn when_a_value_was_stored_is_told_by_the_clock_of_redis() {
    let server = RedisServer::start();
    let time = || -> f64 {
        let (seconds, microseconds): (f64, f64) =
            redis::cmd("TIME").query(&mut server.connection()).unwrap();
        seconds * 1e3 + microseconds / 1e3
    };

    let before = time();
    store_entry(&server, "k", &1, MINUTE, &[]).await;
    let after = time();

    let stored_at = inspect(&server, "k", "").await.unwrap().stored_at.unwrap() as f64;
    assert!(
        (before - 2.0..after + 2.0).contains(&stored_at),
        "{before} {stored_at} {after}"
    );

    let () = server.connection().set("foreign", "1").unwrap();
    let foreign = inspect(&server, "foreign", "").await.unwrap();
    assert_eq!(
        (foreign.stored_at, foreign.grace, foreign.load_time),
        (None, None, None)
    );
}

#[tokio::test]
async fn a_value_in_its_grace_is_stale() {
    let server = RedisServer::start();
    store_entry(&server, "k", &1, Duration::from_millis(1), &[]).await;
    tokio::time::sleep(Duration::from_millis(20)).await;

    let report = inspect(&server, "k", "").await.unwrap();

    assert_eq!((report.stale, report.fresh_for), (true, Some(0)));
    assert!((25..=40).contains(&report.ttl), "{}", report.ttl);
}
