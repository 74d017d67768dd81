//! Sizes by type that the server itself counts. A proxy adds what Redis 8 has.

use edge_cache::redis::ExpectedTopology;
use edge_cache_admin::admin::analysis::AnalysisPageRequest;
use edge_cache_testing::{
    Cluster, ClusterOptions, Proxy, RedisServer, Restricted, Restrictions, client,
};
use serde_json::{Value, json};

use crate::full::{begin, newest, work};
use crate::shared::{analyse, fill};

const SECTION: &str = "Keysizes";
const LINES: [&str; 3] = [
    "db0_distrib_strings_sizes:1=2,512=7,1K=3",
    "db0_distrib_sets_items:4=1",
    "db1_distrib_strings_sizes:8=99",
];

fn expected() -> Value {
    json!([
        {"type": "set", "unit": "elements", "keys": 1, "classes": [{"from": 4, "to": 7, "keys": 1}]},
        {"type": "string", "unit": "bytes", "keys": 12, "classes": [
            {"from": 1, "to": 1, "keys": 2},
            {"from": 512, "to": 1023, "keys": 7},
            {"from": 1024, "to": 2047, "keys": 3},
        ]},
    ])
}

#[tokio::test]
async fn sizes_are_those_that_the_server_counts_in_this_database() {
    let server = RedisServer::start();
    fill(&server, 20, 10, |n| format!("users:{n}"));
    let proxy = Proxy::before(server.port());
    proxy.add_section(SECTION, &LINES);
    let (redis, trail) = (client(&proxy.url(0)), client(&server.url(1)));

    let sample = analyse(&redis, &trail, json!({})).await;
    assert_eq!(sample["keySizes"], expected());
    assert_eq!(sample["keySizesReason"], Value::Null);
    assert_eq!(
        newest(&trail).await["keySizes"],
        expected(),
        "they are kept"
    );

    let job = begin(&redis, json!({"mode": "full"})).await;
    work(&redis, &trail, "one").await;
    let full = newest(&trail).await;
    assert_eq!(
        (&full["mode"], &full["keySizes"]),
        (&json!("full"), &expected())
    );
    assert!(!job.id.is_empty());
}

#[tokio::test]
async fn a_cluster_has_the_sizes_of_its_nodes() {
    let restrictions = Restrictions {
        info_fields: vec![("redis_mode", "cluster"), ("cluster_enabled", "1")],
        is_cluster: true,
        ..Restrictions::default()
    };
    let one_node = Restricted::start("one node", restrictions, ExpectedTopology::Cluster);
    one_node.proxy.add_section(SECTION, &LINES[..2]);
    let trail = client(&one_node.server.url(1));

    let analysis = analyse(&one_node.redis, &trail, json!({})).await;

    assert_eq!(analysis["keySizes"], expected());
}

#[tokio::test]
async fn where_the_server_does_not_count_sizes_they_are_null_with_the_reason() {
    let server = RedisServer::start();
    let trail = client(&server.url(1));
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    for redis in [client(&server.url(0)), client(&cluster.url())] {
        let analysis = analyse(&redis, &trail, json!({})).await;
        assert_eq!(analysis["keySizes"], Value::Null);
        let reason = analysis["keySizesReason"].as_str().unwrap();
        assert!(reason.contains("Redis 8"), "{reason}");
    }

    let mut admin = server.connection();
    let () = redis::cmd("ACL")
        .arg(&[
            "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-info",
        ])
        .query(&mut admin)
        .unwrap();
    let url = server.url(0).replace("redis://", "redis://limited:secret@");
    let analysis = analyse(&client(&url), &trail, json!({})).await;
    let reason = analysis["keySizesReason"].as_str().unwrap();
    assert!(reason.contains("INFO keysizes failed"), "{reason}");

    let request = AnalysisPageRequest::parse("").unwrap();
    assert_eq!(request.run(&trail).await.unwrap().key_sizes, None);
}
