//! Names of edge-cache's singleton keys. Tests use those of a single server, the short ones; on a
//! Cluster the keys have others, with a hash tag.

use crate::topology::Topology;

/// Prefixes of singleton keys that tests use.
const SINGLETONS: [&str; 17] = [
    "cache:alerts",
    "cache:audit",
    "cache:counters",
    "cache:denied",
    "cache:events",
    "cache:fences",
    "cache:hot:",
    "cache:jobs",
    "cache:lookups",
    "cache:near",
    "cache:rules",
    "cache:samples",
    "cache:ttl",
    "cache:undo:",
    "cache:warmup:",
    "lock:cache:jobs",
    "lock:cache:warmup",
];
/// Prefixes of the keys of the audit trail.
const TRAIL: [&str; 3] = ["cache:audit", "cache:counters", "cache:denied"];

/// Returns the name of a key on a Cluster.
pub(crate) fn on_cluster(name: Vec<u8>) -> Vec<u8> {
    if !SINGLETONS
        .iter()
        .any(|one| name.starts_with(one.as_bytes()))
    {
        return name;
    }
    let text = String::from_utf8_lossy(&name);
    let (prefix, rest) = text.split_once(':').expect("a prefix");
    let rest = rest.trim_start_matches("cache:");
    format!("{prefix}:{{cache}}:{rest}").into_bytes()
}

/// Returns the name of a singleton key on the selected topology.
pub fn own_name(short: &str) -> String {
    match Topology::selected() {
        Topology::Single | Topology::OneDatabase => short.to_owned(),
        Topology::Cluster => String::from_utf8_lossy(&on_cluster(short.into())).into_owned(),
    }
}

/// Returns the name that a key of a Cluster has on a single server.
pub(crate) fn on_single_server(name: Vec<u8>) -> Vec<u8> {
    let replaced = |long: &str, short: &str| {
        let rest = name.strip_prefix(long.as_bytes())?;
        Some([short.as_bytes(), rest].concat())
    };
    replaced("cache:{cache}:", "cache:")
        .or_else(|| replaced("lock:{cache}:", "lock:cache:"))
        .unwrap_or(name)
}

/// Returns true for a key of the audit trail, under its short name.
pub(crate) fn is_of_trail(name: &str) -> bool {
    TRAIL.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_translated_both_ways() {
        for (short, long) in [
            ("cache:ttl", "cache:{cache}:ttl"),
            ("cache:audit:open", "cache:{cache}:audit:open"),
            ("lock:cache:warmup", "lock:{cache}:warmup"),
            ("cache:jobs:states", "cache:{cache}:jobs:states"),
            ("cache:job-part:{a}:b:1", "cache:job-part:{a}:b:1"),
            ("cache:tags:a", "cache:tags:a"),
            ("users:1", "users:1"),
        ] {
            assert_eq!(on_cluster(short.into()), long.as_bytes());
            assert_eq!(on_single_server(long.into()), short.as_bytes());
        }
    }
}
