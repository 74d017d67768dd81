//! The administration on servers as restricted as those of managed services: a proxy before a real server refuses what
//! they are known to refuse. The results are those of an unrestricted server.

use std::collections::BTreeMap;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, KeyName, Options, RedisClient};
use edge_cache_admin::admin::change_expiry::ChangeExpiryRequest;
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::expire::ExpireRequest;
use edge_cache_admin::admin::health::{self, HealthStatus};
use edge_cache_admin::admin::inspect_key::InspectKeyRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_admin::admin::stats::{self, Thresholds};
use edge_cache_testing::{RedisServer, Restricted, ServerKind, client};
use redis::Commands;
use serde_json::{Value, json};

type Native = RedisClient<TokioTransport>;

/// Compares what the operations report on each restricted server with what they report on one without restrictions.
async fn compare(operations: impl AsyncFn(&Native) -> Vec<Value>) {
    let server = RedisServer::of_kind(ServerKind::Redis7, &[]);
    fill(&server).await;
    let expected = operations(&client(&server.url(0))).await;
    for restricted in Restricted::all() {
        fill(&restricted.server).await;
        let found = operations(&restricted.redis).await;
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{}", restricted.name);
        }
        assert_eq!(found.len(), expected.len(), "{}", restricted.name);
    }
}

/// Stores keys of several types and lives, and entries with a grace.
async fn fill(server: &RedisServer) {
    let mut pipe = redis::pipe();
    for number in 0..2500 {
        pipe.set(format!("users:{number}"), number).ignore();
    }
    for number in 0..30 {
        pipe.hset(format!("carts:{number}"), "f", number).ignore();
        pipe.set_ex(format!("sessions:{number}"), number, 5000)
            .ignore();
    }
    pipe.rpush("list:1", &["a", "b"]).ignore();
    pipe.zadd("zset:1", "m", 1).ignore();
    pipe.set(b"odd:\xff [x]*\n", 1).ignore();
    pipe.sadd("cache:tags:old", &["users:1", "users:2", "gone"])
        .ignore();
    pipe.exec(&mut server.connection()).unwrap();

    let cache = Cache::new(client(&server.url(0)));
    let options = Options {
        ttl: Some(Duration::from_secs(1000)),
        grace: Duration::from_secs(500),
        jitter: 0.0,
        ..Options::default()
    };
    for number in 0..5 {
        let key = format!("entries:{number}");
        cache.set(&key, &number, &options).await.unwrap();
    }
    // The fences have another name on a Cluster, and the lists are compared.
    let () = server.connection().del("cache:fences").unwrap();
}

/// Lists all pages of a query: the rows by their names, and the total.
async fn list(redis: &Native, query: &str) -> (BTreeMap<String, Value>, Option<u64>) {
    let mut rows = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let request = ListKeysRequest::parse(&format!("{query}{cursor}")).unwrap();
        let page = request.run(redis).await.unwrap();
        for row in page.keys {
            let key = row.key.clone();
            let repeated = rows.insert(key, comparable(serde_json::to_value(row).unwrap()));
            assert_eq!(repeated, None, "{query}");
        }
        match page.pagination.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (rows, page.pagination.total),
        }
    }
}

/// A row without its memory, which ElastiCache Serverless does not report, and with rounded lives.
fn comparable(row: Value) -> Value {
    let mut row = row;
    let fields = row.as_object_mut().unwrap();
    fields.remove("size");
    fields.remove("sizeBytes");
    for field in ["ttl", "freshFor"] {
        let rounded = fields[field].as_i64().map(|seconds| (seconds + 50) / 100);
        fields.insert(field.to_owned(), json!(rounded));
    }
    row
}

async fn list_keys(redis: &Native) -> Vec<Value> {
    let mut results = Vec::new();
    for query in [
        "limit=100",
        "limit=3&type=hash",
        "pattern=users:1*&limit=50&exact=true",
        "pattern=*:7*&limit=9&exact=true",
        "pattern=entries:*",
        "pattern=nothing:*&exact=true",
        "type=stream",
        "maxTtlSeconds=5000&limit=7&exact=true",
        "withoutTtl=true&pattern=*:1?&exact=true",
        "minSizeBytes=70&type=hash&pattern=*",
        "pattern=o*",
    ] {
        let (rows, total) = list(redis, query).await;
        results.push(json!({ "query": query, "total": total, "rows": rows }));
    }
    results
}

#[tokio::test]
async fn the_key_list_is_that_of_an_unrestricted_server() {
    compare(async |redis| list_keys(redis).await).await;
}

#[tokio::test]
async fn a_page_of_names_that_do_not_fit_is_continued() {
    for restricted in Restricted::all() {
        let mut other = restricted.server.connection();
        let long = |number: usize| format!("{number}:{}", "x".repeat(9000));
        let names: Vec<String> = (0..60).map(long).collect();
        for name in &names {
            let () = other.set(name, 1).unwrap();
        }

        let (rows, _) = list(&restricted.redis, "limit=100").await;

        assert_eq!(rows.len(), names.len(), "{}", restricted.name);
    }
}

