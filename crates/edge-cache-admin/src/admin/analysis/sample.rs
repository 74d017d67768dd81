//! A sample: runs of keys from places that are spread over all nodes and over the table of each.

use std::time::{Duration, Instant};

use edge_cache::keyspace::{MAX_KEYS_PER_CALL, scan};
use edge_cache::redis::{HostRuntime, OnNode, Redis, SlotMap, Topology};
use edge_cache::{ErrorKind, RedisError};

use super::memory::NodeMemory;
use super::plain::Choice;
use super::slice::{NodeTally, RUN_KEYS};
use super::starts;
use crate::error::Error;

/// The longest time of a sample. It takes below a second on servers that run scripts.
const TIME_LIMIT: Duration = Duration::from_secs(25);
/// Cursors of runs are not understood by a server where more than this share of them finds no keys.
const MAX_EMPTY_SHARE: f64 = 0.5;
/// The runs by which that is judged.
const JUDGED_RUNS: u64 = 16;

/// The keys of a node that were looked at, summed up.
#[derive(Debug, Default)]
pub(crate) struct NodeSample {
    pub(super) memory: NodeMemory,
    pub(super) tally: NodeTally,
    /// True if every key was looked at.
    pub(super) is_whole: bool,
}

impl NodeSample {
    /// A node of which every key was looked at.
    pub(super) fn whole((memory, tally): (NodeMemory, NodeTally)) -> Self {
        Self {
            memory,
            tally,
            is_whole: true,
        }
    }
}

/// A sample that is being taken.
struct Sampling<'a> {
    depth: u8,
    map: Option<&'a SlotMap>,
    ends: Instant,
}

/// Looks at about `sample_keys` keys, of each node in proportion to its keys; at all, if there are not
/// more. One round trip for about 300 keys; on each node five more at most.
pub(super) async fn take<R: Redis + HostRuntime>(
    redis: &R,
    depth: u8,
    sample_keys: u64,
) -> Result<Vec<NodeSample>, Error> {
    let topology = redis.newest_topology().await?;
    let nodes = topology.nodes(redis);
    let memories = scan::on_each(&nodes, NodeMemory::read).await?;
    let all_keys: u64 = memories.iter().map(|memory| memory.keys).sum();
    let share = (sample_keys as f64 / all_keys.max(1) as f64).min(1.0);

    let sampling = Sampling {
        depth,
        map: match &topology {
            Topology::Cluster(map) => Some(map.as_ref()),
            Topology::Single => None,
        },
        ends: Instant::now() + TIME_LIMIT,
    };
    let sampled = scan::on_each(&nodes, |node| {
        let at = nodes.iter().position(|one| one.address() == node.address());
        let memory = at.and_then(|at| memories.get(at)).copied();
        sampling.sample_node(node, memory.unwrap_or_default(), share)
    });
    Ok(sampled.await?)
}

impl Sampling<'_> {
    async fn sample_node<R: Redis + HostRuntime>(
        &self,
        node: &OnNode<'_, R>,
        memory: NodeMemory,
        share: f64,
    ) -> Result<NodeSample, RedisError> {
        let new = || memory.new_tally(self.depth);
        // A run ends with the bucket that has its last key.
        let run_keys = (RUN_KEYS + 1) as f64;
        let runs = (memory.keys as f64 * share / run_keys).ceil() as u64;

        let sampled = if share < 1.0 {
            self.make_runs(node, new(), memory.keys, runs.max(2))
                .await?
        } else {
            self.walk_all(node, new()).await?
        };
        if let Some(tally) = sampled {
            return Ok(NodeSample {
                memory,
                tally,
                is_whole: share >= 1.0,
            });
        }

        let tally = self.walk_plainly(node, new(), share).await?;
        Ok(NodeSample {
            memory,
            tally,
            is_whole: share >= 1.0,
        })
    }

    /// Visits runs of keys; `None` where scripts without keys are refused, or cursors are not
    /// understood.
    async fn make_runs<R: Redis + HostRuntime>(
        &self,
        node: &OnNode<'_, R>,
        mut tally: NodeTally,
        keys: u64,
        runs: u64,
    ) -> Result<Option<NodeTally>, RedisError> {
        let tables = starts::read_tables(node, self.map, keys).await?;
        let cursors = starts::cursors(&tables, runs, node);
        let mut left = cursors.as_slice();
        while !left.is_empty() {
            let Some(made) = tally.tally_runs(node, left).await? else {
                return Ok(None);
            };
            left = left.get(made.max(1)..).unwrap_or_default();
            let empty_share = tally.empty_runs as f64 / tally.runs.max(1) as f64;
            if tally.runs >= JUDGED_RUNS && empty_share > MAX_EMPTY_SHARE {
                return Ok(None);
            }
            self.require_time()?;
        }
        Ok(Some(tally))
    }

    async fn walk_all<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        mut tally: NodeTally,
    ) -> Result<Option<NodeTally>, RedisError> {
        let mut cursor = b"0".to_vec();
        loop {
            let Some(next) = tally.tally_slice(node, &cursor, MAX_KEYS_PER_CALL).await? else {
                return Ok(None);
            };
            if next == b"0" {
                return Ok(Some(tally));
            }
            cursor = next;
            self.require_time()?;
        }
    }

    async fn walk_plainly<R: Redis + HostRuntime>(
        &self,
        node: &OnNode<'_, R>,
        mut tally: NodeTally,
        share: f64,
    ) -> Result<NodeTally, RedisError> {
        let due = (node.random() >> 11) as f64 / 2_f64.powi(53);
        let mut choice = Choice {
            share,
            due: if share < 1.0 { due } else { 0.0 },
        };
        let mut cursor = b"0".to_vec();
        loop {
            cursor = tally.tally_plainly(node, &cursor, &mut choice).await?;
            if cursor == b"0" {
                return Ok(tally);
            }
            self.require_time()?;
        }
    }

    fn require_time(&self) -> Result<(), RedisError> {
        if Instant::now() < self.ends {
            return Ok(());
        }
        let problem = format!(
            "the sample took longer than {} s; look at fewer keys, or begin a full analysis",
            TIME_LIMIT.as_secs()
        );
        Err(RedisError::new(ErrorKind::Timeout, problem))
    }
}
