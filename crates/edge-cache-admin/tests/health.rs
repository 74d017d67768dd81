//! Health on a real server: what makes it degraded or unhealthy, and readiness.

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{ErrorKind, RedisClient};
use edge_cache_admin::admin::health::{self, HealthStatus};
use edge_cache_admin::admin::stats::Thresholds;
use edge_cache_testing::{Fault, Proxy, RedisServer, client, free_port, transport};
use serde_json::{Value, json};

/// Checks health and readiness. Returns the state, the report, and the error of readiness.
async fn examine(redis: &RedisClient<TokioTransport>) -> (HealthStatus, Value, Option<ErrorKind>) {
    let report = health::run(redis, &Thresholds::default()).await;
    let ready = health::ready(redis).await;
    (
        report.status,
        serde_json::to_value(&report).unwrap(),
        ready.err().map(|error| error.kind),
    )
}

fn command(server: &RedisServer, words: &[&str]) {
    let (name, arguments) = words.split_first().unwrap();
    redis::cmd(name)
        .arg(arguments)
        .exec(&mut server.connection())
        .unwrap();
}

fn has_reason(json: &Value, words: &str) -> bool {
    json["redis"]["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .any(|reason| reason.as_str().unwrap().contains(words))
}

/// The kinds of the problems, the worst first.
fn kinds(json: &Value) -> Vec<&str> {
    let findings = json["redis"]["findings"].as_array().unwrap();
    let kinds = findings.iter().map(|finding| finding["kind"].as_str());
    kinds.map(Option::unwrap).collect()
}

#[tokio::test]
async fn a_server_with_free_memory_is_healthy_and_a_nearly_full_one_degraded() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let (status, json, unready) = examine(&redis).await;

    assert_eq!((status, unready), (HealthStatus::Healthy, None), "{json}");
    assert_eq!(json["redis"]["findings"], json!([]));
    assert_eq!(
        (&json["redis"]["role"], &json["redis"]["connectedReplicas"]),
        (&"primary".into(), &0.into())
    );

    command(&server, &["CONFIG", "SET", "maxmemory", "100kb"]);
    let (status, json, unready) = examine(&redis).await;
    assert_eq!(
        (status, unready),
        (HealthStatus::Degraded, None),
        "clearing helps: {json}"
    );
    assert!(
        has_reason(&json, "of maxmemory is in use") && has_reason(&json, "no new value is stored"),
        "{json}"
    );
    assert_eq!(kinds(&json), ["memory-full", "memory-high"]);
    assert_eq!(
        json["redis"]["findings"][0],
        json!({
            "kind": "memory-full",
            "status": "degraded",
            "reason": json["redis"]["reasons"][0],
            "node": null,
        })
    );
    assert!(json["redis"]["usagePercent"].as_f64().unwrap() > 100.0);
}

#[tokio::test]
async fn an_unreachable_server_is_reported_as_unhealthy() {
    let redis = client(&format!("redis://127.0.0.1:{}/0", free_port()));
    let report = health::run(&redis, &Thresholds::default())
        .await
        .with_last_seen(Some("then".into()));
    let json = serde_json::to_value(&report).unwrap();

    assert_eq!(
        (&json["status"], &json["redis"]["connected"]),
        (&"unhealthy".into(), &false.into())
    );
    assert_eq!(json["redis"]["lastSeen"], "then");
    assert_eq!(kinds(&json), ["unreachable"]);
    assert!(
        json["redis"]["error"].as_str().unwrap().contains("refused"),
        "{json}"
    );
}

