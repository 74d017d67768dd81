//! An analysis as responses show it.

use std::collections::BTreeMap;

use edge_cache::{KeyName, units};
use serde::Serialize;

use super::MAX_GROUPS;
use super::estimate::SHARE_UNIT;
use super::growth::UntilFull;
use super::interval::Estimate;
use super::key_sizes::TypeSizes;
use super::large_keys::LargeKey;
use super::mode::AnalysisMode;
use super::result::{Analysis, GroupGrowth, GroupResult, KeptRun};
use crate::input;

/// The figures of an analysis, with the runs that are kept.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalysisReport {
    /// The id under which it is kept.
    pub id: String,
    /// How it was made.
    pub mode: AnalysisMode,
    started_at: String,
    ended_at: String,
    by: String,
    depth: u8,
    /// True if every key was looked at, so that the figures are exact.
    pub is_whole: bool,
    /// Keys that were looked at.
    pub keys_visited: u64,
    /// Keys of the database.
    pub keys_total: u64,
    /// True if sizes are estimated from types and lengths.
    pub bytes_estimated: bool,
    /// The bound of the groups that are counted at once.
    pub sketch: SketchReport,
    /// All keys.
    pub totals: FiguresReport,
    /// The groups, heaviest first.
    pub groups: Vec<GroupReport>,
    /// The modules that are not among them.
    pub other: Option<FiguresReport>,
    /// The largest keys.
    pub largest: LargestReport,
    /// The growth since an earlier analysis.
    pub growth: Option<GrowthReport>,
    /// The sizes of all keys of the database by type; null unless the server counts them.
    pub key_sizes: Option<Vec<TypeSizes>>,
    /// Why they are null.
    pub key_sizes_reason: Option<String>,
    /// The analyses that are kept, oldest first.
    pub runs: Vec<RunReport>,
}

/// The bound of the groups that are counted at once, and the error that it causes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SketchReport {
    groups: usize,
    /// How many keys a group may lack.
    pub max_error_keys: u64,
    max_error_bytes: u64,
}

/// Figures of keys.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FiguresReport {
    /// Their number.
    pub keys: Estimate,
    /// Their memory.
    pub bytes: Estimate,
    /// The share of all bytes.
    pub share: ShareReport,
    average_bytes: u64,
    largest_bytes: u64,
    /// Keys by type.
    pub types: BTreeMap<String, u64>,
    /// Keys by the time they have left.
    pub ttl: TtlReport,
    /// The share of the keys without a TTL.
    pub without_ttl_share: f64,
    /// Seconds since they were used, on average; null where the server does not know it.
    pub idle_seconds: Option<u64>,
    growth: Option<GroupGrowth>,
}

/// A group.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupReport {
    /// Its segments.
    pub prefix: String,
    /// Their number.
    pub depth: u8,
    /// Its figures.
    #[serde(flatten)]
    pub figures: FiguresReport,
    /// True for edge-cache's own keys.
    pub is_internal: bool,
}

/// A share with its 95 % interval, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ShareReport {
    /// The share.
    pub value: f64,
    /// The beginning of the interval.
    pub low: f64,
    /// Its end.
    pub high: f64,
}

/// Keys by the time they have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TtlReport {
    none: u64,
    #[serde(rename = "lessThan1m")]
    less_than_1m: u64,
    #[serde(rename = "lessThan5m")]
    less_than_5m: u64,
    #[serde(rename = "lessThan1h")]
    less_than_1h: u64,
    #[serde(rename = "lessThan1d")]
    less_than_1d: u64,
    longer: u64,
}

/// The largest keys that were looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LargestReport {
    /// By memory.
    pub by_bytes: Vec<LargeKeyReport>,
    /// By their number of elements.
    pub by_elements: Vec<LargeKeyReport>,
}

/// A large key.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LargeKeyReport {
    /// The name; see [`KeyName::display`].
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    path: String,
    #[serde(rename = "type")]
    kind: String,
    /// Its memory.
    pub bytes: u64,
    /// Its elements; null where they were not counted.
    pub elements: Option<u64>,
}

/// The growth since an earlier analysis.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrowthReport {
    since: String,
    /// Growth of the memory in use.
    pub bytes_per_day: i64,
    /// Growth of the number of keys.
    pub keys_per_day: i64,
    /// Days until memory is full; null where that is not known.
    pub days_until_maxmemory: Option<f64>,
    /// Why it is null.
    pub reason: Option<&'static str>,
}

