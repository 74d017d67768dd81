//! Changing the TTLs of many keys, on real servers.

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Command, LookupOutcome, Near, Options, Redis, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::expire::ExpireRequest;
use edge_cache_testing::{Cluster, ClusterOptions, Fault, Proxy, RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

type Native = RedisClient<TokioTransport>;

async fn try_change(redis: &Native, body: Value) -> Result<Value, Error> {
    let request = ExpireRequest::parse(body.to_string().as_bytes())?;
    let report = request.run(redis).await?;
    Ok(serde_json::to_value(report).unwrap())
}

async fn change(redis: &Native, body: Value) -> Value {
    try_change(redis, body).await.unwrap()
}

/// Matched and changed keys of a report.
fn counts(report: &Value) -> (u64, u64) {
    let count = |name: &str| report[name].as_u64().unwrap();
    (count("keysMatched"), count("keysChanged"))
}

/// Stores 2,500 keys without a TTL, and a few that have one.
fn fill(server: &RedisServer) -> redis::Connection {
    let mut other = server.connection();
    let mut pipe = redis::pipe();
    for number in 0..2500 {
        pipe.set(format!("users:{number}"), number).ignore();
    }
    for (name, seconds) in [("a:1", 30), ("a:2", 120), ("a:3", 1800), ("a:4", 7200)] {
        pipe.set_ex(name, 1, seconds).ignore();
    }
    pipe.del("a:5").hset("a:5", "f", 1).ignore();
    pipe.set_ex("a:6", 1, 200_000).ignore();
    pipe.hset("cache:ttl", "users", 60).ignore();
    pipe.set_ex("lock:cache:warmup", "somebody", 30).ignore();
    pipe.exec(&mut other).unwrap();
    other
}

fn ttl(other: &mut redis::Connection, key: &str) -> i64 {
    other.ttl(key).unwrap()
}

#[tokio::test]
async fn a_dry_run_shows_the_ttls_before_and_after_and_changes_nothing() {
    let server = RedisServer::start();
    let mut other = fill(&server);
    let redis = client(&server.url(0));

    let body = json!({ "pattern": "a:*", "shortenTo": 3600, "dryRun": true });
    let report = change(&redis, body).await;

    assert_eq!(counts(&report), (6, 3));
    let before = json!({
        "none": 1, "under1Minute": 1, "from1To5Minutes": 1,
        "from5To60Minutes": 1, "from1To24Hours": 1, "over1Day": 1,
    });
    let after = json!({
        "none": 0, "under1Minute": 1, "from1To5Minutes": 1,
        "from5To60Minutes": 1, "from1To24Hours": 3, "over1Day": 0,
    });
    assert_eq!(report["ttlBefore"], before);
    assert_eq!(report["ttlAfter"], after);
    assert_eq!(report["needsRole"], "admin");
    let mut samples: Vec<String> = serde_json::from_value(report["sampleKeys"].clone()).unwrap();
    samples.sort();
    assert_eq!(samples, ["a:4", "a:5", "a:6"]);
    assert_eq!(ttl(&mut other, "a:5"), -1);
}

#[tokio::test]
async fn each_change_takes_the_keys_that_need_it() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let after = async |change: Value| {
        let mut other = fill(&server);
        let mut body = json!({ "pattern": "a:*" });
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let report = self::change(&redis, body).await;
        let lives = [1, 2, 3, 4, 5, 6].map(|number| ttl(&mut other, &format!("a:{number}")));
        // Rounded to ten seconds, for a slow machine.
        (counts(&report).1, lives.map(|life| (life + 5) / 10 * 10))
    };

    let set = after(json!({ "ttl": 600 })).await;
    let shortened = after(json!({ "shortenTo": 600 })).await;
    let lengthened = after(json!({ "lengthenTo": 600 })).await;
    let bounded = after(json!({ "onlyWithoutTtl": 600 })).await;
    let persisted = after(json!({ "persist": true })).await;

    assert_eq!(set, (6, [600; 6]));
    assert_eq!(shortened, (4, [30, 120, 600, 600, 600, 600]));
    assert_eq!(lengthened, (2, [600, 600, 1800, 7200, 0, 200_000]));
    assert_eq!(bounded, (1, [30, 120, 1800, 7200, 600, 200_000]));
    assert_eq!(persisted, (5, [0; 6]));
}

