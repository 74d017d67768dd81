//! How one call wants its value kept.

use std::time::Duration;

use crate::ttl;

/// As long as anything is kept: ten years.
pub(crate) const FOREVER: Duration = Duration::from_secs(315_360_000);

/// Options of one call. The defaults are safe: TTL by the table, no stale values, stampedes prevented.
///
/// ```
/// use std::time::Duration;
/// use edge_cache::Options;
///
/// let options = Options { grace: Duration::from_secs(3600), tags: &["user-data"], ..Options::default() };
/// assert_eq!(options.ttl, None);
/// ```
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// How long a value is fresh; `None`: by the TTL table and its overrides.
    pub ttl: Option<Duration>,
    /// Tags to invalidate it by.
    pub tags: &'a [&'a str],
    /// How long past its TTL a value may still be served: while one caller refreshes it, and when that fails. Zero: not.
    pub grace: Duration,
    /// By what share the TTL is lengthened or shortened at random, so that values stored together do not expire together.
    pub jitter: f64,
    /// How long to wait for another caller's load before loading oneself.
    pub lock_wait: Duration,
    /// How long a load may take where a stale value could be served instead.
    pub load_timeout: Duration,
    /// For how long a failed load is not tried again while there is a value to serve.
    pub throttle: Duration,
    /// How eagerly a value is refreshed before it expires (beta of XFetch; Vattani et al., VLDB 2015): 1 is the paper's
    /// optimum, 0 never.
    pub early_refresh: f64,
    /// How long a result that is JSON `null` is kept; `None`: not at all, and what was there goes. Callers that wait for its load
    /// are given it all the same.
    pub negative_ttl: Option<Duration>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            ttl: None,
            tags: &[],
            grace: Duration::ZERO,
            jitter: 0.05,
            lock_wait: Duration::from_secs(5),
            load_timeout: Duration::from_secs(10),
            throttle: Duration::from_secs(30),
            early_refresh: 1.0,
            negative_ttl: None,
        }
    }
}

impl Options<'_> {
    /// How long this value is fresh: the call's own TTL, else the overrides', else the table's; spread by the jitter.
    /// `random` is uniform in 0..1.
    pub(crate) fn fresh(&self, key: &str, is_null: bool, overrides: &ttl::Overrides, random: f64) -> Duration {
        let negative = self.negative_ttl.filter(|_| is_null);
        let ttl = negative.or(self.ttl).unwrap_or_else(|| overrides.for_key(key));
        let factor = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * random - 1.0);
        ttl.min(FOREVER).mul_f64(factor).clamp(Duration::from_millis(1), FOREVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_share() {
        let options = Options { ttl: Some(Duration::from_secs(100)), ..Options::default() };
        let fresh = |random| options.fresh("k", false, &ttl::Overrides::default(), random).as_secs_f64();
        assert!((fresh(0.0) - 95.0).abs() < 0.001 && (fresh(0.5) - 100.0).abs() < 0.001 && fresh(0.999) < 105.0);
        let endless = Options { ttl: Some(Duration::MAX), jitter: 1.0, ..Options::default() };
        assert_eq!(endless.fresh("k", false, &ttl::Overrides::default(), 0.999), FOREVER);
    }

    #[test]
    fn a_calls_own_ttl_wins_over_overrides_and_those_over_the_table() {
        let overrides = ttl::Overrides::new([("stock".to_owned(), 7)]);
        let fresh = |options: Options<'_>, null| options.fresh("stock:available", null, &overrides, 0.5).as_secs();
        assert_eq!(fresh(Options { ttl: Some(Duration::from_secs(9)), ..Options::default() }, false), 9);
        assert_eq!(fresh(Options::default(), false), 7);
        let negative = Options { negative_ttl: Some(Duration::from_secs(3)), ..Options::default() };
        assert_eq!((fresh(negative.clone(), true), fresh(negative, false)), (3, 7));
    }
}
