//! Edits of values on real servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use edge_cache::keyspace::edit::hash_of;
use edge_cache::keyspace::trailer;
use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, KeyName, LookupOutcome, Near, Options, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::edit_key::{EditKeyRequest, EditReport, UndoRequest};
use edge_cache_admin::admin::inspect_key::InspectKeyRequest;
use edge_cache_testing::{Cluster, RedisServer, client};
use futures_util::future::join_all;
use redis::Commands;
use serde_json::{Value, json};

type Client = RedisClient<TokioTransport>;

/// An id of an operation.
const OPERATION: &str = "1700000000000-0-1-0123456789abcdef";

fn request(key: &str, body: &Value) -> EditKeyRequest {
    EditKeyRequest::parse(KeyName::new(key), body.to_string().as_bytes()).unwrap()
}

async fn edit(redis: &Client, key: &str, body: Value) -> Result<EditReport, Error> {
    request(key, &body).run(redis, Some(OPERATION)).await
}

async fn inspect(redis: &Client, key: &str) -> Value {
    let request = InspectKeyRequest::parse(KeyName::new(key), "").unwrap();
    let info = request.with_hashes(true).run(redis).await.unwrap();
    serde_json::to_value(info).unwrap()
}

async fn undo(redis: &Client) -> Result<EditReport, Error> {
    let request = UndoRequest::parse(OPERATION).unwrap();
    request.find(redis, redis).await?.run(redis, None).await
}

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(600)),
        grace: Duration::from_secs(60),
        tags: &["catalog"],
        jitter: 0.0,
        early_refresh: 0.0,
        ..Options::default()
    }
}

async fn unused() -> Result<Value, String> {
    Err("not called for a hit".to_owned())
}

#[tokio::test]
async fn an_entry_of_the_library_stays_one() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    cache
        .set("products:1", &json!({ "stock": 7 }), &options())
        .await
        .unwrap();
    let before = inspect(&redis, "products:1").await;
    assert_eq!(before["hash"], hash_of(br#"{"stock":7}"#));

    let new = r#"{"stock": 10000000000000000000000001, "stock": 8}"#;
    let report = edit(
        &redis,
        "products:1",
        json!({ "value": new, "if": before["hash"] }),
    )
    .await;

    let report = report.unwrap();
    assert!(
        (590..=660).contains(&report.ttl_seconds.unwrap()),
        "{report:?}"
    );
    assert_eq!(report.hash, hash_of(new.as_bytes()));
    let after = inspect(&redis, "products:1").await;
    assert_eq!(
        after["raw"], new,
        "digits and duplicate fields are as given"
    );
    assert_eq!(after["hash"], report.hash);
    for kept in ["tags", "graceSeconds", "storedAt", "stale"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let hit = cache
        .get_or_set("products:1", &options(), unused)
        .await
        .unwrap();
    assert_eq!(
        (hit.outcome, &hit.value["stock"]),
        (LookupOutcome::Hit, &json!(8))
    );
    assert_eq!(cache.invalidate_tag("catalog").await.unwrap(), 1);
}

#[tokio::test]
async fn of_parallel_edits_of_one_value_one_succeeds() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let () = server.connection().set("counter", "0").unwrap();
    let hash = hash_of(b"0");

    let edits = (1..=50).map(|n| {
        let request = request("counter", &json!({ "value": n.to_string(), "if": hash }));
        let redis = &redis;
        async move { request.run(redis, Some(&format!("{OPERATION}{n}"))).await }
    });
    let ended = join_all(edits).await;

    let hashes: Vec<&String> = ended.iter().flatten().map(|report| &report.hash).collect();
    assert_eq!(hashes.len(), 1);
    for error in ended.iter().filter_map(|ended| ended.as_ref().err()) {
        let Error::ValueChanged { hash } = error else {
            panic!("{error}");
        };
        assert_eq!(hash, hashes[0]);
    }
    let kept: Vec<String> = server.connection().keys("cache:undo:*").unwrap();
    assert_eq!(kept.len(), 1, "only the edit that succeeded can be undone");
}

#[tokio::test]
async fn an_edit_can_be_undone_until_the_value_changes() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut connection = server.connection();
    let () = connection.set_ex("note", "caf\u{e9}", 500).unwrap();
    let body = json!({ "value": "tea", "if": hash_of("caf\u{e9}".as_bytes()) });

    edit(&redis, "note", body.clone()).await.unwrap();
    let undone = undo(&redis).await.unwrap();
    assert_eq!(connection.get::<_, String>("note").unwrap(), "caf\u{e9}");
    assert!((1..=500).contains(&undone.ttl_seconds.unwrap()));
    assert!(matches!(
        undo(&redis).await,
        Err(Error::ValueChanged { .. })
    ));

    edit(&redis, "note", body).await.unwrap();
    let () = connection.set("note", "milk").unwrap();
    let error = undo(&redis).await.unwrap_err();
    let Error::ValueChanged { hash } = error else {
        panic!("{error}");
    };
    assert_eq!(hash, hash_of(b"milk"));
    let ttl: i64 = connection.ttl(format!("cache:undo:{OPERATION}")).unwrap();
    assert!((1..=900).contains(&ttl), "{ttl}");
    let () = connection.del(format!("cache:undo:{OPERATION}")).unwrap();
    assert!(
        matches!(undo(&redis).await, Err(Error::NotFound(_))),
        "the trail has no record of it"
    );
}

