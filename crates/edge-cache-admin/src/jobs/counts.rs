//! Numbers of keys that a job has walked, matched, removed and changed.

use std::ops::AddAssign;

use edge_cache::keyspace::bulk_expiry::{ExpiryCounts, Lives};
use edge_cache::redis::Replies;
use edge_cache::{ErrorKind, RedisError};
use serde::{Deserialize, Serialize};

/// Numbers of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Keys that the walk has passed; an estimate, because `SCAN` advances by buckets.
    pub(super) walked: u64,
    pub(super) matched: u64,
    /// Keys removed; of a soft purge, marked stale.
    pub(super) removed: u64,
    /// Matching keys that the server refused to remove.
    pub(super) failed: u64,
}

impl Counts {
    pub(super) fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        Ok(Self {
            walked: replies.count()?,
            matched: replies.count()?,
            removed: replies.count()?,
            failed: replies.count()?,
        })
    }

    /// The counts of several jobs, as scripts reply them: the keys walked by all, then those of each.
    pub(super) fn read_many(replies: &mut Replies, jobs: usize) -> Result<Vec<Self>, RedisError> {
        let walked = replies.count()?;
        let counts = (0..jobs).map(|_| {
            Ok(Self {
                walked,
                matched: replies.count()?,
                removed: replies.count()?,
                failed: replies.count()?,
            })
        });
        counts.collect()
    }

    /// The names under which a part has the counts of the job at this place, but for the keys walked.
    pub(super) fn fields_at(place: usize) -> [String; 3] {
        let suffix = suffix_at(place);
        ["matched", "removed", "failed"].map(|name| format!("{name}{suffix}"))
    }

    /// Reads the fields of [`Counts::fields_at`]; `None` if the part has none for the place.
    pub(super) fn read_at_place(
        replies: &mut Replies,
        walked: u64,
    ) -> Result<Option<Self>, RedisError> {
        let mut numbers = [None; 3];
        for number in &mut numbers {
            let digits = replies.optional_bytes()?;
            *number = digits.map(|digits| read_number(&digits)).transpose()?;
        }
        let [Some(matched), Some(removed), Some(failed)] = numbers else {
            return Ok(None);
        };
        Ok(Some(Self {
            walked,
            matched,
            removed,
            failed,
        }))
    }
}

/// The end of the names of counts at a place of a joint walk.
pub(super) fn suffix_at(place: usize) -> String {
    match place {
        0 => String::new(),
        _ => format!(":{place}"),
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.walked += other.walked;
        self.matched += other.matched;
        self.removed += other.removed;
        self.failed += other.failed;
    }
}

/// Numbers of keys that only walks count whose names the worker sees.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SelectedCounts {
    /// Keys whose expiry was changed.
    pub(super) changed: u64,
    /// Keys that match and did not match in the dry run that is executed.
    pub(super) appeared: u64,
    /// Keys by how long they lived before and after a change of their expiry, in the classes of
    /// [`Lives`].
    pub(super) before: [u64; 6],
    pub(super) after: [u64; 6],
}

impl SelectedCounts {
    /// The names of its fields in a part, in the order of `COUNTS` in `scripts/lib/job_part.lua`.
    pub(super) const FIELDS: [&'static str; 14] = [
        "changed", "appeared", "before1", "before2", "before3", "before4", "before5", "before6",
        "after1", "after2", "after3", "after4", "after5", "after6",
    ];

    /// Reads the fields; those that a part does not have are 0.
    pub(super) fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        let mut numbers = [0; Self::FIELDS.len()];
        for number in &mut numbers {
            *number = replies
                .optional_bytes()?
                .map_or(Ok(0), |digits| read_number(&digits))?;
        }
        let [changed, appeared, lives @ ..] = numbers;
        let (before, after) = lives.split_at(6);
        let class = |lives: &[u64], at: usize| lives.get(at).copied().unwrap_or_default();
        Ok(Self {
            changed,
            appeared,
            before: std::array::from_fn(|at| class(before, at)),
            after: std::array::from_fn(|at| class(after, at)),
        })
    }

    /// The numbers in the order of [`SelectedCounts::FIELDS`].
    pub(super) fn numbers(&self) -> [u64; 14] {
        let mut numbers = [self.changed, self.appeared]
            .into_iter()
            .chain(self.before)
            .chain(self.after);
        std::array::from_fn(|_| numbers.next().unwrap_or_default())
    }
}

impl From<&ExpiryCounts> for SelectedCounts {
    fn from(counts: &ExpiryCounts) -> Self {
        Self {
            changed: counts.changed,
            appeared: 0,
            before: counts.before.classes(),
            after: counts.after.classes(),
        }
    }
}

impl AddAssign for SelectedCounts {
    fn add_assign(&mut self, other: Self) {
        let add = |sums: &mut [u64; 6], others: [u64; 6]| {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum += other;
            }
        };
        self.changed += other.changed;
        self.appeared += other.appeared;
        add(&mut self.before, other.before);
        add(&mut self.after, other.after);
    }
}

fn read_number(digits: &[u8]) -> Result<u64, RedisError> {
    let number = std::str::from_utf8(digits).ok();
    let number = number.and_then(|digits| digits.parse().ok());
    number
        .ok_or_else(|| RedisError::new(ErrorKind::Protocol, "expected a count in a part of a job"))
}

impl SelectedCounts {
    /// How long the keys lived before the change, and live after it.
    pub(super) fn lives(&self) -> [Lives; 2] {
        [self.before, self.after].map(Lives::of_classes)
    }
}
