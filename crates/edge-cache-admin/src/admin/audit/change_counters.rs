//! Counters of the administration, kept beside the trail: changes by action and outcome,
//! invalidations and clears by kind, keys removed.
//!
//! Lookups are counted apart, by module ([`edge_cache::keyspace::key::LOOKUPS`]).

use super::record::AuditRecord;

/// The counters that a change adds to, named `group:kind`, each with what it adds.
pub(super) fn change_counters(change: &AuditRecord) -> Vec<(String, u64)> {
    let mut counters = vec![(format!("changes:{}/{}", change.action, change.outcome), 1)];
    if change.keys_deleted > 0 {
        let removed = format!("removed:{}", change.action);
        counters.push((removed, change.keys_deleted));
    }

    match (change.action.as_str(), change.pattern.as_deref()) {
        ("clear", Some("*")) => counters.push(("clears:global".into(), 1)),
        ("clear", _) => counters.push(("clears:pattern".into(), 1)),
        ("invalidate" | "event", _) => {
            let kinds = [
                ("key", &change.keys),
                ("tag", &change.tags),
                ("pattern", &change.patterns),
            ];
            let named = kinds.iter().filter(|(_, names)| !names.is_empty());
            counters.extend(named.map(|(kind, _)| (format!("invalidations:{kind}"), 1)));
        }
        _ => {}
    }
    counters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::audit::AuditOutcome;

    fn names(change: &AuditRecord) -> Vec<String> {
        change_counters(change)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn a_clear_is_counted_by_its_outcome_and_kind() {
        let change = AuditRecord {
            pattern: Some("users:*".into()),
            keys_deleted: 7,
            ..AuditRecord::new("clear")
        };

        assert_eq!(
            names(&change),
            ["changes:clear/ok", "removed:clear", "clears:pattern"]
        );
    }

    #[test]
    fn an_invalidation_is_counted_by_what_it_names() {
        let change = AuditRecord {
            keys: vec!["k".into()],
            tags: vec!["t".into()],
            outcome: AuditOutcome::Failed,
            ..AuditRecord::new("invalidate")
        };

        assert_eq!(
            names(&change),
            [
                "changes:invalidate/failed",
                "invalidations:key",
                "invalidations:tag"
            ]
        );
    }

    #[test]
    fn an_event_is_counted_as_an_invalidation_too() {
        let change = AuditRecord {
            keys: vec!["k".into()],
            ..AuditRecord::new("event")
        };

        assert_eq!(names(&change), ["changes:event/ok", "invalidations:key"]);
    }

    #[test]
    fn a_warmup_is_counted_by_its_outcome_alone() {
        assert_eq!(names(&AuditRecord::new("warmup")), ["changes:warmup/ok"]);
    }
}
