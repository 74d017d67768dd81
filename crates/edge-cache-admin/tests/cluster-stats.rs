//! Statistics, health and metrics of a real Cluster.

use std::time::{Duration, Instant};

use edge_cache::RedisClient;
use edge_cache::tokio::TokioTransport;
use edge_cache_admin::admin::health::{self, HealthReport, HealthStatus};
use edge_cache_admin::admin::metrics;
use edge_cache_admin::admin::nodes::NodeReport;
use edge_cache_admin::admin::stats::{self, StatsReport, Thresholds};
use edge_cache_testing::{Cluster, ClusterOptions, client, transport};

/// A key in the slot of edge-cache's own keys.
const OWN_KEY: &str = "{cache}";
/// The time limit of readiness.
const READY_LIMIT: Duration = Duration::from_millis(800);

type Client = RedisClient<TokioTransport>;

/// A Cluster that serves the slots of other nodes when one fails, and never fails over by itself.
fn without_replicas() -> Cluster {
    let serves_rest = ["--cluster-require-full-coverage", "no"];
    let options = ClusterOptions::new().without_replicas().redis(&serves_rest);
    Cluster::with(options.node_timeout(Duration::from_secs(60)))
}

async fn statistics(redis: &Client) -> StatsReport {
    stats::run(redis, &Thresholds::default()).await.unwrap()
}

async fn health(redis: &Client) -> HealthReport {
    health::run(redis, &Thresholds::default()).await
}

fn report_of<'a>(
    nodes: Option<&'a Vec<NodeReport>>,
    cluster: &Cluster,
    number: usize,
) -> &'a NodeReport {
    let port = format!(":{}", cluster.node(number).port());
    let mut nodes = nodes.unwrap().iter();
    nodes.find(|node| node.address.ends_with(&port)).unwrap()
}

fn named(cluster: &Cluster, number: usize) -> String {
    format!("node 127.0.0.1:{}", cluster.node(number).port())
}

/// A primary that does not have edge-cache's own keys.
fn other_than_own(cluster: &Cluster) -> usize {
    let own = cluster.owner_of_key(OWN_KEY);
    let primaries = cluster.primaries();
    primaries.into_iter().find(|number| *number != own).unwrap()
}

#[tokio::test]
async fn statistics_are_sums_and_show_each_primary() {
    let cluster = Cluster::start();
    let redis = client(&cluster.url());
    for number in 0..60 {
        let key = format!("users:{number}");
        let owner = cluster.node(cluster.owner_of_key(&key));
        owner.command(&["SET", &key, "1"]);
        owner.command(&["GET", &key]);
    }

    let report = statistics(&redis).await;

    let nodes = report.nodes.as_ref().unwrap();
    assert_eq!(nodes.len(), 3);
    assert_eq!(nodes.iter().map(|node| node.slots).sum::<u32>(), 16_384);
    assert_eq!(report.uncovered_slots, Some(0));
    let sum = |figure: fn(&NodeReport) -> Option<u64>| {
        nodes.iter().map(|node| figure(node).unwrap()).sum::<u64>()
    };
    assert_eq!(report.key_count, 60);
    assert_eq!(sum(|node| node.figures.keys), 60);
    assert_eq!(report.hits, Some(sum(|node| node.figures.hits)));
    assert_eq!(
        report.memory_bytes,
        Some(sum(|node| node.figures.memory_bytes))
    );
    for node in nodes {
        assert!(node.connected && node.figures.keys.unwrap() > 0, "{node:?}");
        assert_eq!(node.figures.replicas, Some(1), "{node:?}");
        assert_eq!(node.figures.replica_link_up, Some(true), "{node:?}");
        assert!(node.figures.latency_ms.unwrap() <= report.latency_ms);
    }
    assert!(report.alerts.is_empty(), "{:?}", report.alerts);
    assert!(report.unknown.is_empty(), "{:?}", report.unknown);
    assert!(report.hit_rate_window.is_some());

    let health = health(&redis).await;
    assert_eq!(health.status, HealthStatus::Healthy, "{health:?}");
    assert_eq!(health::ready(&redis).await, Ok(()));
}

#[tokio::test]
async fn the_probe_changes_nothing() {
    let cluster = Cluster::start();
    let redis = client(&cluster.url());
    for _ in 0..3 {
        health(&redis).await;
    }

    for number in cluster.primaries() {
        let size = cluster.node(number).command(&["DBSIZE"]);
        assert_eq!(size, redis::Value::Int(0));
    }
}

#[tokio::test]
async fn an_alert_names_the_fullest_node() {
    let cluster = Cluster::start();
    let full = other_than_own(&cluster);
    let used = cluster.node(full);
    used.command(&["CONFIG", "SET", "maxmemory", "100kb"]);
    let redis = client(&cluster.url());

    let report = statistics(&redis).await;
    let memory = report
        .alerts
        .iter()
        .find(|alert| alert.kind == "memory")
        .unwrap();
    assert!(
        memory.message.starts_with(&named(&cluster, full)),
        "{memory:?}"
    );
    assert_eq!(
        report.usage_percent,
        report_of(report.nodes.as_ref(), &cluster, full)
            .figures
            .usage_percent
    );
    assert_eq!(report.max_memory_bytes, Some(0), "the others have no limit");

    let health = health(&redis).await;
    assert_eq!(health.status, HealthStatus::Degraded);
    let of_node = health
        .redis
        .reasons
        .iter()
        .filter(|reason| reason.starts_with(&named(&cluster, full)));
    assert_eq!(
        of_node.count(),
        2,
        "its memory, and its refusal of writes: {health:?}"
    );
}

