//! `GET /history`: rows and marks of a time.

use std::time::Duration;

use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::{RedisError, script, units};
use futures_util::future::join;
use serde::Serialize;

use super::bucket;
use super::lookups::Lookups;
use super::marks::{self, Mark, Marks};
use super::request::{HistoryRequest, Parts};
use super::row::{Figures, Row};
use super::{MINUTE_MS, MINUTES, QUARTER_MS, QUARTERS, waves};
use crate::admin::rows::read_rows;
use crate::error::Error;

/// Reads stored rows.
static READ: Script = script!(repeatable "history/read", []);

/// Figures of a time, and what people did in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryReport {
    /// The beginning of the time.
    pub from: String,
    /// The end of the time.
    pub to: String,
    /// The length of a step. Steps begin at multiples of it since 1970.
    pub step_seconds: u64,
    /// A row for each step, oldest first. A step without figures is missing.
    pub rows: Vec<HistoryRow>,
    /// Changes, restarts of servers, and waves of keys that went by themselves, oldest first.
    pub marks: Vec<Mark>,
    /// True if there are further changes, which are older.
    pub marks_left_out: bool,
}

/// The figures of a step. A figure that is not known is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryRow {
    /// When the step begins.
    pub at: String,
    /// The time that the counters cover; 0 if they are unknown.
    pub seconds: u64,
    /// Nodes that did not answer.
    pub nodes_missing: u16,
    /// All nodes together.
    #[serde(flatten)]
    pub total: NodeFigures,
    /// The lookups of the services; null if they are unknown.
    pub services: Option<ServiceLookups>,
    /// On request, the nodes of a Cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<NodeRow>>,
    /// On request, the modules with the most lookups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modules: Option<Vec<ModuleRow>>,
}

/// Figures of a node, or of all together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeFigures {
    /// Memory used at the end of the step.
    pub memory_bytes: Option<u64>,
    /// Keys in the cache's logical database at the end.
    pub keys: Option<u64>,
    /// Those of them that have a TTL.
    pub keys_with_ttl: Option<u64>,
    /// Client connections at the end.
    pub connected_clients: Option<u64>,
    /// The longest `PING`.
    pub latency_ms: Option<f64>,
    /// Lookups of keys that found them.
    pub hits: Option<u64>,
    /// Lookups of keys that did not.
    pub misses: Option<u64>,
    /// Keys evicted because memory was full.
    pub evicted_keys: Option<u64>,
    /// Keys removed because they expired.
    pub expired_keys: Option<u64>,
    /// Commands.
    pub commands: Option<u64>,
    /// True if a server process began in the step.
    pub restarted: bool,
}

/// A node of a Cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeRow {
    /// Its address.
    pub node: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: NodeFigures,
}

/// A module.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModuleRow {
    /// The first segment of its keys.
    pub module: String,
    /// Its lookups.
    #[serde(flatten)]
    pub lookups: ServiceLookups,
}

/// Lookups that the library counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceLookups {
    /// Share of the lookups that found an entry, from 0 to 1; null without lookups.
    pub hit_ratio: Option<f64>,
    /// Fresh entries from Redis.
    pub hits: u64,
    /// Near copies.
    pub near_hits: u64,
    /// Stale entries.
    pub stale_hits: u64,
    /// Lookups that loaded.
    pub misses: u64,
    /// Lookups without the cache.
    pub bypasses: u64,
    /// Loads.
    pub loads: u64,
    /// Time that loads took together.
    pub load_ms: u64,
    /// Loads that failed.
    pub load_errors: u64,
}

impl HistoryRequest {
    /// Reads the history. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<A: Redis>(&self, trail: &A) -> Result<HistoryReport, Error> {
        let (rows, marks) = join(
            self.read(trail),
            marks::read(trail, self.from_ms, self.to_ms),
        )
        .await;
        let mut rows = rows?;
        let Marks { mut marks, more } = marks?;
        marks.extend(waves::find(&rows, self.from_ms));

