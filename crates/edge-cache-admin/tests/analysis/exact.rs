//! Databases that are small enough to be looked at as a whole.

use edge_cache::Namespace;
use edge_cache_testing::{RedisServer, Restricted, ServerKind, client};
use redis::Commands;
use serde_json::{Value, json};

use crate::shared::{analyse, fill, group, prefixes, send};

fn store_shop(server: &RedisServer) {
    fill(server, 300, 100, |n| format!("products:{n}"));
    fill(server, 200, 1000, |n| format!("products:{n}:details"));
    fill(server, 50, 10, |n| {
        format!("seo:page:word-{}", ["a", "b"][n % 2].repeat(n + 1))
    });
    let mut connection = server.connection();
    for number in 0..40 {
        let name = format!("sessions:{:032x}", u128::from(number) * 0x1_0001_0001_0001);
        let () = connection.set_ex(name, "x", 30 + 100 * number).unwrap();
    }
    let elements: Vec<String> = (0..3000).map(|n| format!("element-{n}")).collect();
    let () = connection.sadd("tags:all", &elements).unwrap();
    let () = connection.hset("counter", "a", 1).unwrap();
    let () = connection.set("cache:ttl-other", "1").unwrap();
    let () = connection.set(b"bin:\xff:1", 1).unwrap();
}

#[tokio::test]
async fn groups_of_a_small_database_are_exact() {
    let server = RedisServer::start();
    store_shop(&server);
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

    let analysis = analyse(&redis, &trail, json!({})).await;

    assert_eq!(
        prefixes(&analysis),
        [
            "",
            "bin:",
            r"bin:\xff:",
            r"bin:\xff:{id}",
            "cache:",
            "products:",
            "products:{id}",
            "products:{id}:",
            "products:{id}:details",
            "seo:",
            "seo:page:",
            "sessions:",
            "sessions:{id}",
            "tags:",
        ]
    );
    let exact = |count: u64| json!({"value": count, "low": count, "high": count});
    assert_eq!(group(&analysis, "products:")["keys"], exact(500));
    assert_eq!(
        group(&analysis, "products:{id}:details")["keys"],
        exact(200)
    );
    assert_eq!(group(&analysis, "products:{id}:details")["depth"], 3);
    assert_eq!(group(&analysis, "seo:page:")["keys"], exact(50));
    assert_eq!(group(&analysis, "cache:")["isInternal"], true);
    assert_eq!(analysis["keysVisited"], 594);
    assert_eq!(analysis["isWhole"], true);
    assert_eq!(analysis["runs"][0]["isWhole"], true);
    assert_eq!(analysis["totals"]["keys"], exact(594));
    assert_eq!(
        analysis["totals"]["types"],
        json!({"string": 592, "set": 1, "hash": 1})
    );
    assert_eq!(analysis["other"], Value::Null);
    assert_eq!(analysis["sketch"]["maxErrorKeys"], 0);

    let modules = analysis["groups"].as_array().unwrap().iter();
    let modules = modules.filter(|group| group["depth"] == 1);
    let bytes: u64 = modules
        .map(|group| group["bytes"]["value"].as_u64().unwrap())
        .sum();
    assert_eq!(bytes, analysis["totals"]["bytes"]["value"]);
}

#[tokio::test]
async fn times_left_are_counted_by_class_and_the_largest_keys_named() {
    let server = RedisServer::start();
    store_shop(&server);
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

    let analysis = analyse(&redis, &trail, json!({"depth": 1})).await;

    let sessions = group(&analysis, "sessions:");
    assert_eq!(
        sessions["ttl"],
        json!({"none": 0, "lessThan1m": 1, "lessThan5m": 2, "lessThan1h": 33, "lessThan1d": 4, "longer": 0})
    );
    assert_eq!(sessions["withoutTtlShare"], 0.0);
    assert_eq!(group(&analysis, "products:")["withoutTtlShare"], 1.0);
    assert!(
        prefixes(&analysis)
            .iter()
            .all(|prefix| !prefix.contains("{id}"))
    );

    let largest = &analysis["largest"];
    assert_eq!(largest["byBytes"][0]["key"], "tags:all");
    assert_eq!(largest["byBytes"][0]["path"], "entry?key=tags:all");
    assert_eq!(largest["byBytes"].as_array().unwrap().len(), 100);
    assert_eq!(largest["byElements"][0]["elements"], 3000);
    assert_eq!(largest["byElements"].as_array().unwrap().len(), 1);
    assert_eq!(
        group(&analysis, "tags:")["largestBytes"],
        largest["byBytes"][0]["bytes"]
    );
}

