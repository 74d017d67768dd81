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

/// Runs a walk on every node, and again on nodes that received slots during it.
///
/// # Errors
/// The first failure, which names the node.
pub(super) async fn walk_each<R: Redis>(
    redis: &R,
    walk: impl AsyncFn(&OnNode<'_, R>) -> Result<(), RedisError>,
) -> Result<(), RedisError> {
    let mut visits = Visits::first(redis).await?;
    loop {
        let nodes = visits.nodes(redis);
        let walking = nodes.iter().map(|node| {
            let walking = walk(node);
            async move {
                walking
                    .await
                    .map_err(|error| at_node(error, node.address()))
            }
        });
        join_all(walking)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;

        if !visits.advance(redis).await? {
            return Ok(());
        }
    }
}

/// The nodes that a walk visits: first all of them, then those that received slots during it.
struct Visits {
    topology: Topology,
    at: Vec<Option<NodeAddress>>,
    count: usize,
}

impl Visits {
    async fn first<R: Redis>(redis: &R) -> Result<Self, RedisError> {
        let topology = redis.newest_topology().await?;
        Ok(Self {
            at: topology.primaries(),
            topology,
            count: 1,
        })
    }

    fn nodes<'a, R: Redis>(&self, redis: &'a R) -> Vec<OnNode<'a, R>> {
        let mut nodes = self.topology.nodes(redis);
        nodes.retain(|node| self.at.iter().any(|at| at.as_ref() == node.address()));
        nodes
    }

    /// Finds the nodes to visit next; false if there are none. One round trip on a Cluster.
    async fn advance<R: Redis>(&mut self, redis: &R) -> Result<bool, RedisError> {
        let Topology::Cluster(before) = &self.topology else {
            return Ok(false);
        };
        let newest = redis.newest_topology().await?;
        self.at = match &newest {
            Topology::Cluster(after) => with_new_slots(before, after),
            Topology::Single => Vec::new(),
        };
        self.topology = newest;
        self.count += 1;
        Ok(self.count <= MAX_VISITS && !self.at.is_empty())
    }
}

/// Removes the keys that match on every node; how many.
///
/// # Errors
/// The first failure, which names the node; [`Error::Partial`] says how many keys all nodes removed.
pub(super) async fn delete_on_each<R: Redis>(redis: &R, pattern: &Pattern) -> Result<u64, Error> {
    let mut visits = Visits::first(redis).await?;
    let mut removed = 0;
    loop {
        let nodes = visits.nodes(redis);
        let walking = nodes.iter().map(|node| delete_on_node(node, pattern));
        let (sum, failure) = sum_up(join_all(walking).await);
        removed += sum;
        if let Some(failure) = failure {
            return Err(failure.after(removed));
        }
        let advanced = visits.advance(redis).await;
        if !advanced.map_err(|error| Error::from(error).after(removed))? {
            return Ok(removed);
        }
    }
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