#[tokio::test]
async fn all_keys_without_a_ttl_get_one_and_internal_keys_stay() {
    let server = RedisServer::start();
    let mut other = fill(&server);
    let redis = client(&server.url(0));

    let body = json!({ "pattern": "*", "onlyWithoutTtl": 3600, "jitter": 50, "confirm": true });
    let report = change(&redis, body).await;

    assert_eq!(counts(&report), (2506, 2501));
    assert_eq!(ttl(&mut other, "cache:ttl"), -1);
    assert!(ttl(&mut other, "lock:cache:warmup") <= 30);
    let lives: Vec<i64> = (0..2500)
        .map(|number| ttl(&mut other, &format!("users:{number}")))
        .collect();
    let (least, most) = (lives.iter().min().unwrap(), lives.iter().max().unwrap());
    assert!(*least >= 1700 && *most <= 3600, "{least} to {most}");
    assert!(*least < 2200 && *most > 3000, "spread: {least} to {most}");

    let named = json!({ "pattern": "cache:t*", "ttl": 600 });
    assert_eq!(counts(&change(&redis, named).await), (1, 1));
    assert!(ttl(&mut other, "cache:ttl") > 0);
}

#[tokio::test]
async fn keys_and_tags_name_keys_and_conditions_narrow_them() {
    let server = RedisServer::start();
    let mut other = fill(&server);
    let redis = client(&server.url(0));
    let () = other
        .sadd("cache:tags:t", &["a:1", "a:5", "gone", "cache:ttl"])
        .unwrap();
    let () = other.sadd("cache:tags:u", &["a:1", "a:2"]).unwrap();

    let named = change(
        &redis,
        json!({ "keys": ["a:1", "a:1", "gone"], "ttl": 600 }),
    )
    .await;
    let tagged = change(&redis, json!({ "tags": ["t", "u"], "ttl": 700 })).await;
    let hashes = change(&redis, json!({ "tags": ["t"], "ttl": 800, "type": "hash" })).await;
    let body = json!({ "pattern": "a:*", "ttl": 900, "maxTtlSeconds": 5000, "type": "string" });
    let strings = change(&redis, body).await;

    assert_eq!(counts(&named), (1, 1));
    assert_eq!(counts(&tagged), (3, 3), "a:1, a:2 and a:5, each once");
    assert_eq!(counts(&hashes), (1, 1));
    assert_eq!(counts(&strings), (3, 3), "a:1, a:2 and a:3");
    assert_eq!(ttl(&mut other, "cache:ttl"), -1, "a protected member stays");
}

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(600),
        tags: &["t"],
        jitter: 0.0,
        early_refresh: 0.0,
        ..Options::default()
    }
}

/// More than 8 MiB even when compressed, so it is stored in chunks.
fn value_in_chunks() -> String {
    let random = |n: u32| {
        char::from(b'a' + (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 27) as u8 % 26)
    };
    (0..20_000_000).map(random).collect()
}

#[tokio::test]
async fn the_facts_of_plain_compressed_and_chunked_entries_follow() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let mut other = server.connection();
    let values = [
        ("e:plain", "short".to_owned(), "string"),
        ("e:compressed", "compressed ".repeat(20_000), "string"),
        ("e:chunks", value_in_chunks(), "list"),
    ];
    for (key, value, kind) in &values {
        cache.set(key, value, &options()).await.unwrap();
        let stored: String = redis::cmd("TYPE").arg(key).query(&mut other).unwrap();
        assert_eq!(stored, *kind);
    }

    let lengthened = change(&redis, json!({ "pattern": "e:*", "lengthenTo": 9000 })).await;
    let shortened = change(&redis, json!({ "pattern": "e:*", "shortenTo": 4000 })).await;

    assert_eq!(counts(&lengthened), (3, 3));
    assert_eq!(counts(&shortened), (3, 3));
    assert!(ttl(&mut other, "cache:tags:t") > 8000, "tags outlive keys");
    for (key, value, _) in &values {
        let fail = async || Err::<String, _>("no load is needed");
        let found = cache.get_or_set(key, &options(), fail).await.unwrap();
        assert_eq!(found.outcome, LookupOutcome::Hit, "{key} is fresh");
        assert_eq!(&found.value, value);
        let info = cache.key_info(key).await.unwrap().unwrap();
        let fresh_for = info.fresh_for.unwrap();
        assert!((3900..=4000).contains(&fresh_for), "{key}: {fresh_for}");
    }
}