#[tokio::test]
async fn a_field_of_a_hash_is_edited_alone() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut connection = server.connection();
    let () = connection
        .hset_multiple("config", &[("currency", "EUR"), ("rows", "25")])
        .unwrap();
    let () = connection.expire("config", 300).unwrap();
    let shown = inspect(&redis, "config").await;
    let hash_of_field = |field: &str| {
        let mut elements = shown["value"].as_array().unwrap().iter();
        elements.find(|element| element["field"] == field).unwrap()["hash"].clone()
    };
    assert_eq!(shown["hash"], Value::Null);
    assert_eq!(hash_of_field("rows"), hash_of(b"25"));

    let body = json!({ "field": "currency", "value": "CHF", "if": hash_of_field("currency") });
    let report = edit(&redis, "config", body.clone()).await.unwrap();
    assert_eq!(report.kind, "hash");
    assert!(report.ttl_seconds.unwrap() > 290);
    let all: Vec<(String, String)> = connection.hgetall("config").unwrap();
    assert!(all.contains(&("currency".into(), "CHF".into())));
    assert!(matches!(
        edit(&redis, "config", body).await,
        Err(Error::ValueChanged { .. })
    ));

    undo(&redis).await.unwrap();
    assert_eq!(
        connection
            .hget::<_, _, String>("config", "currency")
            .unwrap(),
        "EUR"
    );
}

#[tokio::test]
async fn what_cannot_be_edited_is_refused_with_the_reason() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut connection = server.connection();
    let () = connection.set("string", r#"[1]"#).unwrap();
    let () = connection.hset("hash", "f", "v").unwrap();
    let () = connection.rpush("list", "a").unwrap();
    let () = connection.set("long", "x".repeat(1024 * 1024 + 1)).unwrap();
    let hash = hash_of(b"[1]");
    let body = |extra: Value| {
        let mut body = json!({ "value": "[2]", "if": hash });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };

    for (key, extra, expected) in [
        ("absent", json!({}), "there is no key absent"),
        (
            "hash",
            json!({ "field": "g" }),
            "there is no such field in hash",
        ),
        (
            "hash",
            json!({}),
            "hash is not a string: of a hash, give the `field`",
        ),
        ("string", json!({ "field": "f" }), "string is not a hash"),
        ("list", json!({}), "list is not a string"),
        ("long", json!({}), "has more than 1048576 bytes"),
        ("string", json!({ "value": "[2" }), "`value` must be JSON"),
    ] {
        let error = edit(&redis, key, body(extra))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{key}: {error}");
    }
    assert_eq!(inspect(&redis, "long").await["hash"], Value::Null);
    assert_eq!(inspect(&redis, "list").await["hash"], Value::Null);
    let kept: Vec<String> = connection.keys("cache:undo:*").unwrap();
    assert!(kept.is_empty(), "{kept:?}");
    assert_eq!(connection.get::<_, String>("string").unwrap(), "[1]");
}

#[tokio::test]
async fn a_compressed_entry_is_edited_as_text() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let long: Vec<u32> = vec![7; 60_000];
    cache.set("numbers", &long, &options()).await.unwrap();
    let hash = inspect(&redis, "numbers").await["hash"].clone();

    let report = edit(&redis, "numbers", json!({ "value": "[1,2]", "if": hash }))
        .await
        .unwrap();

    assert_eq!(
        cache.get::<Vec<u32>>("numbers").await.unwrap(),
        Some(vec![1, 2])
    );
    assert_eq!(inspect(&redis, "numbers").await["hash"], report.hash);
    undo(&redis).await.unwrap();
    assert_eq!(cache.get::<Vec<u32>>("numbers").await.unwrap(), Some(long));
    let stored: Vec<u8> = server.connection().get("numbers").unwrap();
    assert!(stored.len() < 10_000, "it is compressed again");
    assert!(trailer::split(&stored).1.is_some());
}

#[tokio::test]
async fn near_copies_end_and_a_load_in_flight_does_not_replace_the_edit() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let near = Options {
        near: Some(Near {
            max_age: Duration::from_secs(10),
        }),
        ..options()
    };
    let reader = Cache::new(client(&server.url(0)));
    let loaded = async || Ok::<_, String>(json!(1));
    for _ in 0..30 {
        reader.get_or_set("price", &near, loaded).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let copy = reader.get_or_set("price", &near, loaded).await.unwrap();
    assert_eq!(copy.outcome, LookupOutcome::Near);

    edit(
        &redis,
        "price",
        json!({ "value": "2", "if": hash_of(b"1") }),
    )
    .await
    .unwrap();
    let read = reader.get_or_set("price", &near, loaded).await.unwrap();
    assert_eq!(read.value, json!(2));

    let other = Cache::new(client(&server.url(0)));
    let slow = async |_: Option<&edge_cache::Previous<Value>>| {
        edit(
            &redis,
            "price",
            json!({ "value": "3", "if": hash_of(b"2") }),
        )
        .await
        .unwrap();
        Ok::<_, String>(edge_cache::Loaded::new(json!("of the source")))
    };
    other.refresh("price", &options(), slow).await.unwrap();
    assert_eq!(reader.get::<Value>("price").await.unwrap(), Some(json!(3)));
}

#[tokio::test]
async fn on_a_cluster_it_is_the_same() {
    let cluster = Cluster::start();
    let redis = client(&cluster.url());
    let cache = Cache::new(client(&cluster.url()));
    for key in ["a", "{b}:c", "d:e:f"] {
        cache
            .set(key, &json!({ "n": 1 }), &options())
            .await
            .unwrap();
        let hash = inspect(&redis, key).await["hash"].clone();
        edit(&redis, key, json!({ "value": "{\"n\":2}", "if": hash }))
            .await
            .unwrap();
        assert_eq!(
            cache.get::<Value>(key).await.unwrap(),
            Some(json!({ "n": 2 })),
            "{key}"
        );

        undo(&redis).await.unwrap();
        assert_eq!(
            cache.get::<Value>(key).await.unwrap(),
            Some(json!({ "n": 1 })),
            "{key}"
        );
    }
}
