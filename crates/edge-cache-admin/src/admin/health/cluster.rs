//! Health of a Cluster: each primary is judged by itself, side by side.
//!
//! A Cluster is unhealthy if the node with edge-cache's own keys cannot be used: no change is possible
//! without its fences and audit trail. Any other problem is degraded, because the other nodes serve
//! their slots.

use std::sync::Arc;

use edge_cache::keyspace::key;
use edge_cache::redis::{OnNode, Redis};
use edge_cache::{ErrorKind, RedisError, SlotMap, Topology};
use futures_util::future::join_all;

use super::disk::disk_problem;
use super::finding::{Finding, FindingKind};
use super::probe;
use super::report::{HealthReport, report_reading};
use crate::admin::alert::Thresholds;
use crate::admin::nodes::{self, ClusterReading, NodeReading};
use crate::admin::replication::{Replication, ReplicationRole};

/// Checks all primaries side by side, so that one that does not answer delays none of the others: five
/// commands to each, two round trips.
pub(super) async fn run<R: Redis>(
    redis: &R,
    map: &Arc<SlotMap>,
    thresholds: &Thresholds,
) -> HealthReport {
    let nodes = Topology::Cluster(Arc::clone(map)).nodes(redis);
    let checks = nodes.iter().map(|node| check(node, map));
    let checked = join_all(checks).await.into_iter().flatten();
    let (readings, findings): (Vec<NodeReading>, Vec<Vec<Finding>>) = checked.unzip();

    let cluster = ClusterReading::new(readings, map);
    let findings = judge_slots(&cluster)
        .into_iter()
        .chain(findings.into_iter().flatten())
        .collect();
    report(&cluster, findings, thresholds)
}

/// Reads a primary, and tries to write to it unless its figures show that a write would fail.
async fn check<R: Redis>(
    node: &OnNode<'_, R>,
    map: &SlotMap,
) -> Option<(NodeReading, Vec<Finding>)> {
    let reading = nodes::read_node(node, map).await?;
    let mut findings = judge(&reading);
    if !findings.iter().any(Finding::is_unhealthy)
        && let Some(key) = nodes::key_on(&reading.address, map, key::PROBE)
    {
        findings.extend(probe::run(node, &key).await);
    }

    let address = reading.address.to_string();
    let of_node = |finding: Finding| finding.of_node(&address, reading.has_own_keys);
    let findings = findings.into_iter().map(of_node).collect();
    Some((reading, findings))
}

/// Problems that a primary's figures show.
fn judge(node: &NodeReading) -> Vec<Finding> {
    let figures = match &node.figures {
        Ok(figures) => figures,
        Err(error) => return vec![Finding::of_failure(error)],
    };

    let info = &figures.reading.info;
    let mut findings = Vec::new();
    if Replication::of(info).role == Some(ReplicationRole::Replica) {
        findings.push(Finding::unhealthy(
            FindingKind::Replica,
            ErrorKind::ReadOnly,
            "has become a replica, and its slots have no other primary yet",
        ));
    }
    if let Some(problem) = disk_problem(info) {
        findings.push(Finding::degraded(
            FindingKind::LastSaveFailed,
            ErrorKind::PersistenceFailed,
            problem,
        ));
    }
    if let Some(problem) = node.replica_problem() {
        findings.push(Finding::degraded(
            FindingKind::ReplicaNotLinked,
            ErrorKind::Server,
            problem,
        ));
    }
    findings
}

fn judge_slots(cluster: &ClusterReading) -> Option<Finding> {
    if cluster.uncovered_slots == 0 {
        return None;
    }

    let problem = cluster.uncovered_problem();
    let kind = FindingKind::SlotsNotServed;
    Some(if cluster.own_slot_is_served {
        Finding::degraded(kind, ErrorKind::Cluster, problem)
    } else {
        Finding::unhealthy(kind, ErrorKind::Cluster, problem)
    })
}

fn report(
    cluster: &ClusterReading,
    findings: Vec<Finding>,
    thresholds: &Thresholds,
) -> HealthReport {
    let mut report = match cluster.together() {
        Ok(together) => report_reading(&together, findings, Some(cluster), thresholds),
        Err(error) => {
            let mut errors = cluster.silent().filter_map(NodeReading::named_error);
            let is_reached = errors.any(|error| !error.is_connection());
            HealthReport {
                refusal: Some(error).filter(RedisError::is_unsupported),
                ..HealthReport::new(is_reached, None, findings, Vec::new())
            }
        }
    };

    report.redis.nodes = Some(cluster.reports());
    report.redis.uncovered_slots = Some(cluster.uncovered_slots);
    report
}
