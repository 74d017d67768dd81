//! The counters at the newest row, from which the next row counts.

use std::collections::BTreeMap;

use edge_cache::RedisError;
use edge_cache::keyspace::key::LOOKUPS;
use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::script;
use serde::{Deserialize, Serialize};

use super::current::{CurrentFigures, CurrentNode};
use super::lookups::Lookups;
use super::row::{Counted, Figures, Row, sum};

/// Reads the counters of lookups.
static READ_LOOKUPS: Script = script!(repeatable "history/read_lookups", []);

/// The first byte of stored counters: later formats have another one.
const VERSION: u8 = 1;
/// Counters that are older belong to no row: when they rose is unknown.
const MAX_AGE_MS: u64 = 30 * 60_000;

/// All counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counters {
    at_ms: u64,
    nodes: BTreeMap<String, NodeCounters>,
    /// `None` if they could not be read.
    lookups: Option<LookupCounters>,
}

/// A node's counters, and the process that they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct NodeCounters {
    /// When it answered.
    at_ms: u64,
    run_id: String,
    counted: Counted,
}

/// Lookups by module, and the administration's own reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LookupCounters {
    modules: BTreeMap<String, Lookups>,
    own_hits: u64,
    own_misses: u64,
}

impl LookupCounters {
    /// Reads the counters. One round trip.
    pub(super) async fn read<R: Redis>(redis: &R) -> Result<Self, RedisError> {
        let mut packed = READ_LOOKUPS
            .run(redis, [LOOKUPS.into()], [])
            .await?
            .packed()?;
        let mut counters = Self::default();
        while packed.remaining() > 0 {
            let field = packed.text()?;
            // A field that another client wrote may hold anything.
            let count = packed.text()?.parse().unwrap_or(0);
            counters.insert(&field, count);
        }
        Ok(counters)
    }

    fn insert(&mut self, field: &str, count: u64) {
        let Some((module, kind)) = field.rsplit_once(':') else {
            return;
        };
        match kind {
            "own_hits" => self.own_hits = count,
            "own_misses" => self.own_misses = count,
            _ => {
                let mut lookups = self.modules.get(module).copied().unwrap_or_default();
                if let Some(counter) = lookups.counter(kind) {
                    *counter = count;
                    self.modules.insert(module.to_owned(), lookups);
                }
            }
        }
    }

    /// The increase of each module that had lookups or loads.
    fn since(&self, before: &Self) -> Vec<(String, Lookups)> {
        let increase = |(name, now): (&String, &Lookups)| {
            let before = before.modules.get(name).copied().unwrap_or_default();
            (name.clone(), now.since(&before))
        };
        let increases = self.modules.iter().map(increase);
        increases
            .filter(|(_, lookups)| *lookups != Lookups::default())
            .collect()
    }
}

impl Counters {
    pub(super) fn now(
        at_ms: u64,
        current: &CurrentFigures,
        lookups: Option<LookupCounters>,
    ) -> Self {
        let node = |node: &CurrentNode| {
            let counters = NodeCounters {
                at_ms,
                run_id: node.run_id.clone(),
                counted: node.figures.counted,
            };
            (node.address.clone(), counters)
        };
        Self {
            at_ms,
            nodes: current.nodes.iter().map(node).collect(),
            lookups,
        }
    }

    /// Reads stored counters; `None` for those of another format.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (&version, counters) = bytes.split_first()?;
        let counters = (version == VERSION).then(|| postcard::from_bytes(counters));
        counters?.ok()
    }

    /// The counters to store, with those of nodes that did not answer for a while.
    pub(super) fn pack(mut self, before: Option<Self>) -> Vec<u8> {
        if let Some(before) = before {
            for (address, counters) in before.nodes {
                self.nodes.entry(address).or_insert(counters);
            }
            self.lookups = self.lookups.or(before.lookups);
        }
        let at_ms = self.at_ms;
        self.nodes
            .retain(|_, node| at_ms.saturating_sub(node.at_ms) <= MAX_AGE_MS);
        postcard::to_extend(&self, vec![VERSION]).unwrap_or_default()
    }

    /// The row of the time since `before`.
    pub(super) fn row_since(&self, before: Option<&Self>, current: &CurrentFigures) -> Row {
        let recent = before.filter(|before| self.at_ms.saturating_sub(before.at_ms) <= MAX_AGE_MS);
        let mut row = Row {
            seconds: recent.map_or(0, |recent| {
                self.at_ms.saturating_sub(recent.at_ms).div_ceil(1000)
            }),
            nodes_missing: current.missing,
            ..Row::default()
        };

        for node in &current.nodes {
            let known = before.and_then(|before| before.nodes.get(&node.address));
            let figures = node_since(node, known, recent);
            row.total.add_node(&figures);
            if !node.address.is_empty() {
                row.nodes.push((node.address.clone(), figures));
            }
        }
        if let Some(recent) = recent {
            self.add_lookups(&mut row, recent);
        }
        row
    }

    fn add_lookups(&self, row: &mut Row, recent: &Self) {
        let (Some(now), Some(before)) = (&self.lookups, &recent.lookups) else {
            return;
        };
        row.modules = now.since(before);
        let mut services = Lookups::default();
        for (_, lookups) in &row.modules {
            services.add(lookups);
        }
        row.services = Some(services);

        // Redis counts the administration's own reads, too.
        let counted = &mut row.total.counted;
        let without = |count: Option<u64>, now: u64, before: u64| {
            count.map(|count| count.saturating_sub(now.saturating_sub(before)))
        };
        counted.hits = without(counted.hits, now.own_hits, before.own_hits);
        counted.misses = without(counted.misses, now.own_misses, before.own_misses);
    }
}

/// The figures of a node since `recent`. Counters of a node that did not answer then are unknown.
fn node_since(
    node: &CurrentNode,
    known: Option<&NodeCounters>,
    recent: Option<&Counters>,
) -> Figures {
    let mut figures = node.figures;
    figures.restarted = known.is_some_and(|known| known.run_id != node.run_id);
    figures.counted = match (known, recent) {
        (Some(_), Some(_)) if figures.restarted => node.figures.counted,
        (Some(known), Some(recent)) if known.at_ms == recent.at_ms => {
            node.figures.counted.since(&known.counted)
        }
        _ => Counted::default(),
    };
    figures
}

impl Figures {
    /// Adds a node to the sums.
    fn add_node(&mut self, node: &Self) {
        self.memory = sum(self.memory, node.memory);
        self.keys = sum(self.keys, node.keys);
        self.with_ttl = sum(self.with_ttl, node.with_ttl);
        self.clients = sum(self.clients, node.clients);
        self.latency_us = self.latency_us.max(node.latency_us);
        self.counted.add(&node.counted);
        self.restarted |= node.restarted;
    }
}