#[tokio::test]
async fn a_failed_primary_degrades_and_that_of_its_own_keys_is_unhealthy() {
    let mut cluster = without_replicas();
    let failed = other_than_own(&cluster);
    let own = cluster.owner_of_key(OWN_KEY);
    let redis = client(&cluster.node(own).url(0));
    assert_eq!(health(&redis).await.status, HealthStatus::Healthy);

    cluster.kill(failed);
    let report = health(&redis).await;
    assert_eq!(report.status, HealthStatus::Degraded, "{report:?}");
    assert!(
        report.redis.reasons[0].starts_with(&named(&cluster, failed)),
        "{report:?}"
    );
    assert_eq!(health::ready(&redis).await, Ok(()));

    let report = statistics(&redis).await;
    let alert = &report.alerts[0];
    assert_eq!((alert.kind, alert.value), ("node", 1.0));
    assert!(
        alert.message.starts_with(&named(&cluster, failed)),
        "{alert:?}"
    );
    assert_eq!(report.unknown[0].field, "nodes");
    let node = report_of(report.nodes.as_ref(), &cluster, failed);
    assert!(!node.connected && node.error.is_some() && node.figures.memory_bytes.is_none());

    let text = metrics::run(&redis, &redis, &Thresholds::default())
        .await
        .unwrap();
    let port = cluster.node(failed).port();
    assert!(
        text.contains(&format!(
            "edge_cache_node_up{{node=\"127.0.0.1:{port}\"}} 0\n"
        )),
        "{text}"
    );
    assert!(
        text.contains("redis_up 1\n") && text.contains("edge_cache_scrape_errors 1\n"),
        "{text}"
    );

    cluster.kill(own);
    let report = health(&redis).await;
    assert_eq!(report.status, HealthStatus::Unhealthy, "{report:?}");
    assert!(
        report.redis.reasons[0].starts_with(&named(&cluster, own)),
        "{report:?}"
    );
    assert!(health::ready(&redis).await.is_err());
}

#[tokio::test]
async fn a_frozen_primary_delays_neither_readiness_nor_the_checks_of_others() {
    let cluster = without_replicas();
    let frozen = other_than_own(&cluster);
    let own = cluster.owner_of_key(OWN_KEY);
    let redis = RedisClient::new(transport(&cluster.node(own).url(0)), Duration::from_secs(2));
    assert_eq!(health(&redis).await.status, HealthStatus::Healthy);

    cluster.freeze(frozen);
    let began = Instant::now();
    assert_eq!(health::ready(&redis.within(READY_LIMIT)).await, Ok(()));
    assert!(began.elapsed() < READY_LIMIT);

    let limit = Duration::from_millis(1800);
    let began = Instant::now();
    let report = health::run(&redis.within(limit), &Thresholds::default()).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(report.status, HealthStatus::Degraded, "{report:?}");
    let nodes = report.redis.nodes.as_ref().unwrap();
    assert_eq!(
        nodes.iter().filter(|node| node.connected).count(),
        2,
        "{report:?}"
    );
    assert_eq!(report.redis.reasons.len(), 1, "{report:?}");
    cluster.thaw(frozen);
}

#[tokio::test]
async fn a_replica_that_does_not_follow_degrades() {
    let mut cluster = Cluster::start();
    let redis = client(&cluster.url());
    let primary = cluster.primaries()[0];
    let replica = cluster.replicas_of(primary)[0];

    cluster.kill(replica);
    let deadline = Instant::now() + Duration::from_secs(10);
    let report = loop {
        let report = health(&redis).await;
        if report.status != HealthStatus::Healthy {
            break report;
        }
        assert!(Instant::now() < deadline, "{report:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };

    assert_eq!(report.status, HealthStatus::Degraded, "{report:?}");
    assert!(
        report.redis.reasons[0].starts_with(&named(&cluster, primary)),
        "{report:?}"
    );
    let node = report_of(report.redis.nodes.as_ref(), &cluster, primary);
    assert_eq!(node.figures.replica_link_up, Some(false), "{node:?}");
    let kinds: Vec<&str> = statistics(&redis)
        .await
        .alerts
        .iter()
        .map(|alert| alert.kind)
        .collect();
    assert_eq!(kinds, ["replica_link"]);
}

#[tokio::test]
async fn slots_without_a_node_are_counted() {
    let cluster = without_replicas();
    let own_slot = edge_cache::keyspace::slot::of(OWN_KEY.as_bytes());
    let lost = (own_slot + 1) % 16_384;
    for node in cluster.nodes() {
        node.command(&["CLUSTER", "DELSLOTS", &lost.to_string()]);
    }
    let redis = client(&cluster.url());

    let report = health(&redis).await;

    assert_eq!(report.redis.uncovered_slots, Some(1));
    assert_eq!(report.status, HealthStatus::Degraded, "{report:?}");
    assert!(
        report.redis.reasons[0].contains("no node serves 1 of the 16384 slots"),
        "{report:?}"
    );
    let text = metrics::run(&redis, &redis, &Thresholds::default())
        .await
        .unwrap();
    assert!(
        text.contains("edge_cache_cluster_slots_uncovered 1\n"),
        "{text}"
    );
}

#[tokio::test]
async fn metrics_have_each_primary() {
    let cluster = Cluster::start();
    let redis = client(&cluster.url());

    let text = metrics::run(&redis, &redis, &Thresholds::default())
        .await
        .unwrap();

    for number in cluster.primaries() {
        let label = format!("{{node=\"127.0.0.1:{}\"}}", cluster.node(number).port());
        let up = format!("edge_cache_node_up{label} 1\n");
        let of_node = text.lines().filter(|line| line.contains(&label));
        assert!(text.contains(&up), "{text}");
        assert_eq!(of_node.count(), 15, "{text}");
    }
    assert!(
        text.contains("edge_cache_cluster_slots_uncovered 0\n"),
        "{text}"
    );
}
