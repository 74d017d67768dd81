//! Options of one call of the cache.

use std::time::Duration;

use crate::keyspace::ttl::MAX_TTL;

/// The shortest life of an entry.
const MIN_LIFE: Duration = Duration::from_millis(1);
/// The longest time that a caller may wait: for another's load, or for its own where a value can be
/// served instead.
const MAX_WAIT: Duration = Duration::from_secs(3600);
/// The longest time for which a near copy is served. Fences leave a view 20 s after their removals.
const MAX_NEAR_AGE: Duration = Duration::from_secs(10);
/// The largest `early_refresh`.
const MAX_EARLY_REFRESH: f64 = 100.0;

/// Options of one call. The defaults are safe: TTL by the table, no stale values, stampedes
/// prevented.
///
/// Each has a range. A value outside it is replaced by the nearest end of the range, and NaN by the
/// default; [`super::Observer::option_corrected`] reports it, once for each option and cache.
///
/// ```
/// use std::time::Duration;
/// use edge_cache::Options;
///
/// let options = Options {
///     grace: Duration::from_secs(3600),
///     tags: &["user-data"],
///     ..Options::default()
/// };
/// assert_eq!(options.ttl, None);
/// ```
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// How long a value is fresh; `None`: by the TTL table and its overrides. Zero: it is not stored,
    /// unless there is a grace, and the old entry is removed. Up to ten years.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::Options;
    /// // A list that may be 15 minutes old.
    /// let options = Options { ttl: Some(Duration::from_secs(900)), ..Options::default() };
    /// ```
    pub ttl: Option<Duration>,
    /// Tags by which the entry is invalidated. An entry that is found without one of them gets it;
    /// tags that it has and the call lacks stay.
    ///
    /// ```
    /// # use edge_cache::Options;
    /// // Invalidated with the catalogue, and with the sale.
    /// let options = Options { tags: &["product-catalog", "sale"], ..Options::default() };
    /// ```
    pub tags: &'a [&'a str],
    /// How long past its TTL a value may still be served: while one caller refreshes it, and when
    /// its load fails. Zero: never. Up to ten years.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::Options;
    /// // While the supplier is down, its last price is served for up to an hour.
    /// let options = Options { grace: Duration::from_secs(3600), ..Options::default() };
    /// ```
    pub grace: Duration,
    /// Largest share by which the TTL is lengthened or shortened at random, so that values stored
    /// together do not expire together. 0 to 1.
    pub jitter: f64,
    /// How long a caller waits for another caller's load. Callers who have waited for so long take
    /// turns: in each such time one of them, on whichever instance, loads itself. After four times
    /// `lock_wait` one caller of each instance does. Up to an hour.
    pub lock_wait: Duration,
    /// How long a load may take where a stale value could be served instead. Up to an hour.
    pub load_timeout: Duration,
    /// For how long a failed load is not tried again while there is a value to serve. Up to an
    /// hour.
    pub throttle: Duration,
    /// For how long the failure of a load is the answer of callers who have no value to be served,
    /// those who waited for it included. Its text, at most 1 KiB, is in Redis meanwhile. Zero: each of
    /// them loads. Up to an hour.
    pub failure_ttl: Duration,
    /// How eagerly a value is refreshed before it expires (beta of XFetch; Vattani et al., VLDB
    /// 2015): 1 is the paper's optimum, 0 never. 0 to 100.
    pub early_refresh: f64,
    /// How long a result that is JSON `null` is kept; `None`: it is not stored, and the old entry is
    /// removed. Waiters receive it in either case. 1 ms to ten years.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::Options;
    /// // A product that does not exist is looked up in the database once in 30 seconds.
    /// let options = Options { negative_ttl: Some(Duration::from_secs(30)), ..Options::default() };
    /// ```
    pub negative_ttl: Option<Duration>,
    /// How many results that are `null` a module (the first segment of a key) may store within the
    /// life of one; further ones are not stored. Where clients choose the names, this bounds the
    /// memory that names of nothing take: at most twice as many exist at a time.
    pub max_negative: u32,
    /// Keeps copies in the instance's memory and serves them without asking Redis, except for the
    /// fences every 50 ms; `None`: never.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Near, Options};
    /// // Another client's change may go unnoticed for five seconds.
    /// let near = Near { max_age: Duration::from_secs(5) };
    /// let options = Options { near: Some(near), ..Options::default() };
    /// ```
    pub near: Option<Near>,
}

/// How near copies are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// How long a copy is served. Only writes of other clients may go unnoticed for so long:
    /// invalidations and the library's writes are in force at once. 1 ms to 10 s.
    pub max_age: Duration,
}

impl Default for Near {
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(1),
        }
    }
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
            failure_ttl: Duration::from_secs(1),
            early_refresh: 1.0,
            negative_ttl: None,
            max_negative: 1000,
            near: None,
        }
    }
}

/// Brings options into their ranges, and remembers which ones were outside.
#[derive(Default)]
struct Correction {
    corrected: Vec<&'static str>,
}

impl Correction {
    fn time(
        &mut self,
        name: &'static str,
        given: Duration,
        min: Duration,
        max: Duration,
    ) -> Duration {
        let time = given.clamp(min, max);
        if time != given {
            self.corrected.push(name);
        }
        time
    }

    fn number(&mut self, name: &'static str, given: f64, default: f64, max: f64) -> f64 {
        let number = if given.is_nan() {
            default
        } else {
            given.clamp(0.0, max)
        };
        if number != given {
            self.corrected.push(name);
        }
        number
    }
}

