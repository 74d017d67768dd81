//! A row as it is stored: figures, packed into at most 500 bytes.

use serde::{Deserialize, Serialize};

use super::lookups::Lookups;

/// The most bytes of a row.
pub(super) const MAX_ROW_BYTES: usize = 500;
/// The most bytes that the nodes of a row take, so that modules find room too.
const MAX_NODE_BYTES: usize = 380;
/// The longest name of a node or a module in a row, in bytes.
const MAX_NAME_BYTES: usize = 40;
/// The first byte of a row: later formats have another one.
const VERSION: u8 = 1;

/// The figures of a minute, or of a quarter of an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// The time that the counters cover; 0 if it is unknown, then there are no counters.
    pub(super) seconds: u64,
    /// Nodes that did not answer: sums lack them.
    pub(super) nodes_missing: u16,
    /// All nodes together.
    pub(super) total: Figures,
    /// The services' lookups; `None` if they are unknown.
    pub(super) services: Option<Lookups>,
    /// The nodes of a Cluster, as many as find room.
    pub(super) nodes: Vec<(String, Figures)>,
    /// The modules with the most lookups, as many as find room.
    pub(super) modules: Vec<(String, Lookups)>,
}

/// Figures of a server. A figure that it does not report is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// At the end of the time.
    #[serde(with = "optional")]
    pub(super) memory: Option<u64>,
    #[serde(with = "optional")]
    pub(super) keys: Option<u64>,
    #[serde(with = "optional")]
    pub(super) clients: Option<u64>,
    /// The longest `PING`, in microseconds.
    #[serde(with = "optional")]
    pub(super) latency_us: Option<u64>,
    /// During the time.
    pub(super) counted: Counted,
    /// A server process began in the time.
    pub(super) restarted: bool,
    /// Keys with a TTL, at the end of the time; [`Appended`] has them.
    #[serde(skip)]
    pub(super) with_ttl: Option<u64>,
}

/// Figures behind a packed row. Rows of earlier versions lack them, and earlier versions skip them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Appended {
    /// Keys with a TTL: of all nodes together, then of each node of the row.
    with_ttl: Vec<Number>,
}

/// A figure that may be missing.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Number(#[serde(with = "optional")] Option<u64>);

/// A server's counters, or their increases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    #[serde(with = "optional")]
    pub(super) hits: Option<u64>,
    #[serde(with = "optional")]
    pub(super) misses: Option<u64>,
    #[serde(with = "optional")]
    pub(super) evicted: Option<u64>,
    #[serde(with = "optional")]
    pub(super) expired: Option<u64>,
    #[serde(with = "optional")]
    pub(super) commands: Option<u64>,
}

/// A number that may be missing, without a byte that says so.
mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let next = value.map_or(0, |value| value.saturating_add(1));
        next.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        let next = u64::deserialize(deserializer)?;
        Ok(next.checked_sub(1))
    }
}

impl Row {
    /// Packs the row. Nodes and modules that find no room are left out, those with the fewest lookups
    /// first.
    pub(super) fn pack(mut self) -> Vec<u8> {
        self.nodes.retain(|(name, _)| name.len() <= MAX_NAME_BYTES);
        self.modules
            .retain(|(name, _)| name.len() <= MAX_NAME_BYTES);
        self.modules
            .sort_by_key(|(_, lookups)| std::cmp::Reverse(lookups.all()));

        let modules = std::mem::take(&mut self.modules);
        while packed(&self).len() > MAX_NODE_BYTES && self.nodes.pop().is_some() {}

        for module in modules {
            self.modules.push(module);
            if packed(&self).len() > MAX_ROW_BYTES {
                self.modules.pop();
                break;
            }
        }
        packed(&self)
    }

    /// Reads a row; `None` for one of another format.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (&version, row) = bytes.split_first()?;
        let unpacked = (version == VERSION).then(|| postcard::take_from_bytes(row));
        let (mut row, rest): (Self, &[u8]) = unpacked?.ok()?;
        let appended: Appended = postcard::from_bytes(rest).unwrap_or_default();
        appended.put_into(&mut row);
        Some(row)
    }

    /// Adds a later row to this one.
    pub(super) fn extend(&mut self, later: &Self) {
        self.seconds = self.seconds.saturating_add(later.seconds);
        self.nodes_missing = self.nodes_missing.max(later.nodes_missing);
        self.total.extend(&later.total);

        if let Some(lookups) = &later.services {
            self.services.get_or_insert_default().add(lookups);
        }
        for (name, figures) in &later.nodes {
            entry(&mut self.nodes, name).extend(figures);
        }
        for (name, lookups) in &later.modules {
            entry(&mut self.modules, name).add(lookups);
        }
    }
}

/// The value of this name, which is appended if it is missing.
fn entry<'a, T: Default>(list: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let place = list.iter().position(|(known, _)| known == name);
    let place = place.unwrap_or_else(|| {
        list.push((name.to_owned(), T::default()));
        list.len() - 1
    });
    &mut list[place].1
}

fn packed(row: &Row) -> Vec<u8> {
    // Packing fails only for types without a length.
    let packed = postcard::to_extend(row, vec![VERSION]).unwrap_or_default();
    postcard::to_extend(&Appended::of(row), packed).unwrap_or_default()
}

impl Appended {
    fn of(row: &Row) -> Self {
        let nodes = row.nodes.iter().map(|(_, figures)| figures);
        let all = std::iter::once(&row.total).chain(nodes);
        Self {
            with_ttl: all.map(|figures| Number(figures.with_ttl)).collect(),
        }
    }

