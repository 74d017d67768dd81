//! The nodes that hold the keys: one server, or the primaries of a Cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::slot_map::{NodeAddress, SlotMap};
use crate::keyspace::slot;

/// The kind of Redis that a client expects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExpectedTopology {
    /// Each connection finds it out.
    #[default]
    Auto,
    /// A single server, whatever it says.
    Single,
    /// A Cluster. A server that does not know its slots, such as a proxy before a Cluster, counts as
    /// one node that has all of them.
    Cluster,
}

/// The nodes that hold the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server, or a primary with its replicas.
    Single,
    /// The primaries of a Cluster.
    Cluster(Arc<SlotMap>),
}

impl Topology {
    /// Returns whether keys are spread over the slots of a Cluster, so that a command or a script can
    /// touch only keys of one slot.
    pub fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// The addresses of the primaries; `None` for a single server, which needs none.
    pub fn primaries(&self) -> Vec<Option<NodeAddress>> {
        match self {
            Self::Single => vec![None],
            Self::Cluster(map) => map.primaries().into_iter().map(Some).collect(),
        }
    }

    /// Groups items by what one command or script may touch: all of them on a single server, those of
    /// one slot on a Cluster. Each item keeps its position.
    pub fn group<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        key_of: impl Fn(&T) -> &[u8],
    ) -> Vec<Vec<(usize, T)>> {
        let items = items.into_iter().enumerate();
        if !self.is_cluster() {
            let all: Vec<(usize, T)> = items.collect();
            return if all.is_empty() {
                Vec::new()
            } else {
                vec![all]
            };
        }

        let mut by_slot: BTreeMap<u16, Vec<(usize, T)>> = BTreeMap::new();
        for (position, item) in items {
            let slot = slot::of(key_of(&item));
            by_slot.entry(slot).or_default().push((position, item));
        }
        by_slot.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_slot_stay_together_on_a_cluster() {
        let keys = ["{u1}:cart", "users:2", "{u1}:name"];
        let grouped = |topology: Topology| {
            let groups = topology.group(keys, |key| key.as_bytes());
            let positions =
                |group: Vec<(usize, &str)>| group.into_iter().map(|(at, _)| at).collect();
            let mut positions: Vec<Vec<usize>> = groups.into_iter().map(positions).collect();
            positions.sort();
            positions
        };

        assert_eq!(grouped(Topology::Single), [[0, 1, 2]]);
        assert_eq!(
            grouped(Topology::Cluster(Arc::default())),
            [vec![0, 2], vec![1]]
        );
    }

    #[test]
    fn no_keys_need_no_command() {
        assert!(
            Topology::Single
                .group(Vec::<&str>::new(), |key| key.as_bytes())
                .is_empty()
        );
    }
}
