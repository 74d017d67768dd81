//! Growth since an earlier analysis.

use std::collections::HashMap;

use super::result::{Analysis, GroupGrowth, GroupResult, Growth};
use super::segments::GroupName;

/// The least time between two analyses that are compared: as figures of a day, those of minutes would
/// multiply one burst of writes by hundreds.
pub(super) const MIN_AGE_MS: u64 = 3_600_000;
const DAY_MS: f64 = 86_400_000.0;

/// The days until memory is full, or why they are not known.
pub(super) enum UntilFull {
    Days(f64),
    Unknown(&'static str),
}

impl Analysis {
    /// Compares it with an earlier one, which was kept at this time. A group whose difference is within
    /// the error of both has no growth.
    pub(super) fn compare_with(&mut self, earlier: &Self, earlier_ms: u64) {
        let days = self.ended_ms.saturating_sub(earlier_ms) as f64 / DAY_MS;
        if days <= 0.0 {
            return;
        }
        let bytes = match (self.used_memory, earlier.used_memory) {
            (Some(now), Some(before)) => per_day(now, before, days),
            _ => per_day(self.totals.bytes.value, earlier.totals.bytes.value, days),
        };
        self.growth = Some(Growth {
            since_ms: earlier_ms,
            bytes_per_day: bytes,
            keys_per_day: per_day(self.keys_total, earlier.keys_total, days),
        });

        let known: HashMap<GroupName, &GroupResult> = earlier
            .groups
            .iter()
            .map(|group| (group.name(), group))
            .collect();
        for group in &mut self.groups {
            group.growth = known
                .get(&group.name())
                .and_then(|before| group.growth_since(before, days));
        }
        self.totals.growth = self.totals.growth_since(&earlier.totals, days);
        self.other = self.other.take().map(|other| GroupResult {
            growth: None,
            ..other
        });
    }

    /// The time until `maxmemory` is reached at the growth since the earlier analysis.
    pub(super) fn until_full(&self, growth: &Growth) -> UntilFull {
        let (Some(used), Some(max)) = (self.used_memory, self.max_memory) else {
            return UntilFull::Unknown("the server does not report its memory");
        };
        if max == 0 {
            return UntilFull::Unknown("no maxmemory is set");
        }
        if used >= max {
            return UntilFull::Days(0.0);
        }
        if growth.bytes_per_day <= 0 {
            return UntilFull::Unknown("the memory in use does not grow");
        }
        UntilFull::Days((max - used) as f64 / growth.bytes_per_day as f64)
    }
}

impl GroupResult {
    fn growth_since(&self, before: &Self, days: f64) -> Option<GroupGrowth> {
        let differs =
            self.bytes.differs_from(&before.bytes) || self.keys.differs_from(&before.keys);
        differs.then(|| GroupGrowth {
            bytes_per_day: per_day(self.bytes.value, before.bytes.value, days),
            keys_per_day: per_day(self.keys.value, before.keys.value, days),
        })
    }
}

fn per_day(now: u64, before: u64, days: f64) -> i64 {
    ((now as f64 - before as f64) / days).round() as i64
}