#[tokio::test]
async fn a_stale_entry_stays_stale() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let options = Options {
        ttl: Some(Duration::from_millis(1)),
        ..options()
    };
    cache.set("k", &1, &options).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;

    let report = change(&redis, json!({ "keys": ["k"], "ttl": 3000 })).await;

    assert_eq!(counts(&report), (1, 1));
    let load = async || Ok::<_, String>(2);
    let found = cache.get_or_set("k", &options, load).await.unwrap();
    assert_ne!(found.outcome, LookupOutcome::Hit);
}

#[tokio::test]
async fn near_copies_learn_of_it() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let cache = Cache::new(client(&server.url(0)));
    let options = Options {
        near: Some(Near::default()),
        ..options()
    };
    let load = async || Ok::<_, String>(2);
    cache.get_or_set("k", &options, load).await.unwrap();
    cache.get_or_set("k", &options, load).await.unwrap();
    let fences = || -> usize {
        let length = redis::cmd("XLEN").arg("cache:near-fences").to_owned();
        length.query(&mut server.connection()).unwrap()
    };
    let before = fences();

    change(&redis, json!({ "keys": ["k"], "shortenTo": 30 })).await;

    assert_eq!(fences(), before + 1);
}

#[tokio::test]
async fn a_failure_half_way_says_how_many_keys_were_changed() {
    let server = RedisServer::start();
    let mut other = fill(&server);
    let proxy = Proxy::before(server.port());
    let redis = client(&proxy.url(0));
    let body = json!({ "pattern": "users:*", "ttl": 600, "confirm": true });
    let request = ExpireRequest::parse(body.to_string().as_bytes()).unwrap();
    // The first run loads the scripts.
    request.run(&redis).await.unwrap();
    proxy.heal();
    for number in 0..2500 {
        let () = other.persist(format!("users:{number}")).unwrap();
    }

    // Some slices are changed, then the server refuses everything.
    proxy.fail_once(Fault::Error("OOM command not allowed"), 6);
    let result = request.run(&redis).await;

    let Err(Error::PartlyChanged { changed, .. }) = result else {
        panic!("{result:?}");
    };
    let is_changed = |number: &usize| -> bool {
        let left: i64 = server.connection().ttl(format!("users:{number}")).unwrap();
        left > 0
    };
    assert!(changed > 0 && changed < 2500, "{changed}");
    assert_eq!((0..2500).filter(is_changed).count() as u64, changed);
}

#[tokio::test]
async fn a_cluster_changes_the_keys_of_all_nodes() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let redis = client(&cluster.url());
    let cache = Cache::new(client(&cluster.url()));
    for number in 0..300 {
        let key = format!("users:{number}");
        cache.set(&key, &number, &options()).await.unwrap();
    }

    // As if the stores of these were not confirmed yet.
    for key in ["{x}:1", "{x}:2"] {
        let set = Command::read("SET").arg(key).arg("1").arg("PX").arg("4900");
        redis.execute(set).await.unwrap();
    }
    let unconfirmed = change(&redis, json!({ "keys": ["{x}:1", "{x}:2"], "ttl": 600 })).await;
    let persisted = change(&redis, json!({ "pattern": "{x}:*", "persist": true })).await;
    assert_eq!(counts(&unconfirmed).1, 0, "{unconfirmed}");
    assert_eq!(counts(&persisted).1, 0, "{persisted}");

    let dry = json!({ "pattern": "users:*", "lengthenTo": 90_000, "dryRun": true });
    let dry = change(&redis, dry).await;
    let body = json!({ "pattern": "users:*", "lengthenTo": 90_000, "withoutTtl": false });
    let changed = change(&redis, body).await;
    let tagged = change(&redis, json!({ "tags": ["t"], "shortenTo": 5000 })).await;
    let conditions =
        json!({ "pattern": "users:*", "ttl": 50, "maxTtlSeconds": 5000, "confirm": true });
    let narrowed = change(&redis, conditions).await;

    assert_eq!(counts(&dry), (300, 300));
    assert_eq!(dry["ttlAfter"]["over1Day"], 300);
    assert_eq!(counts(&changed), (300, 300));
    assert_eq!(counts(&tagged), (300, 300));
    assert_eq!(counts(&narrowed), (300, 300));
    let info = cache.key_info("users:7").await.unwrap().unwrap();
    assert!(info.fresh_for.is_some_and(|left| left <= 50), "{info:?}");
    assert_eq!(cache.get::<u32>("users:7").await.unwrap(), Some(7));
}
