//! The rows of a page: names, lives and freshness.

use std::time::Duration;

use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_testing::{RedisServer, client, store_entry};

#[tokio::test]
async fn names_of_any_length_and_lives_of_any_length_are_shown() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let lengths = [1, 31, 32, 255, 256, 65_535, 65_536];
    let lives = [1, 127, 128, 255, 65_536, 4_294_968, 3_000_000_000];

    for (length, life) in lengths.into_iter().zip(lives) {
        redis::cmd("SET")
            .arg("n".repeat(length))
            .arg("v".repeat(length))
            .arg("EX")
            .arg(life)
            .exec(&mut other)
            .unwrap();
    }

    let page = ListKeysRequest::parse("")
        .unwrap()
        .run(&client(&server.url(0)))
        .await
        .unwrap();
    let mut seen: Vec<(usize, i64)> = page
        .keys
        .iter()
        .map(|row| (row.key.len(), row.ttl))
        .collect();
    seen.sort_unstable();

    assert_eq!(seen, lengths.into_iter().zip(lives).collect::<Vec<_>>());
    assert!(
        page.keys
            .iter()
            .all(|row| row.size_bytes.unwrap() > row.key.len() as u64)
    );
}

#[tokio::test]
async fn names_of_any_bytes_are_shown_and_addressable() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let long = "x".repeat(10_000);
    let names: [&[u8]; 7] = [
        b"a b",
        b"q\"uote",
        b"new\nline",
        b"[glob]*?",
        b"\xff\xfe",
        b"",
        long.as_bytes(),
    ];

    for name in names {
        redis::cmd("SET").arg(name).arg(1).exec(&mut other).unwrap();
    }

    let redis = client(&server.url(0));
    let page = ListKeysRequest::parse("")
        .unwrap()
        .run(&redis)
        .await
        .unwrap();

    assert_eq!(page.keys.len(), names.len());

    let binary = page
        .keys
        .iter()
        .find(|row| row.key_base64.is_some())
        .unwrap();

    assert_eq!(
        (binary.key.as_str(), binary.path.as_str()),
        ("\\xff\\xfe", "entry?keyBase64=%2F%2F4%3D")
    );
}

#[tokio::test]
async fn a_key_in_its_grace_is_stale_and_says_for_how_long_it_is_fresh() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let many: Vec<String> = (0..90)
        .map(|n| format!("{n:02}{}", "x".repeat(180)))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (fresh, stale) = (Duration::from_secs(60), Duration::from_millis(1));
    // Noise does not compress, so the value is stored in chunks.
    let noise = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let chunked: Vec<u64> = (0..600_000).map(noise).collect();

    store_entry(&server, "fresh", &1, fresh, &["a"]).await;
    store_entry(&server, "stale", &1, stale, &["a"]).await;
    store_entry(&server, "fresh, many tags", &1, fresh, &many).await;
    store_entry(&server, "stale, many tags", &1, stale, &many).await;
    store_entry(&server, "fresh, compressed", &vec![7; 100_000], fresh, &[]).await;
    store_entry(&server, "stale, compressed", &vec![7; 100_000], stale, &[]).await;
    store_entry(&server, "fresh, chunked", &chunked, fresh, &[]).await;
    store_entry(&server, "stale, chunked", &chunked, stale, &many).await;
    redis::pipe()
        .set_ex("foreign", 1, 30)
        .set_ex("odd", format!("1{}", " \t\n\r".repeat(2000)), 30)
        .set("for ever", 1)
        .exec(&mut other)
        .unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let redis = client(&server.url(0));
    let mut seen = 0;
    let mut query = String::new();
    loop {
        let request = ListKeysRequest::parse(&query).unwrap();
        let page = request.run(&redis).await.unwrap();
        for row in page.keys {
            let (most, fresh_for, is_stale) = match row.key.as_str() {
                "foreign" | "odd" => (30, Some(row.ttl), false),
                "for ever" => (-1, None, false),
                name if name.starts_with("fresh") => (100, Some(row.ttl - 40), false),
                name if name.starts_with("stale") => (40, Some(0), true),
                _ => continue,
            };
            assert!((most - 15..=most).contains(&row.ttl), "{row:?}");
            assert_eq!((row.fresh_for, row.stale), (fresh_for, is_stale), "{row:?}");
            seen += 1;
        }

        match page.pagination.next_cursor {
            Some(next) => query = format!("cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, 11);
}

#[tokio::test]
async fn a_life_past_what_lua_counts_is_told_exactly() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let far = i64::MAX / 1000 - 1;
    redis::cmd("SET")
        .arg("k")
        .arg(1)
        .arg("EXAT")
        .arg(far)
        .exec(&mut other)
        .unwrap();
    let left: i64 = redis::cmd("TTL").arg("k").query(&mut other).unwrap();
    let page = ListKeysRequest::parse("")
        .unwrap()
        .run(&client(&server.url(0)))
        .await
        .unwrap();
    let ttl = page.keys[0].ttl;

    assert!(
        (left - 5..=left).contains(&ttl),
        "{ttl} where Redis says {left}"
    );
    assert_eq!(
        page.keys[0].ttl_text.as_deref(),
        Some(ttl.to_string().as_str())
    );
}
