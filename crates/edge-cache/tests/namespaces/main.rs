//! Caches of several namespaces in one database: their separate keys, their shared keys, and
//! protection.

mod protection;

use std::time::Duration;

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::keyspace::tag::prune::PruneWalk;
use edge_cache::keyspace::{gathered, removal};
use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LookupOutcome, Namespace, Near, Options, Pattern, RedisClient, SetItem};
use edge_cache_testing::{Cluster, ClusterOptions, Node, RedisServer, ServerKind, client};
use redis::Commands;

type Native = RedisClient<TokioTransport>;

/// Values above 8 MiB are stored in chunks.
const CHUNKED_BYTES: usize = 9 << 20;

fn shop() -> Namespace {
    Namespace::parse("shop").unwrap()
}

fn client_of(url: &str, namespace: &Namespace) -> Native {
    client(url).in_namespace(namespace.clone())
}

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(60),
        failure_ttl: Duration::from_secs(60),
        tags: &["t", "a}b", "{t}"],
        ..Options::default()
    }
}

async fn load(cache: &Cache<Native>, key: &str, value: u64) -> LookupOutcome {
    let loader = async || Ok::<_, String>(value);
    let fetched = cache.get_or_set(key, &options(), loader).await.unwrap();
    assert!(fetched.store_error.is_none(), "{:?}", fetched.store_error);
    fetched.outcome
}

fn all_keys(connections: &mut [redis::Connection]) -> Vec<String> {
    let keys = connections
        .iter_mut()
        .flat_map(|redis| redis.keys::<_, Vec<String>>("*").unwrap());
    let mut keys: Vec<String> = keys.collect();
    keys.sort();
    keys
}

/// Uses everything of the library that keeps keys of its own, under keys that begin with `prefix`.
async fn use_everything(redis: Native, prefix: &str) {
    let cache = Cache::new(&redis);
    let key = |name: &str| format!("{prefix}:{name}");
    let one = key("one");

    let near = Options {
        near: Some(Near::default()),
        ..options()
    };
    let loader = async || Ok::<_, String>(1);
    cache.get_or_set(&one, &near, loader).await.unwrap();
    cache.set(&one, &2, &near).await.unwrap();

    let negative = Options {
        negative_ttl: Some(Duration::from_secs(30)),
        ..options()
    };
    let nothing = async || Ok::<Option<u64>, String>(None);
    let many = [key("none"), key("{braced}:none")];
    for name in &many {
        cache.get_or_set(name, &negative, nothing).await.unwrap();
    }
    cache
        .get_or_set(&key("failing"), &options(), async || Err::<u64, _>("no"))
        .await
        .unwrap_err();
    let large = "x".repeat(CHUNKED_BYTES);
    cache.set(&key("large"), &large, &options()).await.unwrap();

    let (two, three) = (key("two"), key("three"));
    let items = [SetItem::new(&two, &2), SetItem::new(&three, &3)];
    cache.set_many(&items).await.unwrap();
    cache.tag(&two, &["t"]).await.unwrap();
    let four = key("four");
    let load_four = |missing: Vec<&str>| {
        let missing: Vec<String> = missing.into_iter().map(str::to_owned).collect();
        async move { Ok::<_, String>(missing.into_iter().map(|name| (name, 4))) }
    };
    let loaded = cache
        .get_or_set_many(&[&two, &four], &options(), load_four)
        .await
        .unwrap();
    let loaded: Vec<Option<u64>> = loaded.into_iter().map(|one| one.value).collect();
    assert_eq!(loaded, [Some(2), Some(4)]);

    let pattern = Pattern::parse("pattern", format!("{prefix}:t*")).unwrap();
    gathered::gather(&redis, &[pattern], PurgeMode::Hard)
        .await
        .unwrap();
    cache.invalidate_tag("t").await.unwrap();
    cache.set(&one, &2, &options()).await.unwrap();
}

/// Checks that everything internal of a cache has its namespace.
async fn check_names(url: &str, connections: &mut [redis::Connection]) {
    use_everything(client_of(url, &shop()), "shop").await;

    let internal = |key: &&String| !key.starts_with("shop:");
    let keys = all_keys(connections);
    let names: Vec<&String> = keys.iter().filter(internal).collect();
    for name in &names {
        let is_own = ["cache:@shop:", "lock:@shop:"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        assert!(is_own || *name == "cache:namespaces", "{name}");
    }
    for part in [
        "fences",
        "near-fences",
        "tags:",
        "turns",
        "negative:",
        "removals",
        "lookups",
    ] {
        assert!(
            names.iter().any(|name| name.contains(part)),
            "{part}: {names:?}"
        );
    }
    assert!(
        names.iter().any(|name| name.starts_with("lock:@shop:")),
        "{names:?}"
    );
}

#[tokio::test]
async fn everything_internal_of_a_cache_is_in_its_namespace() {
    let server = RedisServer::start();
    check_names(&server.url(0), &mut [server.connection()]).await;

    let registered: Vec<String> = server.connection().smembers("cache:namespaces").unwrap();
    assert_eq!(registered, ["shop"]);
}

#[tokio::test]
async fn everything_internal_of_a_cache_of_a_cluster_is_in_its_namespace() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let mut nodes: Vec<_> = cluster.nodes().iter().map(Node::connection).collect();
    check_names(&cluster.url(), &mut nodes).await;
}

