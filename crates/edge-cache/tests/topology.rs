//! Servers that cannot be used: a node of a Cluster that is not set up, and a database that a Cluster does
//! not have.

use std::time::Duration;

use edge_cache::{Cache, Command, ErrorKind, LookupOutcome, Options, Redis, RedisClient};
use edge_cache_admin::admin::clear::ClearRequest;
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
        .map(|name| name.split('|').next().unwrap_or(name).to_owned())
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
async fn nothing_but_questions_reach_a_cluster_without_slots() {
    let server = start_node(&[]);
    let redis = client(&server.url(0));
    let refused = redis
        .execute(Command::new("SET").arg("a").arg("b"))
        .await
        .unwrap_err();

    assert_eq!(refused.kind, ErrorKind::Cluster);
    assert!(refused.message.contains("no slots yet"), "{refused}");
    let clear = ClearRequest::parse(br#"{"pattern":"users:*"}"#).unwrap();
    assert!(clear.run(&redis, false).await.is_err());
    assert_eq!(carried_out(&server), ["cluster"]);
}

#[tokio::test]
async fn a_service_gets_its_values_loaded_beside_a_cluster_without_slots() {
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
    assert_eq!(carried_out(&server), ["cluster"]);
}

#[tokio::test]
async fn another_database_of_a_cluster_is_refused_where_there_is_none() {
    let server = start_node(&[]);
    let refused = client(&server.url(1))
        .execute(Command::read("PING"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::ClusterDatabase);
}

#[tokio::test]
async fn where_hello_is_not_known_info_tells() {
    let node = RedisServer::with(&["--cluster-enabled", "yes"]);
    let single = RedisServer::start();

    for (server, is_cluster) in [(&node, true), (&single, false)] {
        let proxy = Proxy::before(server.port());
        let redis = RedisClient::new(transport(&proxy.url(0)), Duration::from_secs(5));
        for refusal in [
            "ERR unknown command 'HELLO'",
            "NOPERM this user has no permissions to run the 'hello' command",
        ] {
            proxy.fail_named(Fault::Error(refusal), |name| name == "HELLO");
            let reply = redis.execute(Command::read("PING")).await;
            let is_refused = reply.is_err_and(|error| error.kind == ErrorKind::Cluster);
            assert_eq!(is_refused, is_cluster);
        }
    }
}
