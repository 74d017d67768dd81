//! Stored formats: golden files of earlier versions, and the form that is written today.

use edge_cache::Options;
use edge_cache_testing::RedisServer;
use redis::Commands;
use serde_json::{Value, json};

use crate::cache;

const PLAIN: &[u8] = include_bytes!("../golden/plain.json");
const OWN_FRAME: &[u8] = include_bytes!("../golden/own-frame.lz4");

/// Keys that earlier versions or other programs wrote: plain JSON, a frame of the `lz4` program, a
/// frame of the library, and a value in two chunks with its manifest.
const GOLDEN: [(&str, &[u8]); 6] = [
    ("plain.json", PLAIN),
    ("frame.lz4", include_bytes!("../golden/frame.lz4")),
    ("own-frame.lz4", OWN_FRAME),
    ("chunked", include_bytes!("../golden/manifest")),
    (
        "cache:chunk:{chunked}:00c0ffee00c0ffee:1",
        include_bytes!("../golden/chunk-1"),
    ),
    (
        "cache:chunk:{chunked}:00c0ffee00c0ffee:2",
        include_bytes!("../golden/chunk-2"),
    ),
];

#[tokio::test]
async fn golden_values_of_earlier_versions_are_read() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    for (name, stored) in GOLDEN {
        let () = other.set(name, stored).unwrap();
    }

    for name in ["plain.json", "frame.lz4", "own-frame.lz4", "chunked"] {
        let value = cache.get::<Value>(name).await.unwrap().unwrap();
        assert_eq!(value["name"], json!("golden"), "{name}");
        assert_eq!(value["list"].as_array().unwrap().len(), 5000, "{name}");
    }
}

#[tokio::test]
async fn a_value_that_is_stored_today_has_the_golden_form() {
    let server = RedisServer::start();
    let value: Value = serde_json::from_slice(PLAIN).unwrap();
    cache(&server)
        .set("k", &value, &Options::default())
        .await
        .unwrap();

    let stored: Vec<u8> = server.connection().get("k").unwrap();

    assert!(
        stored.starts_with(OWN_FRAME),
        "a change of the stored form needs a golden file of its own, beside the old one"
    );
    let behind = &stored[OWN_FRAME.len()..];
    assert_eq!(behind[..4], [0x50, 0x2a, 0x4d, 0x18], "LZ4 readers skip it");
    assert!(behind[8..].iter().all(u8::is_ascii_whitespace));
}
