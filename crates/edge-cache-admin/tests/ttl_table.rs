//! Overrides of the TTL table on a real server.

use std::time::Duration;

use edge_cache::keyspace::ttl::TtlTable;
use edge_cache_admin::Error;
use edge_cache_admin::admin::ttl_table::{self, ChangeTtlRequest, TtlSource};
use edge_cache_testing::{RedisServer, client};

/// A table of two rows, to which `read` adds the default.
fn configured() -> TtlTable {
    let rows = [("products:popular", 900), ("stock:available", 60)];
    let row = |(prefix, seconds)| (prefix, Duration::from_secs(seconds));
    rows.into_iter().map(row).collect()
}

/// Number of rows without overrides.
const BUILTIN_ROWS: usize = 3;

fn put(body: &str) -> Result<ChangeTtlRequest, Error> {
    ChangeTtlRequest::parse_put(body.as_bytes())
}

#[tokio::test]
async fn without_overrides_the_table_is_the_configured_one() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let table = ttl_table::read(&redis, &configured()).await.unwrap().table;

    assert_eq!(table.len(), BUILTIN_ROWS);
    assert!(table.iter().all(|row| row.source == TtlSource::Builtin));
}

#[tokio::test]
async fn an_override_comes_first_and_can_be_removed_once() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let set = put(r#"{"prefix":"products","ttl":60}"#).unwrap();
    let remove = ChangeTtlRequest::parse_delete(b"", "prefix=products").unwrap();

    let table = set.run(&redis, &configured()).await.unwrap().table;
    assert_eq!(table.len(), BUILTIN_ROWS + 1);
    assert_eq!(table[0].prefix, "products");
    assert_eq!(table[0].ttl, 60);
    assert_eq!(table[0].source, TtlSource::Override);

    let table = remove.run(&redis, &configured()).await.unwrap().table;
    assert_eq!(table.len(), BUILTIN_ROWS);
    let again = remove.run(&redis, &configured()).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
}

#[tokio::test]
async fn an_override_hides_the_row_that_it_overrides() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));

    let set = put(r#"{"prefix":"*","ttl":9}"#).unwrap();
    let table = set.run(&redis, &configured()).await.unwrap().table;

    let defaults: Vec<u64> = table
        .iter()
        .filter(|row| row.prefix == "*")
        .map(|row| row.ttl)
        .collect();
    assert_eq!(defaults, [9]);
}

#[tokio::test]
async fn the_default_of_the_file_is_in_the_table_once() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let configured: TtlTable = [("*", Duration::from_secs(20))].into_iter().collect();

    let table = ttl_table::read(&redis, &configured).await.unwrap().table;

    assert_eq!(table.len(), 1);
    assert_eq!((table[0].prefix.as_str(), table[0].ttl), ("*", 20));
}

#[test]
fn a_prefix_must_not_be_a_pattern_or_protected() {
    for bad in ["", "products:*", "cache:ttl", "lock:x", "products:", "a\nb"] {
        let body = serde_json::json!({ "prefix": bad, "ttl": 1 }).to_string();
        assert!(put(&body).is_err(), "{bad}");
    }
}

#[test]
fn an_override_needs_a_positive_ttl() {
    assert!(put(r#"{"prefix":"a"}"#).is_err());
    assert!(put(r#"{"prefix":"a","ttl":0}"#).is_err());
}
