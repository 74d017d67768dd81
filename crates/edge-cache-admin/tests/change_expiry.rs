//! Changing when keys expire, on a real server.

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, KeyName, LookupOutcome, Options, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::change_expiry::ChangeExpiryRequest;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

const TEN_YEARS_SECONDS: i64 = 315_360_000;

/// Changes the expiry of the key `k`. Returns the seconds left.
async fn change(redis: &RedisClient<TokioTransport>, body: &str) -> i64 {
    let request = ChangeExpiryRequest::parse(KeyName::new("k"), body.as_bytes()).unwrap();
    request.run(redis).await.unwrap().ttl
}

#[tokio::test]
async fn another_clients_value_stays_as_it_is() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    let () = other.set_ex("k", "1 ", 100).unwrap();

    assert_eq!(change(&redis, r#"{"ttl":600}"#).await, 600);

    let value: String = other.get("k").unwrap();
    assert_eq!(value, "1 ");
}

#[tokio::test]
async fn a_key_can_be_made_persistent() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let () = server.connection().set_ex("k", 1, 100).unwrap();

    assert_eq!(change(&redis, r#"{"persist":true}"#).await, -1);
}

#[tokio::test]
async fn a_missing_key_is_not_found() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let request = ChangeExpiryRequest::parse(KeyName::new("k"), br#"{"ttl":1}"#).unwrap();

    let result = request.run(&redis).await;

    assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
}

#[tokio::test]
async fn tags_and_chunks_live_as_long_as_a_key_that_lives_longer() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let mut other = server.connection();
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        tags: &["a", "b"],
        ..Options::default()
    };
    // It is made before the load, which would otherwise outlast its lease on a busy machine.
    let value = value_in_chunks();
    let load = async || Ok::<_, String>(value.clone());
    let loaded = cache.get_or_set("k", &options, load).await.unwrap();
    assert_eq!(loaded.outcome, LookupOutcome::Miss);
    let tags_ttls = || {
        ["cache:tags:a", "cache:tags:b"].map(|set| -> i64 { server.connection().ttl(set).unwrap() })
    };

    assert_eq!(change(&redis, r#"{"ttl":600}"#).await, 600);
    assert_eq!(tags_ttls(), [600; 2]);

    assert_eq!(change(&redis, r#"{"ttl":30}"#).await, 30);
    assert_eq!(tags_ttls(), [600; 2], "other keys may need them longer");

    let () = other.del("cache:tags:b").unwrap();
    assert_eq!(change(&redis, r#"{"persist":true}"#).await, -1);
    assert_eq!(tags_ttls(), [TEN_YEARS_SECONDS; 2]);
    assert_eq!(cache.get::<String>("k").await.unwrap(), Some(value));

    assert_eq!(cache.invalidate_tag("b").await.unwrap(), 1);
    let mut left: Vec<String> = other.keys("*").unwrap();
    let records = ["cache:fences", "cache:hot:", "cache:lookups", "cache:turns"];
    left.retain(|key| !records.iter().any(|record| key.starts_with(record)));
    // The set of the other tag keeps a member whose key is gone.
    assert_eq!(left, ["cache:tags:a"]);
}

/// More than 8 MiB even when compressed, so it is stored in chunks.
fn value_in_chunks() -> String {
    let random = |n: u32| {
        char::from(b'a' + (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 27) as u8 % 26)
    };
    (0..20_000_000).map(random).collect()
}

#[tokio::test]
async fn compressed_and_chunked_values_get_a_new_ttl_without_grace() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let mut other = server.connection();
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(600),
        tags: &["a"],
        jitter: 0.0,
        early_refresh: 0.0,
        ..Options::default()
    };

    for (value, kind) in [
        ("short".to_owned(), "string"),
        ("compressed ".repeat(20_000), "string"),
        (value_in_chunks(), "list"),
    ] {
        let load = async || Ok::<_, String>(value.clone());
        cache.get_or_set("k", &options, load).await.unwrap();
        let stored: String = other.key_type("k").unwrap();
        assert_eq!(stored, kind);
        let before = cache.key_info("k").await.unwrap().unwrap();
        assert!((645..=660).contains(&before.ttl), "{}", before.ttl);
        assert_eq!(before.fresh_for, Some(before.ttl - 600));

        assert_eq!(change(&redis, r#"{"ttl":3600}"#).await, 3600);

        let after = cache.key_info("k").await.unwrap().unwrap();
        assert!((3585..=3600).contains(&after.ttl), "{}", after.ttl);
        assert_eq!(after.fresh_for, Some(after.ttl));
        assert_eq!(
            (after.stale, after.tags.as_slice()),
            (false, &["a".to_owned()][..])
        );
        assert_eq!(
            cache.get::<String>("k").await.unwrap().as_ref(),
            Some(&value)
        );
        let read = cache.get_or_set("k", &options, load).await.unwrap();
        assert_eq!((read.outcome, read.value), (LookupOutcome::Hit, value));
        let () = other.del("k").unwrap();
    }
}

#[tokio::test]
async fn an_entry_without_grace_ends_when_its_new_ttl_does() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(600),
        ..Options::default()
    };
    let load = async || Ok::<_, String>(1);
    cache.get_or_set("k", &options, load).await.unwrap();

    change(&redis, r#"{"ttl":1}"#).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;

    let exists: bool = server.connection().exists("k").unwrap();
    assert!(!exists);
}

#[tokio::test]
async fn an_entry_with_grace_stays_fresh_for_its_new_ttl() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let options = Options {
        ttl: Some(minutes(2)),
        grace: minutes(5),
        early_refresh: 0.0,
        ..Options::default()
    };
    let load = async || Ok::<_, String>(1);
    cache.get_or_set("k", &options, load).await.unwrap();

    for body in [r#"{"ttl":60}"#, r#"{"ttl":3600}"#] {
        change(&redis, body).await;

        let read = cache.get_or_set("k", &options, load).await.unwrap();
        assert_eq!(read.outcome, LookupOutcome::Hit, "{body}");
        assert!(read.age.unwrap() < minutes(1), "{:?}", read.age);
    }

    change(&redis, r#"{"persist":true}"#).await;
    let read = cache.get_or_set("k", &options, load).await.unwrap();
    assert_eq!(read.outcome, LookupOutcome::Hit);
    assert!(read.age.unwrap() < minutes(1), "{:?}", read.age);
}
