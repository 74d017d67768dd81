//! Reports of invalidations.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use edge_cache::keyspace::fence::InForce;
use edge_cache::keyspace::key::{self, KeyName};
use edge_cache::units;
use serde::Serialize;

use crate::admin::share::ShareReport;

/// The result of an invalidation or its dry run, by key, pattern and tag. A removed key counts once,
/// for the first that removes it: by name, by tag, by pattern, in this order. A key that is marked
/// stale counts for each of them.
/// [`ClearReport`](crate::admin::clear::ClearReport) says which keys count.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateReport {
    /// The named keys that existed and were removed, or marked stale.
    pub keys: Vec<String>,
    /// The named keys that did not exist.
    pub keys_not_found: Vec<String>,
    /// Base64 of the named keys that are shown escaped, by how they are shown.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys_base64: BTreeMap<String, String>,
    /// Keys removed by each pattern, or marked stale.
    pub patterns: BTreeMap<String, u64>,
    /// Keys removed by each tag, or marked stale.
    pub tags: BTreeMap<String, u64>,
    /// In a dry run with patterns: the role and confirmation that the invalidation needs.
    #[serde(flatten)]
    pub share: Option<ShareReport>,
    /// When readers know the last pattern or tag.
    #[serde(skip)]
    pub(crate) in_force: Option<InForce>,
    /// How many of these keys were marked stale.
    #[serde(skip)]
    pub(crate) keys_marked_stale: u64,
}

/// The figures of an invalidation that every response about one has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateStats {
    keys_invalidated: u64,
    keys_marked_stale: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force_at: Option<String>,
    duration: String,
    duration_ms: u64,
}

impl InvalidateReport {
    /// All keys removed.
    pub fn keys_invalidated(&self) -> u64 {
        self.keys_covered() - self.keys_marked_stale
    }

    /// All keys marked stale.
    pub fn keys_marked_stale(&self) -> u64 {
        self.keys_marked_stale
    }

    /// All keys removed or marked stale.
    pub(crate) fn keys_covered(&self) -> u64 {
        let by_patterns: u64 = self.patterns.values().sum();
        let by_tags: u64 = self.tags.values().sum();
        self.keys.len() as u64 + by_patterns + by_tags
    }

    /// Adds the result of another invalidation.
    pub(crate) fn add(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.keys_not_found.extend(other.keys_not_found);
        self.keys_base64.extend(other.keys_base64);
        for (pattern, count) in other.patterns {
            *self.patterns.entry(pattern).or_default() += count;
        }
        for (tag, count) in other.tags {
            *self.tags.entry(tag).or_default() += count;
        }
        self.in_force = other.in_force.or(self.in_force);
        self.keys_marked_stale += other.keys_marked_stale;
    }

    /// The time from which no service that uses the library is served an entry from before the
    /// invalidation, which has just ended. Services ask for new fences once in `fence_interval`.
    pub fn in_force_at(&self, fence_interval: Duration) -> SystemTime {
        // Keys that were named are gone.
        self.in_force
            .map_or_else(SystemTime::now, |in_force| in_force.at(fence_interval))
    }

    /// The figures for a response; `in_force_at` is `None` for a dry run.
    pub fn stats(&self, elapsed: Duration, in_force_at: Option<SystemTime>) -> InvalidateStats {
        InvalidateStats {
            keys_invalidated: self.keys_invalidated(),
            keys_marked_stale: self.keys_marked_stale,
            in_force_at: in_force_at.map(units::timestamp),
            duration: units::duration(elapsed),
            duration_ms: units::milliseconds(elapsed),
        }
    }

    pub(super) fn add_key(&mut self, key: &KeyName, existed: bool) {
        let list = if existed {
            &mut self.keys
        } else {
            &mut self.keys_not_found
        };
        list.push(key.display());
        self.keys_base64.extend(key::base64_by_display([key]));
    }
}
