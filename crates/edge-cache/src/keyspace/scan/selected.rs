//! Walks that pass the names of keys that meet conditions to a visitor, slice by slice, and the
//! removal of these keys.

use super::filter::{Filter, NameLimits};
use super::nodes;
use super::position::{Position, Progress};
use super::scripts::match_slice;
use crate::error::{Error, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::conditions::Conditions;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::removal;
use crate::redis::{HostRuntime, OnNode, Redis};

/// Names of a slice are not limited: a slice ends after about 3 ms of work.
const ALL_NAMES: NameLimits = NameLimits {
    names: usize::MAX,
    bytes: usize::MAX,
};

/// Visits the keys of one slice of a node. Returns the next cursor, `0` at the end. One round trip,
/// and those of the visit.
///
/// # Errors
/// Those of the connection and of the visit.
pub(crate) async fn visit_slice<R: Redis>(
    node: &OnNode<'_, R>,
    cursor: &[u8],
    filter: &Filter<'_>,
    visit: impl AsyncFn(&OnNode<'_, R>, Vec<KeyName>) -> Result<(), RedisError>,
) -> Result<Vec<u8>, RedisError> {
    let (next, found) = match_slice(node, cursor, filter, ALL_NAMES).await?;
    if !found.names.is_empty() {
        visit(node, found.names).await?;
    }
    Ok(next)
}

/// Visits the keys of all nodes. A key may be visited twice: if Redis resizes its table during the
/// walk, or if a connection is replaced, because its node is then walked again from the beginning.
///
/// # Errors
/// The first failure; on a Cluster it names the node.
pub(crate) async fn visit_each<R: Redis>(
    redis: &R,
    filter: &Filter<'_>,
    visit: impl AsyncFn(&OnNode<'_, R>, Vec<KeyName>) -> Result<(), RedisError>,
) -> Result<(), RedisError> {
    nodes::walk_each(redis, async |node: &OnNode<'_, R>| {
        let mut position = Position::beginning();
        loop {
            let next = visit_slice(node, &position.cursor, filter, &visit).await?;
            if position.advance(node, next) == Progress::HasEnded {
                return Ok(());
            }
        }
    })
    .await
}

/// Removes the keys that a removal by this pattern would take and that meet conditions, by name:
/// loads in flight of them are not stored. A key is removed even if it stops meeting them after its
/// slice was read. About one round trip per 700 keys of the database, and one or more for each
/// slice that has such keys ([`removal::delete_named`]). Returns the number of removed keys.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub async fn delete_meeting<R: Redis + HostRuntime>(
    redis: &R,
    pattern: &Pattern,
    conditions: &Conditions,
) -> Result<u64, Error> {
    let filter = Filter::removable(pattern).meeting(conditions);
    let removed = Guarded::new(0);
    let visited = visit_each(redis, &filter, async |_: &OnNode<'_, R>, names| {
        for slice in names.chunks(crate::keyspace::MAX_KEYS_PER_CALL) {
            let existed = removal::delete_named(redis, slice).await?;
            *removed.lock() += existed.into_iter().filter(|existed| *existed).count() as u64;
        }
        Ok(())
    });

    let visited = visited.await;
    let removed = removed.get();
    visited.map_err(|error| Error::from(error).after(removed))?;
    Ok(removed)
}
