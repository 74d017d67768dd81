//! Metrics of the administration: changes, events, warmups.

use edge_cache::keyspace::gathered::Waiting;
use edge_cache::redis::info::Info;

use super::reading::CounterHash;
use super::text::{Kind, Text};
use crate::warmup::WarmupStatus;

/// Writes the counters of changes, which are named `group:kind`.
pub(super) fn write_changes(changes: &CounterHash, text: &mut Text) {
    let families = [
        (
            "edge_cache_invalidations_total",
            "invalidations",
            "kind",
            "Invalidations by what they named: keys, tags or patterns.",
        ),
        (
            "edge_cache_clears_total",
            "clears",
            "kind",
            "Clears by kind: by pattern, or global.",
        ),
        (
            "edge_cache_keys_removed_total",
            "removed",
            "by",
            "Keys removed, by the action that removed them.",
        ),
    ];
    for (name, group, label, help) in families {
        text.family(name, Kind::Counter, help);
        for (kind, count) in of_group(changes, group) {
            text.sample(&[(label, kind)], count);
        }
    }

    write_outcomes(changes, text);
}

/// Writes the counters of the group `changes`, which are named `changes:action/outcome`.
fn write_outcomes(changes: &CounterHash, text: &mut Text) {
    let outcomes: Vec<(&str, &str, f64)> = of_group(changes, "changes")
        .filter_map(|(name, count)| {
            let (action, outcome) = name.split_once('/')?;
            Some((action, outcome, count))
        })
        .collect();

    text.family(
        "edge_cache_changes_total",
        Kind::Counter,
        "Changes by action and outcome, as in the audit trail.",
    );
    for (action, outcome, count) in &outcomes {
        text.sample(&[("action", action), ("outcome", outcome)], *count);
    }

    text.family(
        "edge_cache_warmups_total",
        Kind::Counter,
        "Warmups by outcome.",
    );
    for (action, outcome, count) in &outcomes {
        if *action == "warmup" {
            text.sample(&[("outcome", outcome)], *count);
        }
    }
}

pub(super) fn write_events(events: &CounterHash, text: &mut Text) {
    text.family(
        "edge_cache_events_total",
        Kind::Counter,
        "Domain events by outcome.",
    );
    for (outcome, count) in events {
        text.sample(&[("outcome", outcome)], *count as f64);
    }
}

/// Writes how far the removals of events are behind, by the server's clock.
pub(super) fn write_removals(waiting: &Waiting, info: &Info, text: &mut Text) {
    text.metric(
        "edge_cache_events_waiting_patterns",
        Kind::Gauge,
        "Patterns of events that are in force, and whose keys are not all removed yet.",
        waiting.patterns as f64,
    );

    let now_ms = info
        .number("server_time_usec")
        .map(|microseconds| microseconds / 1000);
    let lag_ms = match (waiting.oldest_ms, now_ms) {
        (None, _) => 0,
        (Some(oldest), Some(now)) => now.saturating_sub(oldest),
        // A server that does not report its clock.
        (Some(_), None) => return,
    };
    text.metric(
        "edge_cache_events_lag_seconds",
        Kind::Gauge,
        "Age of the oldest event whose keys are not all removed yet; 0 if there is none.",
        lag_ms as f64 / 1e3,
    );
}

pub(super) fn write_warmup(warmup: &WarmupStatus, text: &mut Text) {
    text.family(
        "edge_cache_warmup_keys",
        Kind::Gauge,
        "Keys of the running or last warmup, by result.",
    );
    text.sample(&[("result", "created")], warmup.keys_created as f64);
    text.sample(&[("result", "skipped")], warmup.keys_skipped as f64);

    text.metric(
        "edge_cache_warmup_errors",
        Kind::Gauge,
        "Errors of the running or last warmup.",
        warmup.errors as f64,
    );
    text.metric(
        "edge_cache_warmup_duration_seconds",
        Kind::Gauge,
        "Duration of the running or last warmup.",
        warmup.duration_ms as f64 / 1e3,
    );
}

fn of_group<'a>(
    counters: &'a CounterHash,
    group: &'static str,
) -> impl Iterator<Item = (&'a str, f64)> {
    counters.iter().filter_map(move |(name, count)| {
        let (name_group, kind) = name.split_once(':')?;
        (name_group == group).then_some((kind, *count as f64))
    })
}
