//! Every operation on servers as restricted as those of managed services: a proxy before a real server refuses what they
//! are known to refuse. The results are those of an unrestricted server.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::fmt::Debug;
use std::time::Duration;

use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::keyspace::tag::prune::PruneWalk;
use edge_cache::keyspace::{gathered, scan};
use edge_cache::redis::ExpectedTopology;
use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, KeyName, Options, Pattern, RedisClient, SetItem};
use edge_cache_testing::{Proxy, RedisServer, Restricted, Restrictions, ServerKind, client};
use redis::Commands;

type Native = RedisClient<TokioTransport>;

/// More keys than two slices of a walk visit.
const MANY_KEYS: usize = 2500;
/// Longer than any walk here takes.
const WHOLE_WALK: Duration = Duration::from_secs(60);

fn of_type(kind: &str) -> Conditions {
    Conditions {
        kind: kind.to_owned(),
        ..Conditions::default()
    }
}

/// How many of the commands since the last look were scripts, and how many were steps of `SCAN`.
fn scripts_and_steps(proxy: &Proxy) -> (usize, usize) {
    let commands = proxy.commands();
    proxy.heal();
    let count = |prefix: &str| {
        commands
            .iter()
            .filter(|name| name.starts_with(prefix))
            .count()
    };
    (count("EVAL"), count("SCAN"))
}

fn fill(server: &RedisServer, names: impl Iterator<Item = String>) {
    let pairs: Vec<(String, u8)> = names.map(|name| (name, 1)).collect();
    let () = server.connection().mset(&pairs).unwrap();
}

fn users() -> impl Iterator<Item = String> {
    (0..MANY_KEYS).map(|number| format!("users:{number}"))
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse("pattern", text).unwrap()
}

/// Results of operations, as text.
#[derive(Default)]
struct Results(Vec<String>);

impl Results {
    fn add(&mut self, operation: &str, result: impl Debug) {
        self.0.push(format!("{operation}: {result:?}"));
    }
}

/// Compares what the operations return on each restricted server with what they return on one without restrictions.
async fn compare<F: Future<Output = Vec<String>>>(operations: impl Fn(Native, u16) -> F) {
    let server = RedisServer::of_kind(ServerKind::Redis7, &[]);
    let expected = operations(client(&server.url(0)), server.port()).await;
    for restricted in Restricted::all() {
        let port = restricted.server.port();
        assert_eq!(
            operations(restricted.redis, port).await,
            expected,
            "{}",
            restricted.name
        );
    }
}

fn other_client(port: u16) -> redis::Connection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/0")).unwrap();
    client.get_connection().unwrap()
}

fn sorted(names: Vec<KeyName>) -> Vec<KeyName> {
    let mut names = names;
    names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    names
}

async fn read_and_write(redis: Native, _: u16) -> Vec<String> {
    let cache = Cache::new(redis);
    let mut results = Results::default();
    let options = Options {
        ttl: Some(Duration::from_secs(600)),
        jitter: 0.0,
        tags: &["prices"],
        ..Options::default()
    };
    let names: Vec<String> = (0..20).map(|number| format!("items:{number}")).collect();
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let items: Vec<SetItem<'_, u32>> = keys.iter().map(|key| SetItem::new(key, &7)).collect();

    cache.set("prices:1", &1, &options).await.unwrap();
    results.add("get", cache.get::<u32>("prices:1").await.unwrap());
    let load = async || Ok::<u32, String>(2);
    let loaded = cache.get_or_set("prices:2", &options, load).await.unwrap();
    results.add(
        "load",
        (loaded.value, loaded.outcome, loaded.store_error.is_none()),
    );
    let again = cache.get_or_set("prices:2", &options, load).await.unwrap();
    results.add("hit", (again.value, again.outcome));
    cache.set_many(&items).await.unwrap();
    results.add("get_many", cache.get_many::<u32>(&keys).await.unwrap());
    let load = async |missing: Vec<&str>| {
        let pairs = missing.iter().map(|key| ((*key).to_owned(), key.len()));
        Ok::<_, String>(pairs.collect::<Vec<_>>())
    };
    let many = cache.get_or_set_many(&["new:1", "new:22"], &options, load);
    results.add("load many", many.await.unwrap().len());

    results.add("exists", cache.exists("prices:1").await.unwrap());
    let life = Some(Duration::from_secs(9000));
    results.add("expire", cache.expire("prices:1", life).await.unwrap());
    results.add("touch", cache.touch("prices:2", &options).await.unwrap());
    results.add("ttl", cache.ttl("missing").await.unwrap());
    cache.tag("prices:1", &["more"]).await.unwrap();
    results.add("info", cache.key_info("prices:1").await.unwrap().is_some());
    results.add("tagged", sorted(cache.keys_by_tag("prices").await.unwrap()));
    results.add("delete", cache.delete("items:0").await.unwrap());
    results.add("delete_many", cache.delete_many(&keys).await.unwrap());
    results.add("by tag", cache.invalidate_tag("prices").await.unwrap());
    results.add("gone", cache.get::<u32>("prices:2").await.unwrap());
    results.0
}

