//! Statistics and recent hit rates on a real server.

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, HostRuntime, Options, Redis, RedisClient};
use edge_cache_admin::admin::inspect_key::InspectKeyRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_admin::admin::stats::{self, LookupSource, StatsReport, Thresholds};
use edge_cache_testing::{Proxy, RedisServer, client};

fn look_up(server: &RedisServer, key: &str, times: usize) {
    let mut lookups = redis::pipe();
    (0..times).for_each(|_| {
        lookups.get(key).ignore();
    });
    lookups.exec(&mut server.connection()).unwrap();
}

/// A server that seems to have run for days, so that its counters are not recent ones.
fn with_long_uptime(server: &RedisServer) -> Proxy {
    let proxy = Proxy::before(server.port());
    proxy.set_field("uptime_in_seconds", "400000");
    proxy
}

async fn statistics(redis: &RedisClient<TokioTransport>) -> StatsReport {
    let at_once = Thresholds {
        after: Duration::ZERO,
        ..Thresholds::default()
    };
    stats::run(redis, &at_once).await.unwrap()
}

fn kinds(report: &StatsReport) -> Vec<&'static str> {
    report.alerts.iter().map(|alert| alert.kind).collect()
}

#[tokio::test]
async fn statistics_count_keys_and_lookups() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let mut other = server.connection();
    redis::pipe()
        .set("k", 1)
        .get("k")
        .get("k")
        .get("k")
        .get("missing")
        .exec(&mut other)
        .unwrap();

    let report = statistics(&redis).await;
    assert_eq!(
        (report.key_count, report.hits, report.misses),
        (1, Some(3), Some(1))
    );
    assert_eq!(
        (report.hit_rate.as_deref(), report.hit_ratio),
        (Some("75.0%"), Some(0.75))
    );
    assert!(
        report.connected
            && report
                .version
                .trim_start_matches("valkey ")
                .starts_with(|c: char| c.is_ascii_digit())
    );
    assert!(
        report.latency_ms > 0.0 && report.latency_ms.fract() != 0.0,
        "{}",
        report.latency_ms
    );
    assert!(report.unknown.is_empty(), "{:?}", report.unknown);

    let window = report.hit_rate_window.unwrap();
    assert_eq!(
        (window.lookups, window.ratio, window.source),
        (4, Some(0.75), LookupSource::Server)
    );
}

#[tokio::test]
async fn recent_misses_raise_an_alert_after_days_of_hits() {
    let server = RedisServer::start();
    let proxy = with_long_uptime(&server);
    redis::cmd("SET")
        .arg("k")
        .arg(1)
        .exec(&mut server.connection())
        .unwrap();
    look_up(&server, "k", 100_000);
    let first = statistics(&client(&proxy.url(0))).await;

    assert_eq!((kinds(&first), first.hit_rate_window), (vec![], None));

    look_up(&server, "missing", 20_000);
    // Another instance, which remembers nothing.
    let report = statistics(&client(&proxy.url(0))).await;
    assert_eq!(kinds(&report), ["hit_rate"]);
    assert!(report.hit_ratio.unwrap() > 0.8, "good since the start");

    let window = report.hit_rate_window.unwrap();
    assert!(
        window.ratio.unwrap() < 0.01 && window.lookups >= 20_000,
        "{window:?}"
    );
}

/// Lists and inspects keys, and does a dry run: more than 5,000 own reads.
async fn browse(redis: &(impl Redis + HostRuntime)) {
    for query in [
        "limit=100",
        "limit=100&type=hash",
        "limit=100&type=string",
        "pattern=users:1*&type=hash&exact=true",
    ] {
        for _ in 0..20 {
            ListKeysRequest::parse(query)
                .unwrap()
                .run(redis)
                .await
                .unwrap();
        }
    }

    for key in ["users:1", "users:2", "none"] {
        let request = InspectKeyRequest::parse(edge_cache::KeyName::new(key), "").unwrap();
        assert_eq!(request.run(redis).await.is_ok(), key != "none");
    }

    let body = br#"{"keys":["users:1","users:2","gone"],"dryRun":true}"#;
    InvalidateRequest::parse(body)
        .unwrap()
        .run(redis)
        .await
        .unwrap();
}

#[tokio::test]
async fn browsing_does_not_hide_an_alert() {
    let server = RedisServer::start();
    let (proxy, redis) = (with_long_uptime(&server), client(&server.url(0)));
    let through_proxy = client(&proxy.url(0));
    let mut other = server.connection();

    (0..500).for_each(|n| {
        let () = redis::cmd("HSET")
            .arg(format!("users:{n}"))
            .arg("a")
            .arg(1)
            .exec(&mut other)
            .unwrap();
    });

    statistics(&through_proxy).await;
    look_up(&server, "missing", 2_000);
    let before = statistics(&through_proxy).await;
    assert_eq!(kinds(&before), ["hit_rate"]);

    browse(&redis).await;

    let after = statistics(&through_proxy).await;
    assert_eq!(kinds(&after), ["hit_rate"]);
    assert!(
        after.hits.unwrap() > before.hits.unwrap() + 5_000,
        "the server counts own reads"
    );

    let (before, after) = (
        before.hit_rate_window.unwrap(),
        after.hit_rate_window.unwrap(),
    );
    assert!(
        after.lookups.abs_diff(before.lookups) < 50,
        "{before:?} {after:?}"
    );
}

