//! An analysis as it is stored.

use std::collections::{BTreeMap, HashSet};
use std::time::SystemTime;

use edge_cache::units;
use serde::{Deserialize, Serialize};

use super::MAX_GROUPS;
use super::estimate::{Estimator, Figures, ratio};
use super::interval::Estimate;
use super::key_sizes::KeySizes;
use super::large_keys::LargeKeys;
use super::mode::AnalysisMode;
use super::sample::NodeSample;
use super::segments::GroupName;
use super::tally::Tally;

/// The most bytes of the groups of a stored analysis. With the largest keys it has at most 100 KB, so that
/// the 30 that are kept have at most 3 MB.
const MAX_GROUPS_BYTES: usize = 80_000;
/// The first byte of a stored analysis: later formats have another one.
const VERSION: u8 = 1;

/// The person and the settings behind an analysis.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) mode: AnalysisMode,
    pub(crate) by: String,
    pub(crate) depth: u8,
    pub(crate) began: SystemTime,
    pub(crate) ended: SystemTime,
}

/// An analysis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Analysis {
    pub(super) mode: AnalysisMode,
    pub(super) by: String,
    pub(super) depth: u8,
    /// In milliseconds since 1970.
    pub(super) began_ms: u64,
    pub(super) ended_ms: u64,
    pub(super) keys_visited: u64,
    pub(super) keys_total: u64,
    pub(super) is_estimated: bool,
    pub(super) error_keys: u64,
    pub(super) error_bytes: u64,
    /// Memory of all primaries; `None` where it is not reported.
    pub(super) used_memory: Option<u64>,
    pub(super) max_memory: Option<u64>,
    pub(super) totals: GroupResult,
    pub(super) groups: Vec<GroupResult>,
    pub(super) other: Option<GroupResult>,
    pub(super) large: LargeKeys,
    pub(super) growth: Option<Growth>,
    /// [`Appended`] has them.
    #[serde(skip)]
    pub(super) key_sizes: KeySizes,
    /// True if every key was looked at. [`Appended`] has it.
    #[serde(skip)]
    pub(super) is_whole: bool,
}

/// Later fields of an analysis, stored after the earlier ones. Versions that do not know them skip them, and
/// analyses of such versions have none.
#[derive(Debug, Serialize, Deserialize)]
struct Appended {
    key_sizes: KeySizes,
    is_whole: bool,
}

/// The figures of a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct GroupResult {
    pub(super) prefix: Vec<u8>,
    pub(super) depth: u8,
    pub(super) keys: Estimate,
    pub(super) bytes: Estimate,
    /// In billionths.
    pub(super) share: Estimate,
    pub(super) largest: u64,
    pub(super) types: Vec<(String, u64)>,
    pub(super) left: [u64; 6],
    pub(super) idle_seconds: Option<u64>,
    pub(super) growth: Option<GroupGrowth>,
}

/// The growth of all keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Growth {
    /// When the earlier analysis was kept, in milliseconds since 1970.
    pub(super) since_ms: u64,
    pub(super) bytes_per_day: i64,
    pub(super) keys_per_day: i64,
}

/// The growth of a group, as it is stored and as it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupGrowth {
    pub(super) bytes_per_day: i64,
    pub(super) keys_per_day: i64,
}

/// An analysis that is kept.
pub(super) struct KeptRun {
    pub(super) id: String,
    pub(super) summary: RunSummary,
}

/// A summary for the list of those that are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunSummary {
    pub(super) mode: AnalysisMode,
    pub(super) ended_ms: u64,
    pub(super) keys: u64,
    pub(super) bytes: u64,
    /// Packed behind the others; summaries of earlier versions lack it.
    #[serde(skip)]
    pub(super) is_whole: Option<bool>,
}

