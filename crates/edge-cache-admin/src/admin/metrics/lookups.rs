//! Metrics of services' lookups, by module: the first segment of the key. Beyond 100 modules the
//! rest is `overflow`.

use edge_cache::StoreErrorReason;

use super::reading::CounterHash;
use super::text::{Kind, Text};
use crate::admin::stats::Window;

const SECONDS_PER_MICROSECOND: f64 = 1e-6;

/// Writes the hit rate of the window, as `/stats` judges it.
pub(super) fn write_window(window: &Window, text: &mut Text) {
    let Some(rate) = window.hit_rate() else {
        return;
    };

    text.metric(
        "edge_cache_window_lookups",
        Kind::Gauge,
        "Lookups of the window.",
        rate.lookups as f64,
    );

    if let Some(ratio) = rate.ratio {
        text.metric(
            "edge_cache_window_hit_ratio",
            Kind::Gauge,
            "Share of the lookups of the window that found their key.",
            ratio,
        );
    }
}

pub(super) fn write(lookups: &CounterHash, text: &mut Text) {
    write_outcomes(lookups, text);
    write_loads(lookups, text);
    write_store_errors(lookups, text);
    write_own_reads(lookups, text);
    text.metric(
        "edge_cache_circuit_opened_total",
        Kind::Counter,
        "How often an instance's circuit breaker opened because Redis was unavailable.",
        total(lookups, "circuit_opened"),
    );
}

fn write_outcomes(lookups: &CounterHash, text: &mut Text) {
    text.family(
        "edge_cache_lookups_total",
        Kind::Counter,
        "Lookups by module and outcome.",
    );
    for outcome in ["hit", "near", "stale", "miss", "bypass"] {
        for (module, count) in by_module(lookups, outcome) {
            text.sample(&[("module", module), ("outcome", outcome)], count);
        }
    }
}

fn write_loads(lookups: &CounterHash, text: &mut Text) {
    let families = [
        (
            "edge_cache_loads_total",
            "loads",
            1.0,
            "Loads of missing values, by module.",
        ),
        (
            "edge_cache_load_errors_total",
            "load_errors",
            1.0,
            "Loads that failed, by module.",
        ),
        (
            "edge_cache_load_seconds_total",
            "load_us",
            SECONDS_PER_MICROSECOND,
            "Time spent loading, by module.",
        ),
    ];

    for (name, counter, unit, help) in families {
        text.family(name, Kind::Counter, help);
        for (module, count) in by_module(lookups, counter) {
            text.sample(&[("module", module)], count * unit);
        }
    }
}

fn write_store_errors(lookups: &CounterHash, text: &mut Text) {
    text.family(
        "edge_cache_store_errors_total",
        Kind::Counter,
        "Loaded values that could not be stored, by module and reason.",
    );
    for reason in StoreErrorReason::ALL {
        for (module, count) in by_module(lookups, reason.counter()) {
            text.sample(&[("module", module), ("reason", reason.name())], count);
        }
    }
}

fn write_own_reads(lookups: &CounterHash, text: &mut Text) {
    text.family(
        "edge_cache_own_reads_total",
        Kind::Counter,
        "Keys read by the administration itself, included in redis_keyspace_hits_total and redis_keyspace_misses_total.",
    );
    text.sample(&[("outcome", "hit")], total(lookups, "own_hits"));
    text.sample(&[("outcome", "miss")], total(lookups, "own_misses"));
}

/// The counters of a kind, which are named `module:kind`.
fn by_module<'a>(
    lookups: &'a CounterHash,
    kind: &'static str,
) -> impl Iterator<Item = (&'a str, f64)> {
    lookups.iter().filter_map(move |(name, count)| {
        let (module, name_kind) = name.rsplit_once(':')?;
        (name_kind == kind).then_some((module, *count as f64))
    })
}

fn total(lookups: &CounterHash, kind: &'static str) -> f64 {
    by_module(lookups, kind).map(|(_, count)| count).sum()
}
