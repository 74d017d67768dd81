//! Entries grouped by command and the beginning of their keys.

use std::collections::HashMap;

use serde::Serialize;

use super::entry::{KeptEntry, LogKind, milliseconds, time};
use super::own_scripts::OwnScripts;

/// The most groups of a report.
const MAX_GROUPS: usize = 100;

/// Kept entries with the same command and the same beginning of their first key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowGroup {
    /// The log they were in.
    pub kind: LogKind,
    /// The command.
    pub command: String,
    /// The name of edge-cache's script; null for other commands.
    pub script: Option<&'static str>,
    /// The beginning of the keys, as a pattern; null for commands without keys.
    pub prefix: Option<String>,
    /// Number of entries.
    pub count: u64,
    /// Time they took together; null for large requests and replies.
    pub total_ms: Option<f64>,
    /// The longest; null for large requests and replies.
    pub max_ms: Option<f64>,
    /// The largest, in bytes; null for slow commands.
    pub max_bytes: Option<u64>,
    /// When the newest ran.
    pub last_at: String,
}

#[derive(Default)]
struct Sums {
    count: u64,
    total: u64,
    max: u64,
    last_at: u64,
}

/// Groups entries; those that took the most time together come first.
pub(super) fn group<'a>(
    entries: impl Iterator<Item = &'a KeptEntry>,
    scripts: &OwnScripts,
) -> Vec<SlowGroup> {
    let mut groups: HashMap<_, Sums> = HashMap::new();
    for entry in entries {
        let script = entry.script.as_deref().and_then(|hash| scripts.name(hash));
        // edge-cache's scripts have many kinds of keys, whose names say less than the script's.
        let prefix = if script.is_some() {
            None
        } else {
            entry.prefix()
        };
        let sums = groups
            .entry((entry.kind, entry.command.as_str(), script, prefix))
            .or_default();
        sums.count += 1;
        sums.total = sums.total.saturating_add(entry.value);
        sums.max = sums.max.max(entry.value);
        sums.last_at = sums.last_at.max(entry.at);
    }

    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|((kind, ..), sums), ((other_kind, ..), other)| {
        kind.cmp(other_kind).then(other.total.cmp(&sums.total))
    });
    groups.truncate(MAX_GROUPS);

    let report = groups
        .into_iter()
        .map(|((kind, command, script, prefix), sums)| {
            let is_slow = kind == LogKind::Slow;
            SlowGroup {
                kind,
                command: command.to_owned(),
                script,
                prefix,
                count: sums.count,
                total_ms: is_slow.then(|| milliseconds(sums.total)),
                max_ms: is_slow.then(|| milliseconds(sums.max)),
                max_bytes: (!is_slow).then_some(sums.max),
                last_at: time(sums.last_at),
            }
        });
    report.collect()
}