#[tokio::test]
async fn without_a_namespace_every_name_is_the_one_of_earlier_versions() {
    let server = RedisServer::start();
    use_everything(client(&server.url(0)), "shop").await;

    let keys = all_keys(&mut [server.connection()]);
    assert!(keys.iter().all(|key| !key.contains('@')), "{keys:?}");
    for name in [
        "cache:fences",
        "cache:tags:t",
        "cache:turns",
        "cache:lookups",
        "cache:{removals}:patterns",
    ] {
        assert!(keys.iter().any(|key| key == name), "{name}: {keys:?}");
    }
}

/// Checks that invalidations of one cache do not concern another one.
async fn check_invalidations(url: &str) {
    let (one, other) = (
        client_of(url, &Namespace::default()),
        client_of(url, &shop()),
    );
    let (one, other) = (Cache::new(one), Cache::new(other));
    load(&one, "one:a", 1).await;
    load(&other, "shop:a", 1).await;

    assert_eq!(one.invalidate_tag("t").await.unwrap(), 1);
    assert_eq!(load(&other, "shop:a", 2).await, LookupOutcome::Hit);
    let members = other.keys_by_tag("a}b").await.unwrap();
    assert_eq!(members, [KeyName::new("shop:a")]);

    load(&one, "one:a", 1).await;
    assert_eq!(other.clear_by_pattern("shop:*").await.unwrap(), 1);
    assert_eq!(load(&one, "one:a", 2).await, LookupOutcome::Hit);
    load(&other, "shop:a", 3).await;
    assert_eq!(other.invalidate_tag("{t}").await.unwrap(), 1);
    assert_eq!(load(&one, "one:a", 2).await, LookupOutcome::Hit);

    // An entry of another namespace has a stamp of other fences.
    assert_eq!(load(&other, "one:a", 4).await, LookupOutcome::Miss);
}

#[tokio::test]
async fn tags_and_invalidations_of_namespaces_are_apart() {
    let server = RedisServer::start();
    check_invalidations(&server.url(0)).await;

    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    check_invalidations(&cluster.url()).await;
}

#[tokio::test]
async fn instances_of_a_namespace_share_loads() {
    let server = RedisServer::start();
    let [one, other] = [0; 2].map(|_| Cache::new(client_of(&server.url(0), &shop())));
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, String>(1)
    };
    let options = options();

    let (first, second) = tokio::join!(
        one.get_or_set("shop:slow", &options, slow),
        other.get_or_set("shop:slow", &options, slow),
    );

    let outcomes = [first.unwrap().outcome, second.unwrap().outcome];
    let loads = outcomes
        .iter()
        .filter(|outcome| **outcome == LookupOutcome::Miss);
    assert_eq!(loads.count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn a_short_name_in_a_request_means_the_own_key() {
    let server = RedisServer::start();
    let mut redis = server.connection();
    let () = redis.hset("cache:ttl", "users", 60).unwrap();
    let () = redis.hset("cache:@shop:ttl", "shop", 60).unwrap();
    let client = client_of(&server.url(0), &shop());

    let removed = removal::delete_named(&client, &[KeyName::new("cache:ttl")]).await;
    assert_eq!(removed.unwrap(), [true]);
    assert!(!redis.exists::<_, bool>("cache:@shop:ttl").unwrap());
    assert!(redis.exists::<_, bool>("cache:ttl").unwrap());
}

/// Checks that pruning reads the sets of its own namespace only, and completes its interrupted
/// invalidations.
async fn check_pruning(url: &str, connection_to: impl Fn(&str) -> redis::Connection) {
    let shop_client = client_of(url, &shop());
    let add = |set: &str, member: &str| {
        let added: u64 = connection_to(set).sadd(set, member).unwrap();
        assert_eq!(added, 1);
    };
    add("cache:tags:t", "gone");
    add("cache:@shop:tags:t", "gone");
    let aside = "cache:@shop:tags-aside:{cache:@shop:tags:u}";
    add(aside, "shop:u");
    let () = connection_to("shop:u").set("shop:u", 1).unwrap();

    let (mut walk, mut steps) = (PruneWalk::default(), Vec::new());
    while steps.last().is_none_or(|finished| !finished) {
        let step = walk.step(&shop_client, 100).await.unwrap();
        steps.push(step.finished);
        assert!(steps.len() < 100, "the walk ends");
    }

    let count = |set: &str| -> u64 { connection_to(set).scard(set).unwrap() };
    assert_eq!(count("cache:tags:t"), 1);
    assert_eq!(count("cache:@shop:tags:t"), 0);
    assert_eq!(count(aside), 0);
    assert!(!connection_to("shop:u").exists::<_, bool>("shop:u").unwrap());
}

#[tokio::test]
async fn pruning_concerns_the_own_namespace() {
    let server = RedisServer::start();
    check_pruning(&server.url(0), |_| server.connection()).await;

    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let connection_to = |key: &str| cluster.node(cluster.owner_of_key(key)).connection();
    check_pruning(&cluster.url(), connection_to).await;
}

#[tokio::test]
async fn a_value_of_another_type_is_named_by_its_full_name() {
    let server = RedisServer::of_kind(ServerKind::Redis7, &[]);
    let () = server.connection().set("cache:@shop:tags:t", "x").unwrap();
    let cache = Cache::new(client_of(&server.url(0), &shop()));

    let error = cache.keys_by_tag("t").await.unwrap_err().to_string();
    assert!(
        error.contains("`cache:@shop:tags:t` is a string"),
        "{error}"
    );
}
