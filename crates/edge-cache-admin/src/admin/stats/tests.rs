//! Tests of the statistics.

use std::time::Duration;

use edge_cache::redis::info::Info;

use super::*;

fn report(info: &str) -> StatsReport {
    let figures = Figures {
        reading: Reading::new(Info::new(info), Duration::from_millis(2)),
        keys: 7,
        cluster: None,
    };
    let thresholds = Thresholds::default();
    let mut report = StatsReport::new(&figures, None, &thresholds);
    report.alerts = report.judge_state(None);
    report.add_alerts(judge_now(&figures.reading, &thresholds), None);
    report
}

/// The alerts of a window without an earlier sample, on a server that just started.
fn kinds(info: &str, hits: u64, misses: u64) -> Vec<&'static str> {
    let info =
        format!("{info}keyspace_hits:{hits}\nkeyspace_misses:{misses}\nuptime_in_seconds:60\n");
    let reading = Reading::new(Info::new(info.as_str()), Duration::from_millis(101));
    let window = StoredCounters::default().with_reading(&reading, Duration::from_secs(300));
    let (alerts, _) = window.judge(&reading, &Thresholds::default());
    alerts.iter().map(|alert| alert.kind).collect()
}

#[test]
fn each_alert_is_raised_past_its_threshold() {
    let full = "used_memory:95\nmaxmemory:100\n";
    assert_eq!(kinds(full, 699, 301), ["memory", "latency", "hit_rate"]);
    assert_eq!(
        kinds("used_memory:90\nmaxmemory:100\n", 700, 300),
        ["latency"]
    );

    let replica = report("role:slave\nused_memory:95\nmaxmemory:100\n");
    let kinds: Vec<&str> = replica.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, ["replica", "memory"]);
}

#[test]
fn a_hit_rate_is_judged_only_on_many_recent_lookups() {
    assert_eq!(kinds("", 0, 999), ["latency"]);
    let long_ago = report("keyspace_hits:0\nkeyspace_misses:99999\n");
    assert!(long_ago.alerts.is_empty() && long_ago.hit_rate.as_deref() == Some("0.0%"));
}

#[test]
fn a_missing_figure_is_null_with_a_reason_and_never_zero() {
    let none = report("redis_version:7.0.0\n");
    let json = serde_json::to_value(&none).unwrap();
    let nulls = [
        "memory",
        "memoryBytes",
        "hitRate",
        "hitRatio",
        "uptime",
        "uptimeSeconds",
        "hits",
        "misses",
    ];

    let more = [
        "evictedKeys",
        "expiredKeys",
        "connectedClients",
        "opsPerSec",
        "maxMemory",
        "maxMemoryBytes",
        "role",
    ];

    for field in nulls.iter().chain(&more) {
        assert!(json[field].is_null(), "{field}: {json}");
    }

    for unreported::Figure { field, .. } in unreported::FIGURES {
        assert!(
            none.unknown.iter().any(|unknown| unknown.field == field),
            "{field}: {json}"
        );
    }
}

#[test]
fn a_server_without_a_memory_limit_has_no_usage() {
    let report = report("used_memory:95\nmaxmemory:0\nredis_version:7.2.4\nvalkey_version:8.1.0\n");
    assert_eq!(
        (
            report.usage_percent,
            report.max_memory,
            report.max_memory_bytes
        ),
        (None, None, Some(0))
    );
    assert_eq!(report.version, "valkey 8.1.0");
}