impl Analysis {
    /// Turns what was seen of the nodes into figures.
    pub(crate) fn new(origin: Origin, samples: &[NodeSample], key_sizes: KeySizes) -> Self {
        let names: HashSet<&GroupName> = samples
            .iter()
            .flat_map(|sample| sample.tally.sketch.groups().map(|(name, _)| name))
            .collect();
        let estimator = Estimator::new(samples, names.iter().copied());
        let groups = heaviest(&estimator, &names, samples);
        let memory = samples.iter().map(|sample| sample.memory);
        let memory = memory.reduce(|sum, memory| sum.plus(&memory));
        let memory = memory.unwrap_or_default();

        let mut large = LargeKeys::default();
        for sample in samples {
            large.extend(sample.tally.large.clone());
        }
        let sketches = || samples.iter().map(|sample| &sample.tally.sketch);
        Self {
            mode: origin.mode,
            by: origin.by,
            depth: origin.depth,
            began_ms: units::since_1970_ms(origin.began),
            ended_ms: units::since_1970_ms(origin.ended),
            keys_visited: sketches().map(|sketch| sketch.all.keys).sum(),
            keys_total: memory.keys,
            is_estimated: samples.iter().any(|sample| sample.tally.is_estimated),
            error_keys: scaled(samples, |sample| sample.tally.sketch.error_keys),
            error_bytes: scaled(samples, |sample| sample.tally.sketch.error_bytes),
            used_memory: memory.used,
            max_memory: memory.max,
            totals: totals(&estimator, samples),
            other: other(&estimator, &names, samples, &groups),
            groups,
            large: large.bounded(),
            growth: None,
            key_sizes,
            is_whole: samples.iter().all(|sample| sample.is_whole),
        }
    }

    pub(super) fn pack(&self) -> Vec<u8> {
        let appended = Appended {
            key_sizes: self.key_sizes.clone(),
            is_whole: self.is_whole,
        };
        // Packing fails only for types without a length.
        let packed = postcard::to_extend(self, vec![VERSION]).unwrap_or_default();
        postcard::to_extend(&appended, packed).unwrap_or_default()
    }

    /// Reads a stored analysis; `None` for one of another format.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (&version, analysis) = bytes.split_first()?;
        let unpacked = (version == VERSION).then(|| postcard::take_from_bytes(analysis));
        let (mut analysis, rest): (Self, &[u8]) = unpacked?.ok()?;
        let appended = postcard::from_bytes(rest).unwrap_or_else(|_| Appended {
            key_sizes: KeySizes::default(),
            is_whole: analysis.keys_visited >= analysis.keys_total,
        });
        analysis.key_sizes = appended.key_sizes;
        analysis.is_whole = appended.is_whole;
        Some(analysis)
    }

    pub(super) fn summary(&self) -> RunSummary {
        RunSummary {
            mode: self.mode,
            ended_ms: self.ended_ms,
            keys: self.totals.keys.value,
            bytes: self.totals.bytes.value,
            is_whole: Some(self.is_whole),
        }
    }
}

impl RunSummary {
    pub(super) fn pack(&self) -> Vec<u8> {
        let packed = postcard::to_extend(self, Vec::new()).unwrap_or_default();
        postcard::to_extend(&self.is_whole, packed).unwrap_or_default()
    }

    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (summary, rest): (Self, &[u8]) = postcard::take_from_bytes(bytes).ok()?;
        Some(Self {
            is_whole: postcard::from_bytes(rest).unwrap_or_default(),
            ..summary
        })
    }
}

fn totals(estimator: &Estimator<'_>, samples: &[NodeSample]) -> GroupResult {
    let tallies: Vec<Tally> = samples
        .iter()
        .map(|sample| sample.tally.sketch.all.clone())
        .collect();
    GroupResult::new(estimator.totals(), samples, &tallies)
}

/// The heaviest groups that fit, heaviest first.
fn heaviest(
    estimator: &Estimator<'_>,
    names: &HashSet<&GroupName>,
    samples: &[NodeSample],
) -> Vec<GroupResult> {
    let mut groups: Vec<GroupResult> = names
        .iter()
        .map(|name| {
            let tallies = tallies_of(name, samples);
            let figures = estimator.group(name);
            let group = GroupResult::new(figures, samples, &tallies);
            GroupResult {
                prefix: name.prefix.clone(),
                depth: name.depth,
                ..group
            }
        })
        .collect();
    groups.sort_by(|a, b| {
        let by_weight = b.bytes.value.cmp(&a.bytes.value);
        by_weight
            .then(a.depth.cmp(&b.depth))
            .then_with(|| a.prefix.cmp(&b.prefix))
    });
    groups.truncate(MAX_GROUPS);

    let mut bytes = 0;
    groups.retain(|group| {
        bytes += postcard::to_extend(group, Vec::new()).map_or(0, |packed: Vec<u8>| packed.len());
        bytes <= MAX_GROUPS_BYTES
    });
    groups
}

