//! Bounds of the streams, lost streams and full servers.

use std::time::Duration;

use edge_cache::ErrorKind;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{all, change, first_entry, length, page, recorded, trail_connection};

#[tokio::test]
async fn records_past_their_age_are_removed() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));

    let json = serde_json::to_string(&change("ops", "old")).unwrap();
    for n in 1..=40 {
        let () = redis::cmd("XADD")
            .arg(&["cache:audit", &format!("{n}-1"), "record", &json])
            .query(&mut other)
            .unwrap();
    }

    for _ in 0..3 {
        change("ops", "new").write_finished(&redis).await.unwrap();
    }

    let left: Vec<String> = all(&redis)
        .await
        .into_iter()
        .map(|entry| entry.record.request_id)
        .collect();
    assert_eq!(left, ["new"; 3]);
}

#[tokio::test]
async fn a_stream_that_was_lost_or_trimmed_grows_again() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let losses: [fn(&mut redis::Connection); 2] = [
        |other| other.del("cache:audit").unwrap(),
        |other| {
            let () = redis::cmd("XTRIM")
                .arg(&["cache:audit", "MAXLEN", "1"])
                .query(other)
                .unwrap();
        },
    ];

    for lose in losses {
        change("ops", "before")
            .write_finished(&redis)
            .await
            .unwrap();
        // The stream was full.
        let () = other
            .hset("cache:audit:sizes", "1", (48 << 20) - 100)
            .unwrap();
        lose(&mut other);
        let left = length(&mut other, "cache:audit");
        for n in 0..20 {
            change("ops", &n.to_string())
                .write_finished(&redis)
                .await
                .unwrap();
        }
        assert_eq!(length(&mut other, "cache:audit"), left + 20);
        let (size, real): (u64, u64) = (
            other.hget("cache:audit:sizes", "1").unwrap(),
            redis::cmd("MEMORY")
                .arg(&["USAGE", "cache:audit", "SAMPLES", "0"])
                .query(&mut other)
                .unwrap(),
        );
        assert!(size.abs_diff(real) < 16 << 10, "{size} for {real}");
    }
}

#[tokio::test]
async fn a_full_server_records_changes_but_not_denied_attempts() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1"])
        .query(&mut other)
        .unwrap();
    let mut record = change("ops", "full");
    let intent = record.write_intent(&redis).await.unwrap();

    assert_eq!(page(&redis, "").await.running.len(), 1);

    record.finish(Duration::from_millis(3), Ok(5));
    record.write_outcome(&intent, &redis).await.unwrap();
    let read = page(&redis, "").await;

    assert_eq!(
        (
            read.running.len(),
            read.entries.len(),
            read.entries[0].record.keys_deleted
        ),
        (0, 1, 5)
    );

    let mut denied = AuditRecord::new("denied");
    denied.ip = "1.2.3.4".into();
    let refused = denied.write_denied(0, &redis).await.unwrap_err();

    assert_eq!(
        refused.kind,
        ErrorKind::OutOfMemory,
        "anybody could fill it further"
    );
    assert_eq!(recorded(&redis).await, 1);
}

/// Bytes of the stream of changes, as Redis measures them.
fn trail_bytes(redis: &mut redis::Connection) -> u64 {
    redis::cmd("MEMORY")
        .arg(&["USAGE", "cache:audit", "SAMPLES", "0"])
        .query(redis)
        .unwrap()
}

#[tokio::test]
async fn a_stream_over_its_bytes_loses_only_its_oldest_records() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    for n in 0..50 {
        change(&format!("t{n}"), &format!("r{n}"))
            .write_finished(&redis)
            .await
            .unwrap();
    }

    let measured: u64 = other.hget("cache:audit:sizes", "1").unwrap();
    let real = trail_bytes(&mut other);
    assert!(measured.abs_diff(real) < real / 2, "{measured} for {real}");

    // Full, and written by an earlier version: its bytes are not known and must be measured.
    let wide = serde_json::to_string(&AuditRecord {
        detail: Some("x".repeat(3_800)),
        ..change("t", "wide")
    })
    .unwrap();
    // Valkey's streams are smaller.
    let count: u64 = if RedisServer::is_valkey() {
        13_500
    } else {
        12_300
    };
    let script =
        "for n = 1, ARGV[2] do redis.call('XADD', 'cache:audit', '*', 'record', ARGV[1]) end";
    let () = redis::cmd("EVAL")
        .arg(&[script, "0", &wide, &count.to_string()])
        .query(&mut other)
        .unwrap();
    let () = other.hdel("cache:audit:sizes", "1").unwrap();
    let mut denied = AuditRecord::new("denied");
    denied.ip = "1.2.3.4".into();
    denied.write_denied(0, &redis).await.unwrap();

    assert_eq!(
        length(&mut other, "cache:audit"),
        count + 50,
        "other streams push nothing out"
    );
    assert!(trail_bytes(&mut other) > 48 << 20);

    for n in 0..10 {
        change("new", &format!("new{n}"))
            .write_finished(&redis)
            .await
            .unwrap();
    }
    assert!(
        first_entry(&mut other, "cache:audit")[1].contains("wide"),
        "the oldest are removed"
    );

    let newest = page(&redis, "limit=10").await.entries;
    let newest: Vec<&str> = newest
        .iter()
        .map(|entry| entry.record.request_id.as_str())
        .filter(|id| !id.is_empty())
        .collect();

    assert!(
        (0..10).all(|n| newest.contains(&format!("new{n}").as_str()) || n == 0),
        "{newest:?}"
    );
    assert!(other.hget::<_, _, u64>("cache:audit:sizes", "1").unwrap() <= 48 << 20);
    let bytes = trail_bytes(&mut other);
    assert!((47 << 20..=48 << 20).contains(&bytes), "{bytes}");
}
