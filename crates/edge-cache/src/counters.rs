//! What the administration did, counted beside the audit trail: changes by action and outcome, invalidations and clears by
//! kind, keys removed.
//!
//! Look-ups are counted apart, by module ([`crate::key::LOOKUPS`]).

use crate::audit::Record;
use crate::error::RedisError;
use crate::key::COUNTERS;
use crate::redis::{Arg, Redis};
use crate::script::COUNT;

/// No more counters than this have the same kind.
const MOST: u64 = 100;

/// Counts a change. One round trip.
pub(crate) async fn count<R: Redis>(redis: &R, change: &Record) -> Result<(), RedisError> {
    let pairs = counts(change).into_iter().flat_map(|(name, count)| [Arg::from(name), count.into()]);
    COUNT.run(redis, [COUNTERS.into()], [MOST.into()].into_iter().chain(pairs)).await.map(drop)
}

/// The counters that a change adds to, named `what:kind`.
pub(crate) fn counts(change: &Record) -> Vec<(String, u64)> {
    let mut counts = vec![(format!("changes:{}/{}", change.action, change.outcome), 1)];
    if change.keys_deleted > 0 {
        counts.push((format!("removed:{}", change.action), change.keys_deleted));
    }
    match (change.action.as_str(), change.pattern.as_deref()) {
        ("clear", Some("*")) => counts.push(("clears:global".into(), 1)),
        ("clear", _) => counts.push(("clears:pattern".into(), 1)),
        ("invalidate" | "event", _) => {
            let kinds = [("key", &change.keys), ("tag", &change.tags), ("pattern", &change.patterns)];
            let named = kinds.iter().filter(|(_, names)| !names.is_empty());
            counts.extend(named.map(|(kind, _)| (format!("invalidations:{kind}"), 1)));
        }
        _ => {}
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(change: &Record) -> Vec<String> {
        counts(change).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_change_is_counted_by_its_action_and_kind() {
        let mut change = Record::new("clear");
        (change.pattern, change.keys_deleted) = (Some("users:*".into()), 7);
        assert_eq!(names(&change), ["changes:clear/ok", "removed:clear", "clears:pattern"]);
        let mut change = Record::new("invalidate");
        (change.tags, change.keys, change.outcome) = (vec!["t".into()], vec!["k".into()], "failed".into());
        assert_eq!(names(&change), ["changes:invalidate/failed", "invalidations:key", "invalidations:tag"]);
        change.action = "event".into();
        assert_eq!(names(&change)[1..], ["invalidations:key", "invalidations:tag"]);
        assert_eq!(names(&Record::new("warmup")), ["changes:warmup/ok"]);
    }
}
