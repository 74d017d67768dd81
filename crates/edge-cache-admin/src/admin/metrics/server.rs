//! Metrics of the Redis server, from `INFO`.

use std::time::Duration;

use edge_cache::redis::info::Info;

use super::text::{Kind, Text};
use crate::admin::replication::Replication;

/// The most logical databases whose keys are shown.
const MAX_DATABASES: usize = 64;

/// A metric that `INFO` reports as it is.
struct InfoMetric {
    name: &'static str,
    field: &'static str,
    kind: Kind,
    help: &'static str,
}

const fn gauge(name: &'static str, field: &'static str, help: &'static str) -> InfoMetric {
    InfoMetric {
        name,
        field,
        kind: Kind::Gauge,
        help,
    }
}

const fn counter(name: &'static str, field: &'static str, help: &'static str) -> InfoMetric {
    InfoMetric {
        name,
        field,
        kind: Kind::Counter,
        help,
    }
}

const INFO_METRICS: [InfoMetric; 12] = [
    gauge(
        "redis_uptime_in_seconds",
        "uptime_in_seconds",
        "Seconds since the server started.",
    ),
    gauge(
        "redis_connected_clients",
        "connected_clients",
        "Client connections.",
    ),
    gauge(
        "redis_blocked_clients",
        "blocked_clients",
        "Clients that wait in a blocking command.",
    ),
    gauge("redis_memory_used_bytes", "used_memory", "Memory used."),
    gauge(
        "redis_memory_max_bytes",
        "maxmemory",
        "The memory limit; 0 if there is none.",
    ),
    gauge(
        "redis_mem_fragmentation_ratio",
        "mem_fragmentation_ratio",
        "Memory of the process divided by memory used.",
    ),
    counter(
        "redis_commands_processed_total",
        "total_commands_processed",
        "Commands processed.",
    ),
    counter(
        "redis_connections_received_total",
        "total_connections_received",
        "Connections accepted.",
    ),
    counter(
        "redis_keyspace_hits_total",
        "keyspace_hits",
        "Lookups that found their key.",
    ),
    counter(
        "redis_keyspace_misses_total",
        "keyspace_misses",
        "Lookups that did not find their key.",
    ),
    counter(
        "redis_evicted_keys_total",
        "evicted_keys",
        "Keys evicted because memory was full.",
    ),
    counter(
        "redis_expired_keys_total",
        "expired_keys",
        "Keys removed because they expired.",
    ),
];

pub(super) fn write(info: &Info, latency: Duration, text: &mut Text) {
    write_instance(info, text);
    for metric in &INFO_METRICS {
        if let Some(value) = info.decimal(metric.field) {
            text.metric(metric.name, metric.kind, metric.help, value);
        }
    }

    write_replication(&Replication::of(info), text);
    write_databases(info, text);
    text.metric(
        "edge_cache_redis_latency_seconds",
        Kind::Gauge,
        "How long Redis took to answer this scrape.",
        latency.as_secs_f64(),
    );
}

fn write_instance(info: &Info, text: &mut Text) {
    let version = info
        .text("valkey_version")
        .or(info.text("redis_version"))
        .unwrap_or_default();
    let role = info.text("role").unwrap_or_default();

    text.family(
        "redis_instance_info",
        Kind::Gauge,
        "The server's version and role, as labels.",
    );
    text.sample(&[("redis_version", version), ("role", role)], 1.0);
}

fn write_replication(replication: &Replication, text: &mut Text) {
    if let Some(is_up) = replication.link_up {
        text.metric(
            "redis_master_link_up",
            Kind::Gauge,
            "On a replica: 1 if the link to its primary is up, else 0.",
            if is_up { 1.0 } else { 0.0 },
        );
    }

    if let Some(seconds) = replication.lag_seconds {
        text.metric(
            "edge_cache_replication_lag_seconds",
            Kind::Gauge,
            "Seconds since a replica heard from its primary; on a primary, of the replica furthest behind.",
            seconds as f64,
        );
    }

    if let Some(replicas) = replication.connected_replicas {
        text.metric(
            "redis_connected_slaves",
            Kind::Gauge,
            "Replicas that follow this server.",
            replicas as f64,
        );
    }
}

fn write_databases(info: &Info, text: &mut Text) {
    text.family(
        "redis_db_keys",
        Kind::Gauge,
        "Keys of each logical database.",
    );
    for number in 0..MAX_DATABASES {
        let name = format!("db{number}");
        if let Some(keys) = info.text(&name).and_then(keys_of) {
            text.sample(&[("db", &name)], keys);
        }
    }
}

/// Reads `keys=12,expires=3,avg_ttl=0`.
fn keys_of(database: &str) -> Option<f64> {
    let keys = database.strip_prefix("keys=")?.split(',').next()?;
    keys.parse().ok()
}