impl Options<'_> {
    /// Returns the options with each in its range, and the names of those that were not.
    pub(super) fn in_range(&self) -> (Self, Vec<&'static str>) {
        let mut c = Correction::default();
        let default = Self::default();

        let ttl = self
            .ttl
            .map(|ttl| c.time("ttl", ttl, Duration::ZERO, MAX_TTL));
        let grace = c.time("grace", self.grace, Duration::ZERO, MAX_TTL);
        let lock_wait = c.time("lock_wait", self.lock_wait, Duration::ZERO, MAX_WAIT);
        let load_timeout = c.time("load_timeout", self.load_timeout, Duration::ZERO, MAX_WAIT);
        let throttle = c.time("throttle", self.throttle, Duration::ZERO, MAX_WAIT);
        let failure_ttl = c.time("failure_ttl", self.failure_ttl, Duration::ZERO, MAX_WAIT);
        let negative_ttl = self
            .negative_ttl
            .map(|ttl| c.time("negative_ttl", ttl, MIN_LIFE, MAX_TTL));
        let near = self.near.map(|near| Near {
            max_age: c.time("near.max_age", near.max_age, MIN_LIFE, MAX_NEAR_AGE),
        });
        let jitter = c.number("jitter", self.jitter, default.jitter, 1.0);
        let early_refresh = c.number(
            "early_refresh",
            self.early_refresh,
            default.early_refresh,
            MAX_EARLY_REFRESH,
        );

        let options = Self {
            ttl,
            grace,
            jitter,
            lock_wait,
            load_timeout,
            throttle,
            failure_ttl,
            early_refresh,
            negative_ttl,
            near,
            ..self.clone()
        };
        (options, c.corrected)
    }

    /// Returns the TTL of a value: the call's own, else that of the table and its overrides; varied by
    /// the jitter. `random` is uniform in 0..1.
    pub(super) fn ttl_of(
        &self,
        is_negative: bool,
        by_table: impl FnOnce() -> Duration,
        random: f64,
    ) -> Duration {
        let negative_ttl = self.negative_ttl.filter(|_| is_negative);
        let ttl = negative_ttl.or(self.ttl).unwrap_or_else(by_table);
        if ttl.is_zero() {
            return ttl;
        }
        let factor = 1.0 + self.jitter * (2.0 * random - 1.0);
        ttl.mul_f64(factor).clamp(MIN_LIFE, MAX_TTL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::ttl::DEFAULT_TTL;

    fn with_ttl(seconds: u64) -> Options<'static> {
        Options {
            ttl: Some(Duration::from_secs(seconds)),
            ..Options::default()
        }
    }

    #[test]
    fn jitter_varies_the_ttl_by_at_most_its_share() {
        let options = with_ttl(100);
        let ttl = |random| options.ttl_of(false, || DEFAULT_TTL, random);

        assert_eq!(ttl(0.0).as_millis(), 95_000);
        assert_eq!(ttl(0.5).as_millis(), 100_000);
        assert!(ttl(0.999).as_millis() < 105_000);
    }

    #[test]
    fn jitter_never_exceeds_the_longest_ttl() {
        let options = Options {
            ttl: Some(Duration::MAX),
            jitter: 1.0,
            ..Options::default()
        };
        let (options, _) = options.in_range();

        let ttl = options.ttl_of(false, || DEFAULT_TTL, 0.999);

        assert_eq!(ttl, MAX_TTL);
    }

    #[test]
    fn a_calls_own_ttl_wins_over_the_table() {
        let by_table = || Duration::from_secs(7);
        let ttl = |options: &Options<'_>, is_negative| {
            let ttl = options.ttl_of(is_negative, by_table, 0.5);
            ttl.as_secs()
        };
        let with_negative_ttl = Options {
            negative_ttl: Some(Duration::from_secs(3)),
            ..Options::default()
        };

        assert_eq!(ttl(&with_ttl(9), false), 9);
        assert_eq!(ttl(&Options::default(), false), 7);
        assert_eq!(ttl(&with_negative_ttl, true), 3);
        assert_eq!(ttl(&with_negative_ttl, false), 7);
    }

    #[test]
    fn an_option_out_of_its_range_is_corrected_and_named() {
        let bad = Options {
            ttl: Some(Duration::MAX),
            grace: Duration::MAX,
            jitter: f64::NAN,
            lock_wait: Duration::MAX,
            load_timeout: Duration::MAX,
            throttle: Duration::MAX,
            failure_ttl: Duration::MAX,
            early_refresh: f64::NEG_INFINITY,
            negative_ttl: Some(Duration::MAX),
            ..Options::default()
        };

        let (options, corrected) = bad.in_range();

        let names = [
            "ttl",
            "grace",
            "lock_wait",
            "load_timeout",
            "throttle",
            "failure_ttl",
            "negative_ttl",
            "jitter",
            "early_refresh",
        ];
        assert_eq!(corrected, names);
        assert_eq!(options.ttl, Some(MAX_TTL));
        assert_eq!(options.negative_ttl, Some(MAX_TTL));
        assert_eq!(options.grace, MAX_TTL);
        assert_eq!(options.lock_wait, MAX_WAIT);
        assert_eq!(options.jitter, 0.05);
        assert_eq!(options.early_refresh, 0.0);
    }

    #[test]
    fn every_bad_jitter_is_corrected_to_one_that_can_be_used() {
        for jitter in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 7.0] {
            let bad = Options {
                jitter,
                ..Options::default()
            };

            let (options, corrected) = bad.in_range();

            assert_eq!(corrected, ["jitter"]);
            options.ttl_of(false, || DEFAULT_TTL, 0.999);
        }
    }

    #[test]
    fn the_default_options_are_in_range() {
        let (_, corrected) = Options::default().in_range();

        assert!(corrected.is_empty());
    }
}
