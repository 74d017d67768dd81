//! The keys that a walk selects by more than their patterns, and its position.

use edge_cache::keyspace::bulk_expiry::{BulkExpiry, ExpiryRule};
use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::purge::{PurgeMode, SoftGrace};

use super::names::RememberedNames;
use super::record::{Effect, Job};

/// The keys that a walk selects by more than their patterns.
pub(super) struct Selection {
    pub(super) effect: Effect,
    pub(super) conditions: Conditions,
    pub(super) expiry: Option<BulkExpiry>,
    pub(super) executes: Option<RememberedNames>,
    /// The soft grace, if the names that were selected are marked stale.
    pub(super) grace: Option<SoftGrace>,
    /// The bits that select the field of a remembered name; `None` to remember none.
    pub(super) name_bits: Option<u32>,
}

/// The position of a part, as a worker knows it.
#[derive(Debug, Clone, Default)]
pub(super) struct Position {
    pub(super) cursor: Vec<u8>,
    /// The last name of the slice that was handled; empty at its beginning.
    pub(super) mark: Vec<u8>,
    pub(super) run_id: Vec<u8>,
}

/// The end of a slice.
#[derive(Debug, Clone)]
pub(super) struct SliceEnd {
    /// The next cursor, `end` after the last slice.
    pub(super) next: Vec<u8>,
    pub(super) walked: u64,
    pub(super) appeared: u64,
}

impl Selection {
    /// The selection of a job; `None` if scripts can do without one.
    pub(super) fn of(job: &Job) -> Option<Self> {
        let work = &job.work;
        // One script finds and removes all keys of patterns.
        if work.invalidates_patterns() && work.effect == Effect::Remove {
            return None;
        }

        let expiry = work.expiry.map(|rule: ExpiryRule| BulkExpiry {
            rule,
            conditions: Conditions::default(),
            is_dry_run: work.is_dry_run(),
            samples: 0,
        });
        let grace = match work.purge.mode() {
            PurgeMode::Soft(grace)
                if work.effect == Effect::MarkStale && !work.invalidates_patterns() =>
            {
                Some(grace)
            }
            _ => None,
        };

        Some(Self {
            grace,
            effect: work.effect,
            conditions: work.conditions.clone(),
            expiry,
            executes: work.executes.clone(),
            name_bits: job.name_bits,
        })
    }
}

/// The names in order, each once.
pub(super) fn in_order(mut names: Vec<KeyName>) -> Vec<KeyName> {
    names.sort();
    names.dedup();
    names
}

impl SliceEnd {
    pub(super) fn new(next: Vec<u8>, walked: u64) -> Self {
        let next = if next == b"0" { b"end".to_vec() } else { next };
        Self {
            next,
            walked,
            appeared: 0,
        }
    }
}
