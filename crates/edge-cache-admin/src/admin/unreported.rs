//! Figures that the server does not report: null in a report, each with its reason.

use edge_cache::redis::info::Info;
use serde::Serialize;

/// A figure that the server does not report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreportedField {
    /// The field that is null.
    pub field: &'static str,
    /// Why, and what is not judged without it.
    pub reason: String,
}

/// A figure of a report, the fields of `INFO` that it needs, and what is not judged without it.
pub(crate) struct Figure {
    pub(crate) field: &'static str,
    needs: &'static [&'static str],
    effect: &'static str,
}

const fn figure(
    field: &'static str,
    needs: &'static [&'static str],
    effect: &'static str,
) -> Figure {
    Figure {
        field,
        needs,
        effect,
    }
}

pub(crate) const FIGURES: [Figure; 9] = [
    figure("memoryBytes", &["used_memory"], ": memory is not judged"),
    figure("maxMemoryBytes", &["maxmemory"], ": memory is not judged"),
    figure(
        "hitRatio",
        &["keyspace_hits", "keyspace_misses"],
        ": only lookups that the library counts are judged",
    ),
    figure(
        "evictedKeys",
        &["evicted_keys"],
        ": evictions are not judged",
    ),
    figure("role", &["role"], ": replication is not judged"),
    figure("uptimeSeconds", &["uptime_in_seconds"], ""),
    figure("expiredKeys", &["expired_keys"], ""),
    figure("connectedClients", &["connected_clients"], ""),
    figure("opsPerSec", &["instantaneous_ops_per_sec"], ""),
];

/// The figures that an `INFO` lacks.
pub(crate) fn unreported_fields(info: &Info) -> Vec<UnreportedField> {
    FIGURES
        .iter()
        .filter_map(|figure| unreported(info, figure))
        .collect()
}

/// The figures of `fields` that an `INFO` lacks.
pub(crate) fn unreported_of(info: &Info, fields: &[&str]) -> Vec<UnreportedField> {
    FIGURES
        .iter()
        .filter(|figure| fields.contains(&figure.field))
        .filter_map(|figure| unreported(info, figure))
        .collect()
}

fn unreported(info: &Info, figure: &Figure) -> Option<UnreportedField> {
    let missing: Vec<&str> = figure
        .needs
        .iter()
        .filter(|name| info.text(name).is_none())
        .copied()
        .collect();
    if missing.is_empty() {
        return None;
    }

    let names = missing.join(" and no ");
    Some(UnreportedField {
        field: figure.field,
        reason: format!("the server's INFO has no {names}{}", figure.effect),
    })
}
