//! The figures of several nodes as those of one server: sums, and of other figures the worst.
//!
//! A figure that one node does not report is missing in the result, too.

use std::fmt::{Display, Write};

use edge_cache::redis::info::Info;

use crate::admin::reading::Reading;

/// Fields that are added up.
const SUMS: [&str; 11] = [
    "used_memory",
    "keyspace_hits",
    "keyspace_misses",
    "evicted_keys",
    "expired_keys",
    "connected_clients",
    "blocked_clients",
    "instantaneous_ops_per_sec",
    "total_commands_processed",
    "total_connections_received",
    "connected_slaves",
];
/// Fields whose different values are listed.
const VERSIONS: [&str; 2] = ["redis_version", "valkey_version"];
/// The most logical databases of a node.
const MAX_DATABASES: usize = 64;
/// Length of the part of a process's id that tells it from others.
const RUN_ID_PART: usize = 8;

/// Merges the figures of nodes. The clock is that of the node with edge-cache's own keys, because
/// samples of the counters have its time.
pub(super) fn merge(readings: &[&Reading], own: Option<&Info>) -> Reading {
    let infos: Vec<&Info> = readings.iter().map(|reading| &reading.info).collect();
    let clock = own.and_then(|own| own.number("server_time_usec"));
    let usage = readings.iter().filter_map(|reading| reading.usage_percent);
    let uptimes = readings.iter().map(|reading| reading.longest_uptime);
    let uptimes: Option<Vec<u64>> = uptimes.collect();

    Reading {
        info: merge_infos(&infos, clock),
        latency: readings
            .iter()
            .map(|reading| reading.latency)
            .max()
            .unwrap_or_default(),
        usage_percent: usage.reduce(f64::max),
        longest_uptime: uptimes.and_then(|uptimes| uptimes.into_iter().max()),
    }
}

fn merge_infos(infos: &[&Info], clock: Option<u64>) -> Info {
    let mut merged = Fields::default();
    for name in SUMS {
        merged.add(name, sum(infos, name));
    }
    for name in VERSIONS {
        merged.add(name, list(infos, name));
    }
    merged.add("maxmemory", limit(infos));
    merged.add(
        "uptime_in_seconds",
        numbers(infos, "uptime_in_seconds").and_then(|all| all.into_iter().min()),
    );
    merged.add(
        "mem_fragmentation_ratio",
        largest(infos, "mem_fragmentation_ratio"),
    );
    merged.add("role", role(infos));
    merged.add("run_id", run_id(infos));
    merged.add("server_time_usec", clock);

    for (number, replica) in infos.iter().flat_map(|info| replicas(info)).enumerate() {
        merged.add(&format!("slave{number}"), Some(replica));
    }
    for number in 0..MAX_DATABASES {
        let name = format!("db{number}");
        merged.add(&name, keys(infos, &name).map(|keys| format!("keys={keys}")));
    }
    Info::new(merged.text)
}

/// The lines of an `INFO`.
#[derive(Default)]
struct Fields {
    text: String,
}

impl Fields {
    fn add(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, "{name}:{value}");
        }
    }
}

/// The numbers of all nodes; `None` if one of them is missing.
fn numbers(infos: &[&Info], name: &str) -> Option<Vec<u64>> {
    infos.iter().map(|info| info.number(name)).collect()
}

fn sum(infos: &[&Info], name: &str) -> Option<u64> {
    numbers(infos, name).map(|all| all.into_iter().fold(0, u64::saturating_add))
}

/// The memory limit of all nodes together: none if one node has none.
fn limit(infos: &[&Info]) -> Option<u64> {
    let limits = numbers(infos, "maxmemory")?;
    if limits.contains(&0) {
        return Some(0);
    }
    Some(limits.into_iter().fold(0, u64::saturating_add))
}

fn largest(infos: &[&Info], name: &str) -> Option<f64> {
    let all: Option<Vec<f64>> = infos.iter().map(|info| info.decimal(name)).collect();
    all?.into_iter().reduce(f64::max)
}

/// A replica among the nodes makes the whole one, because it refuses writes.
fn role<'a>(infos: &[&'a Info]) -> Option<&'a str> {
    let roles: Option<Vec<&str>> = infos.iter().map(|info| info.text("role")).collect();
    let roles = roles?;
    roles
        .iter()
        .find(|role| **role != "master")
        .or(roles.first())
        .copied()
}

/// The different values, in order.
fn list(infos: &[&Info], name: &str) -> Option<String> {
    let mut values: Vec<&str> = infos.iter().filter_map(|info| info.text(name)).collect();
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then(|| values.join(", "))
}

/// An id that changes when another process is among the nodes, or one is missing: counters before and
/// after cannot be compared.
fn run_id(infos: &[&Info]) -> Option<String> {
    let ids = infos.iter().map(|info| info.text("run_id"));
    let mut ids: Vec<&str> = ids.collect::<Option<_>>()?;
    ids.sort_unstable();
    let parts = ids
        .into_iter()
        .map(|id| id.get(..RUN_ID_PART).unwrap_or(id));
    Some(parts.collect::<Vec<_>>().join("+"))
}

fn replicas(info: &Info) -> impl Iterator<Item = &str> {
    (0..).map_while(|n| info.text(&format!("slave{n}")))
}

/// The keys of a logical database; a node without keys in it does not report it.
fn keys(infos: &[&Info], database: &str) -> Option<u64> {
    let keys = infos.iter().filter_map(|info| {
        let counts = info.text(database)?.strip_prefix("keys=")?;
        counts.split(',').next()?.parse::<u64>().ok()
    });
    keys.reduce(u64::saturating_add)
}
