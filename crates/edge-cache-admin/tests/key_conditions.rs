//! Conditions of the key list, clears and changes of expiries, on real servers.

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Options, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::expire::ExpireRequest;
use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

type Native = RedisClient<TokioTransport>;

fn fill(other: &mut redis::Connection) {
    let mut pipe = redis::pipe();
    for number in 0..2500 {
        pipe.set_ex(format!("users:{number}"), number, 5000)
            .ignore();
    }
    pipe.set("users:large", "x".repeat(10_000)).ignore();
    pipe.set("users:endless", 1).ignore();
    pipe.hset("users:hash", "f", 1).ignore();
    pipe.set_ex("users:short", 1, 60).ignore();
    pipe.exec(other).unwrap();
}

/// The names that all pages of a query have, sorted, and its exact total.
async fn list(redis: &Native, query: &str) -> Result<(Vec<String>, Option<u64>), Error> {
    let mut names = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let query = format!("{query}&exact=true&cursor={cursor}");
        let page = ListKeysRequest::parse(&query)?.run(redis).await?;
        names.extend(page.keys.into_iter().map(|row| row.key));
        match page.pagination.next_cursor {
            Some(next) => cursor = next,
            None => {
                names.sort();
                return Ok((names, page.pagination.total));
            }
        }
    }
}

async fn clear(redis: &Native, body: Value) -> Result<Value, Error> {
    let request = ClearRequest::parse(body.to_string().as_bytes())?;
    let report = request.run(redis, false).await?;
    Ok(serde_json::to_value(report).unwrap())
}

/// Conditions that few keys meet, as a query, and these keys.
const FEW: [(&str, &[&str]); 5] = [
    ("minSizeBytes=5000", &["users:large"]),
    ("maxTtlSeconds=600", &["users:short"]),
    (
        "withoutTtl=true",
        &["users:endless", "users:hash", "users:large"],
    ),
    ("withoutTtl=true&type=hash", &["users:hash"]),
    ("idleSeconds=3600", &[]),
];

#[tokio::test]
async fn the_list_and_a_clear_find_the_same_keys() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other);
    let redis = client(&server.url(0));

    for (query, expected) in FEW {
        let (names, total) = list(&redis, &format!("pattern=users:*&{query}"))
            .await
            .unwrap();
        assert_eq!(names, expected, "{query}");
        assert_eq!(total, Some(expected.len() as u64), "{query}");
    }

    let body = json!({ "pattern": "users:*", "withoutTtl": true, "type": "string" });
    let mut dry = body.clone();
    dry["dryRun"] = json!(true);
    assert_eq!(clear(&redis, dry).await.unwrap()["keysMatched"], 2);
    let cleared = clear(&redis, body).await.unwrap();
    assert_eq!(
        (&cleared["keysDeleted"], &cleared["method"]),
        (&json!(2), &json!("walk"))
    );
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 2502);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_conditions() {
    let server = RedisServer::start();
    fill(&mut server.connection());
    let redis = client(&server.url(0));
    let first = ListKeysRequest::parse("limit=5&maxTtlSeconds=6000").unwrap();
    let cursor = first.run(&redis).await.unwrap().pagination.next_cursor;

    let other = format!("limit=5&maxTtlSeconds=7000&cursor={}", cursor.unwrap());
    let parsed = ListKeysRequest::parse(&other);

    assert!(matches!(parsed, Err(Error::Invalid { .. })), "{parsed:?}");
}

#[tokio::test]
async fn a_clear_with_conditions_spares_entries_that_do_not_meet_them() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    for key in ["e:1", "e:2"] {
        cache.set(key, &1, &Options::default()).await.unwrap();
    }
    let () = other.persist("e:1").unwrap();
    let () = other.hset("cache:ttl", "e", 60).unwrap();

    let body = json!({ "confirm": true, "withoutTtl": true });
    let cleared = clear(&redis, body).await.unwrap();

    assert_eq!(cleared["keysDeleted"], 1, "not the TTL table");
    assert_eq!(cache.get::<u32>("e:1").await.unwrap(), None);
    assert_eq!(cache.get::<u32>("e:2").await.unwrap(), Some(1));
    let kept: bool = other.exists("cache:ttl").unwrap();
    assert!(kept);
}

#[tokio::test]
async fn idle_keys_are_refused_where_the_server_does_not_measure_it() {
    let server = RedisServer::with(&["--maxmemory-policy", "allkeys-lfu"]);
    let mut other = server.connection();
    fill(&mut other);
    let redis = client(&server.url(0));

    let body = json!({ "pattern": "users:*", "idleSeconds": 1, "confirm": true });
    let cleared = clear(&redis, body).await;
    let listed = list(&redis, "pattern=users:*&idleSeconds=1").await;
    let body = br#"{"keys":["users:1"],"ttl":1,"idleSeconds":1}"#;
    let expired = ExpireRequest::parse(body).unwrap().run(&redis).await;

    for error in [cleared.map(drop), listed.map(drop), expired.map(drop)] {
        let problem = error.unwrap_err().to_string();
        assert!(
            problem.starts_with("`idleSeconds` needs OBJECT IDLETIME, which this Redis refuses"),
            "{problem}"
        );
    }
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 2504);
}

#[tokio::test]
async fn a_size_is_refused_where_the_user_may_not_ask_for_it() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other);
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "limited", "on", ">pw", "~*", "+@all", "-memory"])
        .query(&mut other)
        .unwrap();
    let url = server.url(0).replace("redis://", "redis://limited:pw@");
    let redis = client(&url);

    let listed = list(&redis, "pattern=users:*&minSizeBytes=1").await;

    let problem = listed.unwrap_err().to_string();
    assert!(
        problem.starts_with("`minSizeBytes` needs MEMORY USAGE"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_cluster_tests_conditions_on_all_nodes() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let redis = client(&cluster.url());
    let cache = Cache::new(client(&cluster.url()));
    for number in 0..200 {
        let ttl = if number % 2 == 0 { 50 } else { 5000 };
        let options = Options {
            ttl: Some(std::time::Duration::from_secs(ttl)),
            jitter: 0.0,
            ..Options::default()
        };
        let key = format!("users:{number}");
        cache.set(&key, &number, &options).await.unwrap();
    }

    let (names, total) = list(&redis, "pattern=users:*&maxTtlSeconds=60")
        .await
        .unwrap();
    let body = json!({ "pattern": "users:*", "maxTtlSeconds": 60, "confirm": true });
    let cleared = clear(&redis, body).await.unwrap();

    assert_eq!((names.len(), total), (100, Some(100)));
    assert_eq!(cleared["keysDeleted"], 100);
    assert_eq!(cache.get::<u32>("users:2").await.unwrap(), None);
    assert_eq!(cache.get::<u32>("users:3").await.unwrap(), Some(3));
}
