//! Health and statistics on a real server.

use edge_cache::health::{self, Status};
use edge_cache::stats::{self, Thresholds};
use edge_cache_testing::{RedisServer, client, free_port};

#[tokio::test]
async fn a_server_with_room_is_healthy_and_a_nearly_full_one_degraded() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    assert_eq!(health::run(&redis, &Thresholds::default()).await.status, Status::Healthy);
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", "100kb"]).exec(&mut server.connection()).unwrap();
    let report = health::run(&redis, &Thresholds::default()).await;
    assert_eq!(report.status, Status::Degraded);
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["redis"]["reasons"][0].as_str().unwrap().contains("maxmemory"), "{json}");
    assert!(json["redis"]["usagePercent"].as_f64().unwrap() > 100.0);
}

#[tokio::test]
async fn no_server_is_a_report_and_not_a_failure() {
    let redis = client(&format!("redis://127.0.0.1:{}/0", free_port()));
    let report = health::run(&redis, &Thresholds::default()).await.with_last_seen(Some("then".into()));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["status"], &json["redis"]["connected"]), (&"unhealthy".into(), &false.into()));
    assert_eq!(json["redis"]["lastSeen"], "then");
    assert!(json["redis"]["error"].as_str().unwrap().contains("refused"), "{json}");
}

#[tokio::test]
async fn statistics_count_what_happened() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    redis::pipe().set("k", 1).get("k").get("k").get("k").get("missing").exec(&mut other).unwrap();
    let (report, sample) = stats::run(&redis, &Thresholds::default(), None).await.unwrap();
    assert_eq!((report.key_count, report.hits, report.misses), (1, 3, 1));
    assert_eq!((report.hit_rate.as_str(), report.hit_ratio), ("75.0%", Some(0.75)));
    assert!(report.connected && report.version.trim_start_matches("valkey ").starts_with(|c: char| c.is_ascii_digit()));
    assert!(sample.is_some(), "the first reading is kept to compare the next with");
}
