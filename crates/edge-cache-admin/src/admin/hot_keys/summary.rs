//! Rows of several minutes or hours, summed up.

use std::collections::HashMap;

use super::row::{KeyCounts, Row};

/// The sum of rows.
#[derive(Debug, Default)]
pub(super) struct Summary {
    lookups: u64,
    instances: u64,
    /// The floors of all rows: what a key may have had that is in none of them.
    floor: u64,
    keys: HashMap<String, Sum>,
}

#[derive(Debug, Default)]
struct Sum {
    counts: KeyCounts,
    /// The floors of the rows that have the key.
    floor: u64,
}

impl Summary {
    pub(super) fn of(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut summary = Self::default();
        for row in rows {
            summary.add(row);
        }
        summary
    }

    fn add(&mut self, row: Row) {
        self.lookups = self.lookups.saturating_add(row.lookups);
        self.instances = self.instances.max(row.instances);
        self.floor = self.floor.saturating_add(row.floor);
        for (key, counts) in row.keys {
            let sum = self.keys.entry(key).or_default();
            sum.counts.add(&counts);
            sum.floor = sum.floor.saturating_add(row.floor);
        }
    }

    /// The sum as one row. A key may have had the floor of each row that lacks it.
    pub(super) fn into_row(self) -> Row {
        let floor = self.floor;
        let with_missing = |(key, sum): (String, Sum)| {
            let unseen = floor.saturating_sub(sum.floor);
            let missing = sum.counts.missing.saturating_add(unseen);
            (
                key,
                KeyCounts {
                    missing,
                    ..sum.counts
                },
            )
        };
        Row {
            lookups: self.lookups,
            instances: self.instances,
            floor,
            keys: self.keys.into_iter().map(with_missing).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(floor: u64, keys: &[(&str, u64)]) -> Row {
        let key = |(key, lookups): &(&str, u64)| {
            let counts = KeyCounts {
                lookups: *lookups,
                ..KeyCounts::default()
            };
            ((*key).to_owned(), counts)
        };
        Row {
            lookups: 100,
            instances: floor,
            floor,
            keys: keys.iter().map(key).collect(),
        }
    }

    #[test]
    fn a_key_may_have_had_the_floor_of_each_row_that_lacks_it() {
        let rows = [row(3, &[("a", 10), ("b", 5)]), row(4, &[("a", 7)])];

        let mut sum = Summary::of(rows).into_row();
        sum.trim();

        assert_eq!((sum.lookups, sum.instances, sum.floor), (200, 4, 7));
        let figures = |n: usize| {
            let (key, counts) = &sum.keys[n];
            (key.as_str(), counts.lookups, counts.missing)
        };
        assert_eq!(figures(0), ("a", 17, 0));
        assert_eq!(figures(1), ("b", 5, 4));
    }
}
