//! The slots of a Cluster: which primary has which of them.

use std::fmt;
use std::ops::RangeInclusive;

use super::keyless::KeylessScripts;
use super::reply::Reply;
use crate::keyspace::slot;

/// The address of a node, as the other nodes announce it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeAddress {
    /// A host name, an IPv4 or an IPv6 address; without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl NodeAddress {
    /// Reads `host:port`. An IPv6 address may stand in brackets. An empty host is the one of `asked`.
    pub fn parse(text: &str, asked: Option<&Self>) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self {
            host: if host.is_empty() {
                asked?.host.clone()
            } else {
                host.to_owned()
            },
            port: port.parse().ok()?,
        })
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// The primaries of a Cluster and their slots, as one node reported them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlotMap {
    ranges: Vec<(RangeInclusive<u16>, NodeAddress)>,
    pub(super) keyless: KeylessScripts,
}

impl SlotMap {
    /// Reads the flattened reply of `CLUSTER SLOTS`: for each range its first and last slot, then its
    /// nodes, the primary first. A node is its host, port and id, then pairs of metadata. A host
    /// without a name is that of `asked`, the node that replied; `?` is one that nobody knows yet.
    pub(super) fn read(replies: &[Reply], asked: Option<&NodeAddress>) -> Self {
        let mut ranges = Vec::new();
        let mut rest = replies;
        while let [Reply::Int(first), Reply::Int(last), nodes @ ..] = rest {
            if let (Ok(first), Ok(last)) = (u16::try_from(*first), u16::try_from(*last))
                && let Some(primary) = read_address(nodes, asked)
            {
                ranges.push((first..=last, primary));
            }
            rest = skip_nodes(nodes);
        }
        Self {
            ranges,
            keyless: KeylessScripts::default(),
        }
    }

    /// The map of a node that has all slots.
    pub(super) fn of_one(address: NodeAddress) -> Self {
        Self {
            ranges: vec![(0..=slot::SLOTS - 1, address)],
            keyless: KeylessScripts::default(),
        }
    }

    /// The primary that has a slot; `None` while no node serves it.
    pub fn owner(&self, slot: u16) -> Option<&NodeAddress> {
        let found = self.ranges.iter().find(|(range, _)| range.contains(&slot));
        found.map(|(_, address)| address)
    }

    /// The primary that has a key.
    pub fn owner_of_key(&self, key: &[u8]) -> Option<&NodeAddress> {
        self.owner(slot::of(key))
    }

    /// The primaries, each once, in the order of their addresses.
    pub fn primaries(&self) -> Vec<NodeAddress> {
        let addresses = self.ranges.iter().map(|(_, address)| address.clone());
        let mut primaries: Vec<_> = addresses.collect();
        primaries.sort();
        primaries.dedup();
        primaries
    }

    /// Number of slots that a node has.
    pub fn slots_of(&self, address: &NodeAddress) -> u32 {
        let ranges = self.ranges.iter().filter(|(_, owner)| owner == address);
        ranges.map(|(range, _)| range.len() as u32).sum()
    }

    /// A number that differs from that of a map in which a slot has another owner.
    pub fn digest(&self) -> u32 {
        let mut text = String::new();
        let mut last = None;
        for slot in 0..slot::SLOTS {
            let owner = self.owner(slot);
            if owner != last {
                let name = owner.map(NodeAddress::to_string).unwrap_or_default();
                text.push_str(&format!("{slot} {name}\n"));
                last = owner;
            }
        }

        let bytes = sha1_smol::Sha1::from(text).digest().bytes();
        bytes
            .iter()
            .take(4)
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
    }

    /// Returns whether a node has slots that another one, or none, had before.
    pub(crate) fn has_gained(&self, address: &NodeAddress, before: &Self) -> bool {
        let gained =
            |slot| self.owner(slot) == Some(address) && before.owner(slot) != Some(address);
        (0..slot::SLOTS).any(gained)
    }

    /// Number of slots that no node serves.
    pub fn uncovered(&self) -> u32 {
        let covered: u32 = self
            .ranges
            .iter()
            .map(|(range, _)| range.len() as u32)
            .sum();
        u32::from(slot::SLOTS).saturating_sub(covered)
    }

