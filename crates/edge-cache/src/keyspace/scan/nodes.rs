//! Walks over all nodes that hold keys, side by side.
//!
//! Slots may move from one node to another during a walk, and keys with them. A removal visits the nodes
//! again that have got slots since it began, so that it misses none.

use futures_util::future::join_all;

use super::deletion::delete_from;
use super::position::Position;
use crate::error::{Error, RedisError};
use crate::keyspace::pattern::Pattern;
use crate::redis::{NodeAddress, OnNode, Redis, SlotMap, Topology};

/// How often nodes are visited again that have got slots meanwhile.
const MAX_VISITS: usize = 3;

/// Runs a walk on every node; the results, in the order of the nodes' addresses.
///
/// # Errors
/// The first failure; on a Cluster it names the node.
pub async fn on_each<'a, R: Redis, T, F>(
    nodes: &'a [OnNode<'a, R>],
    walk: impl Fn(&'a OnNode<'a, R>) -> F,
) -> Result<Vec<T>, RedisError>
where
    F: Future<Output = Result<T, RedisError>>,
{
    let walking = nodes.iter().map(|node| {
        let walking = walk(node);
        async move {
            walking
                .await
                .map_err(|error| at_node(error, node.address()))
        }
    });
    join_all(walking).await.into_iter().collect()
}

/// Removes the keys that match on every node; how many.
///
/// # Errors
/// The first failure, which names the node; [`Error::Partial`] says how many keys all nodes removed.
pub(super) async fn delete_on_each<R: Redis>(redis: &R, pattern: &Pattern) -> Result<u64, Error> {
    let mut topology = redis.newest_topology().await?;
    let mut visited = topology.primaries();
    let mut removed = 0;
    for _ in 0..MAX_VISITS {
        let mut nodes = topology.nodes(redis);
        nodes.retain(|node| visited.iter().any(|at| at.as_ref() == node.address()));
        let walking = nodes.iter().map(|node| delete_on_node(node, pattern));
        let (sum, failure) = sum_up(join_all(walking).await);
        removed += sum;
        if let Some(failure) = failure {
            return Err(failure.after(removed));
        }

        let Topology::Cluster(before) = topology else {
            return Ok(removed);
        };
        topology = redis.newest_topology().await?;
        visited = match &topology {
            Topology::Cluster(after) => with_new_slots(&before, after),
            Topology::Single => Vec::new(),
        };
        if visited.is_empty() {
            break;
        }
    }
    Ok(removed)
}

async fn delete_on_node<R: Redis>(node: &OnNode<'_, R>, pattern: &Pattern) -> Result<u64, Error> {
    let removed = delete_from(node, pattern, Position::beginning()).await;
    removed.map_err(|error| match error {
        Error::Redis(source) => Error::Redis(at_node(source, node.address())),
        Error::Partial { deleted, source } => Error::Partial {
            deleted,
            source: at_node(source, node.address()),
        },
        other => other,
    })
}

/// Adds up what was removed, also by walks that failed; and the first failure.
fn sum_up(results: Vec<Result<u64, Error>>) -> (u64, Option<Error>) {
    let mut removed = 0;
    let mut failure = None;
    for result in results {
        match result {
            Ok(count) => removed += count,
            Err(Error::Partial { deleted, source }) => {
                removed += deleted;
                failure = failure.or(Some(Error::Redis(source)));
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    (removed, failure)
}

/// The nodes that have slots which others had before.
fn with_new_slots(before: &SlotMap, after: &SlotMap) -> Vec<Option<NodeAddress>> {
    let primaries = after.primaries().into_iter();
    let gained = primaries.filter(|address| after.has_gained(address, before));
    gained.map(Some).collect()
}

/// Names the node of a Cluster that an error came from.
fn at_node(mut error: RedisError, node: Option<&NodeAddress>) -> RedisError {
    if let Some(node) = node
        && !error.message.contains(&node.to_string())
    {
        error.message = format!("node {node}: {}", error.message);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_failure_counts_what_all_nodes_removed() {
        let failed = || RedisError::new(ErrorKind::Timeout, "x");
        let partial = Error::Partial {
            deleted: 3,
            source: failed(),
        };

        let (removed, failure) = sum_up(vec![
            Ok(2),
            Err(partial),
            Err(Error::Redis(failed())),
            Ok(4),
        ]);

        assert_eq!(removed, 9);
        assert!(matches!(failure, Some(Error::Redis(_))), "{failure:?}");
    }
}