#[tokio::test]
async fn lookups_of_services_are_judged_before_those_of_the_server() {
    let server = RedisServer::start();
    let proxy = with_long_uptime(&server);
    let redis = client(&proxy.url(0));
    statistics(&redis).await;

    let cache = Cache::new(client(&server.url(0)));
    for n in 0..1_100 {
        let load = async || Ok::<_, String>(1);
        cache
            .get_or_set(&format!("users:{n}"), &Options::default(), load)
            .await
            .unwrap();
    }

    redis::cmd("SET")
        .arg("k")
        .arg(1)
        .exec(&mut server.connection())
        .unwrap();
    look_up(&server, "k", 50_000);
    let report = statistics(&redis).await;

    assert_eq!(
        kinds(&report),
        ["hit_rate"],
        "lookups of other clients do not hide those of services"
    );
    assert_eq!(
        report.hit_rate_window.unwrap().source,
        LookupSource::Services
    );
}

#[tokio::test]
async fn the_number_of_samples_is_bounded() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    for _ in 0..50 {
        statistics(&redis).await;
    }

    let samples: usize = redis::cmd("XLEN")
        .arg("cache:samples")
        .query(&mut server.connection())
        .unwrap();
    assert_eq!(samples, 1);

    for n in 0..100 {
        let sample_of_another_process = format!("{{\"run_id\":\"{n}\"}}");
        let add = ["cache:samples", "*", "sample", &sample_of_another_process];
        redis::cmd("XADD")
            .arg(&add)
            .exec(&mut server.connection())
            .unwrap();
    }

    statistics(&redis).await;
    let samples: usize = redis::cmd("XLEN")
        .arg("cache:samples")
        .query(&mut server.connection())
        .unwrap();

    assert!(samples <= 32, "{samples}");
}

#[tokio::test]
async fn a_figure_that_the_server_does_not_report_is_null_with_a_reason() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    proxy.drop_fields(&[
        "used_memory",
        "evicted_keys",
        "keyspace_hits",
        "uptime_in_seconds",
    ]);

    let report = statistics(&client(&proxy.url(0))).await;
    assert_eq!(
        (&report.memory, report.memory_bytes, report.usage_percent),
        (&None, None, None)
    );
    assert_eq!(
        (
            report.evicted_keys,
            report.evictions_per_minute,
            report.hits
        ),
        (None, None, None)
    );
    assert_eq!((&report.hit_rate, &report.uptime), (&None, &None));

    let unknown: Vec<&str> = report.unknown.iter().map(|unknown| unknown.field).collect();
    assert_eq!(
        unknown,
        ["memoryBytes", "hitRatio", "evictedKeys", "uptimeSeconds"]
    );
}

#[tokio::test]
async fn a_replica_that_refuses_a_sample_still_has_statistics() {
    let (primary, server) = (RedisServer::start(), RedisServer::start());
    let redis = client(&server.url(0));
    redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(primary.port())
        .exec(&mut server.connection())
        .unwrap();
    let report = statistics(&redis).await;

    assert_eq!(kinds(&report), ["replica"]);
    assert!(
        report
            .unknown
            .iter()
            .any(|unknown| unknown.field == "hitRateWindow"),
        "{:?}",
        report.unknown
    );
}

/// The alerts and the state of a hit rate as the newest sample, which is so many seconds old, has it.
fn age_samples(server: &RedisServer, seconds: u64) {
    let mut other = server.connection();
    let samples: Vec<(String, Vec<String>)> = redis::cmd("XRANGE")
        .arg(&["cache:samples", "-", "+"])
        .query(&mut other)
        .unwrap();
    let () = redis::cmd("DEL")
        .arg("cache:samples")
        .query(&mut other)
        .unwrap();

    for (id, fields) in samples {
        let ms: u64 = id.split('-').next().unwrap().parse().unwrap();
        let sample = aged_state(&fields[1], seconds * 1000);
        let id = format!("{}-0", ms - seconds * 1000);
        let add = ["cache:samples", &id, "sample", &sample];
        redis::cmd("XADD").arg(&add).exec(&mut other).unwrap();
    }
}

/// Makes the times of alerts in a sample older.
fn aged_state(sample: &str, by_ms: u64) -> String {
    let mut sample: serde_json::Value = serde_json::from_str(sample).unwrap();
    let alerts = sample
        .get_mut("alerts")
        .and_then(serde_json::Value::as_object_mut);
    for state in alerts.into_iter().flat_map(|alerts| alerts.values_mut()) {
        for name in ["since_ms", "calm_since_ms"] {
            if let Some(at) = state.get(name).and_then(serde_json::Value::as_u64) {
                state[name] = (at - by_ms).into();
            }
        }
    }
    sample.to_string()
}

#[tokio::test]
async fn an_alert_is_raised_and_ends_after_a_minute_whoever_looks() {
    let server = RedisServer::start();
    let proxy = with_long_uptime(&server);
    let look = async || {
        // Another instance each time, which remembers nothing.
        let redis = client(&proxy.url(0));
        stats::run(&redis, &Thresholds::default()).await.unwrap()
    };
    redis::cmd("SET")
        .arg("k")
        .arg(1)
        .exec(&mut server.connection())
        .unwrap();

    look().await;
    age_samples(&server, 30);
    look_up(&server, "missing", 2_000);
    assert_eq!(kinds(&look().await), [""; 0], "it may pass");
    age_samples(&server, 61);
    let raised = look().await;
    assert_eq!(kinds(&raised), ["hit_rate"], "it has lasted");
    assert!(raised.alerts[0].since.is_some());

    look_up(&server, "k", 100_000);
    age_samples(&server, 20);
    assert_eq!(kinds(&look().await), ["hit_rate"], "it may come back");
    age_samples(&server, 61);
    assert_eq!(kinds(&look().await), [""; 0], "it has ended");
}
