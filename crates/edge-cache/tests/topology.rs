//! A node of a Cluster, which is not used: nothing but the question what it is reaches it.

use std::time::Duration;

use edge_cache::{Cache, Command, ErrorKind, LookupOutcome, Options, Redis, RedisClient};
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::health::HealthStatus;
use edge_cache_admin::admin::{health, metrics, stats};
use edge_cache_testing::{Fault, Proxy, RedisServer, client, transport};

/// The names of the commands that a server has carried out, but for those that this test and the
/// opening of a connection take.
fn carried_out(server: &RedisServer) -> Vec<String> {
    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut server.connection())
        .unwrap();
    let names = info.lines().filter_map(|line| {
        line.strip_prefix("cmdstat_")?
            .split_once(':')
            .map(|(name, _)| name)
    });
    let opening = ["hello", "client", "info", "command", "select"];
    names
        .filter(|name| *name != "config|resetstat")
        .filter(|name| !opening.contains(&name.split('|').next().unwrap()))
        .map(str::to_owned)
        .collect()
}

/// Starts a node of a Cluster, which has carried out nothing yet.
fn start_node(options: &[&str]) -> RedisServer {
    let server = RedisServer::with(&[&["--cluster-enabled", "yes"], options].concat());
    // Valkey 9 sends commands to itself when it starts.
    if RedisServer::is_valkey_9() {
        redis::cmd("CONFIG")
            .arg("RESETSTAT")
            .exec(&mut server.connection())
            .unwrap();
    }
    server
}

#[tokio::test]
async fn nothing_but_the_probe_reaches_a_node_of_a_cluster() {
    let server = start_node(&[]);
    let redis = client(&server.url(0));
    let refused = redis
        .execute(Command::new("SET").arg("a").arg("b"))
        .await
        .unwrap_err();

    assert_eq!(refused.kind, ErrorKind::ClusterUnsupported);
    assert!(
        stats::run(&redis, &stats::Thresholds::default())
            .await
            .is_err()
    );

    let clear = ClearRequest::parse(br#"{"pattern":"users:*"}"#).unwrap();

    assert!(clear.run(&redis, false).await.is_err());

    let report = health::run(&redis, &stats::Thresholds::default()).await;

    assert_eq!(report.status, HealthStatus::Unhealthy);
    assert_eq!(
        metrics::run(&redis, &redis).await.unwrap_err().kind,
        ErrorKind::ClusterUnsupported
    );
    assert_eq!(carried_out(&server), Vec::<String>::new());
}

#[tokio::test]
async fn a_service_gets_its_values_loaded_beside_a_node_of_a_cluster() {
    let server = start_node(&[]);
    let cache = Cache::new(client(&server.url(0)));

    for _ in 0..20 {
        let fetched = cache
            .get_or_set("a", &Options::default(), async || Ok::<_, String>(7))
            .await
            .unwrap();
        assert_eq!((fetched.value, fetched.outcome), (7, LookupOutcome::Bypass));
    }

    assert!(cache.invalidate_tag("t").await.is_err());
    assert_eq!(carried_out(&server), Vec::<String>::new());

    let info: String = redis::cmd("INFO")
        .arg("stats")
        .query(&mut server.connection())
        .unwrap();
    let opened = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"))
        .unwrap();

    // Two are of this test. The server is asked what it is once a second at most, however many
    // values are asked for.
    assert!(
        opened.trim().parse::<u32>().unwrap() <= 2 + 3,
        "{opened} connections for 21 calls"
    );
}

#[tokio::test]
async fn another_database_of_a_node_of_a_cluster_is_refused_alike() {
    // The only servers with several databases in a Cluster.
    let databases: &[&str] = if RedisServer::is_valkey_9() {
        &["--cluster-databases", "2"]
    } else {
        &[]
    };
    let server = start_node(databases);
    let refused = client(&server.url(1))
        .execute(Command::read("PING"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::ClusterUnsupported);
}

#[tokio::test]
async fn where_hello_is_not_known_info_tells() {
    let node = RedisServer::with(&["--cluster-enabled", "yes"]);
    let single = RedisServer::start();

    for (server, is_refused) in [(&node, true), (&single, false)] {
        let proxy = Proxy::before(server.port());
        let redis = RedisClient::new(transport(&proxy.url(0)), Duration::from_secs(5));
        for refusal in [
            "ERR unknown command 'HELLO'",
            "NOPERM this user has no permissions to run the 'hello' command",
        ] {
            proxy.fail_named(Fault::Error(refusal), |name| name == "HELLO");
            let answer = redis.execute(Command::read("PING")).await;
            assert_eq!(
                answer.is_err_and(|error| error.kind == ErrorKind::ClusterUnsupported),
                is_refused
            );
        }
    }
}
