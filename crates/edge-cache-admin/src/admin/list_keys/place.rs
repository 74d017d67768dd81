//! The node of a Cluster that a page is read from.
//!
//! Nodes are listed one after the other, in the order of their addresses. Where slots have moved since the
//! last page, or a replica took over, keys may be at a node that was listed before. The list then starts
//! again: keys come twice rather than never.

use edge_cache::redis::{OnNode, Topology};
use serde::Serialize;

use super::cursor::{Cursor, NodePlace};

/// The node of a Cluster whose keys a page has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageNode {
    /// Its address, as the Cluster announces it.
    pub address: String,
    /// Its place in the order in which nodes are listed, from 1.
    pub number: usize,
    /// The number of nodes that are listed.
    pub of: usize,
}

/// Where a page starts.
pub(super) struct Place<'a, R> {
    pub(super) node: &'a OnNode<'a, R>,
    cursor: Cursor,
    /// The node that is listed after this one.
    next: Option<NodePlace>,
    of_node: Option<NodePlace>,
    /// Its index among the nodes, and their number.
    order: (usize, usize),
}

impl<'a, R> Place<'a, R> {
    /// Finds the place of a cursor; `None` where no node holds keys.
    pub(super) fn find(
        topology: &Topology,
        nodes: &'a [OnNode<'a, R>],
        cursor: &Cursor,
    ) -> Option<Self> {
        let map = match topology {
            Topology::Single => 0,
            Topology::Cluster(map) => map.digest(),
        };
        let place_of = |node: &OnNode<'_, R>| {
            node.address().map(|address| NodePlace {
                map,
                address: address.to_string(),
            })
        };

        let is_of_cursor = |node: &&OnNode<'_, R>| place_of(node) == cursor.node;
        let found = nodes.iter().position(|node| is_of_cursor(&node));
        let (at, cursor) = match found {
            Some(at) => (at, cursor.clone()),
            None => (0, Cursor::default()),
        };
        let node = nodes.get(at)?;
        Some(Self {
            node,
            cursor,
            next: nodes.get(at + 1).and_then(place_of),
            of_node: place_of(node),
            order: (at, nodes.len()),
        })
    }

    /// The node to report; `None` for a single server.
    pub(super) fn page_node(&self) -> Option<PageNode> {
        let place = self.of_node.as_ref()?;
        let (index, of) = self.order;
        Some(PageNode {
            address: place.address.clone(),
            number: index + 1,
            of,
        })
    }

    pub(super) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The cursor of a further page of this node.
    pub(super) fn at(&self, cursor: Cursor) -> Cursor {
        Cursor {
            node: self.of_node.clone(),
            ..cursor
        }
    }

    /// The cursor of the next node's first page.
    pub(super) fn next_node(&self) -> Option<Cursor> {
        let node = self.next.clone()?;
        Some(Cursor {
            node: Some(node),
            ..Cursor::default()
        })
    }
}
