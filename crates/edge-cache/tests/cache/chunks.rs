//! Large values: compressed, and in chunks.

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, RedisClient};
use edge_cache_testing::RedisServer;
use redis::{Commands, Connection};
use serde_json::{Value, json};

use crate::{cache, keys, random, tagged};

/// A text of random characters, which do not compress below the size of a chunk.
fn huge_text() -> Value {
    let mut random = random(1);
    let mut character = || char::from(b' ' + 3 + random() as u8 % 88);
    json!((0..20_000_000).map(|_| character()).collect::<String>())
}

fn assert_no_unfinished_chunks(server: &RedisServer, when: &str) {
    let keys = keys(server);
    let unfinished = keys.iter().any(|key| key.starts_with("cache:chunk:{"));
    assert!(!unfinished, "{when}: {keys:?}");
}

fn used_memory(redis: &mut Connection) -> u64 {
    let info: String = redis::cmd("INFO").arg("memory").query(redis).unwrap();
    info.lines()
        .find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok())
        .unwrap()
}

#[tokio::test]
async fn chunks_of_a_value_that_the_server_refused_are_removed() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let noise = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let huge: Vec<u64> = (0..1_500_000).map(noise).collect();
    cache.set("k", &huge, &tagged(&[])).await.unwrap();
    assert!(other.llen::<_, usize>("k").unwrap() > 2);
    // Room for one chunk more.
    let limit = used_memory(&mut other) + (18 << 20);
    redis::pipe()
        .cmd("CONFIG")
        .arg(&["SET", "maxmemory", &limit.to_string()])
        .cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();

    cache.set("l", &huge, &tagged(&[])).await.unwrap_err();

    let chunks: Vec<String> = other.keys("cache:chunk:*").unwrap();
    assert_eq!(chunks, [""; 0]);
    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();
    let appends = stats
        .lines()
        .find(|line| line.starts_with("cmdstat_rpush:"))
        .unwrap();
    assert!(
        appends.starts_with("cmdstat_rpush:calls=2,"),
        "the head and one chunk: {appends}"
    );
    assert_eq!(cache.get::<Vec<u64>>("k").await.unwrap(), Some(huge));
}

/// Stores a large value, reads it in each way, and changes what is known of it.
async fn write_and_read_back(
    server: &RedisServer,
    cache: &Cache<RedisClient<TokioTransport>>,
    name: &str,
    value: &Value,
) {
    cache.set(name, value, &tagged(&["large"])).await.unwrap();

    let read: Option<Value> = cache.get(name).await.unwrap();
    assert!(read.as_ref() == Some(value), "{name}: get");
    let many = cache.get_many::<Value>(&["none", name]).await.unwrap();
    assert!(many == [None, Some(value.clone())], "{name}: get_many");

    let shown = cache.key_info(name).await.unwrap().unwrap();
    assert_eq!(shown.value_format, "text", "{name}: inspected as written");
    assert!(shown.truncated, "{name}");
    let text = shown.value.as_str().unwrap();
    assert!(text.starts_with(&value.to_string()[..30]), "{name}");

    cache
        .expire(name, Some(Duration::from_secs(600)))
        .await
        .unwrap();
    let left: i64 = server.connection().ttl(name).unwrap();
    assert!((599..=600).contains(&left), "{name}: {left}");

    cache.tag(name, &["later"]).await.unwrap();
    let tags = cache.key_info(name).await.unwrap().unwrap().tags;
    assert_eq!(tags, ["large", "later"], "{name}");
    let read: Option<Value> = cache.get(name).await.unwrap();
    assert!(
        read.as_ref() == Some(value),
        "{name}, with a longer trailer"
    );
}

#[tokio::test]
async fn a_compressed_value_reads_back() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let repetitive = json!(vec!["a fairly repetitive element of a list"; 20_000]);

    write_and_read_back(&server, &cache, "compressed", &repetitive).await;

    let kind: String = server.connection().key_type("compressed").unwrap();
    assert_eq!(kind, "string");
}

#[tokio::test]
async fn a_chunked_value_reads_back_and_leaves_nothing_when_it_is_replaced_or_removed() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let huge = huge_text();

    write_and_read_back(&server, &cache, "huge", &huge).await;
    let kind: String = server.connection().key_type("huge").unwrap();
    assert_eq!(kind, "list");

    cache.set("huge", &1, &tagged(&["large"])).await.unwrap();
    assert_no_unfinished_chunks(&server, "replaced");

    cache
        .set("compressed", &1, &tagged(&["large"]))
        .await
        .unwrap();
    cache.set("huge", &huge, &tagged(&["large"])).await.unwrap();
    assert!(cache.delete("huge").await.unwrap());
    assert_no_unfinished_chunks(&server, "deleted");

    cache.set("huge", &huge, &tagged(&["large"])).await.unwrap();
    assert_eq!(cache.invalidate_tag("large").await.unwrap(), 2);
    assert_no_unfinished_chunks(&server, "invalidated by tag");

    cache.set("huge", &huge, &tagged(&["large"])).await.unwrap();
    assert_eq!(cache.clear_by_pattern("hug*").await.unwrap(), 1);
    assert_no_unfinished_chunks(&server, "cleared by pattern");
}

#[tokio::test]
async fn a_half_written_value_of_the_former_chunked_form_is_not_read() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let chunk = |number: u8| format!("cache:chunk:{{k}}:00000000000000ff:{number}");
    let manifest = b"\0edge-cache-chunks 1 10 00000000000000ff 2";

    let () = other.set("k", manifest).unwrap();
    let () = other.set(chunk(1), "\"1234").unwrap();
    assert_eq!(cache.get::<Value>("k").await.unwrap(), None);

    let () = other.set(chunk(2), "5678\"").unwrap();
    let whole = cache.get::<Value>("k").await.unwrap();
    assert_eq!(whole, Some(json!("12345678")));
}

#[tokio::test]
async fn a_manifest_of_another_client_with_wrong_sizes_is_a_miss() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    for chunk in 1..=2 {
        let name = format!("cache:chunk:{{k}}:x:{chunk}");
        let () = other.set(name, "\"1234\"").unwrap();
    }

    let most = usize::MAX;
    for manifest in [
        format!("{most} x 1"),
        format!("{most} x {most}"),
        "7 x 2".to_owned(),
        "0 x 1".to_owned(),
    ] {
        let manifest = format!("\0edge-cache-chunks 1 {manifest}");
        let () = other.set("k", &manifest).unwrap();
        assert_eq!(cache.get::<Value>("k").await.unwrap(), None, "{manifest}");
    }
}
