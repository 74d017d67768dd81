//! The share of the keys that a removal by patterns matches. The share, not the spelling of the
//! patterns, decides who may remove them and if they must confirm.
//!
//! It is the share of the services' keys: edge-cache's own keys count on neither side. It is exact
//! if two steps of about 2,000 keys cover the database. In a larger one those keys are a sample,
//! chosen by the server's hash of their names: if half of them match, the share is between 48 and
//! 52 % in 95 of 100 cases.

mod count;

pub(crate) use count::PatternCount;

use count::Counts;
use edge_cache::RedisError;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::scan;
use edge_cache::redis::{OnNode, Redis};
use serde::Serialize;

use crate::admin::role::Role;
use crate::error::Error;

/// The most keys that one step visits.
const MAX_VISITED_KEYS: usize = 2000;
/// The most steps.
const MAX_STEPS: usize = 2;
/// The smallest sample that is used. Smaller ones come from long names, or from a table with far
/// more buckets than keys.
const MIN_SAMPLE_KEYS: u64 = 50;

/// A limit on removals: the share from which it applies, in a database of at least so many keys.
struct ShareLimit {
    share: f64,
    min_keys: u64,
}

/// From here on a removal has the effect of a global clear, and needs an admin.
const GLOBAL: ShareLimit = ShareLimit {
    share: 0.9,
    min_keys: 100,
};
/// Above this a removal needs confirmation.
const LARGE: ShareLimit = ShareLimit {
    share: 0.5,
    min_keys: 1000,
};

/// The share of the keys that a removal matches, and the role and confirmation it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct RemovalShare {
    patterns: Vec<String>,
    /// Services' keys in the database; an estimate unless `is_exact`.
    keys: u64,
    share: f64,
    is_exact: bool,
    /// True if the sample is too small to measure the share.
    is_unknown: bool,
    /// The role that the request needs in any case.
    request_role: Role,
    is_confirmed: bool,
}

/// The share in a dry run's report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShareReport {
    /// The share of the services' keys that would be removed, 0 to 1.
    match_share: f64,
    /// False if the share is that of a sample.
    match_share_exact: bool,
    /// True if the removal needs `confirm`.
    needs_confirm: bool,
    /// The role that the removal needs.
    needs_role: &'static str,
}

impl Counts {
    fn share(&self) -> f64 {
        ratio(self.matched, self.services).min(1.0)
    }

    fn plus(self, other: &Self) -> Self {
        Self {
            database: self.database + other.database,
            visited: self.visited + other.visited,
            services: self.services + other.services,
            matched: self.matched + other.matched,
        }
    }

    /// Estimates the counts of the whole database from a sample.
    fn extrapolated(&self) -> Self {
        let whole = |count| (ratio(count, self.visited) * self.database as f64) as u64;
        Self {
            services: whole(self.services),
            matched: whole(self.matched),
            ..*self
        }
    }
}

