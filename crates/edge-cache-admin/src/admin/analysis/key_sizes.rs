//! How large the keys of each type are: exactly, and for the whole database, where the server counts it
//! (`INFO keysizes`, Redis 8 and later).
//!
//! ```text
//! db0_distrib_strings_sizes:1=2,16=5,1K=3    2 values of one byte, 5 of 16 to 31, 3 of 1,024 to 2,047
//! db0_distrib_hashes_items:4=7               7 hashes of 4 to 7 fields
//! ```

use std::collections::{BTreeMap, BTreeSet};

use edge_cache::RedisError;
use edge_cache::keyspace::scan;
use edge_cache::redis::{Command, OnNode, Redis, Replies};
use serde::{Deserialize, Serialize};

const HEADING: &str = "# Keysizes";
const NOT_COUNTED: &str = "the server does not count sizes (Redis 8 and later do)";
const MADE_EARLIER: &str = "the analysis was made by an earlier version";
/// The units of labels, each 1,024 times the one before.
const UNITS: &str = "KMGTPE";

/// Keys by type and unit, then by the least size of their class.
type Counts = BTreeMap<(String, SizeUnit), BTreeMap<u64, u64>>;

/// The sizes of all keys of the database, or why they are not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeySizes {
    Known(Counts),
    Unknown(String),
}

/// The unit of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeUnit {
    /// Bytes of the value of a string; of another type, the memory of its keys.
    Bytes,
    /// Elements of a collection.
    Elements,
}

/// The sizes of the keys of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeSizes {
    /// The type, as `TYPE` names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The unit of the sizes.
    pub unit: SizeUnit,
    /// All keys of the type.
    pub keys: u64,
    /// The keys by size, the smallest first.
    pub classes: Vec<SizeClass>,
}

/// Keys of similar sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeClass {
    /// The least size.
    pub from: u64,
    /// The largest size.
    pub to: u64,
    /// The number of keys.
    pub keys: u64,
}

impl Default for KeySizes {
    /// Those of an analysis of a version that did not read them.
    fn default() -> Self {
        Self::Unknown(MADE_EARLIER.to_owned())
    }
}

impl KeySizes {
    /// Reads the sizes from all nodes. One round trip.
    pub(crate) async fn read<R: Redis>(redis: &R) -> Self {
        match read_sections(redis).await {
            Ok(sections) => Self::of_nodes(&sections, redis.database()),
            Err(error) => Self::Unknown(format!("INFO keysizes failed: {error}")),
        }
    }

    /// The sum over the sections of nodes.
    pub(crate) fn of_nodes(sections: &[String], database: Option<u16>) -> Self {
        let are_counted = sections.iter().all(|section| {
            let mut lines = section.lines();
            lines.any(|line| line.trim().eq_ignore_ascii_case(HEADING))
        });
        if !are_counted {
            return Self::Unknown(NOT_COUNTED.to_owned());
        }

        let lines = sections.iter().flat_map(|section| section.lines());
        let lines: Vec<Line<'_>> = lines.filter_map(Line::parse).collect();
        let databases: BTreeSet<u16> = lines.iter().map(|line| line.database).collect();
        let own = match (database, databases.len()) {
            (Some(database), _) => Some(database),
            (None, 0 | 1) => databases.first().copied(),
            (None, _) => return Self::Unknown("the database is not known".to_owned()),
        };

        let mut counts = Counts::new();
        for line in lines.iter().filter(|line| Some(line.database) == own) {
            line.add_to(&mut counts);
        }
        Self::Known(counts)
    }

    /// The sizes as responses have them, or why they are not known.
    pub(super) fn into_report(self) -> Result<Vec<TypeSizes>, String> {
        match self {
            Self::Known(counts) => Ok(counts.into_iter().map(TypeSizes::new).collect()),
            Self::Unknown(reason) => Err(reason),
        }
    }
}

async fn read_sections<R: Redis>(redis: &R) -> Result<Vec<String>, RedisError> {
    let topology = redis.topology().await?;
    let nodes = topology.nodes(redis);
    scan::on_each(&nodes, read_section).await
}

async fn read_section<R: Redis>(node: &OnNode<'_, R>) -> Result<String, RedisError> {
    let read = Command::read("INFO").arg("keysizes");
    Replies::new(node.execute(read).await?).text()
}