    /// Records that a node has a slot, as it said of itself in a redirection.
    pub(super) fn move_slot(&mut self, slot: u16, to: NodeAddress) {
        // The first range that contains a slot counts.
        self.ranges.insert(0, (slot..=slot, to));
    }
}

/// Reads the address at the beginning of a node's description.
fn read_address(node: &[Reply], asked: Option<&NodeAddress>) -> Option<NodeAddress> {
    let [host, Reply::Int(port), ..] = node else {
        return None;
    };
    let host = match host {
        Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok()?,
        Reply::Status(text) => text.clone(),
        _ => String::new(),
    };
    if host == "?" {
        return None;
    }
    Some(NodeAddress {
        host: if host.is_empty() {
            asked?.host.clone()
        } else {
            host
        },
        port: u16::try_from(*port).ok()?,
    })
}

/// Returns what follows the nodes of a range: two integers begin the next one.
fn skip_nodes(nodes: &[Reply]) -> &[Reply] {
    let next = nodes
        .windows(2)
        .position(|pair| matches!(pair, [Reply::Int(_), Reply::Int(_)]));
    next.and_then(|at| nodes.get(at..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Bytes(text.into())
    }

    fn node(host: Reply, port: i64) -> [Reply; 3] {
        [host, Reply::Int(port), text("0a1b")]
    }

    fn address(text: &str) -> NodeAddress {
        NodeAddress::parse(text, None).unwrap()
    }

    #[test]
    fn the_first_node_of_each_range_is_its_primary() {
        let reply = [
            &[Reply::Int(0), Reply::Int(8191)][..],
            &node(text("10.0.0.1"), 7000),
            &node(text("10.0.0.2"), 7001),
            &[text("hostname"), text("two.example")],
            &[Reply::Int(8192), Reply::Int(16_383)],
            &node(text("fe80::1"), 7002),
        ]
        .concat();

        let map = SlotMap::read(&reply, None);

        assert_eq!(map.owner(8191), Some(&address("10.0.0.1:7000")));
        assert_eq!(map.owner(8192), Some(&address("[fe80::1]:7002")));
        assert_eq!(map.primaries().len(), 2);
        assert_eq!(map.slots_of(&address("10.0.0.1:7000")), 8192);
        assert_eq!(map.uncovered(), 0);
    }

    #[test]
    fn a_node_without_a_name_is_the_one_that_was_asked() {
        let reply = [
            &[Reply::Int(0), Reply::Int(1)][..],
            &node(Reply::Nil, 7000),
            &[Reply::Int(2), Reply::Int(3)],
            &node(text(""), 7001),
            &[Reply::Int(4), Reply::Int(5)],
            &node(text("?"), 7002),
        ]
        .concat();

        let map = SlotMap::read(&reply, Some(&address("here:6379")));

        assert_eq!(map.owner(0), Some(&address("here:7000")));
        assert_eq!(map.owner(3), Some(&address("here:7001")));
        assert_eq!(map.owner(5), None);
        assert_eq!(map.uncovered(), 16_380);
    }

    #[test]
    fn a_slot_that_was_redirected_has_its_new_owner() {
        let reply = [&[Reply::Int(0), Reply::Int(9)][..], &node(text("a"), 1)].concat();
        let mut map = SlotMap::read(&reply, None);

        map.move_slot(4, address("b:2"));

        assert_eq!(map.owner(4), Some(&address("b:2")));
        assert_eq!(map.owner(5), Some(&address("a:1")));
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in ["10.0.0.1:6379", "[fe80::1]:6379", "a.example:1"] {
            assert_eq!(address(text).to_string(), text);
        }
        assert_eq!(NodeAddress::parse(":6380", None), None);
        assert_eq!(
            NodeAddress::parse(":6380", Some(&address("h:1"))),
            Some(address("h:6380"))
        );
    }

    proptest::proptest! {
        #[test]
        fn no_reply_makes_reading_fail(
            kinds in proptest::collection::vec((0..4_u8, -3..20_000_i64), 0..24),
        ) {
            let replies: Vec<Reply> = kinds
                .into_iter()
                .map(|(kind, number)| match kind {
                    0 => Reply::Nil,
                    1 => Reply::Bytes(number.to_string().into_bytes()),
                    _ => Reply::Int(number),
                })
                .collect();

            let map = SlotMap::read(&replies, None);

            proptest::prop_assert!(map.primaries().len() <= replies.len());
        }
    }
}