        rows.retain(|(at_ms, _)| *at_ms >= self.first_step_ms());
        let buckets = bucket::sum_up(rows, self.step_ms);

        for (at_ms, row) in &buckets {
            marks.extend(marks::restarts(*at_ms, row));
        }
        marks.sort_by(|one, other| one.at.cmp(&other.at));
        Ok(HistoryReport {
            from: units::timestamp_of_ms(self.from_ms),
            to: units::timestamp_of_ms(self.to_ms),
            step_seconds: self.step_ms / 1000,
            rows: buckets
                .iter()
                .map(|(at_ms, row)| HistoryRow::new(*at_ms, row, self.parts))
                .collect(),
            marks,
            marks_left_out: more,
        })
    }

    /// The first step begins before `from`, and has its rows from there.
    fn first_step_ms(&self) -> u64 {
        self.from_ms - self.from_ms % self.step_ms
    }

    /// Reads the rows of the steps, and those before them that waves are compared with.
    async fn read<A: Redis>(&self, trail: &A) -> Result<Vec<(u64, Row)>, RedisError> {
        let reads_quarters = self.step_ms.is_multiple_of(QUARTER_MS);
        let row_ms = if reads_quarters {
            QUARTER_MS
        } else {
            MINUTE_MS
        };
        let before_ms = waves::MAX_USUAL_ROWS as u64 * row_ms;
        let from_ms = self.first_step_ms().saturating_sub(before_ms);
        let args = [
            from_ms.into(),
            self.to_ms.into(),
            u64::from(reads_quarters).into(),
            QUARTER_MS.into(),
        ];
        let mut replies = READ
            .run(trail, [MINUTES.into(), QUARTERS.into()], args)
            .await?;
        read_rows(&mut replies, Row::unpack)
    }
}

impl HistoryRow {
    fn new(at_ms: u64, row: &Row, parts: Parts) -> Self {
        let nodes = || {
            let nodes = row.nodes.iter();
            let node = |(node, figures): &(String, Figures)| NodeRow {
                node: node.clone(),
                figures: NodeFigures::new(figures),
            };
            nodes.map(node).collect()
        };
        let modules = || {
            let modules = row.modules.iter();
            let module = |(module, lookups): &(String, Lookups)| ModuleRow {
                module: module.clone(),
                lookups: ServiceLookups::new(lookups),
            };
            modules.map(module).collect()
        };

        Self {
            at: units::timestamp_of_ms(at_ms),
            seconds: row.seconds,
            nodes_missing: row.nodes_missing,
            total: NodeFigures::new(&row.total),
            services: row.services.as_ref().map(ServiceLookups::new),
            nodes: (parts == Parts::Nodes).then(nodes),
            modules: (parts == Parts::Modules).then(modules),
        }
    }
}

impl NodeFigures {
    fn new(figures: &Figures) -> Self {
        let latency = figures.latency_us.map(Duration::from_micros);
        Self {
            memory_bytes: figures.memory,
            keys: figures.keys,
            keys_with_ttl: figures.with_ttl,
            connected_clients: figures.clients,
            latency_ms: latency.map(units::latency_ms),
            hits: figures.counted.hits,
            misses: figures.counted.misses,
            evicted_keys: figures.counted.evicted,
            expired_keys: figures.counted.expired,
            commands: figures.counted.commands,
            restarted: figures.restarted,
        }
    }
}

impl ServiceLookups {
    fn new(lookups: &Lookups) -> Self {
        let found = lookups
            .hits
            .saturating_add(lookups.near)
            .saturating_add(lookups.stale);
        let judged = found.saturating_add(lookups.misses);
        let ratio = (judged > 0).then(|| found as f64 / judged as f64);
        Self {
            hit_ratio: ratio.map(|ratio| (ratio * 10_000.0).round() / 10_000.0),
            hits: lookups.hits,
            near_hits: lookups.near,
            stale_hits: lookups.stale,
            misses: lookups.misses,
            bypasses: lookups.bypasses,
            loads: lookups.loads,
            load_ms: lookups.load_us / 1000,
            load_errors: lookups.load_errors,
        }
    }
}