/// A line of the section.
struct Line<'a> {
    database: u16,
    kind: &'a str,
    unit: SizeUnit,
    classes: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` for one about something else.
    fn parse(line: &'a str) -> Option<Self> {
        let (name, classes) = line.trim().split_once(':')?;
        let (database, figure) = name.strip_prefix("db")?.split_once("_distrib_")?;
        let (kind, unit) = figure.rsplit_once('_')?;
        Some(Self {
            database: database.parse().ok()?,
            kind,
            unit: match unit {
                "sizes" => SizeUnit::Bytes,
                "items" => SizeUnit::Elements,
                _ => return None,
            },
            classes,
        })
    }

    fn add_to(&self, counts: &mut Counts) {
        let kind = (type_of(self.kind).to_owned(), self.unit);
        let sizes = counts.entry(kind).or_default();
        for class in self.classes.split(',') {
            let parts = class.split_once('=');
            let size = parts.and_then(|(label, _)| size_of(label.trim()));
            let keys = parts.and_then(|(_, keys)| keys.trim().parse().ok());
            if let (Some(size), Some(keys)) = (size, keys) {
                let sum = sizes.entry(size).or_default();
                *sum = sum.saturating_add(keys);
            }
        }
    }
}

/// The name of a type by its plural.
fn type_of(plural: &str) -> &str {
    match plural {
        "hashes" => "hash",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

/// The size that a label means: `512`, `4K`, `1M`.
fn size_of(label: &str) -> Option<u64> {
    let unit = label.chars().next_back()?;
    let Some(power) = UNITS.find(unit) else {
        return label.parse().ok();
    };
    let number: u64 = label.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(1 << (10 * (power + 1)))
}

impl TypeSizes {
    fn new(((kind, unit), sizes): ((String, SizeUnit), BTreeMap<u64, u64>)) -> Self {
        let class = |(from, keys): (u64, u64)| SizeClass {
            from,
            // Classes are powers of two, but for that of empty values.
            to: from.saturating_mul(2).saturating_sub(1),
            keys,
        };
        Self {
            kind,
            unit,
            keys: sizes
                .values()
                .fold(0, |sum: u64, keys| sum.saturating_add(*keys)),
            classes: sizes.into_iter().map(class).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(sections: &[&str], database: Option<u16>) -> Vec<TypeSizes> {
        let sections: Vec<String> = sections.iter().map(|text| (*text).to_owned()).collect();
        KeySizes::of_nodes(&sections, database)
            .into_report()
            .unwrap()
    }

    fn classes(sizes: &TypeSizes) -> Vec<(u64, u64, u64)> {
        let classes = sizes.classes.iter();
        classes
            .map(|class| (class.from, class.to, class.keys))
            .collect()
    }

    #[test]
    fn sizes_of_all_nodes_are_added_up_by_type() {
        let one = "# Keysizes\r\ndb0_distrib_strings_sizes:0=1,1=2,4K=5\r\ndb0_distrib_hashes_items:4=7\r\n";
        let other =
            "# Keysizes\r\ndb0_distrib_strings_sizes:4K=1,1M=3\r\ndb1_distrib_sets_items:1=1\r\n";

        let sizes = known(&[one, other], Some(0));

        let kinds: Vec<(&str, SizeUnit, u64)> = sizes
            .iter()
            .map(|sizes| (sizes.kind.as_str(), sizes.unit, sizes.keys))
            .collect();
        assert_eq!(
            kinds,
            [
                ("hash", SizeUnit::Elements, 7),
                ("string", SizeUnit::Bytes, 12)
            ]
        );
        assert_eq!(classes(&sizes[0]), [(4, 7, 7)]);
        let mega = 1 << 20;
        assert_eq!(
            classes(&sizes[1]),
            [
                (0, 0, 1),
                (1, 1, 2),
                (4096, 8191, 6),
                (mega, 2 * mega - 1, 3)
            ]
        );
    }

    #[test]
    fn the_only_database_is_that_of_the_cache() {
        let section = "# Keysizes\r\ndb7_distrib_lists_items:2=1\r\n";
        assert_eq!(known(&[section], None)[0].kind, "list");
        assert_eq!(known(&[section], Some(0)), []);
        assert_eq!(known(&["# Keysizes\r\n"], None), []);

        let two = format!("{section}db8_distrib_lists_items:2=1\r\n");
        let unknown = KeySizes::of_nodes(&[two], None).into_report();
        assert_eq!(unknown.unwrap_err(), "the database is not known");
    }

    #[test]
    fn a_server_without_the_section_does_not_count_sizes() {
        for sections in [vec![""], vec!["# Keysizes\r\n", ""]] {
            let sections: Vec<String> = sections.into_iter().map(str::to_owned).collect();
            let sizes = KeySizes::of_nodes(&sections, Some(0)).into_report();
            assert_eq!(sizes.unwrap_err(), NOT_COUNTED, "{sections:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_skipped() {
        let section = "# Keysizes\r\ndb0_distrib_strings_sizes:x=1,2=,=3,8=4,99999999E=1\r\ndb0_distrib_streams_pel:1=1\r\ndb_distrib_sets_items:1=1\r\n";
        let sizes = known(&[section], Some(0));
        assert_eq!(sizes.len(), 1);
        assert_eq!(classes(&sizes[0]), [(8, 15, 4)]);
    }
}
