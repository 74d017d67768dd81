//! Figures of groups, from the sums over the runs of each node.
//!
//! Nodes are strata: each counts as much as it has keys (`DBSIZE`). On a node, a group has the share of
//! the keys, or the bytes a key, that it has in the sample: ratios of two sums over runs, because runs
//! differ in their number of keys. The variance of such a ratio is that of a cluster sample (Cochran,
//! Sampling Techniques, chapters 2.11 and 9A), with a run as the cluster:
//!
//! ```text
//! variance of the keys = sum over nodes of (N / M)^2 * n / (n - 1) * sum over runs of (k - p m)^2
//! N: keys of the node   M: keys of its runs   n: its runs   m: keys of a run   k: the group's   p: their share
//! ```
//!
//! The share of the bytes is a ratio of two such figures. A group of which few keys were seen tells little about its
//! own variance: it is at least that of keys found at random, and of sizes that vary as in larger groups.

use super::interval::Estimate;
use super::sample::NodeSample;
use super::segments::GroupName;
use super::tally::{RunSums, Tally};

/// The unit of shares.
pub(super) const SHARE_UNIT: f64 = 1e9;
/// A group with so many keys in the sample tells how much sizes vary.
const TYPICAL_KEYS: u64 = 30;
/// A group with fewer keys is taken for one of sizes that vary as in others, as if so many had been seen.
const PRIOR_KEYS: f64 = 10.0;

/// The sums of a group without keys on a node.
static NO_KEYS: Tally = Tally::new();

/// The sums of a group on one node, with those of all keys there.
struct Part<'a> {
    sample: &'a NodeSample,
    group: &'a Tally,
}

/// The variances of a group's figures, in relation to those of keys that are found at random.
#[derive(Debug, Clone, Copy, Default)]
struct Spreads {
    keys: f64,
    bytes: f64,
    /// Of the share of the bytes, before the group's own part of the sum is taken into account.
    share: f64,
}

/// Figures of a group.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) keys: Estimate,
    pub(super) bytes: Estimate,
    /// In billionths.
    pub(super) share: Estimate,
}

/// A group's figures before they have intervals.
#[derive(Debug, Clone, Copy, Default)]
struct Values {
    seen: u64,
    keys: f64,
    bytes: f64,
    share: f64,
    spreads: Spreads,
}

/// Figures of the groups of a sample.
#[derive(Debug)]
pub(super) struct Estimator<'a> {
    samples: &'a [NodeSample],
    all_keys: f64,
    all_bytes: f64,
    /// How much sizes vary in typical groups.
    typical: Spreads,
}

