//! Figures with 95 % intervals.

use serde::{Deserialize, Serialize};

/// The quantile of a 95 % interval.
const QUANTILE: f64 = 1.96;
/// Lower bounds of the expected number of keys, if so many (1, 2, ...) were seen. They are those of a
/// Poisson distribution without zero, because groups without keys in the sample are not listed.
const LOWER_BOUNDS: [f64; 8] = [0.0, 0.05, 0.408, 0.933, 1.52, 2.137, 2.776, 3.432];

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure.
    pub value: u64,
    /// The beginning of the interval.
    pub low: u64,
    /// Its end.
    pub high: u64,
}

impl Estimate {
    /// A figure that is known.
    pub(super) fn exact(value: u64) -> Self {
        Self {
            value,
            low: value,
            high: value,
        }
    }

    /// The interval of a figure that `seen` keys stand for.
    ///
    /// `spread` is the variance of the figure, in relation to that of a Poisson distribution: 1 for keys
    /// that are found at random, more for bytes of different sizes, 0 for a figure without error. With
    /// many keys this is the figure plus or minus 1.96 standard errors; with few it is wider
    /// upwards.
    pub(super) fn of_sample(value: f64, seen: u64, spread: f64) -> Self {
        let [low, high] = poisson_bounds(seen).map(|bound| bound / seen.max(1) as f64);
        let exponent = spread.max(0.0).sqrt();
        let low = if exponent > 0.0 {
            value * low.powf(exponent)
        } else {
            value
        };
        Self {
            value: value.round() as u64,
            low: low.round() as u64,
            high: (value * high.powf(exponent)).round() as u64,
        }
    }

    /// Bounds that are known, besides those of the sample.
    pub(super) fn within(self, low: u64, high: u64) -> Self {
        let clamp = |figure: u64| figure.min(high).max(low.min(high));
        Self {
            value: clamp(self.value),
            low: clamp(self.low),
            high: clamp(self.high),
        }
    }

    /// Returns whether the intervals have no figure in common.
    pub(super) fn differs_from(&self, other: &Self) -> bool {
        self.low > other.high || other.low > self.high
    }
}

/// The 95 % interval of the expected number of keys, of which `seen` were found. Beyond the table it is
/// that of Wilson and Hilferty (The distribution of chi-square, PNAS 1931).
fn poisson_bounds(seen: u64) -> [f64; 2] {
    let cube = |count: f64, sign: f64| {
        let root = 1.0 - 1.0 / (9.0 * count) + sign * QUANTILE / (3.0 * count.sqrt());
        count * root.max(0.0).powi(3)
    };
    let tabled = usize::try_from(seen)
        .ok()
        .and_then(|seen| LOWER_BOUNDS.get(seen.checked_sub(1)?).copied());
    let low = tabled.unwrap_or_else(|| cube(seen.max(1) as f64, -1.0));
    [low, cube(seen as f64 + 1.0, 1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keys_have_a_symmetric_interval_and_few_a_wide_one() {
        let many = Estimate::of_sample(10_000.0, 10_000, 1.0);
        assert!((9_800..=9_805).contains(&many.low), "{many:?}");
        assert!((10_196..=10_200).contains(&many.high), "{many:?}");

        let one = Estimate::of_sample(50.0, 1, 1.0);
        assert_eq!(one.low, 0);
        assert!((270..=285).contains(&one.high), "{one:?}");
        assert_eq!(Estimate::of_sample(50.0, 1, 0.0), Estimate::exact(50));
    }

    #[test]
    fn a_greater_spread_widens_the_interval() {
        let width = |spread| {
            let estimate = Estimate::of_sample(1e6, 400, spread);
            estimate.high - estimate.low
        };
        assert!(width(4.0) > 19 * width(1.0) / 10);
        assert_eq!(width(0.0), 0);
    }

    #[test]
    fn what_is_known_bounds_an_interval() {
        let estimate = Estimate::of_sample(100.0, 2, 9.0).within(7, 150);
        assert_eq!((estimate.low, estimate.high), (7, 150));
        assert!(Estimate::exact(3).differs_from(&Estimate::exact(4)));
        assert!(!estimate.differs_from(&Estimate::exact(8)));
    }
}
