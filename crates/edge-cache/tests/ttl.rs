//! Overrides of the TTL table on a real server.

use edge_cache::Error;
use edge_cache::ttl::{self, Change};
use edge_cache_testing::{RedisServer, client};

#[tokio::test]
async fn overrides_are_set_shown_and_taken_back() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let before = ttl::show(&redis).await.unwrap();
    assert_eq!((before.table.len(), before.table[0].source), (15, "builtin"));
    let set = Change::put(br#"{"prefix":"products","ttl":60}"#).unwrap();
    let table = set.run(&redis).await.unwrap().table;
    assert_eq!(
        (table.len(), table[0].prefix.as_str(), table[0].ttl, table[0].source),
        (16, "products", 60, "override")
    );
    Change::put(br#"{"prefix":"*","ttl":9}"#).unwrap().run(&redis).await.unwrap();
    let defaults = ttl::show(&redis).await.unwrap().table.into_iter().filter(|entry| entry.prefix == "*").count();
    assert_eq!(defaults, 1, "an override hides the entry it overrides");
    let back = Change::delete(b"", "prefix=products").unwrap();
    assert_eq!(back.run(&redis).await.unwrap().table.len(), 15);
    assert!(matches!(back.run(&redis).await, Err(Error::NotFound(_))));
}

#[test]
fn prefixes_that_mean_something_else_are_refused() {
    for bad in ["", "products:*", "cache:ttl", "lock:x", "products:", "a\nb"] {
        let body = serde_json::json!({ "prefix": bad, "ttl": 1 }).to_string();
        assert!(Change::put(body.as_bytes()).is_err(), "{bad}");
    }
    assert!(Change::put(br#"{"prefix":"a"}"#).is_err() && Change::put(br#"{"prefix":"a","ttl":0}"#).is_err());
}