async fn remove(redis: &Native) -> Vec<Value> {
    let mut results = Vec::new();
    for body in [
        json!({ "pattern": "users:*", "dryRun": true }),
        json!({ "pattern": "*:1*", "dryRun": true }),
        json!({ "pattern": "cache:*", "dryRun": true }),
        json!({ "pattern": "users:1*" }),
        json!({ "pattern": "*", "dryRun": true }),
        json!({ "pattern": "*", "maxTtlSeconds": 2000, "dryRun": true }),
        json!({ "pattern": "*", "withoutTtl": true, "type": "hash", "confirm": true }),
        json!({ "maxTtlSeconds": 5000, "confirm": true }),
        json!({ "pattern": "*", "dryRun": true }),
    ] {
        let request = ClearRequest::parse(body.to_string().as_bytes()).unwrap();
        let share = request.measure_share(redis).await.unwrap();
        let report = request.run(redis, true).await.unwrap();
        let mut report = serde_json::to_value(&report).unwrap();
        for differs in ["sampleKeys", "sampleKeysBase64", "method", "exact"] {
            report.as_object_mut().unwrap().remove(differs);
        }
        results.push(json!({ "body": body, "share": share.report(), "report": report }));
    }
    results
}

#[tokio::test]
async fn clears_and_their_dry_runs_are_those_of_an_unrestricted_server() {
    compare(async |redis| remove(redis).await).await;
}

#[tokio::test]
async fn a_global_clear_removes_all_services_keys() {
    for restricted in Restricted::all() {
        fill(&restricted.server).await;
        let request = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();

        let report = request.run(&restricted.redis, true).await.unwrap();

        let deleted = report.keys_deleted();
        assert_eq!(deleted, 2568, "{}: {report:?}", restricted.name);
        let (rows, _) = list(&restricted.redis, "pattern=[^c]*").await;
        assert_eq!(rows.len(), 0, "{}: {rows:?}", restricted.name);
    }
}

async fn expire(redis: &Native) -> Vec<Value> {
    let mut results = Vec::new();
    for change in [
        json!({ "pattern": "users:*", "onlyWithoutTtl": 7200, "dryRun": true }),
        json!({ "pattern": "users:*", "onlyWithoutTtl": 7200, "confirm": true }),
        json!({ "pattern": "*", "shortenTo": 1200, "type": "string", "confirm": true }),
        json!({ "pattern": "entries:*", "lengthenTo": 100_000 }),
        json!({ "pattern": "entries:*", "ttl": 200, "maxTtlSeconds": 3000 }),
        json!({ "keys": ["users:1", "list:1", "gone"], "ttl": 90 }),
        json!({ "tags": ["old"], "persist": true }),
        json!({ "pattern": "*", "ttl": 9, "dryRun": true }),
    ] {
        let request = ExpireRequest::parse(change.to_string().as_bytes()).unwrap();
        let report = request.run(redis).await.unwrap();
        let mut report = serde_json::to_value(&report).unwrap();
        report.as_object_mut().unwrap().remove("sampleKeys");
        report.as_object_mut().unwrap().remove("sampleKeysBase64");
        results.push(json!({ "change": change, "report": report }));
    }
    let (rows, _) = list(redis, "pattern=e*").await;
    results.push(json!(rows));
    results
}

#[tokio::test]
async fn changes_of_expiries_are_those_of_an_unrestricted_server() {
    compare(async |redis| expire(redis).await).await;
}

async fn invalidate(redis: &Native) -> Vec<Value> {
    let mut results = Vec::new();
    for dry_run in [true, false] {
        let body = json!({
            "keys": ["users:3", "missing"],
            "tags": ["old"],
            "patterns": ["users:[12]*", "*:2", "carts:*"],
            "dryRun": dry_run,
        });
        let request = InvalidateRequest::parse(body.to_string().as_bytes()).unwrap();
        let share = request.measure_share(redis).await.unwrap();
        let report = request.run(redis).await.unwrap();
        results.push(json!({ "share": share.report(), "report": report }));
    }
    results
}

#[tokio::test]
async fn invalidations_and_their_dry_runs_are_those_of_an_unrestricted_server() {
    compare(async |redis| invalidate(redis).await).await;
}

#[tokio::test]
async fn keys_are_inspected_and_health_is_reported() {
    for restricted in Restricted::all() {
        let (name, redis) = (restricted.name, &restricted.redis);
        fill(&restricted.server).await;

        let expire = ChangeExpiryRequest::parse(KeyName::new("entries:1"), br#"{"ttl":600}"#);
        let changed = expire.unwrap().run(redis).await.unwrap();
        assert_eq!(changed.ttl, 600, "{name}");
        let inspect = InspectKeyRequest::parse(KeyName::new("carts:1"), "").unwrap();
        let shown = inspect.run(redis).await.unwrap();
        let fields = json!([{ "field": "f", "value": "1" }]);
        assert_eq!(shown.value, fields, "{name}");

        let thresholds = Thresholds::default();
        let report = health::run(redis, &thresholds).await;
        assert_ne!(report.status, HealthStatus::Unhealthy, "{name}: {report:?}");
        assert!(health::ready(redis).await.is_ok(), "{name}");
        assert!(stats::run(redis, &thresholds).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_script_without_keys_is_refused_once_for_all_operations() {
    let service = Restricted::serverless();
    fill(&service.server).await;
    list(&service.redis, "pattern=list:*").await;
    service.proxy.heal();

    let count = ClearRequest::parse(br#"{"pattern":"users:*","dryRun":true}"#).unwrap();
    count.measure_share(&service.redis).await.unwrap();
    count.run(&service.redis, true).await.unwrap();
    let invalidate = InvalidateRequest::parse(br#"{"patterns":["users:*"],"dryRun":true}"#);
    invalidate.unwrap().run(&service.redis).await.unwrap();
    list(&service.redis, "type=hash").await;

    let commands = service.proxy.commands();
    let scripts = commands.iter().filter(|name| name.starts_with("EVAL"));
    assert_eq!(scripts.count(), 0, "{commands:?}");
}