impl<'a> Estimator<'a> {
    /// `names` are the groups of the sample.
    pub(super) fn new<'n>(
        samples: &'a [NodeSample],
        names: impl Iterator<Item = &'n GroupName>,
    ) -> Self {
        let mut estimator = Self {
            samples,
            all_keys: samples
                .iter()
                .map(|sample| sample.scale() * sample.tally.sketch.all.keys as f64)
                .sum(),
            all_bytes: samples
                .iter()
                .map(|sample| sample.scale() * sample.tally.sketch.all.bytes as f64)
                .sum(),
            typical: Spreads::default(),
        };
        estimator.typical = estimator.typical_spreads(names);
        estimator
    }

    /// The figures of all keys.
    pub(super) fn totals(&self) -> Figures {
        let part = |sample: &'a NodeSample| Part {
            sample,
            group: &sample.tally.sketch.all,
        };
        let parts: Vec<Part<'_>> = self.samples.iter().map(part).collect();
        self.figures_of(&parts)
    }

    /// The figures of a group.
    pub(super) fn group(&self, name: &GroupName) -> Figures {
        self.figures_of(&self.parts(name))
    }

    /// The figures of tallies, one of each node.
    pub(super) fn tallies(&self, tallies: &[Tally]) -> Figures {
        let parts = self.samples.iter().zip(tallies);
        let parts = parts.map(|(sample, group)| Part { sample, group });
        self.figures_of(&parts.collect::<Vec<_>>())
    }

    fn parts<'s>(&'s self, name: &GroupName) -> Vec<Part<'s>> {
        let parts = self.samples.iter().map(|sample| Part {
            sample,
            group: sample.tally.sketch.group(name).unwrap_or(&NO_KEYS),
        });
        parts.collect()
    }

    /// The spreads of groups with many keys, on average over these keys.
    fn typical_spreads<'n>(&self, names: impl Iterator<Item = &'n GroupName>) -> Spreads {
        let (mut sum, mut keys) = (Spreads::default(), 0.0);
        for name in names {
            let values = self.values(&self.parts(name));
            if values.seen >= TYPICAL_KEYS {
                let weight = values.seen as f64;
                sum.bytes += weight * values.spreads.bytes;
                sum.share += weight * values.spreads.share;
                keys += weight;
            }
        }
        if keys == 0.0 {
            return Spreads {
                keys: 1.0,
                bytes: 2.0,
                share: 2.0,
            };
        }
        Spreads {
            keys: 1.0,
            bytes: sum.bytes / keys,
            share: sum.share / keys,
        }
    }

    fn values(&self, parts: &[Part<'_>]) -> Values {
        let sum = |figure: &dyn Fn(&Part<'_>) -> f64| parts.iter().map(figure).sum::<f64>();
        let seen = parts.iter().map(|part| part.group.keys).sum();
        let keys = sum(&|part| part.sample.scale() * part.group.keys as f64);
        let bytes = sum(&|part| part.sample.scale() * part.group.bytes as f64);
        let share = ratio(bytes, self.all_bytes);

        let relative = |variance: f64, value: f64| seen as f64 * ratio(variance, value * value);
        let keys_variance = sum(&|part| part.keys_variance().max(part.random_variance()));
        let share_variance = ratio(
            sum(&|part| part.share_variance(share)),
            self.all_bytes.powi(2),
        );
        let others = (1.0 - share).max(1e-9);
        Values {
            seen,
            keys,
            bytes,
            share,
            spreads: Spreads {
                keys: relative(keys_variance, keys),
                bytes: relative(sum(&|part| part.bytes_variance()), bytes),
                share: relative(share_variance, share) / (others * others),
            },
        }
    }

    fn figures_of(&self, parts: &[Part<'_>]) -> Figures {
        let values = self.values(parts);
        let seen_bytes = parts.iter().map(|part| part.group.bytes).sum();
        if parts.iter().all(|part| part.sample.is_whole) {
            return Figures {
                keys: Estimate::exact(values.keys.round() as u64),
                bytes: Estimate::exact(seen_bytes),
                share: Estimate::exact((values.share * SHARE_UNIT).round() as u64),
            };
        }

        let Values { seen, spreads, .. } = values;
        let with_prior = |own: f64, typical: f64| {
            let keys = seen as f64;
            own.max((keys * own + PRIOR_KEYS * typical) / (keys + PRIOR_KEYS))
        };
        // A part of all keys is known better than keys that are found at random.
        let rest = 1.0 - ratio(values.keys, self.all_keys);
        let bytes = if rest > 0.0 {
            with_prior(spreads.bytes, self.typical.bytes).max(spreads.keys)
        } else {
            spreads.bytes
        };
        let others = 1.0 - values.share;
        let share = with_prior(spreads.share, self.typical.share).max(1.0) * others * others;

        let keys = Estimate::of_sample(values.keys, seen, spreads.keys);
        Figures {
            keys: keys.within(seen, self.all_keys.round() as u64),
            bytes: Estimate::of_sample(values.bytes, seen, bytes).within(seen_bytes, u64::MAX),
            share: Estimate::of_sample(values.share * SHARE_UNIT, seen, share)
                .within(0, SHARE_UNIT as u64),
        }
    }
}

impl NodeSample {
    /// How many keys of the node each key of its sample stands for.
    pub(super) fn scale(&self) -> f64 {
        if self.is_whole {
            return 1.0;
        }
        let all = &self.tally.sketch.all;
        let seen = all.keys.saturating_add(self.tally.keys_of_others);
        ratio(self.memory.keys as f64, seen as f64)
    }

    /// The factor by which a sum of squares over the runs becomes a variance.
    fn variance_scale(&self) -> f64 {
        let runs = self.tally.runs as f64;
        self.scale().powi(2) * ratio(runs, (runs - 1.0).max(1.0))
    }

    fn all(&self) -> (&Tally, &RunSums) {
        let all = &self.tally.sketch.all;
        (all, &all.runs)
    }
}

impl Part<'_> {
    fn keys_variance(&self) -> f64 {
        let (all, runs) = self.sample.all();
        let own = &self.group.runs;
        let share = ratio(self.group.keys as f64, all.keys as f64);
        let squares = own.keys_keys - 2.0 * share * own.keys_run + share * share * runs.keys_keys;
        self.sample.variance_scale() * squares.max(0.0)
    }

    /// The variance of the keys if they were found at random.
    fn random_variance(&self) -> f64 {
        let (all, _) = self.sample.all();
        let keys = self.group.keys as f64;
        self.sample.scale().powi(2) * keys * (1.0 - ratio(keys, all.keys as f64))
    }

    fn bytes_variance(&self) -> f64 {
        let (all, runs) = self.sample.all();
        let own = &self.group.runs;
        let each = ratio(self.group.bytes as f64, all.keys as f64);
        let squares = own.bytes_bytes - 2.0 * each * own.bytes_run + each * each * runs.keys_keys;
        self.sample.variance_scale() * squares.max(0.0)
    }

    /// The variance of the group's bytes less `share` of all bytes.
    fn share_variance(&self, share: f64) -> f64 {
        let (all, runs) = self.sample.all();
        let own = &self.group.runs;
        let each = ratio(self.group.bytes as f64, all.keys as f64);
        let each_of_all = ratio(all.bytes as f64, all.keys as f64);

        let group = own.bytes_bytes - 2.0 * each * own.bytes_run + each * each * runs.keys_keys;
        let both = own.bytes_run_bytes - each_of_all * own.bytes_run - each * runs.bytes_run
            + each * each_of_all * runs.keys_keys;
        let whole = runs.bytes_bytes - 2.0 * each_of_all * runs.bytes_run
            + each_of_all * each_of_all * runs.keys_keys;
        let squares = group - 2.0 * share * both + share * share * whole;
        self.sample.variance_scale() * squares.max(0.0)
    }
}

/// A quotient; 0 if there is nothing to divide by.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