    fn put_into(self, row: &mut Row) {
        let nodes = row.nodes.iter_mut().map(|(_, figures)| figures);
        let all = std::iter::once(&mut row.total).chain(nodes);
        for (figures, Number(with_ttl)) in all.zip(self.with_ttl) {
            figures.with_ttl = with_ttl;
        }
    }
}

impl Figures {
    /// Adds a later time: its gauges replace these, counters are added.
    pub(super) fn extend(&mut self, later: &Self) {
        self.memory = later.memory.or(self.memory);
        self.keys = later.keys.or(self.keys);
        self.with_ttl = later.with_ttl.or(self.with_ttl);
        self.clients = later.clients.or(self.clients);
        self.latency_us = self.latency_us.max(later.latency_us);
        self.counted.add(&later.counted);
        self.restarted |= later.restarted;
    }
}

impl Counted {
    /// Adds others; a figure that one of them lacks is that of the other.
    pub(super) fn add(&mut self, other: &Self) {
        self.hits = sum(self.hits, other.hits);
        self.misses = sum(self.misses, other.misses);
        self.evicted = sum(self.evicted, other.evicted);
        self.expired = sum(self.expired, other.expired);
        self.commands = sum(self.commands, other.commands);
    }

    /// The increase since `before`. A counter that is lower than before has begun at zero since.
    pub(super) fn since(&self, before: &Self) -> Self {
        let increase = |now: Option<u64>, before: Option<u64>| {
            Some(now?.checked_sub(before?).or(now)).flatten()
        };
        Self {
            hits: increase(self.hits, before.hits),
            misses: increase(self.misses, before.misses),
            evicted: increase(self.evicted, before.evicted),
            expired: increase(self.expired, before.expired),
            commands: increase(self.commands, before.commands),
        }
    }
}

/// Adds figures; one that is missing counts as none.
pub(super) fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(number: u64) -> Figures {
        let counted = Counted {
            hits: Some(number),
            misses: Some(number),
            evicted: Some(number),
            expired: Some(number),
            commands: Some(number),
        };
        Figures {
            memory: Some(number),
            keys: Some(number),
            with_ttl: Some(number),
            clients: Some(number),
            latency_us: Some(number),
            counted,
            restarted: true,
        }
    }

    fn row(nodes: usize, modules: usize) -> Row {
        Row {
            seconds: 60,
            total: figures(1 << 34),
            services: Some(Lookups::of(1 << 34)),
            nodes: (0..nodes)
                .map(|n| (format!("10.0.0.{n}:6379"), figures(1 << 20)))
                .collect(),
            modules: (0..modules)
                .map(|n| (format!("module-{n}"), Lookups::of(n as u64)))
                .collect(),
            nodes_missing: 1,
        }
    }

    #[test]
    fn a_row_is_read_as_it_was_packed() {
        let row = row(2, 0);
        assert_eq!(Row::unpack(&row.clone().pack()), Some(row));
        assert_eq!(Row::unpack(b""), None);
        assert_eq!(Row::unpack(b"\x02abc"), None);
        assert_eq!(Row::unpack(&[VERSION, 255]), None);
    }

    #[test]
    fn a_row_of_an_earlier_version_lacks_keys_with_a_ttl_and_that_version_reads_new_rows() {
        // Seconds, missing nodes, the figures of all nodes, then neither services, nodes nor modules.
        let earlier = [VERSION, 60, 0, 100, 10, 5, 0, 7, 1, 0, 0, 8, 0, 0, 0, 0];
        let mut row = Row::unpack(&earlier).unwrap();
        assert_eq!((row.seconds, row.total.memory), (60, Some(99)));
        assert_eq!((row.total.keys, row.total.with_ttl), (Some(9), None));
        assert_eq!(row.total.counted.commands, Some(7));

        row.total.with_ttl = Some(4);
        let packed = row.clone().pack();
        assert_eq!(Row::unpack(&packed), Some(row));
        assert!(packed.starts_with(&earlier), "what is behind it is skipped");
    }

    #[test]
    fn a_row_has_at_most_500_bytes_and_the_busiest_modules() {
        let packed = row(40, 100).pack();
        assert!(packed.len() <= MAX_ROW_BYTES, "{}", packed.len());

        let row = Row::unpack(&packed).unwrap();
        assert!(row.nodes.len() >= 6, "{}", row.nodes.len());
        assert_eq!(row.modules[0].0, "module-99");
        assert!(row.modules.len() >= 5, "{}", row.modules.len());
    }

    #[test]
    fn counters_that_were_reset_count_from_zero() {
        let increase = figures(7).counted.since(&figures(5).counted);
        assert_eq!(increase.hits, Some(2));
        let reset = figures(3).counted.since(&figures(5).counted);
        assert_eq!(reset.hits, Some(3));
        assert_eq!(figures(3).counted.since(&Counted::default()).hits, None);
    }

    #[test]
    fn rows_add_up() {
        let mut sum = row(1, 1);
        let mut later = row(2, 2);
        later.total = figures(9);
        sum.total = figures(5);
        sum.extend(&later);

        assert_eq!(sum.seconds, 120);
        assert_eq!(sum.total.memory, Some(9), "a gauge is that of the end");
        assert_eq!(sum.total.counted.hits, Some(14));
        assert_eq!(sum.nodes.len(), 2);
        assert_eq!(sum.modules[1].1, Lookups::of(1));
        assert_eq!(sum.services.unwrap().hits, 1 << 35);
    }
}
