//! Names of edge-cache's singleton keys on a Cluster. All are in one slot, so that a script may touch several
//! of them, and one node has the administration's keys.
//!
//! ```text
//! single server        Cluster
//! cache:fences         cache:{cache}:fences
//! cache:audit:denied   cache:{cache}:audit:denied
//! lock:cache:warmup    lock:{cache}:warmup
//! lock:{users:1}       lock:{users:1}          what belongs to a key is in that key's slot
//! ```
//!
//! A single server keeps the short names, which earlier versions use, too.

use super::key::{self, FENCES, KeyName};

/// The stream of fences on a Cluster. Its slot has all singleton keys.
pub const FENCES_ON_CLUSTER: &str = "cache:{cache}:fences";

/// Singleton keys.
const SINGLETONS: [&str; 22] = [
    key::AUDIT,
    "cache:denied",
    key::COUNTERS,
    key::EVENTS,
    FENCES,
    key::JOBS,
    key::JOB_LOCK,
    key::JOB_STATES,
    key::LOOKUPS,
    key::NEAR,
    key::NEAR_FENCES,
    key::NONE,
    key::PROBE,
    key::RULE_OVERRIDES,
    key::SAMPLES,
    key::TTL_OVERRIDES,
    key::TURNS,
    key::WARMUP_CANCEL,
    key::WARMUP_LOCK,
    key::WARMUP_MODULES,
    key::WARMUP_SCHEDULE,
    key::WARMUP_STATUS,
];
/// Beginnings of the names of further ones.
const FAMILIES: [&str; 3] = ["cache:audit:", "cache:denied:", key::REMOVALS];

/// Returns the name of a singleton key on a Cluster; `None` for any other key.
pub(crate) fn on_cluster(name: &[u8]) -> Option<Vec<u8>> {
    // True of nearly every key.
    if !(name.starts_with(b"cache:") || name.starts_with(b"lock:cache:")) {
        return None;
    }
    let text = str::from_utf8(name).ok()?;
    let is_one = SINGLETONS.contains(&text);
    if !is_one && !FAMILIES.iter().any(|family| text.starts_with(family)) {
        return None;
    }

    let (prefix, rest) = text.split_once(':')?;
    let rest = rest.trim_start_matches("cache:");
    let rest = rest.replace(['{', '}'], "");
    Some(format!("{prefix}:{{cache}}:{rest}").into_bytes())
}

/// Returns the key under its name on a Cluster.
pub(crate) fn key_on_cluster(key: &KeyName) -> KeyName {
    on_cluster(key.as_bytes()).map_or_else(|| key.clone(), KeyName::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::slot;

    fn named(name: &str) -> Option<String> {
        on_cluster(name.as_bytes()).map(|name| String::from_utf8(name).unwrap())
    }

    #[test]
    fn all_singletons_are_in_one_slot() {
        for name in SINGLETONS {
            let named = named(name).unwrap();

            assert_eq!(
                slot::of(named.as_bytes()),
                slot::of(FENCES_ON_CLUSTER.as_bytes()),
                "{named}"
            );
        }
    }

    #[test]
    fn names_say_what_they_said_before() {
        let named = |name| named(name).unwrap();

        assert_eq!(named(FENCES), FENCES_ON_CLUSTER);
        assert_eq!(named(key::WARMUP_LOCK), "lock:{cache}:warmup");
        assert_eq!(named(key::WARMUP_STATUS), "cache:{cache}:warmup:status");
        assert_eq!(named("cache:audit:denied"), "cache:{cache}:audit:denied");
        assert_eq!(
            named(key::REMOVAL_PATTERNS),
            "cache:{cache}:removals:patterns"
        );
    }

    #[test]
    fn other_keys_keep_their_names() {
        let kept = [
            "users:1",
            "lock:{users:1}",
            "cache:tags:products",
            "cache:waiting:{users:1}",
            "cache:{cache}:fences",
            "cache:auditors",
            "lock:cache:other",
        ];
        for name in kept {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