impl RemovalShare {
    /// Measures the share that patterns match together. One round trip; a second for more than
    /// about 2,000 keys; on a Cluster as many at each node, side by side.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn measure<R: Redis>(
        redis: &R,
        patterns: &[Pattern],
        request_role: Role,
        is_confirmed: bool,
    ) -> Result<Self, RedisError> {
        let topology = redis.newest_topology().await?;
        let nodes = topology.nodes(redis);
        let sampled = scan::on_each(&nodes, |node| count_node(node, patterns)).await?;
        let is_exact = sampled.iter().all(|(_, is_whole)| *is_whole);
        let sum = |sum: Counts, counts: Counts| sum.plus(&counts);
        let seen: u64 = sampled.iter().map(|(counts, _)| counts.services).sum();
        // Each node counts as much as it has keys.
        let counts = sampled
            .into_iter()
            .map(|(counts, is_whole)| {
                if is_whole {
                    counts
                } else {
                    counts.extrapolated()
                }
            })
            .fold(Counts::default(), sum);

        let is_unknown = !is_exact && seen < MIN_SAMPLE_KEYS;
        let keys = if is_unknown {
            counts.database
        } else {
            counts.services
        };
        Ok(Self {
            patterns: patterns.iter().map(Pattern::display).collect(),
            keys,
            share: counts.share(),
            is_exact,
            is_unknown,
            request_role,
            is_confirmed,
        })
    }

    /// The share of a removal whose size does not matter.
    pub(crate) fn unchecked(request_role: Role) -> Self {
        Self {
            patterns: Vec::new(),
            keys: 0,
            share: 0.0,
            is_exact: true,
            is_unknown: false,
            request_role,
            is_confirmed: true,
        }
    }

    /// The share of a global clear, whose confirmation is checked when it is parsed.
    pub(crate) fn everything() -> Self {
        Self {
            patterns: vec!["*".to_owned()],
            keys: u64::MAX,
            share: 1.0,
            is_exact: true,
            is_unknown: false,
            request_role: Role::Admin,
            is_confirmed: true,
        }
    }

    fn is_global(&self) -> bool {
        self.share >= GLOBAL.share && self.keys >= GLOBAL.min_keys
    }

    fn is_large(&self) -> bool {
        self.share > LARGE.share && self.keys >= LARGE.min_keys
    }

    fn needs_confirm(&self) -> bool {
        let may_be_global = self.is_unknown && self.keys >= GLOBAL.min_keys;
        may_be_global || self.is_global() || self.is_large()
    }

    /// The role that the removal needs.
    pub fn role(&self) -> Role {
        if self.is_global() {
            Role::Admin
        } else {
            self.request_role
        }
    }

    /// The share in words.
    pub fn describe(&self) -> String {
        let (subject, verb) = match self.patterns.as_slice() {
            [one] => (format!("the pattern {one}"), "matches"),
            more => (format!("the {} patterns", more.len()), "match"),
        };
        let keys = self.keys;
        if self.is_unknown {
            return format!("{subject} {verb} an unknown share of about {keys} keys");
        }

        let about = if self.is_exact { "" } else { "about " };
        let percent = self.share * 100.0;
        format!("{subject} {verb} {about}{percent:.0} % of {keys} keys")
    }

    /// Checks that the removal needs no confirmation, or has it.
    ///
    /// # Errors
    /// [`Error::ConfirmationRequired`].
    pub fn check(&self) -> Result<(), Error> {
        if self.is_confirmed || !self.needs_confirm() {
            return Ok(());
        }
        Err(Error::ConfirmationRequired(format!(
            "{}, which needs `\"confirm\": true`; a dry run shows what would be done",
            self.describe()
        )))
    }

    /// The share as a dry run reports it.
    pub fn report(&self) -> ShareReport {
        ShareReport {
            match_share: (self.share * 1e4).round() / 1e4,
            match_share_exact: self.is_exact,
            needs_confirm: self.needs_confirm(),
            needs_role: self.role().name(),
        }
    }
}

/// Counts a sample of a node's keys; true if it has all of them.
async fn count_node<R: Redis>(
    redis: &OnNode<'_, R>,
    patterns: &[Pattern],
) -> Result<(Counts, bool), RedisError> {
    let count = PatternCount {
        patterns,
        sets: &[],
        head: b"*".to_vec(),
        max_visited: MAX_VISITED_KEYS,
    };

    let mut cursor = b"0".to_vec();
    let mut counts = Counts::default();
    for _ in 0..MAX_STEPS {
        let step = count.slice(redis, &cursor).await?;
        counts = Counts {
            database: 0,
            ..counts
        }
        .plus(&step.counts);
        cursor = step.next;
        if cursor == b"0" {
            break;
        }
    }
    Ok((counts, cursor == b"0"))
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(share: f64, keys: u64) -> RemovalShare {
        RemovalShare {
            patterns: vec!["a*".to_owned()],
            keys,
            share,
            is_exact: true,
            is_unknown: false,
            request_role: Role::Operator,
            is_confirmed: false,
        }
    }

    #[test]
    fn the_share_decides_the_role_and_the_confirmation() {
        let cases = [
            (0.9, 100, Role::Admin, true),
            (0.9, 99, Role::Operator, false),
            (0.89, 999, Role::Operator, false),
            (0.51, 1000, Role::Operator, true),
            (0.5, 1000, Role::Operator, false),
            (1.0, 5_000_000, Role::Admin, true),
        ];
        for (share, keys, role, needs_confirm) in cases {
            let removal = measured(share, keys);

            assert_eq!(removal.role(), role, "{share} of {keys}");
            assert_eq!(removal.check().is_err(), needs_confirm, "{share} of {keys}");
        }
    }

    #[test]
    fn a_confirmed_removal_passes() {
        let removal = RemovalShare {
            is_confirmed: true,
            ..measured(1.0, 5_000_000)
        };
        assert!(removal.check().is_ok());
    }

    #[test]
    fn an_unknown_share_needs_confirmation() {
        for (keys, needs_confirm) in [(100, true), (99, false)] {
            let removal = RemovalShare {
                is_exact: false,
                is_unknown: true,
                ..measured(0.0, keys)
            };

            assert_eq!(removal.role(), Role::Operator, "{keys}");
            assert_eq!(removal.check().is_err(), needs_confirm, "{keys}");
            let words = removal.describe();
            assert!(words.contains("unknown share"), "{words}");
        }
    }

    #[test]
    fn the_error_says_what_share_needs_confirmation() {
        let problem = measured(0.951, 1542).check().unwrap_err().to_string();

        let expected = "the pattern a* matches 95 % of 1542 keys, which needs";
        assert!(problem.starts_with(expected), "{problem}");
    }
}
