//! Inspecting single keys on a real server, and changing when they expire.

use std::time::Duration;

use edge_cache::inspect::{Expiry, Report, Request};
use edge_cache::{Cache, Error, KeyName, Options, Outcome};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::json;

async fn inspect(server: &RedisServer, key: &str, query: &str) -> Result<Report, Error> {
    Request::parse(KeyName::new(key), query).unwrap().run(&client(&server.url(0))).await
}

fn stream_entry(id: &str, field: &str, value: &str) -> redis::Cmd {
    redis::cmd("XADD").arg("stream").arg(id).arg(field).arg(value).clone()
}

#[tokio::test]
async fn every_type_is_shown_in_its_own_form() {
    let server = RedisServer::start();
    let mut other = server.connection();
    redis::pipe()
        .set("json", r#"{"a":[1]}"#)
        .set("text", "plain")
        .set("bytes", b"\xff")
        .rpush("list", &["a", "b"])
        .sadd("set", "m")
        .hset("hash", "f", "v")
        .zadd("zset", "m", 2)
        .add_command(stream_entry("1-1", "f", "v"))
        .exec(&mut other)
        .unwrap();
    let value = async |key: &str| {
        let report = inspect(&server, key, "").await.unwrap();
        (report.value, report.value_format, report.length)
    };
    assert_eq!(value("json").await, (json!({"a": [1]}), "json", 9));
    assert_eq!(value("text").await, (json!("plain"), "text", 5));
    assert_eq!(value("bytes").await, (json!({"base64": "/w=="}), "base64", 1));
    assert_eq!(value("list").await, (json!(["a", "b"]), "elements", 2));
    assert_eq!(value("set").await, (json!(["m"]), "elements", 1));
    assert_eq!(value("hash").await, (json!([{"field": "f", "value": "v"}]), "elements", 1));
    assert_eq!(value("zset").await, (json!([{"member": "m", "score": "2"}]), "elements", 1));
    assert_eq!(value("stream").await, (json!([{"id": "1-1", "fields": ["f", "v"]}]), "elements", 1));
}

#[tokio::test]
async fn collections_are_read_page_by_page_to_the_end() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let mut pipe = redis::pipe();
    for n in 0..2500 {
        pipe.rpush("list", n).sadd("set", n).hset("hash", n, n).zadd("zset", n, n);
        pipe.add_command(stream_entry(&format!("{}-0", n + 1), "n", &n.to_string()));
    }
    pipe.exec(&mut other).unwrap();
    for key in ["list", "set", "hash", "zset", "stream"] {
        let (mut seen, mut cursor) = (std::collections::HashSet::new(), "0".to_owned());
        loop {
            let page = inspect(&server, key, &format!("limit=1000&cursor={cursor}")).await.unwrap();
            seen.extend(page.value.as_array().unwrap().iter().map(ToString::to_string));
            match page.next_cursor {
                Some(next) => cursor = next,
                None => break,
            }
        }
        assert_eq!(seen.len(), 2500, "{key}");
    }
}

#[tokio::test]
async fn large_values_are_cut_and_say_so() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let _: () = other.set("large", "x".repeat(100_000)).unwrap();
    let _: () = other.rpush("elements", &["y".repeat(60_000), "z".repeat(60_000)]).unwrap();
    let report = inspect(&server, "large", "").await.unwrap();
    assert_eq!((report.truncated, report.length, report.value.as_str().unwrap().len()), (true, 100_000, 65_536));
    let report = inspect(&server, "elements", "").await.unwrap();
    let lengths: Vec<usize> = report.value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().len()).collect();
    assert_eq!((report.truncated, lengths), (true, vec![60_000, 5536]));
}

#[tokio::test]
async fn of_a_collection_of_large_elements_fewer_are_read_and_none_is_lost() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let element = "x".repeat(4 << 20);
    for n in 0..10 {
        let _: () =
            redis::pipe().rpush("list", &element).zadd("zset", format!("{n}{element}"), n).query(&mut other).unwrap();
    }
    for key in ["list", "zset"] {
        let (mut cursor, mut pages) = ("0".to_owned(), Vec::new());
        loop {
            let page = inspect(&server, key, &format!("cursor={cursor}")).await.unwrap();
            pages.push(page.value.as_array().unwrap().len());
            match page.next_cursor {
                Some(next) => cursor = next,
                None => break,
            }
        }
        assert!(pages.iter().all(|page| (1..=4).contains(page)), "{key}: {pages:?}");
        assert_eq!(pages.iter().sum::<usize>(), 10, "{key}");
    }
}