/// An analysis that is kept.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// Its id.
    pub id: String,
    mode: AnalysisMode,
    is_whole: Option<bool>,
    ended_at: String,
    keys: u64,
    bytes: u64,
}

impl AnalysisReport {
    pub(super) fn new(id: String, analysis: Analysis, runs: Vec<KeptRun>) -> Self {
        let growth = analysis.growth.as_ref().map(|growth| {
            let (days, reason) = match analysis.until_full(growth) {
                UntilFull::Days(days) => (Some(units::one_decimal(days)), None),
                UntilFull::Unknown(reason) => (None, Some(reason)),
            };
            GrowthReport {
                since: units::timestamp_of_ms(growth.since_ms),
                bytes_per_day: growth.bytes_per_day,
                keys_per_day: growth.keys_per_day,
                days_until_maxmemory: days,
                reason,
            }
        });

        let large = |keys: Vec<LargeKey>| keys.into_iter().map(LargeKeyReport::from).collect();
        let (key_sizes, key_sizes_reason) = match analysis.key_sizes.into_report() {
            Ok(sizes) => (Some(sizes), None),
            Err(reason) => (None, Some(reason)),
        };

        Self {
            id,
            mode: analysis.mode,
            started_at: units::timestamp_of_ms(analysis.began_ms),
            ended_at: units::timestamp_of_ms(analysis.ended_ms),
            by: analysis.by,
            depth: analysis.depth,
            is_whole: analysis.is_whole,
            keys_visited: analysis.keys_visited,
            keys_total: analysis.keys_total,
            bytes_estimated: analysis.is_estimated,
            sketch: SketchReport {
                groups: MAX_GROUPS,
                max_error_keys: analysis.error_keys,
                max_error_bytes: analysis.error_bytes,
            },
            totals: analysis.totals.into(),
            groups: analysis.groups.into_iter().map(GroupReport::from).collect(),
            other: analysis.other.map(FiguresReport::from),
            largest: LargestReport {
                by_bytes: large(analysis.large.by_bytes),
                by_elements: large(analysis.large.by_elements),
            },
            growth,
            key_sizes,
            key_sizes_reason,
            runs: runs.into_iter().map(RunReport::from).collect(),
        }
    }
}

impl From<GroupResult> for FiguresReport {
    fn from(group: GroupResult) -> Self {
        let keys = group.keys.value.max(1) as f64;
        let [
            none,
            less_than_1m,
            less_than_5m,
            less_than_1h,
            less_than_1d,
            longer,
        ] = group.left;
        let without_ttl = (none as f64 / keys).min(1.0);

        Self {
            share: ShareReport::from(group.share),
            average_bytes: (group.bytes.value as f64 / keys).round() as u64,
            largest_bytes: group.largest,
            types: group.types.into_iter().collect(),
            ttl: TtlReport {
                none,
                less_than_1m,
                less_than_5m,
                less_than_1h,
                less_than_1d,
                longer,
            },
            without_ttl_share: (without_ttl * 1e4).round() / 1e4,
            idle_seconds: group.idle_seconds,
            growth: group.growth,
            keys: group.keys,
            bytes: group.bytes,
        }
    }
}

impl From<GroupResult> for GroupReport {
    fn from(group: GroupResult) -> Self {
        let name = group.name();
        Self {
            is_internal: name.is_internal(),
            depth: name.depth,
            prefix: KeyName::new(name.prefix).display(),
            figures: group.into(),
        }
    }
}

impl From<Estimate> for ShareReport {
    fn from(share: Estimate) -> Self {
        let part = |billionths: u64| billionths as f64 / SHARE_UNIT;
        Self {
            value: part(share.value),
            low: part(share.low),
            high: part(share.high),
        }
    }
}

impl From<LargeKey> for LargeKeyReport {
    fn from(key: LargeKey) -> Self {
        let name = key.key_name();
        Self {
            key: name.display(),
            key_base64: name.base64(),
            path: input::key::address(&name),
            kind: key.kind,
            bytes: key.bytes,
            elements: key.elements,
        }
    }
}

impl From<KeptRun> for RunReport {
    fn from(run: KeptRun) -> Self {
        Self {
            id: run.id,
            mode: run.summary.mode,
            is_whole: run.summary.is_whole,
            ended_at: units::timestamp_of_ms(run.summary.ended_ms),
            keys: run.summary.keys,
            bytes: run.summary.bytes,
        }
    }
}