#[tokio::test]
async fn looking_at_keys_does_not_count_as_a_use() {
    let server = RedisServer::start();
    fill(&server, 500, 10, |n| format!("users:{n}"));
    tokio_sleep(2100).await;
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

    for _ in 0..2 {
        let analysis = analyse(&redis, &trail, json!({})).await;
        let idle = group(&analysis, "users:")["idleSeconds"].as_u64().unwrap();
        assert!(idle >= 1, "{idle}");
    }

    send(
        &server,
        &["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"],
    );
    let analysis = analyse(&redis, &trail, json!({})).await;
    assert_eq!(group(&analysis, "users:")["idleSeconds"], Value::Null);
}

async fn tokio_sleep(ms: u64) {
    use edge_cache::HostRuntime;
    let runtime = client("redis://127.0.0.1:1/0");
    runtime.sleep(std::time::Duration::from_millis(ms)).await;
}

#[tokio::test]
async fn in_a_namespace_the_keys_of_others_are_left_out() {
    let server = RedisServer::start();
    fill(&server, 100, 10, |n| format!("users:{n}"));
    fill(&server, 30, 10, |n| format!("cache:@other:tags:{n}"));
    fill(&server, 20, 10, |n| format!("cache:@shop:tags:{n}"));
    let shop = || Namespace::parse("shop").unwrap();
    let trail = client(&server.url(1));

    let inside = client(&server.url(0)).in_namespace(shop());
    let analysis = analyse(&inside, &trail, json!({})).await;
    assert_eq!(group(&analysis, "cache:")["keys"]["value"], 20);
    assert_eq!(analysis["totals"]["keys"]["value"], 120);

    let outside = client(&server.url(0));
    let analysis = analyse(&outside, &trail, json!({})).await;
    let internal = group(&analysis, "cache:")["keys"]["value"]
        .as_u64()
        .unwrap();
    assert!(
        internal >= 50,
        "all namespaces, and their registration: {internal}"
    );
}

#[tokio::test]
async fn without_memory_usage_sizes_are_estimated_and_marked() {
    let server = RedisServer::start();
    store_shop(&server);
    send(
        &server,
        &[
            "ACL", "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-memory",
        ],
    );
    let url = server.url(0).replace("redis://", "redis://limited:secret@");
    let (redis, trail) = (client(&url), client(&server.url(1)));

    let analysis = analyse(&redis, &trail, json!({})).await;

    assert_eq!(analysis["bytesEstimated"], true);
    assert_eq!(analysis["totals"]["keys"]["value"], 594);
    let average = &group(&analysis, "products:{id}:details")["averageBytes"];
    let average = average.as_u64().unwrap();
    assert!((1000..1200).contains(&average), "{average}");
    assert_eq!(analysis["largest"]["byElements"][0]["elements"], 3000);
    let refusals: Vec<redis::Value> = redis::cmd("ACL")
        .arg("LOG")
        .query(&mut server.connection())
        .unwrap();
    assert!(
        refusals.len() <= 1,
        "one entry in the log, whatever the number of keys"
    );
}

#[tokio::test]
async fn services_with_restrictions_have_the_same_groups() {
    let server = RedisServer::of_kind(ServerKind::Redis7, &[]);
    store_shop(&server);
    let trail = client(&server.url(1));
    let expected = analyse(&client(&server.url(0)), &trail, json!({})).await;

    for restricted in Restricted::all() {
        store_shop(&restricted.server);
        let found = analyse(&restricted.redis, &trail, json!({})).await;

        assert_eq!(prefixes(&found), prefixes(&expected), "{}", restricted.name);
        for prefix in prefixes(&expected) {
            for figure in ["keys", "types", "ttl", "depth"] {
                let [found, expected] =
                    [&found, &expected].map(|analysis| &group(analysis, prefix)[figure]);
                assert_eq!(found, expected, "{}: {prefix} {figure}", restricted.name);
            }
        }
    }
}
