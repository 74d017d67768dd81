//! Marks of waves: times in which far more keys expired or were evicted than before.
//!
//! A wave begins with a row in which at least 100 keys a minute went, and at least five times as many as
//! on average in the rows before: up to ten of them, at least three. It ends with the first row below
//! that, or after ten rows: by then the new level is the usual one.

use std::collections::VecDeque;

use edge_cache::units;

use super::marks::{Mark, with_separators};
use super::row::Row;

/// Fewer keys a minute are no wave.
const MIN_KEYS_A_MINUTE: f64 = 100.0;
/// A wave has at least so many times the usual keys.
const MIN_RATIO: f64 = 5.0;
/// Rows that a wave is compared with, at least and at most.
const MIN_USUAL_ROWS: usize = 3;
pub(super) const MAX_USUAL_ROWS: usize = 10;
/// The most rows of a wave.
const MAX_WAVE_ROWS: usize = 10;
/// The most waves of each kind that become marks, the newest.
const MAX_WAVES: usize = 50;

/// A way in which keys go by themselves.
struct Kind {
    action: &'static str,
    verb: &'static str,
    keys: fn(&Row) -> Option<u64>,
}

const KINDS: [Kind; 2] = [
    Kind {
        action: "expiry-wave",
        verb: "expired",
        keys: |row| row.total.counted.expired,
    },
    Kind {
        action: "eviction-wave",
        verb: "were evicted",
        keys: |row| row.total.counted.evicted,
    },
];

/// The waves in rows, oldest first, that begin at `from_ms` or later.
pub(super) fn find(rows: &[(u64, Row)], from_ms: u64) -> Vec<Mark> {
    let mut marks = Vec::new();
    for kind in KINDS {
        let mut search = Search::default();
        for (at_ms, row) in rows {
            search.visit(*at_ms, (kind.keys)(row), row.seconds);
        }
        search.end_wave();

        let waves = search.waves.iter().filter(|wave| wave.at_ms >= from_ms);
        let waves: Vec<&Wave> = waves.collect();
        let newest = waves.len().saturating_sub(MAX_WAVES);
        marks.extend(waves.iter().skip(newest).map(|wave| wave.mark(&kind)));
    }
    marks
}

/// A search for waves through the rows.
#[derive(Default)]
struct Search {
    /// Keys a minute of the last rows outside of waves.
    usual: VecDeque<f64>,
    wave: Option<Wave>,
    waves: Vec<Wave>,
}

struct Wave {
    at_ms: u64,
    seconds: u64,
    keys: u64,
    rows: usize,
    /// Keys a minute before it.
    usual: f64,
}

impl Search {
    fn visit(&mut self, at_ms: u64, keys: Option<u64>, seconds: u64) {
        let Some(keys) = keys.filter(|_| seconds > 0) else {
            return self.end_wave();
        };

        let rate = keys as f64 * 60.0 / seconds as f64;
        let usual = self.average();
        let has_usual = self.usual.len() >= MIN_USUAL_ROWS;

        match &mut self.wave {
            Some(wave) if wave.rows < MAX_WAVE_ROWS && is_far_above(rate, wave.usual) => {
                wave.seconds += seconds;
                wave.keys = wave.keys.saturating_add(keys);
                wave.rows += 1;
            }
            None if has_usual && is_far_above(rate, usual) => {
                self.wave = Some(Wave {
                    at_ms,
                    seconds,
                    keys,
                    rows: 1,
                    usual,
                });
            }
            _ => {
                self.end_wave();
                self.usual.push_back(rate);
                if self.usual.len() > MAX_USUAL_ROWS {
                    self.usual.pop_front();
                }
            }
        }
    }

    fn average(&self) -> f64 {
        self.usual.iter().sum::<f64>() / self.usual.len().max(1) as f64
    }

    fn end_wave(&mut self) {
        let Some(wave) = self.wave.take() else { return };
        if wave.rows == MAX_WAVE_ROWS {
            self.usual.clear();
        }
        self.waves.push(wave);
    }
}

fn is_far_above(rate: f64, usual: f64) -> bool {
    rate >= MIN_KEYS_A_MINUTE && rate >= usual * MIN_RATIO
}

impl Wave {
    fn mark(&self, kind: &Kind) -> Mark {
        let minutes = (self.seconds as f64 / 60.0).round().max(1.0);
        let time = if minutes == 1.0 {
            "a minute".to_owned()
        } else {
            format!("{minutes} minutes")
        };
        let text = format!(
            "{} keys {} in {time}, {} a minute before",
            with_separators(self.keys),
            kind.verb,
            with_separators(self.usual.round() as u64),
        );
        Mark {
            at: units::timestamp_of_ms(self.at_ms),
            action: kind.action.to_owned(),
            who: None,
            text,
            keys_deleted: self.keys,
            duration_ms: Some(self.seconds.saturating_mul(1000)),
            outcome: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: u64 = 60_000;

    /// Rows of minutes in which so many keys expired.
    fn rows(expired: &[u64]) -> Vec<(u64, Row)> {
        let row = |(minute, expired): (u64, &u64)| {
            let mut row = Row {
                seconds: 60,
                ..Row::default()
            };
            row.total.counted.expired = Some(*expired);
            (minute * MINUTE_MS, row)
        };
        (0..).zip(expired).map(row).collect()
    }

    fn texts(rows: &[(u64, Row)], from_ms: u64) -> Vec<String> {
        let marks = find(rows, from_ms).into_iter();
        marks
            .map(|mark| format!("{} {}", &mark.at[14..19], mark.text))
            .collect()
    }

    #[test]
    fn a_minute_far_above_those_before_is_a_wave() {
        let rows = rows(&[20, 10, 30, 4000, 1120, 20, 20]);

        assert_eq!(
            texts(&rows, 0),
            ["03:00 5,120 keys expired in 2 minutes, 20 a minute before"]
        );
        assert_eq!(texts(&rows, 4 * MINUTE_MS), [""; 0], "it began before");
        assert_eq!(find(&rows, 0)[0].duration_ms, Some(2 * MINUTE_MS));
    }

    #[test]
    fn a_few_keys_and_a_steady_rate_are_no_wave() {
        for expired in [
            vec![0, 0, 0, 99, 0],
            vec![500, 500, 500, 2400, 500],
            vec![0, 0, 5000],
            vec![5000; 20],
        ] {
            assert_eq!(texts(&rows(&expired), 0), [""; 0], "{expired:?}");
        }
    }

    #[test]
    fn a_lasting_rise_is_one_wave_and_then_usual() {
        let mut expired = vec![10; 5];
        expired.extend([1000; 60]);
        let texts = texts(&rows(&expired), 0);
        assert_eq!(
            texts,
            ["05:00 10,000 keys expired in 10 minutes, 10 a minute before"]
        );
    }

    #[test]
    fn keys_are_compared_by_the_time_that_a_row_covers() {
        let mut rows = rows(&[100, 100, 100, 1000, 1000]);
        rows[3].1.seconds = 900;
        rows[4].1.total.counted.evicted = Some(1000);
        rows[4].1.seconds = 0;

        assert_eq!(texts(&rows, 0), [""; 0]);
    }
}
