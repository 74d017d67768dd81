//! Names of edge-cache's singleton keys on a Cluster. All are in one slot, so that a script may touch several
//! of them, and one node has the administration's keys.
//!
//! ```text
//! single server        Cluster
//! cache:fences         cache:{cache}:fences
//! cache:audit:denied   cache:{cache}:audit:denied
//! lock:cache:warmup    lock:{cache}:warmup
//! lock:{users:1}       lock:{users:1}          what belongs to a key is in that key's slot
//! cache:@shop:fences   cache:@shop:{cache}:fences, in a namespace
//! ```
//!
//! A single server keeps the short names, which earlier versions use, too.

use super::key::{self, FENCES, KeyName};
use super::namespace::{self, Namespace};

/// The stream of fences on a Cluster. Its slot has all singleton keys.
pub const FENCES_ON_CLUSTER: &str = "cache:{cache}:fences";

/// Singleton keys.
const SINGLETONS: [&str; 23] = [
    "cache:alerts",
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
const FAMILIES: [&str; 5] = [
    "cache:audit:",
    "cache:denied:",
    key::HOT_KEYS_PREFIX,
    key::REMOVALS,
    "cache:undo:",
];

/// Returns the name of a singleton key on a Cluster; `None` for any other key.
pub(crate) fn on_cluster(name: &[u8]) -> Option<Vec<u8>> {
    // True of nearly every key.
    if !(name.starts_with(b"cache:") || name.starts_with(b"lock:")) {
        return None;
    }
    let parts = namespace::split(name)?;
    let short = namespace::without(name);
    let short = str::from_utf8(&short).ok()?;
    let is_one = SINGLETONS.contains(&short);
    if !is_one && !FAMILIES.iter().any(|family| short.starts_with(family)) {
        return None;
    }

    let rest = str::from_utf8(parts.rest).ok()?;
    let rest = rest.trim_start_matches("cache:");
    let rest = [b"{cache}:", rest.replace(['{', '}'], "").as_bytes()].concat();
    Some([parts.prefix, parts.namespace, &rest].concat())
}

/// Returns the key under the name that it has on a Cluster, in this namespace.
pub(crate) fn key_on_cluster(namespace: &Namespace, key: &KeyName) -> KeyName {
    let full = namespace.full_name(key.as_bytes());
    let full = full.as_deref().unwrap_or(key.as_bytes());
    on_cluster(full).map_or_else(|| KeyName::new(full), KeyName::new)
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
        assert_eq!(named("cache:@shop:fences"), "cache:@shop:{cache}:fences");
        assert_eq!(
            named("lock:@shop:cache:warmup"),
            "lock:@shop:{cache}:warmup"
        );
        assert_eq!(named(key::WARMUP_LOCK), "lock:{cache}:warmup");
        assert_eq!(named(key::WARMUP_STATUS), "cache:{cache}:warmup:status");
        assert_eq!(named("cache:audit:denied"), "cache:{cache}:audit:denied");
        assert_eq!(
            named(key::REMOVAL_PATTERNS),
            "cache:{cache}:removals:patterns"
        );
        assert_eq!(named("cache:hot:29384"), "cache:{cache}:hot:29384");
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
