//! Pages of the trail.

use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{all, change, page, recorded, trail_connection};

#[tokio::test]
async fn records_are_read_newest_first_and_page_by_page() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    for n in 0..25 {
        change("ops", &format!("r{n}"))
            .write_finished(&redis)
            .await
            .unwrap();
    }

    assert_eq!(recorded(&redis).await, 25);

    let ids: Vec<String> = all(&redis)
        .await
        .into_iter()
        .map(|entry| entry.record.request_id)
        .collect();
    assert_eq!(
        ids,
        (0..25).rev().map(|n| format!("r{n}")).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn records_of_all_streams_are_read_in_one_order_even_with_equal_ids() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let json = serde_json::to_string(&change("ops", "x")).unwrap();

    let mut expected = Vec::new();
    for n in (1..30).rev() {
        for (number, stream) in ["cache:audit", "cache:audit:denied", "cache:audit:automatic"]
            .iter()
            .enumerate()
        {
            if n % (number + 1) == 0 {
                expected.push((*stream, format!("{n}-1")));
            }
        }
    }

    for (stream, id) in expected.iter().rev() {
        let () = redis::cmd("XADD")
            .arg(&[*stream, id, "record", &json])
            .query(&mut other)
            .unwrap();
    }

    let read: Vec<(String, String)> = all(&redis)
        .await
        .into_iter()
        .map(|entry| (serde_json::to_string(&entry.stream).unwrap(), entry.id))
        .collect();
    let name = |stream: &str| match stream {
        "cache:audit" => "\"changes\"".to_owned(),
        other => format!("{:?}", other.trim_start_matches("cache:audit:")),
    };

    let expected: Vec<(String, String)> = expected
        .into_iter()
        .map(|(stream, id)| (name(stream), id))
        .collect();
    assert_eq!(read, expected);

    // A cursor of an earlier version.
    let page = page(&redis, "limit=100&cursor=5-1").await;
    assert!(page.entries.iter().all(|entry| entry.id.as_str() < "5-1") && !page.entries.is_empty());
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_and_shows_foreign_records() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let mut add = |fields: &[&str]| {
        let () = redis::cmd("XADD")
            .arg("cache:audit")
            .arg("*")
            .arg(fields)
            .query(&mut other)
            .unwrap();
    };

    let json = |name: usize, names: usize| {
        let record = AuditRecord {
            keys: vec!["k".repeat(name); names],
            ..change("ops", "wide")
        };
        serde_json::to_string(&record).unwrap()
    };

    // Records of earlier versions: one of a megabyte, and the longest that is still read whole.
    for _ in 0..20 {
        add(&["record", &json(10_000, 100)]);
    }

    for _ in 0..100 {
        add(&["record", &json(150, 100)]);
    }

    add(&["foo", "bar", "a", "b"]);
    add(&["record", "{\"at\":3}"]);
    add(&["record", ""]);
    change("ops", "last").write_finished(&redis).await.unwrap();
    let first = page(&redis, "limit=100").await;
    let bytes: usize = first
        .entries
        .iter()
        .map(|entry| serde_json::to_string(entry).unwrap().len())
        .sum();

    assert!(
        bytes < 300 << 10 && (10..30).contains(&first.entries.len()),
        "{} records, {bytes} bytes",
        first.entries.len()
    );

    let details: Vec<_> = first.entries[1..4]
        .iter()
        .map(|entry| entry.record.detail.as_deref().unwrap())
        .collect();
    assert_eq!(details, ["", "{\"at\":3}", "foo bar a b"]);

    let read = all(&redis).await;
    assert_eq!(read.len(), 124);
    assert!(
        read[123].record.cut
            && read[123]
                .record
                .detail
                .as_ref()
                .is_some_and(|shown| shown.starts_with("{\"at\""))
    );

    // A key of another type under a stream's name does not hide the other streams.
    let () = other.set("cache:audit:denied", 1).unwrap();
    assert_eq!(
        page(&redis, "limit=1").await.entries[0].record.request_id,
        "last"
    );
}
