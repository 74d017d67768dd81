//! Rows of the steps of a response, from stored rows.

use std::collections::BTreeMap;

use super::row::Row;

/// Sums stored rows up by steps. A step without rows is missing.
pub(super) fn sum_up(rows: Vec<(u64, Row)>, step_ms: u64) -> BTreeMap<u64, Row> {
    let mut buckets: BTreeMap<u64, Row> = BTreeMap::new();
    for (at_ms, row) in rows {
        buckets
            .entry(at_ms - at_ms % step_ms)
            .and_modify(|bucket| bucket.extend(&row))
            .or_insert(row);
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_rows_is_missing() {
        let row = Row {
            seconds: 60,
            ..Row::default()
        };
        let rows = [0, 60_000, 240_000, 900_000].map(|at| (at, row.clone()));

        let buckets = sum_up(rows.into(), 300_000);

        let seconds: Vec<(u64, u64)> = buckets.iter().map(|(at, row)| (*at, row.seconds)).collect();
        assert_eq!(seconds, [(0, 180), (900_000, 60)]);
    }
}