#[tokio::test]
async fn a_replica_is_unhealthy_whether_its_link_is_up_or_down() {
    let (mut primary, server) = (RedisServer::start(), RedisServer::start());
    let redis = client(&server.url(0));
    command(&server, &["CONFIG", "SET", "replica-read-only", "no"]);
    command(
        &server,
        &["REPLICAOF", "127.0.0.1", &primary.port().to_string()],
    );

    for is_up in [true, false] {
        let json = loop {
            let (status, json, unready) = examine(&redis).await;
            assert_eq!(
                (status, unready),
                (HealthStatus::Unhealthy, Some(ErrorKind::ReadOnly)),
                "{json}"
            );
            if json["redis"]["linkUp"] == is_up {
                break json;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(
            (&json["redis"]["role"], &json["redis"]["connected"]),
            (&"replica".into(), &true.into())
        );
        assert_eq!(kinds(&json), ["replica"]);
        assert!(
            json["redis"]["lagSeconds"].is_u64() && has_reason(&json, "is a replica"),
            "{json}"
        );
        primary.kill();
    }
}

#[tokio::test]
async fn too_few_replicas_are_unhealthy() {
    let server = RedisServer::with(&["--min-replicas-to-write", "1"]);
    let (status, json, unready) = examine(&client(&server.url(0))).await;
    assert_eq!(
        (status, unready),
        (HealthStatus::Unhealthy, Some(ErrorKind::NotEnoughReplicas)),
        "{json}"
    );
    assert!(has_reason(&json, "min-replicas-to-write"), "{json}");
    assert_eq!(kinds(&json), ["too-few-replicas"]);
}

#[tokio::test]
async fn paused_writes_are_unhealthy_within_the_time_limit() {
    let server = RedisServer::start();
    let redis = RedisClient::new(transport(&server.url(0)), Duration::from_millis(400));

    assert_eq!(examine(&redis).await.0, HealthStatus::Healthy);

    command(&server, &["CLIENT", "PAUSE", "60000", "WRITE"]);
    let (status, json, unready) = examine(&redis).await;
    command(&server, &["CLIENT", "UNPAUSE"]);

    assert_eq!(
        (status, unready),
        (HealthStatus::Unhealthy, Some(ErrorKind::Timeout)),
        "{json}"
    );
    assert!(
        has_reason(&json, "accepts no writes") && json["redis"]["memoryUsageBytes"].is_u64(),
        "{json}"
    );
    assert_eq!(kinds(&json), ["writes-paused"]);
    assert_eq!(examine(&redis).await.0, HealthStatus::Healthy);
}

#[tokio::test]
async fn a_server_that_cannot_save_is_unhealthy_if_it_refuses_writes_and_degraded_otherwise() {
    let server = RedisServer::with(&["--dir", "/proc"]);
    let redis = client(&server.url(0));
    command(&server, &["CONFIG", "SET", "save", "3600 1"]);
    command(&server, &["SET", "a", "b"]);
    command(&server, &["BGSAVE"]);
    let (status, json, unready) = loop {
        let found = examine(&redis).await;
        if found.0 != HealthStatus::Healthy {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };

    assert_eq!(
        (status, unready),
        (HealthStatus::Unhealthy, Some(ErrorKind::PersistenceFailed)),
        "{json}"
    );
    assert_eq!(kinds(&json), ["cannot-save", "last-save-failed"]);
    assert!(json["redis"]["latencyMs"].as_f64().unwrap() > 0.0, "{json}");

    command(
        &server,
        &["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"],
    );
    let (status, json, unready) = examine(&redis).await;

    assert_eq!((status, unready), (HealthStatus::Degraded, None), "{json}");
    assert!(has_reason(&json, "last save to disk failed"), "{json}");
    assert_eq!(kinds(&json), ["last-save-failed"]);
}

#[tokio::test]
async fn a_failed_snapshot_matters_only_without_an_append_only_file() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    proxy.set_field("rdb_last_bgsave_status", "err");
    let redis = client(&proxy.url(0));
    let (status, json, unready) = examine(&redis).await;

    assert_eq!((status, unready), (HealthStatus::Degraded, None), "{json}");
    assert!(
        has_reason(&json, "a BGSAVE that succeeds ends this state"),
        "{json}"
    );

    proxy.set_field("aof_enabled", "1");
    assert_eq!(
        examine(&redis).await.0,
        HealthStatus::Healthy,
        "the append-only file has everything"
    );

    proxy.set_field("aof_last_write_status", "err");
    assert_eq!(examine(&redis).await.0, HealthStatus::Degraded);
}

#[tokio::test]
async fn missing_rights_are_named() {
    let server = RedisServer::start();
    let all = "+@read +@write +@scripting +@connection +select +info +dbsize +flushdb";
    let cases = [
        (all.to_owned(), HealthStatus::Healthy, "", None),
        (
            format!("{all} -@scripting"),
            HealthStatus::Unhealthy,
            "may not run scripts",
            Some("scripts-refused"),
        ),
        (
            format!("{all} -@write"),
            HealthStatus::Unhealthy,
            "may not write",
            Some("no-right-to-write"),
        ),
        (
            format!("{all} -scan"),
            HealthStatus::Degraded,
            "may not run SCAN",
            Some("no-right-to-scan"),
        ),
    ];

    for (number, (rights, expected, words, kind)) in cases.into_iter().enumerate() {
        let (user, url) = (
            format!("u{number}"),
            server.url(0).replace("://", &format!("://u{number}:p@")),
        );
        let mut rule = vec!["ACL", "SETUSER", &user, "on", ">p", "~*", "-@all"];
        rule.extend(rights.split(' '));
        command(&server, &rule);
        let (status, json, unready) = examine(&client(&url)).await;
        assert_eq!(
            (status, unready.is_some()),
            (expected, expected == HealthStatus::Unhealthy),
            "{rights}: {json}"
        );
        assert!(
            words.is_empty() || has_reason(&json, words),
            "{rights}: {json}"
        );
        assert_eq!(kinds(&json).first().copied(), kind, "{rights}: {json}");
    }
}

#[tokio::test]
async fn the_probe_changes_nothing_and_is_not_counted_as_a_lookup() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let counted = || {
        let info: String = redis::cmd("INFO").query(&mut server.connection()).unwrap();
        let fields = [
            "keyspace_hits",
            "keyspace_misses",
            "rdb_changes_since_last_save",
            "db0",
        ];
        fields.map(|field| {
            info.lines()
                .find(|line| line.starts_with(field))
                .map(str::to_owned)
        })
    };

    let before = counted();
    for _ in 0..20 {
        examine(&redis).await;
    }

    assert_eq!(counted(), before);
}

#[tokio::test]
async fn a_figure_that_the_server_does_not_report_is_null_with_a_reason() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    proxy.drop_fields(&["used_memory", "maxmemory", "role"]);
    let report = health::run(&client(&proxy.url(0)), &Thresholds::default()).await;

    let json = serde_json::to_value(&report).unwrap();
    for field in [
        "memoryUsage",
        "memoryUsageBytes",
        "maxMemory",
        "maxMemoryBytes",
        "usagePercent",
        "role",
    ] {
        assert!(json["redis"][field].is_null(), "{field}: {json}");
    }

    let unknown: Vec<&str> = json["redis"]["unknown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unknown| unknown["field"].as_str().unwrap())
        .collect();
    assert_eq!(unknown, ["memoryBytes", "maxMemoryBytes", "role"]);

    proxy.fail_named(
        Fault::Error("NOPERM this user has no permissions to run the 'info' command"),
        |name| name == "INFO",
    );
    assert_eq!(
        examine(&client(&proxy.url(0))).await.0,
        HealthStatus::Unhealthy
    );
}