/// The modules that are not listed; `None` if all are.
fn other(
    estimator: &Estimator<'_>,
    names: &HashSet<&GroupName>,
    samples: &[NodeSample],
    listed: &[GroupResult],
) -> Option<GroupResult> {
    let listed: HashSet<&[u8]> = listed
        .iter()
        .filter(|group| group.depth == 1)
        .map(|group| group.prefix.as_slice())
        .collect();

    let mut tallies: Vec<Tally> = samples
        .iter()
        .map(|sample| sample.tally.sketch.other.clone())
        .collect();

    let unlisted = names
        .iter()
        .filter(|name| name.depth == 1 && !listed.contains(name.prefix.as_slice()));
    for name in unlisted {
        for (sum, tally) in tallies.iter_mut().zip(tallies_of(name, samples)) {
            sum.add(&tally);
        }
    }

    let has_keys = tallies.iter().any(|tally| tally.keys > 0);
    has_keys.then(|| GroupResult::new(estimator.tallies(&tallies), samples, &tallies))
}

/// The tallies of a group, one of each node.
fn tallies_of(name: &GroupName, samples: &[NodeSample]) -> Vec<Tally> {
    let tally = |sample: &NodeSample| sample.tally.sketch.group(name).cloned();
    samples
        .iter()
        .map(|sample| tally(sample).unwrap_or_default())
        .collect()
}

/// A sum over nodes, each as much as it has keys.
fn scaled(samples: &[NodeSample], figure: impl Fn(&NodeSample) -> u64) -> u64 {
    let figures = samples
        .iter()
        .map(|sample| sample.scale() * figure(sample) as f64);
    figures.sum::<f64>().round() as u64
}

impl GroupResult {
    fn new(figures: Figures, samples: &[NodeSample], tallies: &[Tally]) -> Self {
        let sum = |figure: &dyn Fn(&Tally) -> u64| {
            let scaled = samples
                .iter()
                .zip(tallies)
                .map(|(sample, tally)| sample.scale() * figure(tally) as f64);
            scaled.sum::<f64>()
        };

        let mut types: BTreeMap<&str, u64> = BTreeMap::new();
        for kind in tallies.iter().flat_map(|tally| tally.types.keys()) {
            let keys = sum(&|tally| tally.types.get(kind).copied().unwrap_or_default());
            types.insert(kind, keys.round() as u64);
        }
        let idle = ratio(sum(&|tally| tally.idle_seconds), sum(&|tally| tally.keys));
        let knows_idle = samples.iter().all(|sample| sample.tally.knows_idle);
        let class = |at: usize| {
            let keys = sum(&|tally| tally.left.get(at).copied().unwrap_or_default());
            keys.round() as u64
        };
        Self {
            keys: figures.keys,
            bytes: figures.bytes,
            share: figures.share,
            largest: tallies.iter().map(|tally| tally.largest).max().unwrap_or(0),
            types: types
                .into_iter()
                .map(|(kind, keys)| (kind.to_owned(), keys))
                .collect(),
            left: std::array::from_fn(class),
            idle_seconds: knows_idle.then_some(idle.round() as u64),
            ..Self::default()
        }
    }

    pub(super) fn name(&self) -> GroupName {
        GroupName {
            prefix: self.prefix.clone(),
            depth: self.depth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analysis_of_an_earlier_version_lacks_the_sizes_and_that_version_reads_new_ones() {
        let origin = Origin {
            mode: AnalysisMode::Full,
            by: "ada".to_owned(),
            depth: 3,
            began: SystemTime::UNIX_EPOCH,
            ended: SystemTime::UNIX_EPOCH,
        };
        let section = "# Keysizes\ndb0_distrib_strings_sizes:1=2\n".to_owned();
        let analysis = Analysis::new(origin, &[], KeySizes::of_nodes(&[section], None));
        // That version packed an analysis without anything behind it.
        let earlier: Vec<u8> = postcard::to_extend(&analysis, vec![VERSION]).unwrap();

        let unpacked = Analysis::unpack(&earlier).unwrap();
        assert_eq!(
            (unpacked.depth, unpacked.key_sizes),
            (3, KeySizes::default())
        );

        let packed = analysis.pack();
        let unpacked = Analysis::unpack(&packed).unwrap();
        assert_eq!(unpacked.key_sizes, analysis.key_sizes);
        assert!(packed.starts_with(&earlier), "what is behind it is skipped");
        assert!(unpacked.is_whole);

        let summary = analysis.summary();
        let earlier: Vec<u8> = postcard::to_extend(&summary, Vec::new()).unwrap();
        assert_eq!(RunSummary::unpack(&earlier).unwrap().is_whole, None);
        assert_eq!(
            RunSummary::unpack(&summary.pack()).unwrap().is_whole,
            Some(true)
        );
        assert!(summary.pack().starts_with(&earlier));
    }
}