#[tokio::test]
async fn expiry_and_tags_are_shown_and_expiry_changes() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let _: () = other.set_ex("k", 1, 100).unwrap();
    let _: () = other.hset("cache:meta:{k}", "tags", "a\nb").unwrap();
    assert_eq!(inspect(&server, "k", "").await.unwrap().tags, ["a", "b"]);
    let redis = client(&server.url(0));
    let change = async |body: &[u8]| Expiry::parse(KeyName::new("k"), body).unwrap().run(&redis).await.unwrap().ttl;
    assert_eq!(change(br#"{"ttl":600}"#).await, 600);
    let companion: i64 = other.ttl("cache:meta:{k}").unwrap();
    assert_eq!(companion, 600, "what is known of a key lives as long as the key");
    assert_eq!(change(br#"{"persist":true}"#).await, -1);
}

#[tokio::test]
async fn a_key_that_lives_longer_keeps_its_tags_and_chunks() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let options = Options { ttl: Some(Duration::from_secs(60)), tags: &["a", "b"], ..Options::default() };
    // Past 8 MiB it is stored in chunks.
    let random = |n: u32| char::from(b'a' + (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 27) as u8 % 26);
    let load = async || Ok::<_, String>((0..20_000_000).map(random).collect::<String>());
    let loaded = cache.get_or_set("k", &options, load).await;
    assert_eq!(loaded.unwrap().outcome, Outcome::Miss);
    let mut other = server.connection();
    let mut lives = |names: &[&str]| -> Vec<i64> { names.iter().map(|name| other.ttl(*name).unwrap()).collect() };
    let shared = ["cache:tags:a", "cache:tags:b", "cache:chunked"];
    let change = async |body: &[u8]| Expiry::parse(KeyName::new("k"), body).unwrap().run(&redis).await.unwrap().ttl;
    assert_eq!(change(br#"{"ttl":600}"#).await, 600);
    assert_eq!(lives(&shared), [600; 3]);
    assert_eq!(change(br#"{"ttl":30}"#).await, 30);
    assert_eq!(lives(&shared), [600; 3], "other keys may need them as long");
    let () = server.connection().del("cache:tags:b").unwrap();
    assert_eq!(change(br#"{"persist":true}"#).await, -1);
    let ten_years = 315_360_000;
    assert_eq!(lives(&shared), [ten_years; 3], "they end, so that what is left of them does");
    assert_eq!(cache.invalidate_tag("b").await.unwrap(), 1);
    let left: Vec<String> = other.keys("cache:chunk:*").unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_value_with_grace_is_fresh_for_the_time_it_was_given() {
    let server = RedisServer::start();
    let (redis, cache) = (client(&server.url(0)), Cache::new(client(&server.url(0))));
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let options = Options { ttl: Some(minutes(2)), grace: minutes(5), early_refresh: 0.0, ..Options::default() };
    let load = async || Ok::<_, String>(1);
    cache.get_or_set("k", &options, load).await.unwrap();
    for ttl in [60, 3600] {
        let body = json!({ "ttl": ttl }).to_string();
        Expiry::parse(KeyName::new("k"), body.as_bytes()).unwrap().run(&redis).await.unwrap();
        let read = cache.get_or_set("k", &options, load).await.unwrap();
        assert_eq!(read.outcome, Outcome::Hit, "{ttl} s");
        assert!(read.age.unwrap() < minutes(1), "{:?}", read.age);
    }
    Expiry::parse(KeyName::new("k"), br#"{"persist":true}"#).unwrap().run(&redis).await.unwrap();
    let read = cache.get_or_set("k", &options, load).await.unwrap();
    assert_eq!((read.outcome, read.age), (Outcome::Hit, None));
}

#[tokio::test]
async fn a_missing_key_is_not_found() {
    let server = RedisServer::start();
    assert!(matches!(inspect(&server, "missing", "").await, Err(Error::NotFound(_))));
    let change = Expiry::parse(KeyName::new("missing"), br#"{"ttl":1}"#).unwrap();
    assert!(matches!(change.run(&client(&server.url(0))).await, Err(Error::NotFound(_))));
}