#[tokio::test]
async fn values_are_read_loaded_and_removed_as_without_restrictions() {
    compare(read_and_write).await;
}

async fn walk(redis: Native, port: u16) -> Vec<String> {
    let mut other = other_client(port);
    let names = users().chain(["products:1".into(), "lock:x".into(), "cache:x".into()]);
    let pairs: Vec<(String, u8)> = names.map(|name| (name, 1)).collect();
    let () = other.mset(&pairs).unwrap();
    let () = other
        .sadd("cache:tags:t", &["users:1", "gone:1", "gone:2"])
        .unwrap();

    let mut results = Results::default();
    for text in [
        "users:*",
        "*:1",
        "*s:1*2*",
        "users:[12]?",
        "cache:*",
        "lock:x",
        "?*",
    ] {
        let pattern = pattern(text);
        let found = scan::count_removable(&redis, &pattern, &Conditions::default(), 10_000)
            .await
            .unwrap();
        results.add(text, (found.matched, sorted(found.names)));
        let sampled = scan::sample_removable(&redis, &pattern, 3).await.unwrap();
        results.add("sample", sampled.len());
    }
    let sets = scan::count_all(&redis, &pattern("cache:*"), &of_type("set"))
        .await
        .unwrap();
    results.add("sets", sets);
    let report = PruneWalk::default().step(&redis, 100_000).await.unwrap();
    results.add("prune", (report.members, report.removed, report.finished));

    let cache = Cache::new(redis);
    for text in ["users:1*", "*:2*", "lock:*", "users:*", "*"] {
        results.add(text, cache.clear_by_pattern(text).await.unwrap());
    }
    results.add("products", other.exists::<_, bool>("products:1").unwrap());
    results.0
}

#[tokio::test]
async fn walks_find_and_remove_the_same_keys_as_without_restrictions() {
    compare(walk).await;
}

async fn gather(redis: Native, port: u16) -> Vec<String> {
    let pairs: Vec<(String, u8)> = users().map(|name| (name, 1)).collect();
    let () = other_client(port).mset(&pairs).unwrap();
    let patterns = [
        pattern("users:1*"),
        pattern("users:?[3-4]"),
        pattern("users:2*"),
    ];

    let mut turn = gathered::gather(&redis, &patterns, PurgeMode::Hard)
        .await
        .unwrap();
    let mut results = Results::default();
    // A turn of one slice is continued by the next one.
    let mut limit = Duration::ZERO;
    while let Some(next) = turn {
        let ran = gathered::run_turn(&redis, next, limit).await.unwrap();
        limit = WHOLE_WALK;
        turn = ran.next;
        if let Some(walk) = ran.finished {
            results.add("walk", (walk.patterns, walk.keys_deleted));
        }
    }
    results.add("waiting", gathered::read_waiting(&redis).await.unwrap());
    let left = scan::count_all(&redis, &pattern("users:*"), &Conditions::default())
        .await
        .unwrap();
    results.add("left", left);
    results.0
}

#[tokio::test]
async fn gathered_removals_finish_as_without_restrictions() {
    compare(gather).await;
}

#[tokio::test]
async fn a_script_without_keys_is_refused_once_for_all_walks() {
    for restricted in Restricted::all() {
        let name = restricted.name;
        fill(&restricted.server, users());
        let redis = &restricted.redis;
        let users = pattern("users:*");
        scripts_and_steps(&restricted.proxy);

        let first = scan::count_removable(redis, &users, &Conditions::default(), 0)
            .await
            .unwrap();
        let (scripts, steps) = scripts_and_steps(&restricted.proxy);
        assert_eq!(first.matched, MANY_KEYS as u64, "{name}");
        match name {
            "upstash" => assert_eq!((scripts > 1, steps), (true, 0), "{name}"),
            // It does not know the slots, so it may be a proxy, whose scripts reach one of several servers.
            "enterprise" => assert_eq!((scripts, steps > 1), (0, true), "{name}"),
            _ => assert_eq!((scripts, steps > 1), (1, true), "{name}"),
        }

        let again = scan::count_removable(redis, &users, &Conditions::default(), 0)
            .await
            .unwrap();
        let (scripts, _) = scripts_and_steps(&restricted.proxy);
        assert_eq!(again.matched, MANY_KEYS as u64, "{name}");
        assert_eq!(scripts > 0, name == "upstash", "{name}");
    }
}

#[tokio::test]
async fn a_cluster_that_runs_scripts_without_keys_is_walked_with_them() {
    let server = RedisServer::of_kind(ServerKind::Redis7, &[]);
    fill(&server, users());
    let proxy = Proxy::restricted(
        server.port(),
        Restrictions {
            is_cluster: true,
            ..Restrictions::default()
        },
    );
    let redis = client(&proxy.url(0)).expecting(ExpectedTopology::Cluster);

    let found = scan::count_all(&redis, &pattern("users:*"), &Conditions::default())
        .await
        .unwrap();

    assert_eq!(found, MANY_KEYS as u64);
    assert!(!proxy.commands().contains(&"SCAN".to_owned()));
}
